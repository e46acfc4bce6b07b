package dev.headstart.train;

import dev.headstart.error.FailureException;
import dev.headstart.head.HeadKind;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Cross-validates a lesson's head where the samples set aside are too few to say how good it is.
 */
final class LessonFolds {
  /** Of fewer samples a class, an accuracy of 0.9 is known to within 0.07 only. */
  static final int ENOUGH = 20;

  /** What it may cost, as {@link CrossValidation#cost} says it: some seconds. */
  private static final double DEAREST = 20e9;

  private final Lesson lesson;
  private final Recipe recipe;
  private final int cores;
  private final TrainingListener listener;
  private final Augmentation augmentation;

  LessonFolds(
      Lesson lesson,
      Augmentation augmentation,
      Recipe recipe,
      int cores,
      TrainingListener listener) {
    this.lesson = lesson;
    this.augmentation = augmentation;
    this.recipe = recipe;
    this.cores = cores;
    this.listener = listener;
  }

  /**
   * @param validation the rows that are set aside
   * @param epochs that the head trains
   * @param staged folder of the version; another in it is made and deleted
   * @return empty where enough is set aside, or it cannot be had, which the listener is told
   */
  Optional<CrossValidation.Estimate> estimate(int[] validation, int epochs, Path staged) {
    if (recipe.kind() instanceof HeadKind.Tail || enough(validation)) {
      return Optional.empty();
    }
    FeatureTable features = lesson.features();
    int[] all = IntStream.range(0, lesson.rows().count()).toArray();
    CrossValidation folded =
        new CrossValidation(features, augmentation.targets(), recipe, lesson.base() == null, cores);
    double cost = folded.cost(all.length, augmentation.with(all).length, epochs);
    if (cost > DEAREST) {
      listener.warning(
          String.format(
              Locale.ROOT,
              "some classes have fewer than %d samples that judge, and a cross-validation is left"
                  + " out, as it would take about %.0f seconds: raise --validation, or add samples"
                  + " of those classes",
              ENOUGH,
              cost / 1e9));
      return Optional.empty();
    }
    int[] groups = NearDuplicates.groups(lesson);
    Optional<Folds> folds =
        CrossValidation.folds(lesson.targets(), lesson.targets().strata(), groups, recipe.seed());
    if (folds.isEmpty()) {
      listener.warning(
          "how good the head will be on new samples is not estimated: some class has one sample"
              + " only, or all of its samples are near duplicates. Two a class that differ are"
              + " enough");
      return Optional.empty();
    }
    listener.stage("cross-validation", (long) folds.get().count() * epochs);
    return Optional.of(
        inFolder(
            staged,
            folder ->
                folded.run(
                    folder, all, folds.get(), groups, augmentation::with, epochs, listener)));
  }

  /** Makes an empty folder in the staged one for a while, as what lies there is published. */
  static <T> T inFolder(Path staged, Function<Path, T> use) {
    Path folder = staged.resolve("folds");
    try {
      Files.createDirectory(folder);
      try {
        return use.apply(folder);
      } finally {
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new FailureException("the folder " + folder + " cannot be used: " + e, e);
    }
  }

  private boolean enough(int[] validation) {
    if (lesson.task() == Task.REGRESSION) {
      return validation.length >= ENOUGH;
    }
    int[] all = lesson.targets().counts();
    int[] judges = lesson.targets().counts(validation);
    return IntStream.range(0, all.length).allMatch(c -> all[c] == 0 || judges[c] >= ENOUGH);
  }
}
