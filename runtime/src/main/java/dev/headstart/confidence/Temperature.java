package dev.headstart.confidence;

import java.util.function.DoubleUnaryOperator;

/**
 * Temperature scaling: one number that logits are divided by, so that scores say how often they are
 * right (Guo et al., On Calibration of Modern Neural Networks, 2017). The order of the scores, and
 * with it every answer, stays as it is.
 *
 * <p>It is the number with the least cross-entropy on samples that did not train, with two doubts.
 * As n samples without an error do not make an error impossible, each counts as its own class to (n
 * + 1) / (n + 2) only (the targets of Platt, Probabilistic Outputs for Support Vector Machines,
 * 1999), the rest as the class that comes closest to it. And as a head that stopped at its least
 * validation loss is about right already, and those of a cross-validation know less than the one
 * that serves, the logarithm of the temperature has a Cauchy distribution about 0 before anything
 * is seen, of scale {@value #SCALE}: a small difference from 1 needs hundreds of samples, a large
 * one is hardly held back.
 */
public final class Temperature {
  /** Leaves scores as they are. */
  public static final float NONE = 1;

  private static final double SCALE = 0.1;

  /** Points that are tried between what the samples say and 1. */
  private static final int POINTS = 32;

  private static final double LOWEST = 0.02;
  private static final double HIGHEST = 50;
  private static final double RATIO = (Math.sqrt(5) - 1) / 2;

  private Temperature() {}

  /**
   * For one label a sample.
   *
   * @param logits [samples, classes] row-major, of samples that did not train; at least two classes
   * @param labels the true class of each sample
   * @return {@link #NONE} for no samples
   */
  public static float ofClasses(float[] logits, int[] labels) {
    if (labels.length == 0) {
      return NONE;
    }
    int classes = logits.length / labels.length;
    int[] second = new int[labels.length];
    for (int n = 0; n < labels.length; n++) {
      second[n] = labels[n] == 0 ? 1 : 0;
      for (int c = 0; c < classes; c++) {
        if (c != labels[n] && logits[n * classes + c] > logits[n * classes + second[n]]) {
          second[n] = c;
        }
      }
    }
    double doubt = 1.0 / (labels.length + 2);
    return least(
        sharpness -> {
          double total = 0;
          for (int n = 0; n < labels.length; n++) {
            double own = logits[n * classes + labels[n]];
            double most = Math.max(own, logits[n * classes + second[n]]);
            double sum = 0;
            for (int c = 0; c < classes; c++) {
              sum += Math.exp(sharpness * (logits[n * classes + c] - most));
            }
            double closest = logits[n * classes + second[n]];
            total += Math.log(sum);
            total += sharpness * (most - (1 - doubt) * own - doubt * closest);
          }
          return total;
        });
  }

  /**
   * For several labels a sample: one temperature for all of them, by binary cross-entropy.
   *
   * @param logits [samples, labels] row-major, of samples that did not train
   * @param truths of the same shape: 1 for yes, 0 for no
   * @return {@link #NONE} for no samples
   */
  public static float ofIndicators(float[] logits, float[] truths) {
    if (logits.length == 0) {
      return NONE;
    }
    double doubt = 1.0 / (logits.length + 2);
    return least(
        sharpness -> {
          double total = 0;
          for (int i = 0; i < logits.length; i++) {
            double z = sharpness * logits[i];
            double truth = truths[i] > 0.5f ? 1 - doubt : doubt;
            // log(1 + e^z) - truth·z
            total += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - truth * z;
          }
          return total;
        });
  }

  /**
   * Cross-entropy is convex in 1 / temperature, so it has one minimum; with the doubt about it
   * there may be two, both between that and 1.
   *
   * @param crossEntropy of all samples, by 1 / temperature
   */
  private static float least(DoubleUnaryOperator crossEntropy) {
    DoubleUnaryOperator likelihood = log -> crossEntropy.applyAsDouble(Math.exp(-log));
    DoubleUnaryOperator all =
        log -> likelihood.applyAsDouble(log) + Math.log1p(Math.pow(log / SCALE, 2));
    double likeliest = least(likelihood, Math.log(LOWEST), Math.log(HIGHEST));
    double step = likeliest / POINTS;
    int best = 0;
    double lowest = Double.POSITIVE_INFINITY;
    for (int i = 0; i <= POINTS; i++) {
      double value = all.applyAsDouble(i * step);
      best = value < lowest ? i : best;
      lowest = Math.min(lowest, value);
    }
    double from = Math.max(0, best - 1) * step;
    double to = Math.min(POINTS, best + 1) * step;
    return (float) Math.exp(least(all, Math.min(from, to), Math.max(from, to)));
  }

  /** By golden-section search. */
  private static double least(DoubleUnaryOperator function, double low, double high) {
    double a = high - RATIO * (high - low);
    double b = low + RATIO * (high - low);
    double atA = function.applyAsDouble(a);
    double atB = function.applyAsDouble(b);
    while (high - low > 1e-4) {
      if (atA < atB) {
        high = b;
        b = a;
        atB = atA;
        a = high - RATIO * (high - low);
        atA = function.applyAsDouble(a);
      } else {
        low = a;
        a = b;
        atA = atB;
        b = low + RATIO * (high - low);
        atB = function.applyAsDouble(b);
      }
    }
    return (low + high) / 2;
  }

  /** Softmax of logits over a temperature, row by row: [samples, classes]. */
  public static float[] softmax(float[] logits, int classes, float temperature) {
    float[] scores = new float[logits.length];
    for (int row = 0; row < logits.length; row += classes) {
      double most = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < classes; c++) {
        most = Math.max(most, logits[row + c]);
      }
      double sum = 0;
      for (int c = 0; c < classes; c++) {
        sum += Math.exp((logits[row + c] - most) / temperature);
      }
      for (int c = 0; c < classes; c++) {
        scores[row + c] = (float) (Math.exp((logits[row + c] - most) / temperature) / sum);
      }
    }
    return scores;
  }

  /** Sigmoid of logits over a temperature. */
  public static float[] sigmoid(float[] logits, float temperature) {
    float[] scores = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      scores[i] = (float) (1 / (1 + Math.exp(-logits[i] / temperature)));
    }
    return scores;
  }
}
