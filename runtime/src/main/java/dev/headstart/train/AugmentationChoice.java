package dev.headstart.train;

import dev.headstart.preprocess.Variation;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Chooses how pictures are varied by what it gains: the loss of samples under heads that had not
 * seen them, with a variation and without, in the same folds. Off where the gain is not more than
 * chance.
 *
 * <p>Before that, a variation is left out that carries samples to other classes: where the mirrored
 * picture of a class is nearer to another class than to its own, as of digits, letters and arrows,
 * and more often so than a part of the picture is, mirroring changes what the picture says.
 */
final class AugmentationChoice {
  /** Standard errors that the gain must be: several are tried, and one is the best by chance. */
  private static final double ERRORS = 2;

  /** What all trainings may cost together, as {@link CrossValidation#cost} says it. */
  private static final double DEAREST = 60e9;

  private final Lesson lesson;
  private final Augmentation all;
  private final int[] train;
  private final Recipe recipe;
  private final Path folder;
  private final TrainingListener listener;
  private final CrossValidation validation;

  private record Measured(Set<Variation> used, double[] losses, Metrics metrics) {
    double loss() {
      return metrics.loss();
    }
  }

  /**
   * @param all every variation, whose features are there
   * @param train rows of the samples that train
   * @param folder an empty one
   */
  AugmentationChoice(
      Lesson lesson,
      Augmentation all,
      int[] train,
      Recipe recipe,
      int cores,
      Path folder,
      TrainingListener listener) {
    this.lesson = lesson;
    this.all = all;
    this.train = train;
    this.recipe = recipe;
    this.folder = folder;
    this.listener = listener;
    this.validation = new CrossValidation(lesson.features(), all.targets(), recipe, false, cores);
  }

