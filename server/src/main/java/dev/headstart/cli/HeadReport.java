package dev.headstart.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.freva.asciitable.Column;
import dev.headstart.confidence.Calibration;
import dev.headstart.head.HeadManifest;
import dev.headstart.predict.HeadSummary;
import dev.headstart.sample.Task;
import dev.headstart.train.CrossValidation;
import dev.headstart.train.Metrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/** What a version is, for people. */
final class HeadReport {
  private HeadReport() {}

  static String of(
      HeadManifest manifest, OptionalInt live, List<Integer> versions, HeadSummary parameters) {
    StringBuilder text = new StringBuilder();
    boolean isLive = live.isPresent() && live.getAsInt() == manifest.version();
    text.append(
        String.format(
            "Head %s, version %d%s%n",
            manifest.head(),
            manifest.version(),
            isLive ? ", live" : live.isPresent() ? ", not live (" + live.getAsInt() + " is)" : ""));
    row(text, "versions", ranges(versions));
    row(text, "kind", manifest.kind().text() + " (" + manifest.task().id() + ")");
    if (manifest.base() != null) {
      row(text, "base", manifest.base().id() + ", cut at " + manifest.cut().name());
    }
    if (!manifest.classes().isEmpty()) {
      row(
          text,
          "classes",
          manifest.classes().size() + ": " + String.join(", ", manifest.classes()));
    }
    Long frozen = parameters.frozen();
    row(
        text,
        "parameters",
        String.format(
            Locale.ROOT,
            "%,d trained, %s frozen",
            parameters.trainable(),
            frozen == null ? "?" : String.format(Locale.ROOT, "%,d", frozen)));
    if (manifest.tail() != null) {
      row(text, "unfrozen", manifest.recipe().path("unfreeze").asText());
    }
    HeadManifest.Result result = manifest.result();
    row(
        text,
        "samples",
        result.train()
            + " trained, "
            + result.validation()
            + " judged"
            + (result.refitted() ? "; then trained on all" : ""));
    row(text, "recipe", shortened(manifest.recipe()));
    HeadManifest.Provenance from = manifest.provenance();
    row(text, "created", from.created() + ", Headstart " + from.headstart());
    row(text, "data", from.data() + ", sha-256 " + from.samples());
    row(
        text,
        "made on",
        from.os()
            + " "
            + from.arch()
            + ", Java "
            + from.java()
            + ", ONNX Runtime "
            + from.onnxRuntime()
            + (from.provider() == null ? "" : " (" + from.provider() + ")"));
    text.append('\n').append(table(parameters)).append('\n');
    Metrics metrics =
        result.metrics() == null || result.metrics().isNull()
            ? null
            : Console.JSON.convertValue(result.metrics(), Metrics.class);
    if (metrics != null) {
      text.append("\nValidation: ").append(Figures.line(metrics)).append('\n');
      if (metrics.confusion() != null) {
        text.append('\n')
            .append(Figures.confusion(manifest.classes(), metrics.confusion()))
            .append('\n');
      }
    }
    if (result.calibration() != null && !result.calibration().isNull()) {
      text.append('\n')
          .append(
              TeachReport.calibration(
                  Console.JSON.convertValue(result.calibration(), Calibration.class)));
    }
    if (result.crossValidation() != null && !result.crossValidation().isNull()) {
      CrossValidation.Summary found =
          Console.JSON.convertValue(result.crossValidation(), CrossValidation.Summary.class);
      text.append('\n')
          .append(Figures.expected(found, result.train() + result.validation()))
          .append('\n');
    }
    if (result.history() != null && result.history().size() > 0) {
      text.append('\n').append(history(result.history(), manifest.task())).append('\n');
    }
    return text.toString();
  }

