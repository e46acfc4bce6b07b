package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** A small JPEG of a picture, for people. */
public final class Thumbnail {
  /** Pixels of its longer side at most. */
  public static final int SIDE = 192;

  private Thumbnail() {}

  /**
   * Makes a thumbnail, upright; smaller pictures keep their size.
   *
   * @param picture encoded
   * @return a JPEG
   * @throws BadInputException with the reason alone, if it is not a picture that can be decoded
   */
  public static byte[] of(byte[] picture) {
    Pixels pixels = ImageDecoder.decode(picture);
    double ratio = Math.min(1, SIDE / (double) Math.max(pixels.width(), pixels.height()));
    int width = (int) Math.max(1, Math.round(pixels.width() * ratio));
    int height = (int) Math.max(1, Math.round(pixels.height() * ratio));
    Pixels small =
        Resampler.resize(pixels, Filter.BILINEAR, true, width, height, 0, 0, width, height);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    byte[] data = small.data();
    for (int i = 0, p = 0; p < data.length; i++, p += 3) {
      int rgb = (data[p] & 0xFF) << 16 | (data[p + 1] & 0xFF) << 8 | data[p + 2] & 0xFF;
      image.setRGB(i % width, i / width, rgb);
    }
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    try {
      if (!ImageIO.write(image, "jpeg", jpeg)) {
        throw new IllegalStateException("every Java platform must write JPEG");
      }
    } catch (IOException e) {
      throw new IllegalStateException("memory can be written", e);
    }
    return jpeg.toByteArray();
  }
}
