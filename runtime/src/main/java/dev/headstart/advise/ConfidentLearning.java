package dev.headstart.advise;

import java.util.Arrays;

/**
 * Which labels are likely wrong: confident learning (Northcutt, Jiang and Chuang 2021, "Confident
 * Learning: Estimating Uncertainty in Dataset Labels").
 *
 * <p>A sample's label is likely wrong where, by what the other samples say, another class is at
 * least as probable as it is on average for those labelled so, the most probable of such classes;
 * and, beyond the paper, more probable than the label: the average of a class that is all mistakes
 * says nothing. Doubts are ordered by the normalised margin, the probability of the other class
 * less that of the label.
 */
final class ConfidentLearning {
  /** A class with fewer cannot be told from a mistake. */
  static final int FEWEST = 3;

  /**
   * Of one sample.
   *
   * @param margin of the most probable other class over the label, in [-1, 1]
   * @param other that class, or for several labels the one that is likely the other way round
   * @param likely whether the label is likely wrong
   */
  record Doubt(double margin, int other, boolean likely) {
    static final Doubt NONE = new Doubt(-1, -1, false);
  }

  private ConfidentLearning() {}

  /**
   * One class a sample.
   *
   * @param scores out of sample, [n][classes], about 1 for the class and 0 for the others
   * @param labels in [0, classes)
   */
  static Doubt[] classes(float[][] scores, int[] labels) {
    int n = labels.length;
    int classes = scores[0].length;
    double[][] probabilities = softmax(scores, sharpness(scores, labels));
    int[] counts = new int[classes];
    double[] thresholds = new double[classes];
    for (int i = 0; i < n; i++) {
      counts[labels[i]]++;
      thresholds[labels[i]] += probabilities[i][labels[i]];
    }
    for (int c = 0; c < classes; c++) {
      thresholds[c] = counts[c] < FEWEST ? 2 : thresholds[c] / counts[c];
    }
    Doubt[] doubts = new Doubt[n];
    for (int i = 0; i < n; i++) {
      int label = labels[i];
      int other = -1;
      int confident = -1;
      for (int c = 0; c < classes; c++) {
        if (c != label && (other < 0 || probabilities[i][c] > probabilities[i][other])) {
          other = c;
        }
        if (probabilities[i][c] >= thresholds[c]
            && (confident < 0 || probabilities[i][c] > probabilities[i][confident])) {
          confident = c;
        }
      }
      boolean likely = confident >= 0 && probabilities[i][confident] > probabilities[i][label];
      doubts[i] =
          counts[label] < FEWEST || other < 0
              ? Doubt.NONE
              : new Doubt(
                  probabilities[i][other] - probabilities[i][label],
                  likely ? confident : other,
                  likely);
    }
    return doubts;
  }

  /** The sharpness of a softmax over the scores under which the labels are most probable. */
  private static double sharpness(float[][] scores, int[] labels) {
    double best = 1;
    double least = Double.POSITIVE_INFINITY;
    for (double sharpness = 1; sharpness < 60; sharpness *= 1.15) {
      double loss = 0;
      double[][] probabilities = softmax(scores, sharpness);
      for (int i = 0; i < labels.length; i++) {
        loss -= Math.log(probabilities[i][labels[i]] + 1e-12);
      }
      if (loss < least) {
        least = loss;
        best = sharpness;
      }
    }
    return best;
  }

  private static double[][] softmax(float[][] scores, double sharpness) {
    double[][] probabilities = new double[scores.length][];
    for (int i = 0; i < scores.length; i++) {
      double[] row = new double[scores[i].length];
      double most = Double.NEGATIVE_INFINITY;
      for (float score : scores[i]) {
        most = Math.max(most, score);
      }
      double sum = 0;
      for (int c = 0; c < row.length; c++) {
        row[c] = Math.exp(sharpness * (scores[i][c] - most));
        sum += row[c];
      }
      for (int c = 0; c < row.length; c++) {
        row[c] /= sum;
      }
      probabilities[i] = row;
    }
    return probabilities;
  }

  /**
   * Several labels a sample: each class is a question of its own, as in Thyagarajan et al. 2022
   * ("Identifying Incorrect Annotations in Multi-Label Classification Data"). A sample's doubt is
   * that of its most doubted class.
   *
   * @param scores out of sample, [n][classes], about 1 for classes that hold
   * @param holds [n][classes] of 0 and 1
   */
  static Doubt[] indicators(float[][] scores, float[][] holds) {
    int n = scores.length;
    Doubt[] doubts = new Doubt[n];
    Arrays.fill(doubts, Doubt.NONE);
    for (int c = 0; c < scores[0].length; c++) {
      int column = c;
      int[] labels = new int[n];
      double[] score = new double[n];
      for (int i = 0; i < n; i++) {
        labels[i] = holds[i][c] > 0.5f ? 1 : 0;
        score[i] = scores[i][c];
      }
      float[][] binary = binary(score, labels);
      Doubt[] found = classes(binary, labels);
      for (int i = 0; i < n; i++) {
        if (found[i].margin() > doubts[i].margin() || found[i].likely() && !doubts[i].likely()) {
          doubts[i] = new Doubt(found[i].margin(), column, found[i].likely());
        }
      }
    }
    return doubts;
  }

  /**
   * One score as those of two classes, the point between them where both are equally far from their
   * means: a rare class's scores are all low.
   */
  private static float[][] binary(double[] score, int[] labels) {
    double[] sums = new double[2];
    int[] counts = new int[2];
    for (int i = 0; i < labels.length; i++) {
      sums[labels[i]] += score[i];
      counts[labels[i]]++;
    }
    double off = counts[0] == 0 ? 0 : sums[0] / counts[0];
    double on = counts[1] == 0 ? 1 : sums[1] / counts[1];
    double span = Math.max(1e-6, on - off);
    float[][] binary = new float[labels.length][];
    for (int i = 0; i < labels.length; i++) {
      float to = (float) ((score[i] - off) / span);
      binary[i] = new float[] {1 - to, to};
    }
    return binary;
  }

  /**
   * Numbers: residuals out of sample in units of their spread, 1.4826 times the median absolute
   * one. Beyond 3.5 it is an outlier (Iglewicz and Hoaglin 1993, "How to Detect and Handle
   * Outliers").
   *
   * @param residuals what was predicted less the label
   * @return margins are absolute residuals in those units, without bound
   */
  static Doubt[] numbers(double[] residuals) {
    double[] sorted = Arrays.stream(residuals).map(Math::abs).sorted().toArray();
    double spread = Math.max(1e-12, 1.4826 * sorted[sorted.length / 2]);
    return Arrays.stream(residuals)
        .mapToObj(r -> new Doubt(Math.abs(r) / spread, -1, Math.abs(r) / spread > 3.5))
        .toArray(Doubt[]::new);
  }
}
