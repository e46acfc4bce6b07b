package dev.headstart.head;

/**
 * The mean direction of a class's features, each normalised to length 1. Exact: samples may come
 * and go in any order, and the mean is, to the last bit, that of those that are left.
 */
public final class ClassMean {
  /*
   * Sums of doubles depend on the order of adding, and what was taken out of them leaves its rounding
   * behind. Sums of integers do neither. An element of a vector of length 1 is at most 1, so that
   * with 40 bits of fraction four million samples fit, and rounding is far below float32's.
   */
  private static final double ONE = 1L << 40;

  private final long[] sum;
  private int count;

  /** Of features of {@code width}; no sample yet. */
  public ClassMean(int width) {
    sum = new long[width];
  }

  /** Adds a sample. */
  public void add(float[] features) {
    add(features, 1);
    count++;
  }

  /** Takes a sample out that was added. */
  public void remove(float[] features) {
    add(features, -1);
    count--;
  }

  private void add(float[] features, int sign) {
    double norm = norm(features);
    if (norm > 0) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += sign * Math.round(features[i] / norm * ONE);
      }
    }
  }

  /** How many samples there are. */
  public int count() {
    return count;
  }

  /** The mean as a vector of length 1; zeros where the samples cancel out. */
  public float[] direction() {
    return direction(sum);
  }

  /** The same as it would be without one of its samples. */
  float[] directionWithout(float[] features) {
    long[] left = sum.clone();
    double norm = norm(features);
    for (int i = 0; i < left.length && norm > 0; i++) {
      left[i] -= Math.round(features[i] / norm * ONE);
    }
    return direction(left);
  }

  private static float[] direction(long[] sum) {
    double squares = 0;
    for (long value : sum) {
      squares += (double) value * value;
    }
    double norm = Math.sqrt(squares);
    float[] direction = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      direction[i] = norm == 0 ? 0 : (float) (sum[i] / norm);
    }
    return direction;
  }

  /**
   * Cosine between a sample's features and a direction; 0 for features without length.
   *
   * @param direction of length 1
   */
  public static double cosine(float[] features, float[] direction) {
    double norm = norm(features);
    double sum = 0;
    for (int i = 0; i < features.length; i++) {
      sum += (double) features[i] * direction[i];
    }
    return norm == 0 ? 0 : sum / norm;
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }
}
