package dev.headstart.confidence;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/**
 * How unlike a head's training samples a sample is: the Mahalanobis distance of its features to the
 * nearest class mean under one covariance for all classes (Lee et al., A Simple Unified Framework
 * for Detecting Out-of-Distribution Samples, 2018), of features of length 1 (Müller and Hein,
 * Mahalanobis++, 2025), over the distance that a stated share of familiar samples exceeds. So 1 is
 * the threshold for {@value #USUAL_RATE} false alarms, and nothing bounds it above.
 *
 * <p>A head has far fewer samples than its features have dimensions. So the covariance has {@value
 * #RANK} directions of its own, those of most variance within classes, and one variance for all
 * others (probabilistic principal components; Tipping and Bishop, 1999), shrunk by a tenth towards
 * the mean variance. With p(x) = Wᵀx for the directions, scaled so that Σ⁻¹ = aI - WWᵀ,
 *
 * <pre>d²(x) = a·|x|² - |p(x)|² + min over classes of (μᵀΣ⁻¹μ - 2·xᵀΣ⁻¹μ)</pre>
 *
 * <p>Samples that trained lie nearer than others of their kind will: their mean and directions were
 * fitted to them. Thresholds are therefore quantiles of distances under fits that left the samples
 * out, a fold at a time. Immutable; safe for several threads.
 *
 * @param normalised whether features are brought to length 1; else {@code (x - centre)·scale}
 * @param centre [width] where features are not normalised, else empty
 * @param scale of the same length
 * @param precision a
 * @param directions W, [width, rank] row-major
 * @param means -2·Σ⁻¹μ of each class, [width, classes] row-major
 * @param offsets μᵀΣ⁻¹μ of each class, {@link #ABSENT} for one without samples
 * @param limits distance that each of {@link #RATES} of familiar samples exceeds, ascending
 * @param samples whose distances those come from
 */