  /** Every parameter after the cut, and what is before it as one line. */
  private static String table(HeadSummary parameters) {
    List<Object[]> rows = new ArrayList<>();
    List<HeadSummary.Layer> before =
        parameters.layers().stream().filter(HeadSummary.Layer::cached).toList();
    if (!before.isEmpty()) {
      long count = before.stream().mapToLong(HeadSummary.Layer::count).sum();
      rows.add(
          new Object[] {"before the cut", before.size() + " in all", "", count(count), "frozen"});
    }
    for (HeadSummary.Layer layer : parameters.layers()) {
      if (!layer.cached()) {
        rows.add(
            new Object[] {
              layer.layer(),
              layer.name(),
              Arrays.toString(layer.shape()),
              count(layer.count()),
              layer.trained() ? "trained" : "frozen"
            });
      }
    }
    return Figures.table(
        new Column[] {
          Figures.left("layer", 44),
          Figures.left("parameter", 40),
          Figures.left("shape", 24),
          Figures.right("numbers"),
          Figures.left("", 8)
        },
        rows.toArray(Object[][]::new));
  }

  private static String count(long numbers) {
    return String.format(Locale.ROOT, "%,d", numbers);
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append(String.format(Locale.ROOT, "  %-10s %s%n", name, value));
  }

  private static String shortened(JsonNode recipe) {
    List<String> parts = new ArrayList<>();
    recipe
        .properties()
        .forEach(
            field -> {
              if (!List.of("kind", "task").contains(field.getKey())) {
                parts.add(
                    field.getKey() + " " + field.getValue().asText().toLowerCase(Locale.ROOT));
              }
            });
    StringBuilder lines = new StringBuilder();
    int width = 0;
    for (String part : parts) {
      if (width + part.length() > Console.WIDTH - 16) {
        lines.append(String.format("%n             "));
        width = 0;
      }
      lines.append(part).append(part.equals(parts.get(parts.size() - 1)) ? "" : ", ");
      width += part.length() + 2;
    }
    return lines.toString();
  }

  private static String history(JsonNode history, Task task) {
    int every = Math.max(1, history.size() / 20);
    List<Object[]> rows = new ArrayList<>();
    for (int i = 0; i < history.size(); i++) {
      JsonNode epoch = history.get(i);
      if ((i + 1) % every == 0 || i == 0 || i == history.size() - 1) {
        JsonNode judged = epoch.path("validation");
        rows.add(
            new Object[] {
              epoch.path("epoch").asText(),
              Figures.of(epoch.path("trainLoss").asDouble()),
              judged.has("loss") ? Figures.of(judged.get("loss").asDouble()) : "-",
              headline(judged, task)
            });
      }
    }
    return Figures.table(
        new Column[] {
          Figures.right("epoch"),
          Figures.right("loss"),
          Figures.right("validation loss"),
          Figures.right("validation")
        },
        rows.toArray(Object[][]::new));
  }

  /** Ascending numbers, shortly: 1-4, 6. */
  static String ranges(List<Integer> numbers) {
    List<String> ranges = new ArrayList<>();
    for (int from = 0, to; from < numbers.size(); from = to) {
      to = from + 1;
      while (to < numbers.size() && numbers.get(to) == numbers.get(to - 1) + 1) {
        to++;
      }
      int first = numbers.get(from);
      int last = numbers.get(to - 1);
      ranges.add(first == last ? first + "" : first + "-" + last);
    }
    return String.join(", ", ranges);
  }

  /** The figure that counts for the task, from metrics as JSON. */
  static String headline(JsonNode metrics, Task task) {
    String figure =
        switch (task) {
          case SINGLE -> "accuracy";
          case MULTI -> "macroF1";
          case REGRESSION -> "rmse";
        };
    JsonNode value = metrics == null ? null : metrics.get(figure);
    return value == null || !value.isNumber()
        ? "-"
        : figure.replace("macroF1", "macro-F1")
            + (task == Task.REGRESSION
                ? " " + Figures.of(value.doubleValue())
                : String.format(Locale.ROOT, " %.3f", value.doubleValue()));
  }
}
