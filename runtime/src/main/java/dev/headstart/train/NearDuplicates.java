package dev.headstart.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;

/**
 * Near duplicates: samples that are the same thing twice, by their features: a picture at another
 * size, compression or crop, a text with another greeting.
 *
 * <p>How alike any two of a kind are depends on what is taught: two shirts are more alike than two
 * landscapes. So a pair is judged by its distance (one less the cosine of centred features) over
 * the usual distance of either one's next neighbours, as Lowe 2004 ("Distinctive Image Features
 * from Scale-Invariant Keypoints") judges matches. Usual is the median over the second to eleventh
 * neighbour, and at least half the median of that over all samples, so that a dozen copies of one
 * picture do not hide each other. Where the features leave it open, the pictures themselves decide.
 *
 * <p>A checkup names {@link #pairs} of them; {@code teach} keeps {@link #groups} in one fold, or a
 * head judges what it has as good as seen.
 */
public final class NearDuplicates {
  /**
   * Of the usual distance. Photographs at half their size, at JPEG quality 30 or cropped to nine
   * tenths are mostly under 0.3, at the median 0.15; two pictures of one scene, two shirts, or two
   * of 1000 photographs of ImageNet are above 0.33. See docs/advice.md.
   */
  static final double RATIO = 0.3;

  /** Of the usual distance, up to which pictures that are at hand are looked at themselves. */
  private static final double DOUBTFUL = 0.7;

  private static final int NEIGHBOURS = 11;

  /** With fewer samples nothing is usual: then only what is all but the same counts. */
  private static final int FEWEST = 10;

  private static final double SAME = 0.02;

  /** Rounding of cosines in float32. */
  private static final double LEAST = 1e-5;

  /** Multiplications for exact distances of all pairs; beyond, they are found in a projection. */
  private static final double OPERATIONS = 1e9;

  private static final int PROJECTED = 128;

  /** Pairs that are kept; of a data set with more something else is wrong. */
  private static final int MOST = 100_000;

  /**
   * Two rows that are one.
   *
   * @param a row
   * @param b row, above a
   * @param similarity cosine of the centred features
   * @param ratio distance over what is usual
   */
  public record Pair(int a, int b, double similarity, double ratio) {}

  private NearDuplicates() {}

  /**
   * Finds pairs of near duplicates, up to 100 000.
   *
   * @param rows features, [n][width]; at least one
   * @param pictures says of two rows whether their pictures are the same, where features alone are
   *     not enough
   * @return closest first
   */
  public static List<Pair> pairs(float[][] rows, BiPredicate<Integer, Integer> pictures) {
    int n = rows.length;
    float[][] exact = n < FEWEST ? copy(rows) : Rows.centred(rows);
    Rows.normalise(exact);
    boolean projects = projects(n, rows[0].length);
    float[][] near = projects ? projected(exact) : exact;
    // Projected cosines are off by a twentieth or so: what may be a pair is looked at exactly.
    double slack = projects ? 2 : 1;
    float[][] closest = neighbours(near);
    double[] usual = usual(closest);
    List<Pair> pairs = new ArrayList<>();
    List<Pair> doubtful = new ArrayList<>();
    for (int a = 0; a < n; a++) {
      boolean alone = n >= FEWEST && closest[a][0] > Math.max(LEAST, DOUBTFUL * usual[a]) * slack;
      for (int b = a + 1; b < n && !alone && pairs.size() < MOST; b++) {
        double limit = n < FEWEST ? SAME : Math.max(LEAST, RATIO * Math.min(usual[a], usual[b]));
        double wider = limit * DOUBTFUL / RATIO;
        if (distance(near[a], near[b]) > wider * slack) {
          continue;
        }
        double distance = distance(exact[a], exact[b]);
        Pair pair = new Pair(a, b, Math.min(1, 1 - distance), distance * RATIO / limit);
        if (distance <= limit) {
          pairs.add(pair);
        } else if (distance <= wider) {
          doubtful.add(pair);
        }
      }
    }
    doubtful.sort(Comparator.comparingDouble(Pair::ratio)); // only so many pictures are decoded
    doubtful.stream().filter(pair -> pictures.test(pair.a, pair.b)).forEach(pairs::add);
    pairs.sort(Comparator.comparingDouble(Pair::ratio));
    return pairs;
  }

