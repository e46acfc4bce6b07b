package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;

/** The luma of a picture squeezed into a small square, to look at it as a whole. */
public final class Miniature {
  /** Pixels a side. */
  public static final int SIDE = 32;

  private Miniature() {}

  /**
   * Squeezes a picture.
   *
   * @param picture encoded
   * @return luma row by row, [SIDE * SIDE], 0 to 255
   * @throws BadInputException with the reason alone, if it is not a picture that can be decoded
   */
  public static float[] of(byte[] picture) {
    Pixels pixels = ImageDecoder.decode(picture);
    Pixels small =
        Resampler.resize(pixels, Filter.BILINEAR, true, SIDE, SIDE, 0, 0, SIDE, SIDE).gray();
    float[] luma = new float[SIDE * SIDE];
    for (int i = 0; i < luma.length; i++) {
      luma[i] = small.data()[i] & 0xFF;
    }
    return luma;
  }
}