  /**
   * Why it would take too long to measure what variants gain; asked before any is made.
   *
   * @param train how many samples train
   * @param rows that they are with all variants
   */
  static Optional<String> tooLong(Lesson lesson, int train, int rows, Recipe recipe) {
    CrossValidation all =
        new CrossValidation(lesson.features(), lesson.targets(), recipe, false, 1);
    // All variations, one after the other, and their union.
    double cost = 2 * all.cost(train, rows, Trainer.fewestEpochs(recipe, rows));
    return cost <= DEAREST
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "it is off: to measure what it gains would take about %.0f seconds; name what suits"
                    + " instead",
                cost / 1e9));
  }

  Augmentation choose() {
    int[] every = NearDuplicates.groups(lesson);
    int[] groups = IntStream.of(train).map(row -> every[row]).toArray();
    int[] strata = lesson.targets().strata();
    Targets targets = all.targets().of(train);
    Optional<Folds> folds =
        CrossValidation.folds(
            targets, IntStream.of(train).map(row -> strata[row]).toArray(), groups, recipe.seed());
    if (folds.isEmpty()) {
      return off("there are too few samples to measure what it gains");
    }
    int steps = (2 + Variation.values().length) * folds.get().count() * epochs(Set.of());
    listener.stage("augment: gain", steps);
    List<String> leftOut = new ArrayList<>();
    Set<Variation> suits = suits(leftOut);
    long[] done = {0};
    Measured plain = measure(Set.of(), folds.get(), groups, done);
    List<Measured> tried = new ArrayList<>();
    for (Variation variation : suits) {
      tried.add(measure(Set.of(variation), folds.get(), groups, done));
    }
    Set<Variation> helpful =
        tried.stream()
            .filter(one -> one.loss() < plain.loss())
            .flatMap(one -> one.used().stream())
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(Variation.class)));
    if (helpful.size() > 1) {
      tried.add(measure(helpful, folds.get(), groups, done));
    }
    Measured best = tried.stream().min(Comparator.comparingDouble(Measured::loss)).orElse(plain);
    boolean gains = gain(plain, best) > ERRORS * error(plain, best);
    String figures =
        String.format(
            Locale.ROOT,
            "%s: a loss of %.3g instead of %.3g%s on %d samples under heads that had not seen them",
            best.used().isEmpty() ? "nothing suits" : Augmentation.text(best.used()),
            best.loss(),
            plain.loss(),
            accuracies(best, plain),
            train.length);
    String reason =
        (gains ? "it helps, " : "it is off, as it gains no more than chance; best was ")
            + figures
            + leftOut.stream().map(said -> "; " + said).collect(Collectors.joining());
    return all.using(gains ? best.used() : Set.of())
        .reported(
            Recipe.AUTOMATIC,
            new double[] {plain.loss(), best.loss()},
            recipe.task() == Task.REGRESSION
                ? null
                : new double[] {plain.metrics().accuracy(), best.metrics().accuracy()},
            reason);
  }

  private static String accuracies(Measured best, Measured plain) {
    return plain.metrics().accuracy() == null
        ? ""
        : String.format(
            Locale.ROOT,
            ", an accuracy of %.3f instead of %.3f",
            best.metrics().accuracy(),
            plain.metrics().accuracy());
  }

  private Augmentation off(String reason) {
    return all.using(Set.of()).reported(Recipe.AUTOMATIC, null, null, "it is off: " + reason);
  }

  /** As many as a training of so many rows takes at least, so that all take about as many steps. */
  private int epochs(Set<Variation> used) {
    return Trainer.fewestEpochs(recipe, all.using(used).with(train).length);
  }

  private Measured measure(Set<Variation> used, Folds folds, int[] groups, long[] done) {
    int epochs = epochs(used);
    long before = done[0];
    TrainingListener part =
        new TrainingListener() {
          @Override
          public void step() {
            listener.step();
          }

          @Override
          public void progress(long steps) {
            listener.progress(before + steps);
          }
        };
    CrossValidation.Estimate estimate =
        validation.run(folder, train, folds, groups, all.using(used)::with, epochs, part);
    done[0] += (long) folds.count() * epochs;
    float[] scores = validation.scores(estimate.logits());
    int outputs = all.targets().outputs();
    double[] losses = new double[train.length];
    for (int i = 0; i < train.length; i++) {
      float[] own = Arrays.copyOfRange(scores, i * outputs, (i + 1) * outputs);
      losses[i] = Metrics.of(own, all.targets(), new int[] {train[i]}).loss();
    }
    return new Measured(used, losses, estimate.metrics());
  }

  private static double gain(Measured plain, Measured with) {
    return plain.loss() - with.loss();
  }

  /** Standard error of the gain, by pairs. */
  private static double error(Measured plain, Measured with) {
    int n = plain.losses().length;
    double mean = gain(plain, with);
    double squares = 0;
    for (int i = 0; i < n; i++) {
      double difference = plain.losses()[i] - with.losses()[i] - mean;
      squares += difference * difference;
    }
    return n < 2 ? Double.MAX_VALUE : Math.sqrt(squares / (n - 1) / n);
  }

  /** Those that leave samples in their classes about as often as a part of the picture does. */
  private Set<Variation> suits(List<String> leftOut) {
    Set<Variation> suits = EnumSet.allOf(Variation.class);
    if (recipe.task() != Task.SINGLE) {
      return suits;
    }
    ClassDirections directions =
        new ClassDirections(lesson.features(), all.targets(), train, all::source);
    double crop = directions.moved(all.made(Variation.CROP, train));
    for (Variation variation : Variation.values()) {
      int[] made = all.made(variation, train);
      double moved = directions.moved(made);
      double share = (moved * made.length + 1) / (made.length + 2.0); // never without any doubt
      if (moved - crop > ERRORS * Math.sqrt(2 * share * (1 - share) / train.length)) {
        suits.remove(variation);
        leftOut.add(
            String.format(
                Locale.ROOT,
                "%s does not suit, as it carries %.0f %% of the samples to another class (crop %.0f"
                    + " %%)",
                variation,
                100 * moved,
                100 * crop));
      }
    }
    return suits;
  }
}
