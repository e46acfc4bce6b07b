package dev.headstart.cli;

import dev.headstart.confidence.Calibration;
import dev.headstart.sample.Unreadable;
import dev.headstart.train.Augmentation;
import dev.headstart.train.Recipe;
import dev.headstart.train.TeachResult;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What came of teaching, for people. */
final class TeachReport {
  private static final int NAMED = 10;
  private static final int CLASSES = 12;

  private TeachReport() {}

  static String of(TeachResult result) {
    StringBuilder text = new StringBuilder();
    text.append("Head ")
        .append(result.head())
        .append(", version ")
        .append(result.version())
        .append(result.promoted() ? ", is live: " : ", is not live: ")
        .append(result.reason())
        .append("\n\n");
    if (result.base() != null) {
      row(
          text,
          "base",
          result.base()
              + ", cut at "
              + result.cut()
              + ", on "
              + result.manifest().provenance().provider());
    }
    Recipe recipe = result.recipe();
    row(text, "head", result.kind() + " (" + recipe.task().id() + ")");
    if (!result.classes().isEmpty()) {
      row(text, "classes", result.classes().size() + ": " + classes(result));
    }
    row(text, "samples", samples(result));
    if (result.epochs() > 0) {
      row(
          text,
          "training",
          String.format(
              Locale.ROOT,
              "%d epochs%s, %s, rate %s, batch %d, seed %d",
              result.epochs(),
              result.stoppedEarly() ? " (stopped early)" : "",
              recipe.optimizer(),
              Figures.plain(recipe.rate()),
              recipe.batch(),
              recipe.seed()));
    }
    if (result.augment() != null) {
      row(text, "augment", augmented(result.augment()));
    }
    if (result.validation() != null) {
      text.append("\nOn the ")
          .append(result.samples().validation())
          .append(" samples that judged it and had not trained it:\n  ")
          .append(Figures.line(result.validation()))
          .append('\n');
      if (result.crossValidation() != null) {
        text.append("  ").append(expected(result)).append('\n');
      }
      if (result.validation().confusion() != null) {
        text.append('\n')
            .append(Figures.confusion(result.classes(), result.validation().confusion()))
            .append('\n');
      }
    }
    if (result.calibration() != null) {
      text.append('\n').append(calibration(result.calibration()));
    }
    if (result.validation() == null && result.crossValidation() != null) {
      text.append('\n').append(expected(result)).append('\n');
    }
    text.append('\n').append(Figures.seconds(List.of("time"), List.of(result.seconds())));
    skipped(text, result.skipped());
    return text.append('\n').toString();
  }

  static String calibration(Calibration calibration) {
    return String.format(
        Locale.ROOT,
        "Scores are off by %.3f on average, %.3f with a temperature of %.2f%n"
            + "(calibration error on %d samples)%n",
        calibration.before(),
        calibration.after(),
        calibration.temperature(),
        calibration.samples());
  }

  private static String augmented(Augmentation.Report report) {
    return report.used()
        + (report.rows() > 0 ? ", " + report.rows() + " variants" : "")
        + (report.reason() == null ? "" : "; " + report.reason());
  }

  private static String expected(TeachResult result) {
    return Figures.expected(
        result.crossValidation(), result.samples().train() + result.samples().validation());
  }

  private static String samples(TeachResult result) {
    int train = result.samples().train();
    int validation = result.samples().validation();
    return train
        + " trained, "
        + validation
        + " judged"
        + (result.manifest().result().refitted()
            ? "; then trained once more on all " + (train + validation)
            : "")
        + (result.duplicates() > 0 ? "; " + result.duplicates() + " came twice" : "");
  }

  /** The first of the classes, with how many samples each has. */
  private static String classes(TeachResult result) {
    int shown = Math.min(CLASSES, result.classes().size());
    String classes =
        IntStream.range(0, shown)
            .mapToObj(c -> result.classes().get(c) + " (" + result.counts()[c] + ")")
            .collect(Collectors.joining(", "));
    return classes + (shown < result.classes().size() ? ", …" : "");
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append(String.format(Locale.ROOT, "  %-9s %s%n", name, value));
  }

  /** Names what was left out. */
  static void skipped(StringBuilder text, List<Unreadable> skipped) {
    if (skipped.isEmpty()) {
      return;
    }
    text.append("\n\nSkipped, as they cannot be used: ").append(skipped.size());
    skipped.stream().limit(NAMED).forEach(s -> text.append("\n  ").append(s));
    if (skipped.size() > NAMED) {
      text.append("\n  … and ").append(skipped.size() - NAMED).append(" more");
    }
  }
}