public record Novelty(
    boolean normalised,
    float[] centre,
    float[] scale,
    float precision,
    float[] directions,
    float[] means,
    float[] offsets,
    float[] limits,
    int samples) {

  /** The false alarms that a novelty of 1 stands for. */
  public static final double USUAL_RATE = 0.05;

  /** The false alarms that thresholds are known for. */
  public static final double[] RATES = {0.2, 0.1, USUAL_RATE, 0.02, 0.01, 0.005, 0.002, 0.001};

  /** Index of {@link #USUAL_RATE} among {@link #RATES}. */
  public static final int USUAL = 2;

  /** Offset of a class that is nearest to nothing. */
  public static final float ABSENT = 1e30f;

  /** Directions with a variance of their own: more are found worse with a few hundred samples. */
  public static final int RANK = 4;

  /** Samples that covariance and thresholds are taken from at most; means are of all. */
  private static final int SAMPLES = 300;

  /** Of fewer, no distances worth the name can be left out. */
  private static final int FEWEST = 5;

  private static final double SHRINKAGE = 0.1;

  /**
   * Fits it to samples.
   *
   * @param rows how many samples there are
   * @param features pooled, of each sample, all of one width
   * @param labels the class of each sample, or null for one mean of all
   * @param classes how many classes there are; 1 without labels
   * @param normalised whether features are brought to length 1: right for a base model's; columns
   *     of a table have units of their own and are standardised
   * @return empty for fewer than five samples of classes with two or more, or if they are all alike
   */
  public static Optional<Novelty> fit(
      int rows, IntFunction<float[]> features, int[] labels, int classes, boolean normalised) {
    if (rows < FEWEST) {
      return Optional.empty();
    }
    return new Fit(rows, features, labels, classes, normalised).fitted();
  }

  /** How many features a sample has. */
  public int width() {
    return means.length / offsets.length;
  }

  /** How many directions have a variance of their own. */
  public int rank() {
    return directions.length / width();
  }

  /**
   * The novelty of a sample.
   *
   * @param features pooled
   * @return from 0; 1 is the threshold for {@value #USUAL_RATE} false alarms
   */
  public double of(float[] features) {
    return distance(features) / limits[USUAL];
  }

  /** Mahalanobis distance to the nearest class. */
  double distance(float[] features) {
    return distanceOfPrepared(prepared(features, normalised, centre, scale));
  }

  private double distanceOfPrepared(float[] x) {
    Sums sums = sums(x);
    float nearest = Float.POSITIVE_INFINITY;
    for (int c = 0; c < offsets.length; c++) {
      nearest = Math.min(nearest, offsets[c] + sums.toMeans[c]);
    }
    return root(sums.square + nearest);
  }

  private static double root(float square) {
    return square > 0 ? Math.sqrt(Math.min(square, Float.MAX_VALUE)) : square <= 0 ? 0 : 1e19;
  }

  /**
   * @param square xᵀΣ⁻¹x
   * @param toMeans -2·xᵀΣ⁻¹μ of each class
   */
  private record Sums(float square, float[] toMeans) {}

  /**
   * @param x prepared features
   */
  private Sums sums(float[] x) {
    int rank = rank();
    int classes = offsets.length;
    float[] projected = new float[rank];
    float[] toMeans = new float[classes];
    float squares = 0;
    for (int i = 0; i < x.length; i++) {
      float value = x[i];
      squares += value * value;
      for (int j = 0, at = i * rank; j < rank; j++) {
        projected[j] += value * directions[at + j];
      }
      for (int c = 0, at = i * classes; c < classes; c++) {
        toMeans[c] += value * means[at + c];
      }
    }
    float square = precision * squares;
    for (float p : projected) {
      square -= p * p;
    }
    return new Sums(square, toMeans);
  }

  private static float[] prepared(
      float[] features, boolean normalised, float[] centre, float[] scale) {
    float[] x = new float[features.length];
    if (!normalised) {
      for (int i = 0; i < x.length; i++) {
        x[i] = (features[i] - centre[i]) * scale[i];
      }
      return x;
    }
    double squares = 0;
    for (float value : features) {
      squares += (double) value * value;
    }
    float inverse = squares > 0 ? (float) (1 / Math.sqrt(squares)) : 0;
    for (int i = 0; i < x.length; i++) {
      x[i] = features[i] * inverse;
    }
    return x;
  }

  /**
   * The novelty above which a sample counts as unknown, so that a share of familiar ones does too:
   * between the rates that are known, by the logarithm of the rate.
   *
   * @param rate of false alarms, brought into the range of {@link #RATES}
   */
  public double limit(double rate) {
    int i = 0;
    while (i < RATES.length - 2 && rate < RATES[i + 1]) {
      i++;
    }
    double part = Math.log(RATES[i] / rate) / Math.log(RATES[i] / RATES[i + 1]);
    double distance = limits[i] + Math.max(0, Math.min(1, part)) * (limits[i + 1] - limits[i]);
    return distance / limits[USUAL];
  }

  /**
   * The same for other classes, some of which samples taught since, of which the direction of their
   * mean is known alone.
   */
  public static final class Grown {
    private final Novelty novelty;
    private final boolean[] known;
    private final float[][] rays;
    private final float[] squares;

    private Grown(Novelty novelty, boolean[] known, float[][] rays, float[] squares) {
      this.novelty = novelty;
      this.known = known;
      this.rays = rays;
      this.squares = squares;
    }

    /**
     * The novelty of a sample: of the nearest class, that of a direction being the nearest point
     * along it.
     *
     * @param features pooled
     */
    public double of(float[] features) {
      float[] x = prepared(features, true, null, null);
      Sums sums = novelty.sums(x);
      float nearest = Float.POSITIVE_INFINITY;
      for (int c = 0; c < known.length; c++) {
        if (known[c]) {
          nearest = Math.min(nearest, novelty.offsets[c] + sums.toMeans[c]);
        }
      }
      for (int r = 0; r < rays.length; r++) {
        float along = 0;
        for (int i = 0; i < x.length; i++) {
          along += x[i] * rays[r][i];
        }
        nearest = Math.min(nearest, along > 0 ? -along * along / squares[r] : 0);
      }
      return root(sums.square + nearest) / novelty.limits[USUAL];
    }
  }

  /**
   * @param known the classes that are still answered, by their places
   * @param directions of the means of other classes, each of length 1
   * @throws IllegalArgumentException if features are not {@link #normalised}, so that directions
   *     say nothing
   */
  public Grown grown(boolean[] known, float[][] directions) {
    if (!normalised) {
      throw new IllegalArgumentException("directions are of normalised features");
    }
    float[][] rays = new float[directions.length][];
    float[] squares = new float[directions.length];
    int rank = rank();
    for (int r = 0; r < rays.length; r++) {
      float[] u = directions[r];
      double[] projected = new double[rank];
      for (int i = 0; i < u.length; i++) {
        for (int j = 0; j < rank; j++) {
          projected[j] += u[i] * this.directions[i * rank + j];
        }
      }
      float[] ray = new float[u.length];
      double square = 0;
      for (int i = 0; i < u.length; i++) {
        double value = precision * u[i];
        for (int j = 0; j < rank; j++) {
          value -= this.directions[i * rank + j] * projected[j];
        }
        ray[i] = (float) value;
        square += value * u[i];
      }
      rays[r] = ray;
      squares[r] = (float) square;
    }
    return new Grown(this, known.clone(), rays, squares);
  }

  /** Fits to all samples, and to all but a fold of them. */
  private static final class Fit {
    private final boolean normalised;
    private final int classes;
    private float[] centre = {};
    private float[] scale = {};

    /** Of the prepared features of all samples, by class. */
    private final double[][] sums;

    private final int[] counts;

    /** The prepared features of those that covariance and thresholds are taken from. */
    private final float[][] some;

    private final int[] labels;

    Fit(int rows, IntFunction<float[]> features, int[] given, int classes, boolean normalised) {
      this.normalised = normalised;
      this.classes = classes;
      int width = features.apply(0).length;
      if (!normalised) {
        standardise(rows, features, width);
      }
      int[] all = given == null ? new int[rows] : given;
      sums = new double[classes][width];
      counts = new int[classes];
      for (int row = 0; row < rows; row++) {
        add(sums[all[row]], prepared(features.apply(row), normalised, centre, scale), 1);
        counts[all[row]]++;
      }
      int[] chosen = chosen(all);
      some = new float[chosen.length][];
      labels = new int[chosen.length];
      for (int i = 0; i < chosen.length; i++) {
        some[i] = prepared(features.apply(chosen[i]), normalised, centre, scale);
        labels[i] = all[chosen[i]];
      }
    }

    /** By Welford's method (1962), as it does not cancel; a constant column is only centred. */
    private void standardise(int rows, IntFunction<float[]> features, int width) {
      double[] mean = new double[width];
      double[] squares = new double[width];
      for (int row = 0; row < rows; row++) {
        float[] x = features.apply(row);
        for (int i = 0; i < width; i++) {
          double delta = x[i] - mean[i];
          mean[i] += delta / (row + 1);
          squares[i] += delta * (x[i] - mean[i]);
        }
      }
      centre = new float[width];
      scale = new float[width];
      for (int i = 0; i < width; i++) {
        centre[i] = (float) mean[i];
        float inverse = (float) (1 / Math.sqrt(squares[i] / rows));
        boolean varies = squares[i] / rows > 1e-14 * mean[i] * mean[i];
        scale[i] = varies && Float.isFinite(inverse) ? inverse : 1;
      }
    }

    private static void add(double[] sum, float[] x, int sign) {
      for (int i = 0; i < x.length; i++) {
        sum[i] += sign * x[i];
      }
    }

    /** Of classes with a second sample, in an order of chance that is always the same. */
    private int[] chosen(int[] all) {
      int[] rows = new int[all.length];
      int n = 0;
      for (int row = 0; row < all.length; row++) {
        if (counts[all[row]] > 1) {
          rows[n++] = row;
        }
      }
      SplittableRandom random = new SplittableRandom(1);
      for (int i = n - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int row = rows[i];
        rows[i] = rows[j];
        rows[j] = row;
      }
      return Arrays.copyOf(rows, Math.min(n, SAMPLES));
    }

    Optional<Novelty> fitted() {
      if (some.length < FEWEST) {
        return Optional.empty();
      }
      int folds = Math.min(some.length, some.length > 100 ? 5 : 10);
      int[] fold = folds(folds);
      double[] distances = new double[some.length];
      int judged = 0;
      float[] unit = new float[RATES.length];
      Arrays.fill(unit, 1);
      for (int f = 0; f < folds; f++) {
        Novelty without = fit(fold, f, unit);
        for (int i = 0; i < some.length && without != null; i++) {
          if (fold[i] == f && without.offsets[labels[i]] < ABSENT) {
            distances[judged++] = without.distanceOfPrepared(some[i]);
          }
        }
      }
      Novelty all = fit(fold, -1, unit);
      if (all == null || judged < FEWEST) {
        return Optional.empty();
      }
      double[] sorted = Arrays.copyOf(distances, judged);
      Arrays.sort(sorted);
      float[] limits = new float[RATES.length];
      for (int r = 0; r < limits.length; r++) {
        limits[r] = (float) Quantile.exceededBy(sorted, RATES[r]);
      }
      return limits[0] > 0
          ? Optional.of(
              new Novelty(
                  normalised,
                  centre,
                  scale,
                  all.precision,
                  all.directions,
                  all.means,
                  all.offsets,
                  limits,
                  judged))
          : Optional.empty();
    }

    /** Each class is dealt out in turn. */
    private int[] folds(int count) {
      int[] fold = new int[some.length];
      int[] next = new int[classes];
      int dealt = 0;
      for (int i = 0; i < fold.length; i++) {
        int label = labels[i];
        next[label] = next[label] == 0 ? 1 + dealt++ : next[label];
        fold[i] = (next[label]++ - 1) % count;
      }
      return fold;
    }

    /**
     * @param without the fold that is left out, -1 for none
     * @return null where what is left does not vary
     */
    private Novelty fit(int[] fold, int without, float[] limits) {
      int width = sums[0].length;
      double[][] mean = new double[classes][];
      int[] left = counts.clone();
      for (int c = 0; c < classes; c++) {
        mean[c] = sums[c].clone();
      }
      for (int i = 0; i < some.length; i++) {
        if (fold[i] == without) {
          add(mean[labels[i]], some[i], -1);
          left[labels[i]]--;
        }
      }
      for (int c = 0; c < classes; c++) {
        for (int i = 0; i < width && left[c] > 0; i++) {
          mean[c][i] /= left[c];
        }
      }
      double[][] residuals = new double[some.length][];
      int n = 0;
      for (int i = 0; i < some.length; i++) {
        int label = labels[i];
        if (fold[i] != without && left[label] > 1) {
          // As far from its mean as if it were not in it, on average.
          double factor = Math.sqrt(left[label] / (left[label] - 1.0));
          double[] residual = new double[width];
          for (int j = 0; j < width; j++) {
            residual[j] = factor * (some[i][j] - mean[label][j]);
          }
          residuals[n++] = residual;
        }
      }
      if (n < 2) {
        return null;
      }
      Covariance covariance = Covariance.of(Arrays.copyOf(residuals, n), RANK, SHRINKAGE);
      return covariance == null ? null : with(covariance, mean, left, limits);
    }

    private Novelty with(Covariance covariance, double[][] mean, int[] left, float[] limits) {
      int width = sums[0].length;
      int rank = covariance.directions().length;
      float[] directions = new float[width * rank];
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < rank; j++) {
          directions[i * rank + j] = (float) covariance.directions()[j][i];
        }
      }
      float[] means = new float[width * classes];
      float[] offsets = new float[classes];
      for (int c = 0; c < classes; c++) {
        if (left[c] == 0) {
          offsets[c] = ABSENT;
          continue;
        }
        double[] solved = covariance.solve(mean[c]);
        double offset = 0;
        for (int i = 0; i < width; i++) {
          means[i * classes + c] = (float) (-2 * solved[i]);
          offset += solved[i] * mean[c][i];
        }
        offsets[c] = (float) offset;
      }
      return new Novelty(
          normalised,
          centre,
          scale,
          (float) covariance.precision(),
          directions,
          means,
          offsets,
          limits,
          0);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Novelty that
        && normalised == that.normalised
        && precision == that.precision
        && samples == that.samples
        && Arrays.equals(centre, that.centre)
        && Arrays.equals(scale, that.scale)
        && Arrays.equals(directions, that.directions)
        && Arrays.equals(means, that.means)
        && Arrays.equals(offsets, that.offsets)
        && Arrays.equals(limits, that.limits);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(limits);
  }
}
