package dev.headstart.serving;

import dev.headstart.head.ClassMean;
import dev.headstart.sample.Task;
import java.util.Arrays;

/** Scores under an {@link Overlay}, whose formula it is; immutable. */
final class Blend {
  private final Task task;
  private final int[] origin;
  private final float[][] means;
  private final double sharpness;

  /** Whether a class is answered that the version does not know. */
  private final boolean grown;

  /** Whether some of what the version knows is answered no more. */
  private final boolean shrunk;

  /**
   * @param trained how many classes the version knows; 0 for an untrained head
   */
  Blend(Overlay overlay, Task task, int trained) {
    this.task = task;
    this.origin = overlay.origin().clone();
    this.means = overlay.means().clone();
    this.sharpness = overlay.sharpness();
    this.grown = Arrays.stream(origin).anyMatch(o -> o < 0);
    this.shrunk = Arrays.stream(origin).filter(o -> o >= 0).count() < trained;
  }

  /** How many scores a sample has. */
  int width() {
    return origin.length;
  }

  /** Whether features are looked at; else {@link #scores} needs none. */
  boolean needsFeatures() {
    return grown;
  }

  /**
   * Scores of one sample.
   *
   * @param trained the version's scores from {@code from} on; null for an untrained head
   * @param features pooled; null if they are not needed
   * @param scores takes {@link #width} of them from {@code to} on
   */
  void scores(float[] trained, int from, float[] features, float[] scores, int to) {
    double[] unknown = grown ? softmax(features) : new double[origin.length];
    double rest = 1;
    double known = 0;
    int knowns = 0;
    for (int c = 0; c < origin.length; c++) {
      if (origin[c] < 0) {
        rest -= unknown[c];
      } else {
        known += trained[from + origin[c]];
        knowns++;
      }
    }
    rest = Math.max(0, rest);
    for (int c = 0; c < origin.length; c++) {
      if (origin[c] < 0) {
        scores[to + c] = (float) unknown[c];
        continue;
      }
      double score = trained[from + origin[c]];
      if (shrunk && task == Task.SINGLE) {
        // Where nothing is left for those that stayed, all are as likely.
        score = known > 0 ? score / known : 1.0 / knowns;
      }
      scores[to + c] = (float) (rest * score);
    }
  }

  /** Over the classes that have a mean; 0 for others. */
  private double[] softmax(float[] features) {
    double[] values = new double[means.length];
    double greatest = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < means.length; c++) {
      values[c] =
          means[c] == null
              ? Double.NEGATIVE_INFINITY
              : sharpness * ClassMean.cosine(features, means[c]);
      greatest = Math.max(greatest, values[c]);
    }
    double sum = 0;
    for (int c = 0; c < values.length; c++) {
      values[c] = Math.exp(values[c] - greatest);
      sum += values[c];
    }
    for (int c = 0; c < values.length; c++) {
      values[c] /= sum;
    }
    return values;
  }
}
