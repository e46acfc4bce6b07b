package dev.headstart.advise;

/**
 * What a ridge regression with an intercept, onto indicators of classes or onto a number, says of
 * each sample when it has learned from all others, without a refit a sample: the residual of row i
 * is the fitted one over 1 - hᵢ, where h is the diagonal of the hat matrix (Allen, The Relationship
 * between Variable Selection and Data Augmentation and a Method for Prediction, 1974). The penalty
 * is the one of a grid with the least squared residuals (Golub, Heath and Wahba, Generalized
 * Cross-Validation as a Method for Choosing a Good Ridge Parameter, 1979, call this ordinary
 * cross-validation).
 *
 * @param penalty a sample, in units of the features' mean squared length
 * @param leaveOneOut [n][outputs]: what the others predict of each sample
 * @param error mean squared residual of those
 */
record RidgeProbe(double penalty, float[][] leaveOneOut, double error) {
  private static final double SMALLEST = 1e-5;
  private static final double LARGEST = 100;
  private static final double STEP = Math.sqrt(10);

  /** Of a sample that alone decides what is fitted to it, nothing is left. */
  private static final double LEAST = 1e-9;

  /**
   * @param targets [n][outputs]
   */
  static RidgeProbe of(Spectrum features, float[][] targets) {
    RidgeProbe best = null;
    for (double penalty = SMALLEST; penalty < LARGEST * 1.01; penalty *= STEP) {
      RidgeProbe probe = of(features, targets, penalty);
      if (best == null || probe.error < best.error) {
        best = probe;
      }
    }
    return best;
  }

  /**
   * @param penalty a sample: the fit minimises squared residuals + n·penalty·‖weights‖²
   */
  static RidgeProbe of(Spectrum features, float[][] targets, double penalty) {
    int n = features.samples();
    int rank = features.rank();
    int outputs = targets[0].length;
    double[] shrunk = new double[rank];
    for (int r = 0; r < rank; r++) {
      shrunk[r] = features.squares()[r] / (features.squares()[r] + n * penalty);
    }
    double[] mean = new double[outputs];
    double[][] weights = new double[rank][outputs];
    for (int i = 0; i < n; i++) {
      double[] vector = features.vectors()[i];
      for (int k = 0; k < outputs; k++) {
        mean[k] += targets[i][k] / n;
        for (int r = 0; r < rank; r++) {
          // The columns of U are orthogonal to ones, so that targets need not be centred.
          weights[r][k] += shrunk[r] * vector[r] * targets[i][k];
        }
      }
    }
    float[][] left = new float[n][outputs];
    double error = 0;
    for (int i = 0; i < n; i++) {
      double[] vector = features.vectors()[i];
      double leverage = 1.0 / n;
      double[] fitted = mean.clone();
      for (int r = 0; r < rank; r++) {
        leverage += shrunk[r] * vector[r] * vector[r];
        for (int k = 0; k < outputs; k++) {
          fitted[k] += vector[r] * weights[r][k];
        }
      }
      double room = Math.max(LEAST, 1 - leverage);
      for (int k = 0; k < outputs; k++) {
        double residual = (targets[i][k] - fitted[k]) / room;
        left[i][k] = (float) (targets[i][k] - residual);
        error += residual * residual;
      }
    }
    return new RidgeProbe(penalty, left, error / n / outputs);
  }
}
