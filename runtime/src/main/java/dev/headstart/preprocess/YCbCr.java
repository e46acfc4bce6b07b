package dev.headstart.preprocess;

/**
 * JFIF's colour space to RGB, with the 16-bit fixed-point tables of libjpeg's {@code jdcolor.c}.
 */
final class YCbCr {

  private static final int HALF = 1 << 15;
  private static final int[] RED_OF_CR = new int[256];
  private static final int[] BLUE_OF_CB = new int[256];
  private static final int[] GREEN_OF_CR = new int[256];
  private static final int[] GREEN_OF_CB = new int[256];

  static {
    for (int i = 0; i < 256; i++) {
      int x = i - 128;
      RED_OF_CR[i] = (fixed(1.40200) * x + HALF) >> 16;
      BLUE_OF_CB[i] = (fixed(1.77200) * x + HALF) >> 16;
      GREEN_OF_CR[i] = -fixed(0.71414) * x;
      GREEN_OF_CB[i] = -fixed(0.34414) * x + HALF;
    }
  }

  private YCbCr() {}

  private static int fixed(double x) {
    return (int) (x * (1 << 16) + 0.5);
  }

  /**
   * Converts in place.
   *
   * @param samples Y, Cb, Cr of a pixel in its first three bytes
   * @param stride bytes a pixel
   */
  static void toRgb(byte[] samples, int stride) {
    for (int p = 0; p < samples.length; p += stride) {
      int y = samples[p] & 0xFF;
      int cb = samples[p + 1] & 0xFF;
      int cr = samples[p + 2] & 0xFF;
      samples[p] = clip(y + RED_OF_CR[cr]);
      samples[p + 1] = clip(y + ((GREEN_OF_CB[cb] + GREEN_OF_CR[cr]) >> 16));
      samples[p + 2] = clip(y + BLUE_OF_CB[cb]);
    }
  }

  private static byte clip(int value) {
    return (byte) (value < 0 ? 0 : Math.min(value, 255));
  }
}
