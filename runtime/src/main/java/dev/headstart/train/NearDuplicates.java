package dev.headstart.train;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which rows are as good as the same sample, by their features: a picture saved anew or a text with
 * another blank. They are told by the angle between their features, less the mean of all, which is
 * where all samples agree.
 */
final class NearDuplicates {
  /** Cosine of the angle under which two rows count as one. */
  private static final double COSINE = 0.97;

  private NearDuplicates() {}

  /** Of a lesson's samples: none in a table, whose columns may be few and rows alike by chance. */
  static int[] groups(Lesson lesson) {
    int samples = lesson.rows().count();
    return lesson.base() == null
        ? IntStream.range(0, samples).toArray()
        : groups(lesson.features(), samples);
  }

  /**
   * Groups of near duplicates and what is near to those, on and on.
   *
   * @param rows the first so many of the table
   * @return for each row the least row of its group
   */
  static int[] groups(FeatureTable features, int rows) {
    float[][] directions = directions(features, rows);
    int[] parents = IntStream.range(0, rows).toArray();
    double farthest = 2 - 2 * COSINE; // squared distance of directions
    for (int a = 0; a < rows; a++) {
      for (int b = 0; b < a; b++) {
        if (near(directions[a], directions[b], farthest)) {
          int rootA = root(parents, a);
          int rootB = root(parents, b);
          parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
        }
      }
    }
    return IntStream.range(0, rows).map(row -> root(parents, row)).toArray();
  }

  private static float[][] directions(FeatureTable features, int rows) {
    double[] mean = new double[features.width()];
    float[][] directions = new float[rows][];
    for (int row = 0; row < rows; row++) {
      directions[row] = features.row(row);
      for (int i = 0; i < mean.length; i++) {
        mean[i] += directions[row][i] / rows;
      }
    }
    for (float[] direction : directions) {
      double squares = 0;
      for (int i = 0; i < mean.length; i++) {
        direction[i] -= (float) mean[i];
        squares += (double) direction[i] * direction[i];
      }
      float length = (float) Math.sqrt(squares);
      if (length > 0) {
        for (int i = 0; i < mean.length; i++) {
          direction[i] /= length;
        }
      }
    }
    return directions;
  }

  /** Stops as soon as they are too far apart, which for most rows is soon. */
  private static boolean near(float[] a, float[] b, double farthest) {
    double squares = 0;
    for (int from = 0; from < a.length && squares <= farthest; from += 16) {
      float some = 0;
      for (int i = from; i < Math.min(a.length, from + 16); i++) {
        float difference = a[i] - b[i];
        some += difference * difference;
      }
      squares += some;
    }
    return squares <= farthest;
  }

  private static int root(int[] parents, int row) {
    int root = row;
    while (parents[root] != root) {
      root = parents[root];
    }
    parents[row] = root;
    return root;
  }

  /** How many groups there are. */
  static int count(int[] groups) {
    return (int) Arrays.stream(groups).distinct().count();
  }
}
