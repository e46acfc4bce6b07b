package dev.headstart.confidence;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * A covariance with few directions of their own variance and one variance for all others, as its
 * inverse: Σ⁻¹ = aI - WWᵀ.
 *
 * @param precision a, the inverse of the variance of all other directions
 * @param directions the columns of W, [rank][width]
 */
record Covariance(double precision, double[][] directions) {

  /**
   * Of residuals, which are taken to have mean zero. Their directions of most variance come from
   * the eigenvectors of their Gram matrix, as there are fewer residuals than dimensions.
   *
   * @param residuals [samples][width], at least two
   * @param rank directions of their own variance at most
   * @param shrinkage weight of the mean variance, in (0, 1)
   * @return null where they do not vary
   */
  static Covariance of(double[][] residuals, int rank, double shrinkage) {
    int n = residuals.length;
    int width = residuals[0].length;
    DMatrixRMaj gram = new DMatrixRMaj(n, n);
    double total = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double product = dot(residuals[i], residuals[j]) / n;
        gram.set(i, j, product);
        gram.set(j, i, product);
      }
      total += gram.get(i, i);
    }
    if (!(total > 0) || !Double.isFinite(total)) {
      return null;
    }
    EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(n, true, true);
    if (!eigen.decompose(gram)) {
      return null;
    }
    double floor = 1e-9 * total;
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparing(i -> -eigen.getEigenvalue(i).getReal()))
            .mapToInt(i -> i)
            .limit(Math.min(rank, Math.min(n - 1, width)))
            .filter(i -> eigen.getEigenvalue(i).getReal() > floor)
            .toArray();
    return of(residuals, eigen, order, total, shrinkage);
  }

  private static Covariance of(
      double[][] residuals,
      EigenDecomposition_F64<DMatrixRMaj> eigen,
      int[] order,
      double total,
      double shrinkage) {
    int n = residuals.length;
    int width = residuals[0].length;
    double rest = total;
    for (int i : order) {
      rest -= eigen.getEigenvalue(i).getReal();
    }
    double mean = total / width;
    rest = Math.max(0, rest) / Math.max(1, width - order.length);
    double precision = 1 / ((1 - shrinkage) * rest + shrinkage * mean);
    double[][] directions = new double[order.length][width];
    for (int k = 0; k < order.length; k++) {
      double variance = eigen.getEigenvalue(order[k]).getReal();
      double shrunk = (1 - shrinkage) * variance + shrinkage * mean;
      // |Σ vᵢ·residualᵢ|² = n · eigenvalue, for an eigenvector v of length 1
      double factor = Math.sqrt(Math.max(0, precision - 1 / shrunk) / (n * variance));
      DMatrixRMaj vector = eigen.getEigenVector(order[k]);
      for (int i = 0; i < n; i++) {
        double weight = factor * vector.get(i);
        for (int j = 0; j < width; j++) {
          directions[k][j] += weight * residuals[i][j];
        }
      }
    }
    return new Covariance(precision, directions);
  }

  /** Σ⁻¹x. */
  double[] solve(double[] x) {
    double[] solved = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      solved[i] = precision * x[i];
    }
    for (double[] direction : directions) {
      double along = dot(direction, x);
      for (int i = 0; i < x.length; i++) {
        solved[i] -= along * direction[i];
      }
    }
    return solved;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
