package dev.headstart.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.error.UsageException;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Modality;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Variants of pictures that train beside them: their features are rows behind those of the samples,
 * under the samples' own labels, and they train where their sample does. They never judge.
 *
 * <p>What a variant is follows from the sample alone, so its features are computed once and cached
 * under the sample: whoever forgets that forgets them.
 */
public final class Augmentation {
  private final int samples;
  private final int[] sources;
  private final Variation[] variations;
  private final Targets targets;
  private final Set<Variation> used;
  private final Report report;

  /**
   * What came of augmentation; as JSON.
   *
   * @param asked as it was asked for
   * @param used names with commas, or none
   * @param rows that were made of the samples for it
   * @param loss out-of-fold loss without and with it; null where it was not measured
   * @param accuracy likewise; null for regression too
   * @param reason why these; null where they were asked for
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Report(
      String asked, String used, int rows, double[] loss, double[] accuracy, String reason) {}

  Augmentation(
      int samples,
      int[] sources,
      Variation[] variations,
      Targets targets,
      Set<Variation> used,
      Report report) {
    this.samples = samples;
    this.sources = sources;
    this.variations = variations;
    this.targets = targets;
    this.used = used;
    this.report = report;
  }

  /**
   * Refuses what cannot be, before the long work.
   *
   * @throws UsageException if there are no pictures to vary
   */
  static void requirePossible(Recipe recipe, BaseChoice choice, DataSet data) {
    if (recipe.augment().equals(Recipe.NO_AUGMENTATION)) {
      return;
    }
    if (choice.base() == null || data.modality() != Modality.IMAGE) {
      throw new UsageException(
          "--augment varies pictures, and these samples are "
              + data.modality().plural()
              + ": leave it out");
    }
  }

  /** How many rows there can be for one sample, itself among them. */
  static int most(Recipe recipe) {
    return 1 + asked(recipe).stream().mapToInt(variation -> variation.variants().size()).sum();
  }

  private static List<Variation> asked(Recipe recipe) {
    return switch (recipe.augment()) {
      case Recipe.NO_AUGMENTATION -> List.of();
      case Recipe.AUTOMATIC -> List.of(Variation.values());
      default -> Variation.parse(recipe.augment());
    };
  }

  /**
   * What the recipe asks for.
   *
   * @param train rows that train: what is chosen, is chosen by these
   * @param staged folder of the version
   */
  static Augmentation of(
      Lesson lesson,
      int[] train,
      Recipe recipe,
      int cores,
      Path staged,
      TrainingListener listener) {
    int samples = lesson.rows().count();
    List<Variation> asked = asked(recipe);
    Augmentation none =
        new Augmentation(samples, new int[0], new Variation[0], lesson.targets(), Set.of(), null);
    if (asked.isEmpty()) {
      return none;
    }
    boolean choose = recipe.augment().equals(Recipe.AUTOMATIC);
    if (choose) {
      Optional<String> tooLong =
          AugmentationChoice.tooLong(lesson, train.length, train.length * most(recipe), recipe);
      if (tooLong.isPresent()) {
        return none.reported(Recipe.AUTOMATIC, null, null, tooLong.get());
      }
    }
    long all = (long) samples * (most(recipe) - 1);
    listener.stage("augment", all);
    List<Integer> sources = new ArrayList<>();
    List<Variation> variations = new ArrayList<>();
    long[] done = {0};
    for (Variation variation : asked) {
      for (Variation.Variant variant : variation.variants()) {
        for (int source : lesson.vary(variant, n -> listener.progress(done[0] + n))) {
          sources.add(source);
          variations.add(variation);
        }
        done[0] += samples;
      }
    }
    int[] from = sources.stream().mapToInt(Integer::intValue).toArray();
    Augmentation made =
        new Augmentation(
            samples,
            from,
            variations.toArray(Variation[]::new),
            lesson.targets().and(from),
            EnumSet.copyOf(asked),
            null);
    if (!choose) {
      return made.reported(recipe.augment(), null, null, null);
    }
    return LessonFolds.inFolder(
        staged,
        folder ->
            new AugmentationChoice(lesson, made, train, recipe, cores, folder, listener).choose());
  }

  /** The same, of which only these are used. */
  Augmentation using(Set<Variation> some) {
    return new Augmentation(samples, sources, variations, targets, some, report);
  }

  Augmentation reported(String asked, double[] loss, double[] accuracy, String reason) {
    int rows =
        (int) IntStream.range(0, sources.length).filter(i -> used.contains(variations[i])).count();
    return new Augmentation(
        samples,
        sources,
        variations,
        targets,
        used,
        new Report(asked, text(), rows, loss, accuracy, reason));
  }

  /** As a recipe has it. */
  String text() {
    return used.isEmpty() ? Recipe.NO_AUGMENTATION : text(used);
  }

  static String text(Set<Variation> some) {
    return some.stream().sorted().map(Variation::toString).collect(Collectors.joining(","));
  }

  /** Null where nothing was asked for. */
  Report report() {
    return report;
  }

  /** Of the samples, and of all rows behind them. */
  Targets targets() {
    return targets;
  }

  Set<Variation> used() {
    return used;
  }

  /**
   * Rows of samples with those that are made of them.
   *
   * @param rows of samples
   */
  int[] with(int[] rows) {
    if (used.isEmpty()) {
      return rows;
    }
    boolean[] in = new boolean[samples];
    for (int row : rows) {
      in[row] = true;
    }
    return IntStream.concat(
            IntStream.of(rows),
            IntStream.range(0, sources.length)
                .filter(i -> in[sources[i]] && used.contains(variations[i]))
                .map(i -> samples + i))
        .toArray();
  }

  /** Rows that this variation made of these. */
  int[] made(Variation variation, int[] rows) {
    int[] with = using(Set.of(variation)).with(rows);
    return Arrays.copyOfRange(with, rows.length, with.length);
  }

  /** The row of the sample that a row was made of. */
  int source(int row) {
    return sources[row - samples];
  }
}
