package dev.headstart.confidence;

/**
 * Expected calibration error: how far on average a score is from the share of answers with such
 * scores that are right (Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian
 * Binning, 2015; as Guo et al., On Calibration of Modern Neural Networks, 2017, use it). Answers
 * are put into {@value #BINS} bins of equal width by their confidence; the error is the mean over
 * all answers of |share of right ones - mean confidence| of their bin.
 *
 * <p>It has a floor: of n perfectly calibrated answers, chance alone makes about sqrt(bins that are
 * used / n) / 3.
 */
public final class CalibrationError {
  /** As usual. */
  public static final int BINS = 15;

  private final double[] confidence = new double[BINS];
  private final int[] right = new int[BINS];
  private final int[] count = new int[BINS];
  private int answers;

  private CalibrationError() {}

  /**
   * For one label a sample: the answer is the class with the highest score, which is its
   * confidence.
   *
   * @param scores [samples, classes] row-major, probabilities
   * @param labels the true class of each sample
   * @return in [0, 1]; 0 for no samples
   */
  public static double ofClasses(float[] scores, int[] labels) {
    CalibrationError error = new CalibrationError();
    int classes = labels.length == 0 ? 0 : scores.length / labels.length;
    for (int n = 0; n < labels.length; n++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        best = scores[n * classes + c] > scores[n * classes + best] ? c : best;
      }
      error.add(scores[n * classes + best], best == labels[n]);
    }
    return error.value();
  }

  /**
   * For several labels a sample: each label is an answer of its own, yes from one half on, whose
   * confidence is the score of yes or what is left of it for no.
   *
   * @param scores [samples, labels] row-major, probabilities
   * @param truths of the same shape: 1 for yes, 0 for no
   * @return in [0, 1]; 0 for no samples
   */
  public static double ofIndicators(float[] scores, float[] truths) {
    CalibrationError error = new CalibrationError();
    for (int i = 0; i < scores.length; i++) {
      boolean yes = scores[i] >= 0.5f;
      error.add(yes ? scores[i] : 1 - scores[i], yes == truths[i] > 0.5f);
    }
    return error.value();
  }

  private void add(double score, boolean isRight) {
    int bin = Math.max(0, Math.min(BINS - 1, (int) (score * BINS)));
    confidence[bin] += score;
    right[bin] += isRight ? 1 : 0;
    count[bin]++;
    answers++;
  }

  private double value() {
    double sum = 0;
    for (int bin = 0; bin < BINS; bin++) {
      sum += Math.abs(right[bin] - confidence[bin]);
    }
    return answers == 0 ? 0 : sum / answers;
  }
}
