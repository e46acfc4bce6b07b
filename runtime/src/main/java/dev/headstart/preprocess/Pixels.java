package dev.headstart.preprocess;

/**
 * A picture in memory.
 *
 * @param width at least 1
 * @param height at least 1
 * @param channels 3 (RGB) or 1 (gray)
 * @param data row by row, the channels of a pixel together, 0 to 255 unsigned; shared, not copied
 */
record Pixels(int width, int height, int channels, byte[] data) {

  static Pixels blank(int width, int height, int channels) {
    return new Pixels(width, height, channels, new byte[width * height * channels]);
  }

  /** Luma by ITU-R 601-2, rounded as Pillow's {@code Convert.c} does (16 bits of fraction). */
  Pixels gray() {
    if (channels == 1) {
      return this;
    }
    Pixels gray = blank(width, height, 1);
    for (int i = 0, p = 0; i < gray.data.length; i++, p += 3) {
      int sum =
          (data[p] & 0xFF) * 19595 + (data[p + 1] & 0xFF) * 38470 + (data[p + 2] & 0xFF) * 7471;
      gray.data[i] = (byte) ((sum + 0x8000) >> 16);
    }
    return gray;
  }

  /**
   * The picture turned and mirrored as EXIF asks (tag 0x0112: 1 as it is, 2 mirrored, 3 turned half
   * round, 4 upside down, 5 transposed, 6 a quarter right, 7 transposed the other way, 8 a quarter
   * left). Other numbers change nothing.
   */
  Pixels oriented(int orientation) {
    if (orientation < 2 || orientation > 8) {
      return this;
    }
    boolean swapped = orientation >= 5;
    Pixels turned = blank(swapped ? height : width, swapped ? width : height, channels);
    for (int y = 0, from = 0; y < height; y++) {
      for (int x = 0; x < width; x++, from += channels) {
        int mirroredX = width - 1 - x;
        int mirroredY = height - 1 - y;
        int toX =
            switch (orientation) {
              case 2, 3 -> mirroredX;
              case 4 -> x;
              case 5, 8 -> y;
              default -> mirroredY;
            };
        int toY =
            switch (orientation) {
              case 2 -> y;
              case 3, 4 -> mirroredY;
              case 5, 6 -> x;
              default -> mirroredX;
            };
        int to = (toY * turned.width + toX) * channels;
        for (int c = 0; c < channels; c++) {
          turned.data[to + c] = data[from + c];
        }
      }
    }
    return turned;
  }
}