  /**
   * Groups of near duplicates and what is a near duplicate of those, on and on, by features alone.
   *
   * @param rows features, [n][width]
   * @return for each row the least row of its group
   */
  public static int[] groups(float[][] rows) {
    int[] least = IntStream.range(0, rows.length).toArray();
    for (Pair pair : rows.length < 2 ? List.<Pair>of() : pairs(rows, (a, b) -> false)) {
      int a = least(least, pair.a);
      int b = least(least, pair.b);
      least[Math.max(a, b)] = Math.min(a, b);
    }
    return IntStream.range(0, rows.length).map(row -> least(least, row)).toArray();
  }

  private static int least(int[] least, int row) {
    int found = row;
    while (least[found] != found) {
      found = least[found];
    }
    least[row] = found;
    return found;
  }

  /** Of a lesson's samples: none in a table, whose columns may be few and rows alike by chance. */
  static int[] groups(Lesson lesson) {
    IntStream rows = IntStream.range(0, lesson.rows().count());
    return lesson.base() == null
        ? rows.toArray()
        : groups(rows.mapToObj(lesson.features()::row).toArray(float[][]::new));
  }

  /** How many groups there are. */
  public static int count(int[] groups) {
    return (int) Arrays.stream(groups).distinct().count();
  }

  /** What it takes to find them, in units of about a nanosecond. */
  static double cost(int rows, int width) {
    return 0.4 * rows * rows * (projects(rows, width) ? PROJECTED : width);
  }

  private static boolean projects(int rows, int width) {
    return width > PROJECTED && rows * (rows / 2.0) * width > OPERATIONS;
  }

  /** One less the cosine; 0 of two rows of zeros, which is what all of one features become. */
  private static float distance(float[] a, float[] b) {
    float cosine = Rows.dot(a, b);
    return cosine == 0 && Arrays.equals(a, b) ? 0 : 1 - cosine;
  }

  private static float[][] copy(float[][] rows) {
    return Arrays.stream(rows).map(float[]::clone).toArray(float[][]::new);
  }

  /** Distances of each row to its next neighbours, ascending. */
  private static float[][] neighbours(float[][] rows) {
    int n = rows.length;
    float[][] closest = new float[n][Math.max(1, Math.min(NEIGHBOURS, n - 1))];
    for (float[] distances : closest) {
      Arrays.fill(distances, Float.POSITIVE_INFINITY);
    }
    for (int a = 0; a < n; a++) {
      for (int b = a + 1; b < n; b++) {
        float distance = distance(rows[a], rows[b]);
        insert(closest[a], distance);
        insert(closest[b], distance);
      }
    }
    return closest;
  }

  private static void insert(float[] ascending, float distance) {
    int at = ascending.length - 1;
    if (distance >= ascending[at]) {
      return;
    }
    for (; at > 0 && ascending[at - 1] > distance; at--) {
      ascending[at] = ascending[at - 1];
    }
    ascending[at] = distance;
  }

  private static double[] usual(float[][] closest) {
    double[] usual =
        Arrays.stream(closest)
            .mapToDouble(d -> d.length < 2 ? d[0] : (d[d.length / 2] + d[(d.length + 1) / 2]) / 2)
            .toArray();
    double[] sorted = usual.clone();
    Arrays.sort(sorted);
    double floor = sorted[sorted.length / 2] / 2;
    return Arrays.stream(usual).map(distance -> Math.max(distance, floor)).toArray();
  }

  /** Cosines survive a random projection (Johnson and Lindenstrauss 1984). */
  private static float[][] projected(float[][] rows) {
    int width = rows[0].length;
    Random random = new Random(1);
    float[][] directions = new float[PROJECTED][width];
    for (float[] direction : directions) {
      for (int k = 0; k < width; k++) {
        direction[k] = random.nextBoolean() ? 1 : -1;
      }
    }
    float[][] projected = new float[rows.length][PROJECTED];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < PROJECTED; k++) {
        projected[i][k] = Rows.dot(rows[i], directions[k]);
      }
    }
    Rows.normalise(projected);
    return projected;
  }
}
