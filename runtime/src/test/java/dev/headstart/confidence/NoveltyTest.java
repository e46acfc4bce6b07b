package dev.headstart.confidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Novelty against a plain Mahalanobis distance, and its false alarms against those stated. */
class NoveltyTest {
  private static final long SEED = Long.getLong("seed", 11);

  /** Samples of classes: a common offset, a mean of the class, few directions of much noise. */
  private static final class World {
    final Random random;
    final int width;
    final float[][] centres;
    final float[][] directions;

    World(long seed, int classes, int width) {
      random = new Random(seed);
      this.width = width;
      centres = new float[classes][width];
      directions = new float[3][width];
      for (float[] centre : centres) {
        for (int i = 0; i < width; i++) {
          centre[i] = (float) (1 + 0.5 * random.nextGaussian());
        }
      }
      for (float[] direction : directions) {
        for (int i = 0; i < width; i++) {
          direction[i] = (float) (0.3 * random.nextGaussian());
        }
      }
    }

    float[] sample(int label) {
      float[] x = centres[label].clone();
      for (float[] direction : directions) {
        double along = random.nextGaussian();
        for (int i = 0; i < width; i++) {
          x[i] += (float) (along * direction[i]);
        }
      }
      for (int i = 0; i < width; i++) {
        x[i] += (float) (0.2 * random.nextGaussian());
      }
      return x;
    }

    float[][] samples(int each) {
      float[][] samples = new float[each * centres.length][];
      for (int n = 0; n < samples.length; n++) {
        samples[n] = sample(n % centres.length);
      }
      return samples;
    }
  }

  private static int[] labels(int count, int classes) {
    int[] labels = new int[count];
    Arrays.setAll(labels, n -> n % classes);
    return labels;
  }

  private static Novelty fit(float[][] samples, int classes, boolean normalised) {
    return Novelty.fit(
            samples.length, n -> samples[n], labels(samples.length, classes), classes, normalised)
        .orElseThrow();
  }

  @Test
  void isAMahalanobisDistance() {
    System.out.println("seed " + SEED);
    World world = new World(SEED, 3, 12);
    float[][] samples = world.samples(30);
    Novelty novelty = fit(samples, 3, true);
    assertEquals(Novelty.RANK, novelty.rank());
    assertEquals(12, novelty.width());
    double[][] x = new double[samples.length][];
    Arrays.setAll(x, n -> unit(samples[n]));
    double[][] means = new double[3][12];
    for (int n = 0; n < x.length; n++) {
      for (int i = 0; i < 12; i++) {
        means[n % 3][i] += x[n][i] / 30;
      }
    }
    double[][] shrunk = shrunk(covariance(x, means));
    for (int k = 0; k < 20; k++) {
      float[] sample = k % 2 == 0 ? world.sample(k % 3) : new World(SEED + k, 1, 12).sample(0);
      double nearest = Double.POSITIVE_INFINITY;
      for (double[] mean : means) {
        double[] d = unit(sample);
        for (int i = 0; i < 12; i++) {
          d[i] -= mean[i];
        }
        nearest = Math.min(nearest, dot(d, solved(shrunk, d)));
      }
      assertEquals(Math.sqrt(nearest), novelty.distance(sample), 2e-3 * Math.sqrt(nearest));
      assertEquals(
          novelty.distance(sample) / novelty.limits()[Novelty.USUAL], novelty.of(sample), 1e-9);
    }
  }

