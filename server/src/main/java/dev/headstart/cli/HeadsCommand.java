package dev.headstart.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.freva.asciitable.Column;
import dev.headstart.Headstart;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Task;
import dev.headstart.train.Metrics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code heads}: heads and their versions. */
@Command(
    name = "heads",
    description = "Heads and their versions.",
    subcommands = {
      HeadsCommand.ListAll.class,
      HeadsCommand.Show.class,
      HeadsCommand.Promote.class,
      HeadsCommand.Rollback.class,
      HeadsCommand.Remove.class,
      HeadsCommand.Export.class,
      HeadsCommand.Import.class
    },
    footer = {
      "  ./headstart heads list",
      "  ./headstart heads show animals --version 2",
      "  ./headstart heads rollback animals",
      "  ./headstart heads export animals --out animals.onnx"
    })
final class HeadsCommand extends HeadstartCommand {

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "what about heads?");
  }

  /** A line of {@code heads list}. */
  private record Summary(
      String head,
      String task,
      String kind,
      String base,
      Integer live,
      List<Integer> versions,
      JsonNode validation,
      String created) {}

  @Command(
      name = "list",
      description = "All heads, with what is live of each.",
      footer = {"  ./headstart heads list", "  headstart heads list --json"})
  static final class ListAll extends HeadstartCommand {
    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        List<Summary> heads = new ArrayList<>();
        for (String head : headstart.heads().heads()) {
          try {
            heads.add(summary(headstart.heads(), head));
          } catch (BadInputException e) {
            // One that is damaged must not hide the others.
            console().warning(e.getMessage());
          }
        }
        if (json()) {
          heads.forEach(console()::json);
        } else if (heads.isEmpty()) {
          console().message("There are no heads yet. Next:");
          console().message(next("teach HEAD --data PATH"));
        } else {
          console().print(table(heads));
        }
        return Main.DONE;
      }
    }

    private static Summary summary(HeadStore store, String head) {
      List<Integer> versions = store.versions(head);
      OptionalInt live = store.live(head);
      HeadManifest manifest =
          store.load(head, live.orElse(versions.get(versions.size() - 1))).manifest();
      return new Summary(
          head,
          manifest.task().id(),
          manifest.kind().text(),
          manifest.base() == null ? null : manifest.base().id(),
          live.isPresent() ? live.getAsInt() : null,
          versions,
          manifest.result().metrics(),
          manifest.provenance().created());
    }

    private static String table(List<Summary> heads) {
      return Figures.table(
          new Column[] {
            Figures.left("head", 14),
            Figures.left("kind", 9),
            Figures.left("base", 18),
            Figures.right("live"),
            Figures.left("versions", 8),
            Figures.left("validation", 14)
          },
          heads.stream()
              .map(
                  h ->
                      new Object[] {
                        h.head(),
                        h.kind(),
                        h.base() == null ? "-" : h.base(),
                        h.live() == null ? "none" : h.live().toString(),
                        ranges(h.versions()),
                        headline(h.validation(), Task.of(h.task()))
                      })
              .toArray(Object[][]::new));
    }
  }

  /** Ascending numbers, shortly: 1-4, 6. */
  private static String ranges(List<Integer> numbers) {
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

  private static String headline(JsonNode metrics, Task task) {
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

  @Command(
      name = "show",
      description = "What a version is, how good it was found and where it comes from.",
      footer = {"  ./headstart heads show animals", "  headstart heads show animals --version 1"})
  static final class Show extends HeadstartCommand {
    @Parameters(paramLabel = "HEAD", description = "The head's name")
    private String head;

    @Mixin private VersionOption version;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        HeadStore heads = headstart.heads();
        HeadStore.Stored stored =
            version.version() == null
                ? heads.live(head).isPresent()
                    ? heads.loadLive(head)
                    : heads.load(head, heads.versions(head).stream().reduce(1, Math::max))
                : heads.load(head, version.version());
        OptionalInt live = heads.live(head);
        Map<String, Long> parameters = parameters(headstart, stored);
        if (json()) {
          ObjectNode node = Console.JSON.valueToTree(stored.manifest());
          node.put("live", live.isPresent() && live.getAsInt() == stored.manifest().version());
          node.set("versions", Console.JSON.valueToTree(heads.versions(head)));
          node.set("parameters", Console.JSON.valueToTree(parameters));
          console().json(node);
        } else {
          console().print(described(stored.manifest(), live, heads.versions(head), parameters));
        }
        return Main.DONE;
      }
    }

    /** How many numbers are trained, and how many are not; the latter without a base unknown. */
    private static Map<String, Long> parameters(Headstart headstart, HeadStore.Stored stored) {
      Path checkpoint = stored.folder().resolve(Artifacts.CHECKPOINT);
      long trainable =
          Files.exists(checkpoint) ? numbers(Checkpoint.read(checkpoint).trainable().values()) : 0;
      Map<String, Long> parameters = new LinkedHashMap<>();
      parameters.put("trainable", trainable);
      parameters.put("frozen", frozen(headstart, stored.manifest()));
      return parameters;
    }

    private static Long frozen(Headstart headstart, HeadManifest manifest) {
      if (manifest.base() == null) {
        return 0L;
      }
      try {
        BaseModel base = headstart.models().get(manifest.base().id());
        return numbers(
            ModelCutter.cut(base.model(), manifest.cut().tensor()).front().initializers().values());
      } catch (NotFoundException e) {
        return null; // the base was removed since
      }
    }

    private static long numbers(Collection<Tensor> tensors) {
      return tensors.stream()
          .mapToLong(t -> Arrays.stream(t.shape()).reduce(1, (a, b) -> a * b))
          .sum();
    }

    private static String described(
        HeadManifest manifest,
        OptionalInt live,
        List<Integer> versions,
        Map<String, Long> parameters) {
      StringBuilder text = new StringBuilder();
      boolean isLive = live.isPresent() && live.getAsInt() == manifest.version();
      text.append(
          String.format(
              "Head %s, version %d%s%n",
              manifest.head(),
              manifest.version(),
              isLive
                  ? ", live"
                  : live.isPresent() ? ", not live (" + live.getAsInt() + " is)" : ""));
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
      Long frozen = parameters.get("frozen");
      row(
          text,
          "parameters",
          String.format(
              Locale.ROOT,
              "%,d trained, %s frozen",
              parameters.get("trainable"),
              frozen == null ? "?" : String.format(Locale.ROOT, "%,d", frozen)));
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
      if (result.history() != null && result.history().size() > 0) {
        text.append('\n').append(history(result.history(), manifest.task())).append('\n');
      }
      return text.toString();
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
  }

  /** Says which version is live now. */
  private static int live(HeadstartCommand command, String head, int version) {
    if (command.json()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("head", head);
      answer.put("live", version);
      command.console().json(answer);
    } else {
      command.console().print("Version " + version + " of head " + head + " is live.");
    }
    return Main.DONE;
  }

  @Command(
      name = "promote",
      description = "Makes a version live.",
      footer = "  ./headstart heads promote animals 3")
  static final class Promote extends HeadstartCommand {
    @Parameters(index = "0", paramLabel = "HEAD", description = "The head's name")
    private String head;

    @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number")
    private int version;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        headstart.heads().promote(head, version);
        return live(this, head, version);
      }
    }
  }

  @Command(
      name = "rollback",
      description = "Makes the version before the live one live.",
      footer = "  ./headstart heads rollback animals")
  static final class Rollback extends HeadstartCommand {
    @Parameters(paramLabel = "HEAD", description = "The head's name")
    private String head;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        HeadStore heads = headstart.heads();
        int live = heads.loadLive(head).manifest().version(); // refuses a head that is not there
        int version =
            heads.deciding(
                head,
                () -> {
                  int now = heads.live(head).orElse(live);
                  int before =
                      heads.versions(head).stream()
                          .filter(v -> v < now)
                          .reduce(Math::max)
                          .orElseThrow(
                              () ->
                                  new NotFoundException(
                                      "head '"
                                          + head
                                          + "' has no version before the live version "
                                          + now));
                  heads.promote(head, before);
                  return before;
                });
        return live(this, head, version);
      }
    }
  }

  @Command(
      name = "remove",
      description = "Removes a head with all its versions, or one version that is not live.",
      footer = {
        "  ./headstart heads remove animals --version 1",
        "  headstart heads remove animals"
      })
  static final class Remove extends HeadstartCommand {
    @Parameters(paramLabel = "HEAD", description = "The head's name")
    private String head;

    @Option(
        names = "--version",
        paramLabel = "N",
        description = "A version's number. Default: the head with all its versions")
    private Integer version;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        List<Integer> removed =
            version == null ? headstart.heads().versions(head) : List.of(version);
        if (version == null) {
          headstart.removeHead(head);
        } else {
          headstart.heads().remove(head, version);
        }
        if (json()) {
          Map<String, Object> answer = new LinkedHashMap<>();
          answer.put("head", head);
          answer.put("removed", removed);
          console().json(answer);
        } else {
          console()
              .print(
                  version == null
                      ? "Head " + head + " is removed, with version " + ranges(removed) + "."
                      : "Version " + version + " of head " + head + " is removed.");
        }
        return Main.DONE;
      }
    }
  }

  @Command(
      name = "export",
      description = {
        "Writes a head into one file.",
        "",
        "--out writes base model and head as one ONNX model that any ONNX Runtime runs: its inputs"
            + " are the base model's (preprocessing stays outside; it and the classes are in the"
            + " metadata), its output is scores. --bundle writes the head with all its versions,"
            + " for heads import on another device."
      },
      footer = {
        "  ./headstart heads export animals --out animals.onnx",
        "  ./headstart heads export animals --bundle animals.zip"
      })
  static final class Export extends HeadstartCommand {
    @Parameters(paramLabel = "HEAD", description = "The head's name")
    private String head;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description = "The ONNX model to write; replaced if it is there")
    private Path out;

    @Option(
        names = "--bundle",
        paramLabel = "FILE",
        description = "The bundle to write; replaced if it is there")
    private Path bundle;

    @Mixin private VersionOption version;

    @Override
    public Integer call() {
      if ((out == null) == (bundle == null)) {
        throw new UsageException("export takes one of --out FILE.onnx and --bundle FILE");
      }
      if (bundle != null && version.version() != null) {
        throw new UsageException("--bundle writes all versions, so --version cannot go with it");
      }
      try (Headstart headstart = open()) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("head", head);
        if (out != null) {
          int number =
              version.version() != null
                  ? version.version()
                  : headstart.heads().loadLive(head).manifest().version();
          headstart.fused(head, number).write(out);
          answer.put("version", number);
          answer.put("out", out.toString());
        } else {
          answer.put("versions", headstart.exportBundle(head, bundle));
          answer.put("bundle", bundle.toString());
        }
        if (json()) {
          console().json(answer);
        } else {
          console()
              .print(
                  out != null
                      ? "Version " + answer.get("version") + " of head " + head + " is in " + out
                      : "Head "
                          + head
                          + ", versions "
                          + answer.get("versions")
                          + ", is in "
                          + bundle);
        }
        return Main.DONE;
      }
    }
  }

  @Command(
      name = "import",
      description = {
        "Reads a bundle that heads export --bundle wrote on another device.",
        "",
        "All of it is checked before anything is kept. The live version there is live here."
      },
      footer = "  ./headstart heads import animals --bundle animals.zip")
  static final class Import extends HeadstartCommand {
    @Parameters(paramLabel = "HEAD", description = "What the head is to be called; a new name")
    private String head;

    @Option(
        names = "--bundle",
        required = true,
        paramLabel = "FILE",
        description = "The bundle to read")
    private Path bundle;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        Map<Integer, Integer> numbers = headstart.importBundle(head, bundle);
        OptionalInt live = headstart.heads().live(head);
        numbers.forEach(
            (there, here) -> {
              if (!there.equals(here)) {
                console().warning("version " + there + " is version " + here + " here");
              }
            });
        if (json()) {
          Map<String, Object> answer = new LinkedHashMap<>();
          answer.put("head", head);
          answer.put("versions", List.copyOf(numbers.values()));
          answer.put("live", live.isPresent() ? live.getAsInt() : null);
          console().json(answer);
        } else {
          console()
              .print(
                  "Head "
                      + head
                      + " has versions "
                      + ranges(List.copyOf(numbers.values()))
                      + (live.isPresent()
                          ? "; " + live.getAsInt() + " is live."
                          : "; none is live."));
        }
        return Main.DONE;
      }
    }
  }
}
