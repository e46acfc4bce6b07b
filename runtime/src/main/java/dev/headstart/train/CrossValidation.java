package dev.headstart.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * k-fold cross-validation of a head on pooled features (Stone, Cross-Validatory Choice and
 * Assessment of Statistical Predictions, 1974): every sample is judged once, by a head that trained
 * on all but its fold, by the same recipe from fresh weights. For samples of which a part that is
 * set aside would be too few to say much.
 *
 * <p>The epochs are given and nothing stops early, so that a fold's own labels decide nothing about
 * the head that judges them. The same seed gives the same scores bit for bit.
 *
 * <p>Rows that are made of samples train where these do, and are never judged.
 */
public final class CrossValidation {
  /** What is usual, and found to be a good compromise (Kohavi, 1995). */
  public static final int FOLDS = 5;

  private final FeatureTable features;
  private final Targets targets;
  private final Recipe recipe;
  private final boolean each;
  private final int cores;

  /**
   * What samples scored under heads that had not seen them.
   *
   * @param folds how many heads
   * @param logits [rows, outputs] row-major, in the order of the rows: before softmax or sigmoid,
   *     and before any temperature; for regression the predicted numbers in their own units
   * @param metrics of their scores
   * @param interval of the accuracy, or for regression of the root mean squared error, on new
   *     samples
   */
  public record Estimate(int folds, float[] logits, Metrics metrics, Interval interval) {

    /** As JSON has it. */
    public Summary summary() {
      return new Summary(
          folds,
          metrics.accuracy(),
          metrics.accuracy() == null ? metrics.rmse() : null,
          interval.low(),
          interval.high(),
          metrics.loss(),
          metrics.macroF1());
    }
  }

  /**
   * The estimate in figures. What does not apply to the task is null.
   *
   * @param low of the accuracy, or for regression of the root mean squared error
   * @param high of the same
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Summary(
      int folds,
      Double accuracy,
      Double rmse,
      double low,
      double high,
      double loss,
      Double macroF1) {}

  /**
   * @param features pooled
   * @param targets of all rows
   * @param recipe of a linear, mlp or prototype head
   * @param each whether features have units of their own, as columns of a table
   * @param cores that a step may use at most
   */
  public CrossValidation(
      FeatureTable features, Targets targets, Recipe recipe, boolean each, int cores) {
    if (recipe.kind() instanceof HeadKind.Tail) {
      throw new IllegalArgumentException("a tail is not trained on pooled features");
    }
    this.features = features;
    this.targets = targets;
    this.recipe = recipe;
    this.each = each;
    this.cores = cores;
  }

  /**
   * Deals samples into folds.
   *
   * @param strata of each sample: what to keep the shares of; ignored for regression
   * @param groups of each sample: those of one group stay together
   * @return as many folds as there are groups for, at most {@value #FOLDS}; empty where some
   *     class's samples are of one group, so that a head would have to judge it without having seen
   *     it
   */
  static Optional<Folds> folds(Targets targets, int[] strata, int[] groups, long seed) {
    int count = Math.min(FOLDS, NearDuplicates.count(groups));
    if (count < 2) {
      return Optional.empty();
    }
    int[] by =
        targets.task() == Task.REGRESSION
            ? Folds.quantiles(Arrays.copyOf(targets.values(), groups.length), count)
            : strata;
    Folds folds = Folds.of(by, groups, count, seed);
    int[] all = targets.counts(IntStream.range(0, groups.length).toArray());
    for (int fold = 0; fold < count; fold++) {
      int[] trains = targets.counts(folds.train(fold));
      for (int c = 0; c < all.length; c++) {
        if (all[c] > 0 && trains[c] == 0) {
          return Optional.empty();
        }
      }
    }
    return Optional.of(folds);
  }

