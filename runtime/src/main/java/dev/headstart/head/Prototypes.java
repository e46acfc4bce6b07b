package dev.headstart.head;

/**
 * Class means of normalised features (nearest class mean; Mensink et al. 2013, and weight
 * imprinting, Qi et al. 2018): exact from the first sample of a class, in any order of adding.
 */
public final class Prototypes {
  /** Used where no class has a second sample to judge a sharpness by. */
  private static final float DEFAULT_SHARPNESS = 20;

  private final double[][] sums;
  private final int[] counts;

  /** For {@code classes} classes of features of {@code width}. */
  public Prototypes(int classes, int width) {
    sums = new double[classes][width];
    counts = new int[classes];
  }

  /** Adds one sample of a class. */
  public void add(int label, float[] features) {
    double norm = norm(features);
    for (int i = 0; i < features.length; i++) {
      sums[label][i] += norm == 0 ? 0 : features[i] / norm;
    }
    counts[label]++;
  }

  /**
   * The head. Every class must have a sample.
   *
   * @param rows the samples that were added, for choosing how sharp the scores are: the softmax's
   *     temperature with the least cross-entropy when each sample is left out of its own class's
   *     mean, by golden-section search
   * @param labels the class of each row
   */
  public HeadNetwork head(Iterable<float[]> rows, int[] labels) {
    int classes = sums.length;
    float[][] means = new float[classes][];
    for (int c = 0; c < classes; c++) {
      means[c] = direction(sums[c]);
    }
    double[][] cosines = new double[labels.length][];
    int judged = 0;
    int n = 0;
    for (float[] row : rows) {
      int label = labels[n++];
      if (counts[label] < 2) {
        continue;
      }
      double norm = norm(row);
      double[] left = sums[label].clone();
      for (int i = 0; i < left.length; i++) {
        left[i] -= norm == 0 ? 0 : row[i] / norm;
      }
      double[] cosine = new double[classes + 1];
      for (int c = 0; c < classes; c++) {
        cosine[c] = dot(row, norm, c == label ? direction(left) : means[c]);
      }
      cosine[classes] = label;
      cosines[judged++] = cosine;
    }
    return HeadNetwork.prototype(
        means, judged == 0 ? DEFAULT_SHARPNESS : sharpness(cosines, judged));
  }

  private static float sharpness(double[][] cosines, int judged) {
    double ratio = (Math.sqrt(5) - 1) / 2;
    double low = Math.log(1);
    double high = Math.log(1000);
    while (high - low > 1e-3) {
      double a = high - ratio * (high - low);
      double b = low + ratio * (high - low);
      if (crossEntropy(cosines, judged, Math.exp(a)) < crossEntropy(cosines, judged, Math.exp(b))) {
        high = b;
      } else {
        low = a;
      }
    }
    return (float) Math.exp((low + high) / 2);
  }

  private static double crossEntropy(double[][] cosines, int judged, double sharpness) {
    double total = 0;
    for (int n = 0; n < judged; n++) {
      double[] cosine = cosines[n];
      int classes = cosine.length - 1;
      double sum = 0;
      double own = cosine[(int) cosine[classes]];
      for (int c = 0; c < classes; c++) {
        sum += Math.exp(sharpness * (cosine[c] - own));
      }
      total += Math.log(sum);
    }
    return total;
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  private static double dot(float[] row, double norm, float[] direction) {
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      sum += (double) row[i] * direction[i];
    }
    return norm == 0 ? 0 : sum / norm;
  }

  private static float[] direction(double[] sum) {
    double squares = 0;
    for (double value : sum) {
      squares += value * value;
    }
    double norm = Math.sqrt(squares);
    float[] direction = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      direction[i] = norm == 0 ? 0 : (float) (sum[i] / norm);
    }
    return direction;
  }
}