  private static double[] unit(float[] values) {
    double norm = 0;
    for (float value : values) {
      norm += (double) value * value;
    }
    double[] unit = new double[values.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = values[i] / Math.sqrt(norm);
    }
    return unit;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Within classes of 30 samples each. */
  private static double[][] covariance(double[][] x, double[][] means) {
    int width = means[0].length;
    double[][] covariance = new double[width][width];
    for (int n = 0; n < x.length; n++) {
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          double product = (x[n][i] - means[n % 3][i]) * (x[n][j] - means[n % 3][j]);
          covariance[i][j] += product * 30 / 29 / x.length;
        }
      }
    }
    return covariance;
  }

  /**
   * Its principal directions by power iteration, one variance for the others, a tenth of the mean.
   */
  private static double[][] shrunk(double[][] covariance) {
    int width = covariance.length;
    double trace = 0;
    for (int i = 0; i < width; i++) {
      trace += covariance[i][i];
    }
    double[][] left = Arrays.stream(covariance).map(double[]::clone).toArray(double[][]::new);
    double[][] vectors = new double[Novelty.RANK][];
    double[] variances = new double[Novelty.RANK];
    double rest = trace;
    for (int k = 0; k < Novelty.RANK; k++) {
      double[] v = new double[width];
      Arrays.setAll(v, i -> 1 + 0.1 * i);
      for (int step = 0; step < 5000; step++) {
        double[] next = new double[width];
        for (int i = 0; i < width; i++) {
          next[i] = dot(left[i], v);
        }
        variances[k] = Math.sqrt(dot(next, next));
        for (int i = 0; i < width; i++) {
          v[i] = next[i] / variances[k];
        }
      }
      vectors[k] = v;
      rest -= variances[k];
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          left[i][j] -= variances[k] * v[i] * v[j];
        }
      }
    }
    rest /= width - Novelty.RANK;
    double[][] shrunk = new double[width][width];
    for (int i = 0; i < width; i++) {
      shrunk[i][i] = 0.9 * rest + 0.1 * trace / width;
      for (int j = 0; j < width; j++) {
        for (int k = 0; k < Novelty.RANK; k++) {
          shrunk[i][j] += 0.9 * (variances[k] - rest) * vectors[k][i] * vectors[k][j];
        }
      }
    }
    return shrunk;
  }

  /** By Gauss and Jordan; the matrix is positive definite. */
  private static double[] solved(double[][] matrix, double[] right) {
    int n = right.length;
    double[][] a = Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
    double[] b = right.clone();
    for (int k = 0; k < n; k++) {
      for (int i = 0; i < n; i++) {
        double factor = i == k ? 0 : a[i][k] / a[k][k];
        for (int j = k; j < n && factor != 0; j++) {
          a[i][j] -= factor * a[k][j];
        }
        b[i] -= factor * b[k];
      }
    }
    for (int k = 0; k < n; k++) {
      b[k] /= a[k][k];
    }
    return b;
  }

  /** With fewer samples than dimensions, where distances of the training samples say nothing. */
  @Test
  void falseAlarmsAreAsStated() {
    int runs = 12;
    double[] rates = {0.2, 0.05, 0.01};
    double[] exceeded = new double[rates.length];
    double inSample = 0;
    for (int run = 0; run < runs; run++) {
      World world = new World(SEED + run, 4, 300);
      float[][] samples = world.samples(30);
      Novelty novelty = fit(samples, 4, true);
      assertEquals(120, novelty.samples());
      for (float[] sample : samples) {
        inSample += novelty.of(sample) > 1 ? 1.0 / samples.length / runs : 0;
      }
      for (float[] sample : world.samples(100)) {
        double value = novelty.of(sample);
        for (int r = 0; r < rates.length; r++) {
          exceeded[r] += value > novelty.limit(rates[r]) ? 1.0 / 400 / runs : 0;
        }
      }
      float[] stranger = new World(SEED - 1 - run, 1, 300).sample(0);
      assertTrue(novelty.of(stranger) > 1.5, "a stranger has " + novelty.of(stranger));
    }
    System.out.println("exceeded " + Arrays.toString(exceeded) + ", in sample " + inSample);
    assertEquals(0.2, exceeded[0], 0.06);
    assertEquals(0.05, exceeded[1], 0.025);
    assertEquals(0.01, exceeded[2], 0.01);
    assertTrue(inSample < exceeded[1] / 2);
  }

  @Test
  void columnsOfATableAreStandardised() {
    World world = new World(SEED, 2, 5);
    float[][] samples = world.samples(40);
    Novelty plain = fit(samples, 2, false);
    float[][] scaled = new float[samples.length][];
    float[] units = {1e4f, 1e-3f, 1, 50, 2};
    for (int n = 0; n < samples.length; n++) {
      scaled[n] = scaled(samples[n], units);
    }
    Novelty other = fit(scaled, 2, false);
    for (int k = 0; k < 10; k++) {
      float[] sample = world.sample(k % 2);
      assertEquals(plain.of(sample), other.of(scaled(sample, units)), 1e-2);
    }
    float[] far = world.sample(0);
    far[2] += 100;
    assertTrue(plain.of(far) > 10, "nothing bounds it");
    Arrays.fill(far, 1e38f);
    assertTrue(Double.isFinite(plain.of(far)) && plain.of(far) > 1e6, () -> "" + plain.of(far));
  }

  private static float[] scaled(float[] values, float[] units) {
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= units[i];
    }
    return scaled;
  }

  @Test
  void whatSaysNothingHasNone() {
    float[] same = {1, 2, 3};
    assertTrue(Novelty.fit(20, n -> same, null, 1, true).isEmpty());
    assertTrue(Novelty.fit(20, n -> new float[3], null, 1, false).isEmpty());
    World world = new World(SEED, 8, 4);
    float[][] alone = world.samples(1);
    int[] each = labels(8, 8);
    assertTrue(Novelty.fit(8, n -> alone[n], each, 8, true).isEmpty(), "a sample a class");
    assertTrue(Novelty.fit(4, n -> alone[n], null, 1, true).isEmpty());
    // One number a sample has no direction but its sign.
    Novelty one = Novelty.fit(30, n -> new float[] {n}, null, 1, false).orElseThrow();
    assertTrue(one.of(new float[] {15}) < 0.5 && one.of(new float[] {90}) > 2);
    // No features at all are no sample of anything.
    Novelty some = fit(world.samples(20), 8, true);
    assertTrue(some.of(new float[4]) > 1);
  }

  @Test
  void fewSamplesHaveThresholdsThatAscend() {
    World world = new World(SEED, 2, 50);
    for (int each : new int[] {3, 4, 10, 60}) {
      Novelty novelty = fit(world.samples(each), 2, true);
      float[] limits = novelty.limits();
      for (int r = 1; r < limits.length; r++) {
        assertTrue(limits[r] >= limits[r - 1], Arrays.toString(limits));
      }
      assertEquals(1, novelty.limit(0.05), 1e-6);
      assertTrue(novelty.limit(0.07) < 1 && novelty.limit(0.03) >= 1);
    }
  }

  @Test
  void classesThatAreNewAreFamiliar() {
    World world = new World(SEED, 4, 200);
    float[][] samples = world.samples(40);
    float[][] known = new float[90][];
    for (int n = 0; n < known.length; n++) {
      known[n] = samples[n / 3 * 4 + n % 3];
    }
    Novelty novelty = fit(known, 3, true);
    double[] mean = new double[200];
    for (int n = 3; n < samples.length; n += 4) {
      for (int i = 0; i < 200; i++) {
        mean[i] += unit(samples[n])[i];
      }
    }
    double norm = Math.sqrt(Arrays.stream(mean).map(m -> m * m).sum());
    float[] direction = new float[200];
    for (int i = 0; i < 200; i++) {
      direction[i] = (float) (mean[i] / norm);
    }
    Novelty.Grown grown =
        novelty.grown(new boolean[] {true, true, false}, new float[][] {direction});
    int alarms = 0;
    for (int k = 0; k < 100; k++) {
      float[] sample = world.sample(3);
      assertTrue(novelty.of(sample) > 1.2, "without its mean it is a stranger");
      alarms += grown.of(sample) > 1 ? 1 : 0;
      assertTrue(grown.of(world.sample(2)) > 1.2, "a class that is gone is a stranger");
      float[] first = world.sample(0);
      assertEquals(novelty.of(first), grown.of(first), 1e-4);
    }
    assertTrue(alarms < 20, alarms + " of 100 samples of the new class are unknown");
    Novelty table = fit(known, 3, false);
    assertThrows(
        IllegalArgumentException.class, () -> table.grown(new boolean[] {true}, new float[0][]));
  }

  @Test
  void quantilesOfAKnownDistribution() {
    double[] sorted = new double[999];
    Arrays.setAll(sorted, i -> i + 1);
    assertEquals(950, Quantile.exceededBy(sorted, 0.05));
    assertEquals(999, Quantile.exceededBy(sorted, 0.001));
    // Of a Pareto distribution with power 1/4 the tail goes on as it is.
    Random random = new Random(SEED);
    double sum = 0;
    for (int run = 0; run < 200; run++) {
      double[] pareto = new double[40];
      Arrays.setAll(pareto, i -> Math.pow(random.nextDouble(), -0.25));
      Arrays.sort(pareto);
      sum += Quantile.exceededBy(pareto, 0.002) / 200;
    }
    assertEquals(Math.pow(0.002, -0.25), sum, 0.25 * Math.pow(0.002, -0.25));
    assertFalse(Double.isNaN(Quantile.exceededBy(new double[] {1, 1}, 0.001)));
  }
}