  /**
   * What it takes at most, near duplicates included, in units of about a nanosecond.
   *
   * @param samples that are judged
   * @param rows that train, with those that are made of them
   * @param epochs that each head trains
   */
  double cost(int samples, int rows, int epochs) {
    double pairs = NearDuplicates.cost(samples, features.width());
    if (recipe.kind() instanceof HeadKind.Prototype) {
      return pairs + (double) FOLDS * rows * features.width() * targets.outputs();
    }
    long parameters =
        recipe.kind() instanceof HeadKind.Mlp mlp
            ? (long) mlp.hidden() * (features.width() + targets.outputs())
            : (long) features.width() * targets.outputs();
    double steps = (double) epochs * (FOLDS - 1) * rows / recipe.batch();
    return pairs + steps * (30_000 + 0.7 * parameters * (1 + recipe.batch()));
  }

  /**
   * Trains a head for every fold and scores the fold with it.
   *
   * @param folder an empty one that is written to, and empty in the end
   * @param rows the samples
   * @param folds of them, by their places among the rows
   * @param groups of them: what is in one group counts once for the interval
   * @param training adds to rows that train those that are made of them
   * @param epochs that each head trains
   * @param listener hears of progress, a step an epoch
   * @throws FailureException if a loss diverges, or the platform cannot train
   */
  Estimate run(
      Path folder,
      int[] rows,
      Folds folds,
      int[] groups,
      UnaryOperator<int[]> training,
      int epochs,
      TrainingListener listener) {
    int outputs = targets.outputs();
    float[] logits = new float[rows.length * outputs];
    for (int fold = 0; fold < folds.count(); fold++) {
      int[] places = folds.judged(fold);
      if (places.length == 0) {
        continue;
      }
      int[] train = training.apply(IntStream.of(folds.train(fold)).map(i -> rows[i]).toArray());
      int[] judged = IntStream.of(places).map(i -> rows[i]).toArray();
      float[] found = logits(folder, train, judged, epochs, passed(listener, (long) fold * epochs));
      for (int i = 0; i < judged.length; i++) {
        System.arraycopy(found, i * outputs, logits, places[i] * outputs, outputs);
      }
      listener.progress((long) (fold + 1) * epochs);
    }
    Metrics metrics = Metrics.of(scores(logits), targets, rows);
    return new Estimate(folds.count(), logits, metrics, interval(logits, metrics, rows, groups));
  }

  private static TrainingListener passed(TrainingListener listener, long before) {
    return new TrainingListener() {
      @Override
      public void step() {
        listener.step();
      }

      @Override
      public void progress(long done) {
        listener.progress(before + done);
      }
    };
  }

  /** Of rows that did not train: [judged, outputs]. */
  private float[] logits(
      Path folder, int[] train, int[] judged, int epochs, TrainingListener listener) {
    if (recipe.kind() instanceof HeadKind.Prototype) {
      return FreshHead.prototype(features, targets, train).prototypeLogits(judged, features::row);
    }
    HeadNetwork network =
        FreshHead.network(recipe.kind(), features, train, each, targets.outputs(), recipe.seed());
    Scaling target = FreshHead.target(targets, train);
    try {
      return new Trainer(network, features, targets, target, recipe, cores)
          .heldOut(folder, train, judged, epochs, listener);
    } finally {
      empty(folder);
    }
  }

  /** What logits say; the numbers of a regression are what they are. */
  float[] scores(float[] logits) {
    float[] scores = logits.clone();
    if (targets.task() != Task.REGRESSION) {
      new LabeledExamples(features, targets, null).activate(scores);
    }
    return scores;
  }

  private Interval interval(float[] logits, Metrics metrics, int[] rows, int[] groups) {
    if (targets.task() != Task.REGRESSION) {
      return Interval.ofShare(
          metrics.accuracy(), NearDuplicates.count(groups), Interval.Design.CROSS_VALIDATED);
    }
    double[] errors = new double[logits.length];
    Arrays.setAll(errors, i -> logits[i] - targets.values()[rows[i]]);
    return Interval.ofRootMeanSquare(errors, Interval.Design.CROSS_VALIDATED);
  }

  private static void empty(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (!file.equals(folder)) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw new FailureException("the folder " + folder + " cannot be emptied: " + e, e);
    }
  }
}
