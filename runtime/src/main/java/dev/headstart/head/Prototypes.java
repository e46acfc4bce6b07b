package dev.headstart.head;

import java.util.Arrays;
import java.util.List;

/**
 * Class means of normalised features (nearest class mean; Mensink et al. 2013, and weight
 * imprinting, Qi et al. 2018): exact from the first sample of a class, in any order of adding.
 */
public final class Prototypes {
  /** Used where no class has a second sample to judge a sharpness by. */
  public static final float DEFAULT_SHARPNESS = 20;

  private final ClassMean[] means;

  /** For {@code classes} classes of features of {@code width}. */
  public Prototypes(int classes, int width) {
    means = new ClassMean[classes];
    Arrays.setAll(means, c -> new ClassMean(width));
  }

  /** Adds one sample of a class. */
  public void add(int label, float[] features) {
    means[label].add(features);
  }

  /**
   * The head. Every class must have a sample.
   *
   * @param rows the samples that were added, for choosing how sharp the scores are
   * @param labels the class of each row
   */
  public HeadNetwork head(Iterable<float[]> rows, int[] labels) {
    float[][] directions = new float[means.length][];
    Arrays.setAll(directions, c -> means[c].direction());
    return HeadNetwork.prototype(directions, sharpness(List.of(means), rows, labels));
  }

  /**
   * How sharp scores should be: the softmax's temperature with the least cross-entropy when each
   * sample is left out of its own class's mean, by golden-section search.
   *
   * @param means of all classes
   * @param rows samples that are in those means: all or some
   * @param labels the class of each row
   */
  public static float sharpness(List<ClassMean> means, Iterable<float[]> rows, int[] labels) {
    int classes = means.size();
    float[][] directions = new float[classes][];
    Arrays.setAll(directions, c -> means.get(c).direction());
    double[][] cosines = new double[labels.length][];
    int judged = 0;
    int n = 0;
    for (float[] row : rows) {
      int label = labels[n++];
      if (means.get(label).count() < 2) {
        continue;
      }
      double[] cosine = new double[classes + 1];
      for (int c = 0; c < classes; c++) {
        cosine[c] =
            ClassMean.cosine(row, c == label ? means.get(c).directionWithout(row) : directions[c]);
      }
      cosine[classes] = label;
      cosines[judged++] = cosine;
    }
    return judged == 0 ? DEFAULT_SHARPNESS : sharpness(cosines, judged);
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
}
