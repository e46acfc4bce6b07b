package dev.headstart.preprocess;

import dev.headstart.preprocess.Variation.Variant;
import java.util.SplittableRandom;

/**
 * Makes variants of a picture, of random sizes that the sample and the variant decide: the same
 * sample gives the same variant anywhere.
 */
final class Varied {
  /** To be raised when some variant comes out otherwise. */
  static final int CODE = 1;

  private final Variation variation;
  private final int number;
  private final SplittableRandom random;

  /**
   * @param digest of the sample, hexadecimal
   */
  Varied(Variant variant, String digest) {
    variation = variant.variation();
    number = variant.number();
    random =
        new SplittableRandom(
            Long.parseUnsignedLong(digest.substring(0, 16), 16)
                ^ variant.name().hashCode() * 0x9E3779B97F4A7C15L);
  }

  /** What is done to the picture as it came. */
  Pixels before(Pixels picture) {
    if (variation != Variation.CROP) {
      return picture;
    }
    double side = Math.sqrt(between(0.5, 0.9));
    int width = Math.max(1, (int) Math.round(side * picture.width()));
    int height = Math.max(1, (int) Math.round(side * picture.height()));
    int left = random.nextInt(picture.width() - width + 1);
    int top = random.nextInt(picture.height() - height + 1);
    Pixels crop = Pixels.blank(width, height, picture.channels());
    int row = width * picture.channels();
    for (int y = 0; y < height; y++) {
      System.arraycopy(
          picture.data(),
          ((top + y) * picture.width() + left) * picture.channels(),
          crop.data(),
          y * row,
          row);
    }
    return crop;
  }

  /** What is done to the picture at the model's size. */
  Pixels after(Pixels picture) {
    return switch (variation) {
      case CROP -> picture;
      case FLIP -> picture.oriented(2);
      case COLOUR -> colour(picture);
      case NOISE -> noise(picture);
      case ROTATE -> rotate(picture);
    };
  }

  private double between(double low, double high) {
    return low + (high - low) * random.nextDouble();
  }

  /** Of 1 at most that far either way, and at least half as far: less would be no variant. */
  private double about(double most) {
    double by = between(most / 2, most);
    return random.nextBoolean() ? 1 + by : 1 / (1 + by);
  }

  private Pixels colour(Pixels picture) {
    double brightness = about(0.3);
    double contrast = about(0.3);
    double saturation = about(0.4);
    int channels = picture.channels();
    byte[] gray = picture.gray().data();
    double mean = 0;
    for (byte value : gray) {
      mean += (value & 0xFF) / (double) gray.length;
    }
    Pixels out = Pixels.blank(picture.width(), picture.height(), channels);
    for (int i = 0; i < gray.length; i++) {
      double luma = gray[i] & 0xFF;
      for (int c = 0; c < channels; c++) {
        double value = luma + saturation * ((picture.data()[i * channels + c] & 0xFF) - luma);
        out.data()[i * channels + c] = rounded(brightness * (mean + contrast * (value - mean)));
      }
    }
    return out;
  }

  private Pixels noise(Pixels picture) {
    double deviation = between(8, 20);
    Pixels out = Pixels.blank(picture.width(), picture.height(), picture.channels());
    for (int i = 0; i < out.data().length; i++) {
      out.data()[i] = rounded((picture.data()[i] & 0xFF) + deviation * random.nextGaussian());
    }
    return out;
  }

  /** Each new pixel from the four around where it came from. */
  private Pixels rotate(Pixels picture) {
    double angle = Math.toRadians(between(5, 25)) * (number % 2 == 0 ? 1 : -1);
    double sin = Math.sin(angle);
    double cos = Math.cos(angle);
    int width = picture.width();
    int height = picture.height();
    int channels = picture.channels();
    Pixels out = Pixels.blank(width, height, channels);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double dx = x - (width - 1) / 2.0;
        double dy = y - (height - 1) / 2.0;
        double sourceX = cos * dx + sin * dy + (width - 1) / 2.0;
        double sourceY = cos * dy - sin * dx + (height - 1) / 2.0;
        int left = (int) Math.floor(sourceX);
        int top = (int) Math.floor(sourceY);
        double right = sourceX - left;
        double low = sourceY - top;
        for (int c = 0; c < channels; c++) {
          double upper =
              at(picture, left, top, c) * (1 - right) + at(picture, left + 1, top, c) * right;
          double lower =
              at(picture, left, top + 1, c) * (1 - right)
                  + at(picture, left + 1, top + 1, c) * right;
          out.data()[(y * width + x) * channels + c] = rounded(upper * (1 - low) + lower * low);
        }
      }
    }
    return out;
  }

  private static int at(Pixels picture, int x, int y, int channel) {
    int inX = mirrored(x, picture.width());
    int inY = mirrored(y, picture.height());
    return picture.data()[(inY * picture.width() + inX) * picture.channels() + channel] & 0xFF;
  }

  private static int mirrored(int at, int size) {
    int period = Math.floorMod(at, 2 * size);
    return period < size ? period : 2 * size - 1 - period;
  }

  private static byte rounded(double value) {
    return (byte) Math.max(0, Math.min(255, Math.round(value)));
  }
}
