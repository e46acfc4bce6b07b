package dev.headstart.advise;

import java.util.stream.IntStream;

/**
 * What a ridge regression says of each sample that it has not learned from, without a refit a
 * sample.
 *
 * <p>In its dual form, with G = (K + λI)⁻¹ over the kernel K = XXᵀ of centred rows, the residual of
 * row i without row i is (G y)ᵢ / Gᵢᵢ (Cawley and Talbot 2003, "Efficient leave-one-out
 * cross-validation of kernel Fisher discriminant classifiers"). The penalty is the one whose
 * residuals are least.
 */
final class LeaveOneOut {
  private static final double[] PENALTIES = {0.003, 0.03, 0.3, 3};

  private static final int CHOOSING = 400;

  private LeaveOneOut() {}

  /**
   * @param rows features, [n][width]
   * @param targets [n][outputs]
   * @return what is predicted for each row by the others, [n][outputs]
   */
  static float[][] scores(float[][] rows, float[][] targets) {
    double least = Double.POSITIVE_INFINITY;
    double best = PENALTIES[0];
    int[] some = some(rows.length);
    float[][] its = targets(some, targets);
    double[][] kernel = kernel(IntStream.of(some).mapToObj(i -> rows[i]).toArray(float[][]::new));
    for (double penalty : PENALTIES) {
      double error = error(scores(kernel, its, penalty), its);
      if (error < least) {
        least = error;
        best = penalty;
      }
    }
    return scores(some.length == rows.length ? kernel : kernel(rows), targets, best);
  }

  /** Rows that are enough to choose a penalty by, evenly over all of them. */
  private static int[] some(int n) {
    int taken = Math.min(n, CHOOSING);
    return IntStream.range(0, taken).map(i -> (int) ((long) i * n / taken)).toArray();
  }

  private static float[][] targets(int[] rows, float[][] targets) {
    return IntStream.of(rows).mapToObj(i -> targets[i]).toArray(float[][]::new);
  }

  private static double error(float[][] scores, float[][] targets) {
    double error = 0;
    for (int i = 0; i < scores.length; i++) {
      for (int k = 0; k < scores[i].length; k++) {
        error += (scores[i][k] - targets[i][k]) * (scores[i][k] - targets[i][k]);
      }
    }
    return error;
  }

  private static float[][] scores(double[][] kernel, float[][] targets, double penalty) {
    int n = kernel.length;
    int outputs = targets[0].length;
    double[] mean = new double[outputs];
    double scale = 0;
    for (int i = 0; i < n; i++) {
      scale += kernel[i][i] / n;
      for (int k = 0; k < outputs; k++) {
        mean[k] += targets[i][k] / n;
      }
    }
    double[][] inverse = inverse(kernel, penalty * Math.max(scale, 1e-12));
    float[][] scores = new float[n][outputs];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < outputs; k++) {
        double alpha = 0;
        for (int j = 0; j < n; j++) {
          alpha += inverse[i][j] * (targets[j][k] - mean[k]);
        }
        scores[i][k] = (float) (targets[i][k] - alpha / inverse[i][i]);
      }
    }
    return scores;
  }

  /** Of the rows less their mean, and one for the intercept, which is hardly penalised so. */
  private static double[][] kernel(float[][] rows) {
    int n = rows.length;
    float[][] centred = Rows.centred(rows);
    double[][] kernel = new double[n][n];
    double trace = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        kernel[i][j] = Rows.dot(centred[i], centred[j]);
        kernel[j][i] = kernel[i][j];
      }
      trace += kernel[i][i] / n;
    }
    for (double[] row : kernel) {
      for (int j = 0; j < n; j++) {
        row[j] += trace;
      }
    }
    return kernel;
  }

  /** (K + penalty I)⁻¹ by Cholesky. */
  private static double[][] inverse(double[][] kernel, double penalty) {
    int n = kernel.length;
    double[][] lower = new double[n][];
    for (int i = 0; i < n; i++) {
      double[] row = new double[i + 1];
      lower[i] = row;
      for (int j = 0; j <= i; j++) {
        double[] other = lower[j];
        double sum = kernel[i][j] + (i == j ? penalty : 0);
        for (int k = 0; k < j; k++) {
          sum -= row[k] * other[k];
        }
        row[j] = i == j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / other[j];
      }
    }
    // M = L⁻¹, kept as columns: columns[j][i - j] = M[i][j].
    double[][] columns = new double[n][];
    for (int j = 0; j < n; j++) {
      double[] column = new double[n - j];
      columns[j] = column;
      column[0] = 1 / lower[j][j];
      for (int i = j + 1; i < n; i++) {
        double[] row = lower[i];
        double sum = 0;
        for (int k = j; k < i; k++) {
          sum -= row[k] * column[k - j];
        }
        column[i - j] = sum / row[i];
      }
    }
    double[][] inverse = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        double[] left = columns[i];
        double[] right = columns[j];
        for (int k = i; k < n; k++) {
          sum += left[k - i] * right[k - j];
        }
        inverse[i][j] = sum;
        inverse[j][i] = sum;
      }
    }
    return inverse;
  }
}
