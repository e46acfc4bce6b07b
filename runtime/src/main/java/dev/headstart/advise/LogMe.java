package dev.headstart.advise;

/**
 * LogME: the logarithm of the probability of the labels given the features, under a Bayesian linear
 * model whose two precisions are those that make it largest (You, Liu, Wang and Long, LogME:
 * Practical Assessment of Pre-trained Models for Transfer Learning, 2021). For classes each one's
 * indicator is a target of its own. Found by the fixed point of MacKay (Bayesian Interpolation,
 * 1992), as in the paper's algorithm 1.
 *
 * <p>It needs no labels to judge by, as every model is judged by how probable it made the labels
 * before it saw them; so it tells apart taps that all samples' leave-one-out accuracies find alike.
 */
final class LogMe {
  private static final int STEPS = 100;
  private static final double CONVERGED = 1e-5;

  /** Keeps precisions finite where the features explain a target wholly, or not at all. */
  private static final double LEAST = 1e-5;

  private LogMe() {}

  /**
   * The log evidence of one target.
   *
   * @param target [n]; taken as it is, not centred, as in the paper
   * @return nats, of all samples together
   */
  static double evidence(Spectrum features, double[] target) {
    int n = features.samples();
    double[] squares = features.squares();
    double[] projected = features.project(target);
    double outside = 0;
    for (double y : target) {
      outside += y * y;
    }
    for (double p : projected) {
      outside -= p * p;
    }
    outside = Math.max(0, outside);
    double alpha = 1;
    double beta = 1;
    Terms terms = Terms.of(squares, projected, outside, 1);
    for (int step = 0; step < STEPS; step++) {
      double gamma = terms.gamma;
      double nextAlpha = gamma / (terms.length + LEAST);
      double nextBeta = (n - gamma) / (terms.residual + LEAST);
      boolean converged =
          Math.abs(nextAlpha / nextBeta - alpha / beta) <= CONVERGED * (alpha / beta);
      alpha = nextAlpha;
      beta = nextBeta;
      if (alpha <= 0) {
        // The features say nothing at all: what is left is noise alone.
        return 0.5 * n * Math.log(beta / (2 * Math.PI)) - 0.5 * beta * terms.residual;
      }
      terms = Terms.of(squares, projected, outside, alpha / beta);
      if (converged) {
        break;
      }
    }
    double evidence = 0.5 * n * Math.log(beta / (2 * Math.PI));
    for (double square : squares) {
      evidence += 0.5 * Math.log(alpha / (alpha + beta * square));
    }
    return evidence - 0.5 * beta * terms.residual - 0.5 * alpha * terms.length;
  }

  /**
   * @param length of the mean weights, squared
   * @param residual squared, of the mean weights
   * @param gamma how many weights the labels decide
   */
  private record Terms(double length, double residual, double gamma) {
    static Terms of(double[] squares, double[] projected, double outside, double ratio) {
      double length = 0;
      double residual = outside;
      double gamma = 0;
      for (int r = 0; r < squares.length; r++) {
        double sum = squares[r] + ratio;
        double p = projected[r];
        gamma += squares[r] / sum;
        length += squares[r] * p * p / (sum * sum);
        residual += p * p * ratio * ratio / (sum * sum);
      }
      return new Terms(length, residual, gamma);
    }
  }
}
