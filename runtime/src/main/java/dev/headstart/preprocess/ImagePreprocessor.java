package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.preprocess.ImagePreprocessing.Colour;
import dev.headstart.preprocess.ImagePreprocessing.Layout;
import dev.headstart.preprocess.ImagePreprocessing.Resize;
import dev.headstart.preprocess.ImagePreprocessing.Rounding;
import dev.headstart.preprocess.ImagePreprocessing.Type;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;

/** Decodes, resizes, crops and scales pictures, in the order and with the rounding of Pillow. */
final class ImagePreprocessor implements Preprocessor {

  /** To be raised when other tensors come out for some picture, be it by a new decoder. */
  private static final int CODE = 1;

  private final ImagePreprocessing spec;

  /** The tensor's value for each 8-bit value, a row a channel of the model. */
  private final float[][] values;

  ImagePreprocessor(ImagePreprocessing spec) {
    this.spec = spec;
    values = new float[spec.colour().channels()][256];
    for (int c = 0; c < values.length; c++) {
      for (int v = 0; v < 256; v++) {
        values[c][v] = (float) ((v * spec.scale() - spec.mean().get(c)) / spec.std().get(c));
      }
    }
  }

  /** float32 or uint8, [1, C, H, W] or [1, H, W, C]. */
  @Override
  public Map<String, Tensor> apply(Sample sample) {
    return Map.of(spec.input(), tensor(resized(decoded(sample))));
  }

  @Override
  public Map<String, Tensor> apply(Sample sample, Variation.Variant variant) {
    Varied varied = new Varied(variant, sample.sha256());
    Pixels picture = resized(varied.before(decoded(sample)));
    return Map.of(spec.input(), tensor(varied.after(picture)));
  }

  private static Pixels decoded(Sample sample) {
    ImageSample image = Checks.as(ImageSample.class, sample);
    try {
      return ImageDecoder.decode(image.bytes());
    } catch (BadInputException e) {
      throw new BadInputException(sample.name() + ": " + e.getMessage(), e);
    }
  }

  /** The picture at the tensor's width and height, in RGB or gray. */
  Pixels resized(Pixels picture) {
    Pixels source = spec.colour() == Colour.GRAY ? picture.gray() : picture;
    Resize resize = spec.resize();
    int width = spec.width();
    int height = spec.height();
    return switch (resize.mode()) {
      case SHORTER -> {
        long size = resize.size().get(0);
        boolean tall = source.width() <= source.height();
        long shorter = tall ? source.width() : source.height();
        long longer = tall ? source.height() : source.width();
        // Both divisions are exact enough: sides have 16 bits and the size 13.
        long other =
            resize.rounding() == Rounding.TORCHVISION
                ? size * longer / shorter
                : (long) Math.rint((double) (size * longer) / shorter);
        yield crop(source, tall ? size : other, tall ? other : size);
      }
      case STRETCH -> crop(source, resize.size().get(0), resize.size().get(1));
      case LETTERBOX -> centre(letterboxed(source, resize), width, height);
    };
  }

  private Pixels crop(Pixels source, long newWidth, long newHeight) {
    return Resampler.resize(
        source,
        spec.resize().filter(),
        spec.resize().antialias(),
        newWidth,
        newHeight,
        offset(newWidth, spec.width()),
        offset(newHeight, spec.height()),
        spec.width(),
        spec.height());
  }

  private long offset(long size, int crop) {
    return spec.resize().rounding() == Rounding.TORCHVISION
        ? (long) Math.rint((size - crop) / 2.0)
        : (size - crop) / 2;
  }

  private static Pixels letterboxed(Pixels source, Resize resize) {
    int width = resize.size().get(0);
    int height = resize.size().get(1);
    double ratio = Math.min((double) width / source.width(), (double) height / source.height());
    int newWidth = Math.min(width, Math.max(1, (int) Math.rint(source.width() * ratio)));
    int newHeight = Math.min(height, Math.max(1, (int) Math.rint(source.height() * ratio)));
    Pixels fitted =
        Resampler.resize(
            source,
            resize.filter(),
            resize.antialias(),
            newWidth,
            newHeight,
            0,
            0,
            newWidth,
            newHeight);
    Pixels boxed = Pixels.blank(width, height, source.channels());
    Arrays.fill(boxed.data(), resize.padding().byteValue());
    int left = (width - newWidth) / 2;
    int top = (height - newHeight) / 2;
    copy(fitted, 0, 0, boxed, left, top, newWidth, newHeight);
    return boxed;
  }

  private Pixels centre(Pixels source, int width, int height) {
    if (source.width() == width && source.height() == height) {
      return source;
    }
    Pixels out = Pixels.blank(width, height, source.channels());
    int left = (int) offset(source.width(), width);
    int top = (int) offset(source.height(), height);
    copy(source, left, top, out, 0, 0, width, height);
    return out;
  }

  private static void copy(
      Pixels from, int fromX, int fromY, Pixels to, int toX, int toY, int width, int height) {
    int channels = from.channels();
    for (int y = 0; y < height; y++) {
      System.arraycopy(
          from.data(),
          ((fromY + y) * from.width() + fromX) * channels,
          to.data(),
          ((toY + y) * to.width() + toX) * channels,
          width * channels);
    }
  }

  private Tensor tensor(Pixels picture) {
    int channels = spec.colour().channels();
    int plane = picture.width() * picture.height();
    boolean planar = spec.layout() == Layout.NCHW;
    boolean bytes = spec.type() == Type.UINT8;
    ByteBuffer data = Tensor.allocate((bytes ? 1L : 4L) * plane * channels);
    byte[] source = picture.data();
    for (int c = 0; c < channels; c++) {
      int from = spec.colour() == Colour.BGR ? 2 - c : c;
      float[] value = values[c];
      int to = planar ? c * plane : c;
      int step = planar ? 1 : channels;
      for (int i = 0; i < plane; i++, from += channels, to += step) {
        if (bytes) {
          data.put(to, source[from]);
        } else {
          data.putFloat(4 * to, value[source[from] & 0xFF]);
        }
      }
    }
    long[] shape =
        planar
            ? new long[] {1, channels, picture.height(), picture.width()}
            : new long[] {1, picture.height(), picture.width(), channels};
    return new Tensor(bytes ? ElementType.UINT8 : ElementType.FLOAT, shape, data);
  }

  @Override
  public String fingerprint() {
    return "image-" + CODE + " " + spec;
  }

  @Override
  public void close() {
    // Nothing native is held.
  }
}
