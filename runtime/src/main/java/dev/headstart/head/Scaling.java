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
    private final double[] sum;
    private final double[] squares;
    private long rows;

    /** For rows of {@code width} features. */
    public Estimate(int width) {
      sum = new double[width];
      squares = new double[width];
    }

    /** Adds one row. */
    public void add(float[] row) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += row[i];
        squares[i] += (double) row[i] * row[i];
      }
      rows++;
    }

    /**
     * One scale for all features, the inverse of their common standard deviation: it keeps the
     * proportions between a base model's features, which say how much each matters.
     */
    public Scaling common() {
      double variance = Arrays.stream(variances()).average().orElse(0);
      return new Scaling(means(), new float[] {inverseDeviation(variance)});
    }

    /** A scale for each feature: for columns of a table, which have units of their own. */
    public Scaling each() {
      double[] variances = variances();
      float[] scale = new float[variances.length];
      for (int i = 0; i < scale.length; i++) {
        scale[i] = inverseDeviation(variances[i]);
      }
      return new Scaling(means(), scale);
    }

    private float[] means() {
      float[] mean = new float[sum.length];
      for (int i = 0; i < mean.length; i++) {
        mean[i] = (float) (sum[i] / rows);
      }
      return mean;
    }

    private double[] variances() {
      double[] variances = new double[sum.length];
      for (int i = 0; i < variances.length; i++) {
        double mean = sum[i] / rows;
        variances[i] = Math.max(0, squares[i] / rows - mean * mean);
      }
      return variances;
    }

    /** A constant feature is left at zero rather than blown up. */
    private static float inverseDeviation(double variance) {
      float inverse = (float) (1 / Math.sqrt(variance));
      return Float.isFinite(inverse) && variance > 1e-14 ? inverse : 1f;
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
