package dev.headstart.preprocess;

import java.util.Arrays;

/**
 * Pillow's resampling of 8-bit pictures, bit for bit ({@code Resample.c}; nearest: {@code
 * Geometry.c}).
 *
 * <p>Two passes, across and then down, each rounding to 8 bits. (Pillow 13 goes down first for
 * pictures that get much lower than narrower; earlier ones, which models were trained with, never.)
 * A new pixel is the weighted sum of the old ones within the filter's support; when the picture
 * gets smaller, support and kernel are widened by the ratio, which is the antialiasing. Weights are
 * normalised to 1 in double precision and then fixed to 22 bits of fraction; sums are rounded by
 * adding one half and clipped to 0..255.
 *
 * <p>Only the window that was asked for is computed: the columns of the window in the first pass,
 * on no more rows than its second pass reads. So the cost is bounded by the old picture and the
 * window, however long and thin the picture is.
 */
final class Resampler {

  /** 32 bits, less 8 for the value and 2 for the overshoot of kernels with negative lobes. */
  private static final int PRECISION = 32 - 8 - 2;

  private static final int HALF = 1 << (PRECISION - 1);

  private Resampler() {}

  /**
   * A window of the resized picture.
   *
   * @param newWidth the size the whole picture would get; may be far beyond what memory holds
   * @param left the window's place in it; the window lies within
   */
  static Pixels resize(
      Pixels picture,
      Filter filter,
      boolean antialias,
      long newWidth,
      long newHeight,
      long left,
      long top,
      int width,
      int height) {
    if (filter == Filter.NEAREST) {
      return nearest(picture, newWidth, newHeight, left, top, width, height);
    }
    Weights across = Weights.of(filter, antialias, picture.width(), newWidth, left, width);
    Weights down = Weights.of(filter, antialias, picture.height(), newHeight, top, height);
    int firstRow = down.first[0];
    int lastRow = firstRow;
    for (int y = 0; y < height; y++) {
      lastRow = Math.max(lastRow, down.first[y] + down.count[y]);
    }
    Pixels narrow = across(picture, across, firstRow, lastRow - firstRow);
    return down(narrow, down, firstRow);
  }

  private static Pixels across(Pixels in, Weights weights, int firstRow, int rows) {
    int channels = in.channels();
    Pixels out = Pixels.blank(weights.first.length, rows, channels);
    byte[] from = in.data();
    byte[] to = out.data();
    int target = 0;
    for (int y = 0; y < rows; y++) {
      int row = (firstRow + y) * in.width() * channels;
      for (int x = 0; x < weights.first.length; x++) {
        int p = row + weights.first[x] * channels;
        int k = x * weights.stride;
        int end = k + weights.count[x];
        if (channels == 3) {
          int red = HALF;
          int green = HALF;
          int blue = HALF;
          for (; k < end; k++, p += 3) {
            int w = weights.fixed[k];
            red += (from[p] & 0xFF) * w;
            green += (from[p + 1] & 0xFF) * w;
            blue += (from[p + 2] & 0xFF) * w;
          }
          to[target] = clip(red);
          to[target + 1] = clip(green);
          to[target + 2] = clip(blue);
          target += 3;
        } else {
          int sum = HALF;
          for (; k < end; k++, p++) {
            sum += (from[p] & 0xFF) * weights.fixed[k];
          }
          to[target++] = clip(sum);
        }
      }
    }
    return out;
  }

  private static Pixels down(Pixels in, Weights weights, int firstRow) {
    Pixels out = Pixels.blank(in.width(), weights.first.length, in.channels());
    int stride = in.width() * in.channels();
    byte[] from = in.data();
    byte[] to = out.data();
    int[] sums = new int[stride];
    for (int y = 0; y < weights.first.length; y++) {
      Arrays.fill(sums, HALF);
      for (int k = 0; k < weights.count[y]; k++) {
        int w = weights.fixed[y * weights.stride + k];
        int row = (weights.first[y] - firstRow + k) * stride;
        for (int i = 0; i < stride; i++) {
          sums[i] += (from[row + i] & 0xFF) * w;
        }
      }
      int target = y * stride;
      for (int i = 0; i < stride; i++) {
        to[target + i] = clip(sums[i]);
      }
    }
    return out;
  }

  private static byte clip(int sum) {
    int value = sum >> PRECISION;
    return (byte) (value < 0 ? 0 : Math.min(value, 255));
  }

  private static Pixels nearest(
      Pixels in, long newWidth, long newHeight, long left, long top, int width, int height) {
    int channels = in.channels();
    Pixels out = Pixels.blank(width, height, channels);
    int[] columns = picks(in.width(), newWidth, left, width);
    int[] rows = picks(in.height(), newHeight, top, height);
    int target = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++, target += channels) {
        int source = (rows[y] * in.width() + columns[x]) * channels;
        System.arraycopy(in.data(), source, out.data(), target, channels);
      }
    }
    return out;
  }

  private static int[] picks(int size, long newSize, long start, int count) {
    double scale = (double) size / newSize;
    int[] picks = new int[count];
    double position = scale * 0.5;
    // Added up as Pillow does it: the rounding decides where a new centre falls on an old border.
    for (long i = 0; i < start; i++) {
      position += scale;
    }
    for (int i = 0; i < count; i++) {
      picks[i] = Math.min(size - 1, (int) position);
      position += scale;
    }
    return picks;
  }

  /**
   * The weights of new pixels along one axis.
   *
   * @param first the first old pixel of each
   * @param count how many old pixels each has
   * @param fixed the weights of new pixel i from i × stride on
   */
  private record Weights(int[] first, int[] count, int[] fixed, int stride) {

    static Weights of(
        Filter filter, boolean antialias, int size, long newSize, long start, int window) {
      double scale = (double) size / newSize;
      double widening = antialias ? Math.max(1, scale) : 1;
      double support = filter.support() * widening;
      double narrowing = 1 / widening;
      int stride = (int) Math.min(size, (long) Math.ceil(support) * 2 + 1);
      int[] first = new int[window];
      int[] count = new int[window];
      int[] fixed = new int[Math.multiplyExact(window, stride)];
      double[] weights = new double[stride];
      for (int i = 0; i < window; i++) {
        double centre = (start + i + 0.5) * scale;
        int from = Math.max(0, (int) (centre - support + 0.5));
        int to = Math.min(size, (int) (centre + support + 0.5));
        double sum = 0;
        for (int k = 0; k < to - from; k++) {
          weights[k] = filter.weight((k + from - centre + 0.5) * narrowing);
          sum += weights[k];
        }
        for (int k = 0; k < to - from; k++) {
          double weight = (sum == 0 ? weights[k] : weights[k] / sum) * (1 << PRECISION);
          fixed[i * stride + k] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
        }
        first[i] = from;
        count[i] = to - from;
      }
      return new Weights(first, count, fixed, stride);
    }
  }
}
