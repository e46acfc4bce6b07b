package dev.headstart.advise;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * Features of n samples in the coordinates of their own span: X = U·S·Vᵀ of the centred rows,
 * brought to a mean squared length of 1. What a ridge regression, LogME or a logistic regression
 * with a penalty on the length of its weights finds is the same in U·S, which has fewer columns
 * than samples, whatever the width.
 *
 * <p>By the eigenvectors of XXᵀ where there are fewer samples than features, else of XᵀX: O(min(n,
 * width)³).
 */
final class Spectrum {
  /** Parts of the largest eigenvalue that are rounding only. */
  private static final double NOTHING = 1e-10;

  private final double[][] vectors;
  private final double[] squares;
  private final int width;

  private Spectrum(double[][] vectors, double[] squares, int width) {
    this.vectors = vectors;
    this.squares = squares;
    this.width = width;
  }

  /**
   * @param rows features, [n][width], finite, of one length each, at least one of them
   * @param each whether columns have units of their own, and are brought to one deviation first
   */
  static Spectrum of(float[][] rows, boolean each) {
    int n = rows.length;
    int width = rows[0].length;
    DMatrixRMaj x = centred(rows, each);
    boolean dual = n <= width;
    int size = dual ? n : width;
    DMatrixRMaj gram = new DMatrixRMaj(size, size);
    if (dual) {
      CommonOps_DDRM.multTransB(x, x, gram);
    } else {
      CommonOps_DDRM.multTransA(x, x, gram);
    }
    EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(size, true, true);
    if (!eigen.decompose(gram)) {
      throw new IllegalStateException("no eigenvalues of a symmetric matrix of finite numbers");
    }
    double largest = 0;
    for (int i = 0; i < size; i++) {
      largest = Math.max(largest, eigen.getEigenvalue(i).getReal());
    }
    int rank = 0;
    int[] kept = new int[size];
    for (int i = 0; i < size; i++) {
      if (eigen.getEigenvalue(i).getReal() > NOTHING * largest) {
        kept[rank++] = i;
      }
    }
    double[] squares = new double[rank];
    double[][] vectors = new double[n][rank];
    for (int r = 0; r < rank; r++) {
      squares[r] = eigen.getEigenvalue(kept[r]).getReal();
      DMatrixRMaj vector = eigen.getEigenVector(kept[r]);
      if (!dual) {
        DMatrixRMaj image = new DMatrixRMaj(n, 1);
        CommonOps_DDRM.mult(x, vector, image);
        CommonOps_DDRM.scale(1 / Math.sqrt(squares[r]), image);
        vector = image;
      }
      for (int i = 0; i < n; i++) {
        vectors[i][r] = vector.get(i);
      }
    }
    return new Spectrum(vectors, squares, width);
  }

  private static DMatrixRMaj centred(float[][] rows, boolean each) {
    int n = rows.length;
    int width = rows[0].length;
    double[] mean = new double[width];
    for (float[] row : rows) {
      for (int k = 0; k < width; k++) {
        mean[k] += row[k];
      }
    }
    DMatrixRMaj x = new DMatrixRMaj(n, width);
    double[] squares = new double[width];
    double all = 0;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < width; k++) {
        double value = rows[i][k] - mean[k] / n;
        x.data[i * width + k] = value;
        squares[k] += value * value;
      }
    }
    for (double square : squares) {
      all += each ? square > 0 ? n : 0 : square;
    }
    double common = all > 0 ? Math.sqrt(n / all) : 1;
    for (int k = 0; k < width; k++) {
      double scale = common * (each && squares[k] > 0 ? Math.sqrt(n / squares[k]) : 1);
      for (int i = 0; i < n; i++) {
        x.data[i * width + k] *= scale;
      }
    }
    return x;
  }

  /** n. */
  int samples() {
    return vectors.length;
  }

  /** Features a sample, before. */
  int width() {
    return width;
  }

  /** Less than n, and at most the width; 0 where all samples are alike. */
  int rank() {
    return squares.length;
  }

  /** U: [n][rank], columns orthonormal and orthogonal to the vector of ones. */
  double[][] vectors() {
    return vectors;
  }

  /** U·S: [n][rank], rows with the lengths and the angles of the centred features. */
  float[][] coordinates() {
    float[][] rows = new float[vectors.length][rank()];
    for (int i = 0; i < rows.length; i++) {
      for (int r = 0; r < rows[i].length; r++) {
        rows[i][r] = (float) (vectors[i][r] * Math.sqrt(squares[r]));
      }
    }
    return rows;
  }

  /** S²: eigenvalues above zero, [rank]; their sum is n. */
  double[] squares() {
    return squares;
  }

  /** Uᵀy. */
  double[] project(double[] y) {
    double[] projected = new double[rank()];
    for (int i = 0; i < y.length; i++) {
      for (int r = 0; r < projected.length; r++) {
        projected[r] += vectors[i][r] * y[i];
      }
    }
    return projected;
  }
}
