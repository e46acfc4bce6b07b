package dev.headstart.advise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Closed forms against what they stand for: refits, and the evidence by its definition. */
class ProbeMathTest {
  private static final long SEED = Long.getLong("seed", 7);

  private final Random random = new Random(SEED);

  ProbeMathTest() {
    System.out.println("seed " + SEED);
  }

  private float[][] rows(int n, int width) {
    float[][] rows = new float[n][width];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < width; k++) {
        rows[i][k] = (float) (random.nextGaussian() * (k + 1) + 3 + i % 3 * (k % 2));
      }
    }
    return rows;
  }

  private static float[][] indicators(int n, int classes) {
    float[][] targets = new float[n][classes];
    for (int i = 0; i < n; i++) {
      targets[i][i % classes] = 1;
    }
    return targets;
  }

  /** The rows as the spectrum takes them: centred over all of them, of mean squared length 1. */
  private static double[][] scaled(float[][] rows) {
    int n = rows.length;
    int width = rows[0].length;
    double[][] x = new double[n][width];
    double squares = 0;
    for (int k = 0; k < width; k++) {
      double mean = 0;
      for (float[] row : rows) {
        mean += row[k] / (double) n;
      }
      for (int i = 0; i < n; i++) {
        x[i][k] = rows[i][k] - mean;
        squares += x[i][k] * x[i][k];
      }
    }
    for (double[] row : x) {
      for (int k = 0; k < width; k++) {
        row[k] *= Math.sqrt(n / squares);
      }
    }
    return x;
  }

  /**
   * Solves a·z = b by elimination, in place; b becomes z.
   *
   * @return the logarithm of a's determinant
   */
  private static double solve(double[][] a, double[] b) {
    int n = b.length;
    double determinant = 0;
    for (int i = 0; i < n; i++) {
      int pivot = i;
      for (int j = i; j < n; j++) {
        pivot = Math.abs(a[j][i]) > Math.abs(a[pivot][i]) ? j : pivot;
      }
      double[] row = a[pivot];
      a[pivot] = a[i];
      a[i] = row;
      double value = b[pivot];
      b[pivot] = b[i];
      b[i] = value;
      determinant += Math.log(Math.abs(row[i]));
      for (int j = i + 1; j < n; j++) {
        double factor = a[j][i] / row[i];
        for (int k = i; k < n; k++) {
          a[j][k] -= factor * row[k];
        }
        b[j] -= factor * b[i];
      }
    }
    for (int i = n - 1; i >= 0; i--) {
      for (int k = i + 1; k < n; k++) {
        b[i] -= a[i][k] * b[k];
      }
      b[i] /= a[i][i];
    }
    return determinant;
  }

  @ParameterizedTest
  @CsvSource({"12, 5", "9, 30", "6, 6"})
  void leaveOneOutIsThatOfRefits(int n, int width) {
    float[][] rows = rows(n, width);
    float[][] targets = indicators(n, 3);
    for (double penalty : new double[] {1e-3, 0.1, 10}) {
      RidgeProbe probe = RidgeProbe.of(Spectrum.of(rows, false), targets, penalty);
      double[][] x = scaled(rows);
      for (int left = 0; left < n; left++) {
        double[] expected = refit(x, targets, left, n * penalty);
        for (int k = 0; k < 3; k++) {
          assertEquals(expected[k], probe.leaveOneOut()[left][k], 1e-4);
        }
      }
    }
  }

  /** Ridge regression with a free intercept on all rows but one, by its normal equations. */
  private static double[] refit(double[][] x, float[][] targets, int left, double penalty) {
    int width = x[0].length;
    double[] scores = new double[3];
    for (int c = 0; c < 3; c++) {
      double[][] normal = new double[width + 1][width + 1];
      double[] weights = new double[width + 1];
      for (int i = 0; i < x.length; i++) {
        for (int k = 0; k <= width && i != left; k++) {
          double value = k < width ? x[i][k] : 1;
          weights[k] += value * targets[i][c];
          for (int j = 0; j <= width; j++) {
            normal[k][j] += value * (j < width ? x[i][j] : 1);
          }
        }
      }
      for (int k = 0; k < width; k++) {
        normal[k][k] += penalty;
      }
      solve(normal, weights);
      scores[c] = weights[width];
      for (int k = 0; k < width; k++) {
        scores[c] += x[left][k] * weights[k];
      }
    }
    return scores;
  }

  @ParameterizedTest
  @CsvSource({"14, 4", "10, 25"})
  void logMeIsTheLargestEvidence(int n, int width) {
    float[][] rows = rows(n, width);
    double[] target = new double[n];
    for (int i = 0; i < n; i++) {
      target[i] = i % 3 == 0 ? 1 : 0;
    }
    double found = LogMe.evidence(Spectrum.of(rows, false), target);
    double[][] x = scaled(rows);
    double largest = Double.NEGATIVE_INFINITY;
    for (double alpha = -3; alpha <= 6; alpha += 0.1) {
      for (double beta = -2; beta <= 5; beta += 0.1) {
        largest = Math.max(largest, gaussian(x, target, Math.pow(10, alpha), Math.pow(10, beta)));
      }
    }
    assertEquals(largest, found, 0.05, "against a grid of both precisions");
  }

  /** Of y ~ N(0, I/β + XXᵀ/α), with the determinant and inverse of an n by n matrix. */
  private static double gaussian(double[][] x, double[] target, double alpha, double beta) {
    int n = target.length;
    double[][] covariance = new double[n][n];
    for (int i = 0; i < n; i++) {
      covariance[i][i] = 1 / beta;
      for (int j = 0; j < n; j++) {
        for (int k = 0; k < x[0].length; k++) {
          covariance[i][j] += x[i][k] * x[j][k] / alpha;
        }
      }
    }
    double[] solved = target.clone();
    double determinant = solve(covariance, solved);
    double squared = 0;
    for (int i = 0; i < n; i++) {
      squared += target[i] * solved[i];
    }
    return -0.5 * (squared + determinant + n * Math.log(2 * Math.PI));
  }

  @Test
  void wideAndNarrowGiveTheSame() {
    float[][] narrow = rows(20, 6);
    float[][] wide = new float[20][30];
    for (int i = 0; i < 20; i++) {
      System.arraycopy(narrow[i], 0, wide[i], 0, 6);
    }
    float[][] targets = indicators(20, 2);
    RidgeProbe a = RidgeProbe.of(Spectrum.of(narrow, false), targets);
    RidgeProbe b = RidgeProbe.of(Spectrum.of(wide, false), targets);
    assertEquals(a.penalty(), b.penalty());
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(a.leaveOneOut()[i], b.leaveOneOut()[i], 1e-4f);
    }
  }

  @Test
  void featuresThatAreAlikeSayNothing() {
    Spectrum alike = Spectrum.of(new float[8][4], false);
    assertEquals(0, alike.rank());
    assertTrue(Double.isFinite(LogMe.evidence(alike, new double[] {1, 0, 1, 0, 1, 0, 1, 0})));
    RidgeProbe probe = RidgeProbe.of(alike, indicators(8, 2));
    assertTrue(probe.error() > 0.25, "the mean of the others is all there is");
    assertEquals(0, Spectrum.of(new float[][] {{1, 2}}, false).rank());
  }

  @Test
  void columnsOfOtherUnitsCountAlike() {
    float[][] rows = rows(16, 3);
    float[][] larger = new float[16][];
    for (int i = 0; i < 16; i++) {
      larger[i] = new float[] {rows[i][0], 1000 * rows[i][1], rows[i][2] / 1000};
    }
    float[][] targets = indicators(16, 2);
    RidgeProbe a = RidgeProbe.of(Spectrum.of(rows, true), targets);
    RidgeProbe b = RidgeProbe.of(Spectrum.of(larger, true), targets);
    assertEquals(a.error(), b.error(), 1e-4);
  }

  @Test
  void logisticRegressionLearnsWhatCanBeLearned() {
    int n = 60;
    float[][] rows = rows(n, 5);
    float[][] targets = indicators(n, 3);
    int[] folds = new int[n];
    for (int i = 0; i < n; i++) {
      rows[i][i % 3] += 25;
      folds[i] = i / 3 % 5;
    }
    float[][] logits = LogisticProbe.crossValidate(Spectrum.of(rows, false), targets, true, folds);
    float[][] several =
        LogisticProbe.crossValidate(Spectrum.of(rows, false), targets, false, folds);
    int right = 0;
    int both = 0;
    for (int i = 0; i < n; i++) {
      int best = 0;
      for (int k = 1; k < 3; k++) {
        best = logits[i][k] > logits[i][best] ? k : best;
      }
      right += best == i % 3 ? 1 : 0;
      both += several[i][i % 3] > 0 ? 1 : 0;
    }
    assertTrue(right >= n - 3, "right: " + right);
    assertTrue(both >= n - 6, "right: " + both);
  }
}
