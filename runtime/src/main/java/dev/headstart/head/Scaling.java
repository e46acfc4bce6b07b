package dev.headstart.head;

import java.util.Arrays;

/**
 * Moves features to zero mean and unit size before a head's first layer, so that one learning rate
 * suits every base model: {@code (x - mean) · scale}.
 *
 * @param mean one a feature
 * @param scale one for all features, or one a feature
 */
public record Scaling(float[] mean, float[] scale) {

  /** Sums needed for a scaling; rows are added one by one. */
  public static final class Estimate {
    /** Welford's method (1962): it does not cancel where the mean is large. */
    private final double[] mean;

    private final double[] squares;
    private long rows;

    /** For rows of {@code width} features. */
    public Estimate(int width) {
      mean = new double[width];
      squares = new double[width];
    }

    /** Adds one row. */
    public void add(float[] row) {
      rows++;
      for (int i = 0; i < mean.length; i++) {
        double delta = row[i] - mean[i];
        mean[i] += delta / rows;
        squares[i] += delta * (row[i] - mean[i]);
      }
    }

    /**
     * One scale for all features, the inverse of their common standard deviation: it keeps the
     * proportions between a base model's features, which say how much each matters.
     */
    public Scaling common() {
      double variance = 0;
      double size = 0;
      for (int i = 0; i < mean.length; i++) {
        variance += squares[i] / rows / mean.length;
        size += mean[i] * mean[i] / mean.length;
      }
      return new Scaling(means(), new float[] {inverseDeviation(variance, size)});
    }

    /** A scale for each feature: for columns of a table, which have units of their own. */
    public Scaling each() {
      float[] scale = new float[mean.length];
      for (int i = 0; i < scale.length; i++) {
        scale[i] = inverseDeviation(squares[i] / rows, mean[i] * mean[i]);
      }
      return new Scaling(means(), scale);
    }

    private float[] means() {
      float[] means = new float[mean.length];
      for (int i = 0; i < means.length; i++) {
        means[i] = (float) mean[i];
      }
      return means;
    }

    /**
     * A constant feature is left as it is rather than blown up: one that varies by less than a
     * float32 of its size can say.
     *
     * @param size square of the mean
     */
    private static float inverseDeviation(double variance, double size) {
      float inverse = (float) (1 / Math.sqrt(variance));
      return variance > 1e-14 * size && Float.isFinite(inverse) ? inverse : 1f;
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Scaling that
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(scale, that.scale);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(mean);
  }
}
