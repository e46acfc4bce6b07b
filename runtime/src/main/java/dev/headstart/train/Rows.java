package dev.headstart.train;

/** Rows of features, [n][width], as plain arrays, to tell how alike they are. */
public final class Rows {
  private Rows() {}

  /** The rows less their mean; copies. */
  public static float[][] centred(float[][] rows) {
    int width = rows[0].length;
    double[] mean = new double[width];
    for (float[] row : rows) {
      for (int k = 0; k < width; k++) {
        mean[k] += row[k];
      }
    }
    float[][] centred = new float[rows.length][width];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < width; k++) {
        centred[i][k] = (float) (rows[i][k] - mean[k] / rows.length);
      }
    }
    return centred;
  }

  /** Makes each row one of length 1; one of zeros stays. */
  public static void normalise(float[][] rows) {
    for (float[] row : rows) {
      double length = Math.sqrt(dot(row, row));
      for (int k = 0; k < row.length && length > 0; k++) {
        row[k] = (float) (row[k] / length);
      }
    }
  }

  /** Of two rows of one width. */
  public static float dot(float[] a, float[] b) {
    // Four sums at a time, which the processor adds beside each other.
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int k = 0;
    for (; k + 3 < a.length; k += 4) {
      s0 += a[k] * b[k];
      s1 += a[k + 1] * b[k + 1];
      s2 += a[k + 2] * b[k + 2];
      s3 += a[k + 3] * b[k + 3];
    }
    for (; k < a.length; k++) {
      s0 += a[k] * b[k];
    }
    return s0 + s1 + s2 + s3;
  }
}
