package dev.headstart.train;

import java.util.function.IntUnaryOperator;

/**
 * The classes' means of normalised features, less the mean of all, to tell which class a row is
 * nearest to by the angle; a sample is left out of its own class's mean, and what is made of it
 * too.
 */
final class ClassDirections {
  private final FeatureTable features;
  private final Targets targets;
  private final IntUnaryOperator source;
  private final double[] mean;
  private final double[][] sums;

  /**
   * @param targets of a single label
   * @param train rows of samples
   * @param source the row of the sample that another row was made of
   */
  ClassDirections(FeatureTable features, Targets targets, int[] train, IntUnaryOperator source) {
    this.features = features;
    this.targets = targets;
    this.source = source;
    int width = features.width();
    mean = new double[width];
    for (int row : train) {
      float[] x = features.row(row);
      for (int i = 0; i < width; i++) {
        mean[i] += (double) x[i] / train.length;
      }
    }
    sums = new double[targets.outputs()][width];
    for (int row : train) {
      add(sums[targets.labels()[row]], direction(row), 1);
    }
  }

  private double[] direction(int row) {
    float[] x = features.row(row);
    double[] direction = new double[x.length];
    double squares = 0;
    for (int i = 0; i < x.length; i++) {
      direction[i] = x[i] - mean[i];
      squares += direction[i] * direction[i];
    }
    double length = squares > 0 ? Math.sqrt(squares) : 1;
    for (int i = 0; i < x.length; i++) {
      direction[i] /= length;
    }
    return direction;
  }

  private static void add(double[] sum, double[] direction, int sign) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += sign * direction[i];
    }
  }

  /**
   * Of rows that are made of samples which are nearest to their own class: the part that is nearer
   * to another.
   *
   * @return 0 for none
   */
  double moved(int[] made) {
    int stayed = 0;
    int moved = 0;
    for (int row : made) {
      int from = source.applyAsInt(row);
      double[] own = direction(from);
      double[] sum = sums[targets.labels()[from]];
      add(sum, own, -1);
      if (nearest(own) == targets.labels()[from]) {
        if (nearest(direction(row)) == targets.labels()[from]) {
          stayed++;
        } else {
          moved++;
        }
      }
      add(sum, own, 1);
    }
    return moved == 0 ? 0 : (double) moved / (stayed + moved);
  }

  /** The class whose direction has the least angle; classes of no sample have none. */
  private int nearest(double[] direction) {
    int nearest = -1;
    double most = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < sums.length; c++) {
      double dot = 0;
      double squares = 0;
      for (int i = 0; i < direction.length; i++) {
        dot += direction[i] * sums[c][i];
        squares += sums[c][i] * sums[c][i];
      }
      if (squares > 1e-12 && dot / Math.sqrt(squares) > most) {
        most = dot / Math.sqrt(squares);
        nearest = c;
      }
    }
    return nearest;
  }
}
