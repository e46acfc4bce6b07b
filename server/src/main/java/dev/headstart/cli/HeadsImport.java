package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.error.UsageException;
import dev.headstart.train.HeadImport;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code heads import}: a head from one file, or from training artifacts. */
@Command(
    name = "import",
    description = {
      "Reads a bundle that heads export --bundle wrote on another device, or training artifacts.",
      "",
      "All of it is checked before anything is kept. A bundle's live version is live here.",
      "Artifacts, as Microsoft's generator or headstart artifacts writes them, become version 1 if"
          + " their network is that of a linear or mlp head on the cut's features. The optimizer's"
          + " graph is not read: a head is taught with its own."
    },
    footer = {
      "  ./headstart heads import animals --bundle animals.zip",
      "  ./headstart heads import mail --artifacts training --base minilm --cut pooled"
          + " --classes ham,spam"
    })
final class HeadsImport extends HeadstartCommand {
  @Parameters(paramLabel = "HEAD", description = "What the head is to be called; a new name")
  private String head;

  @Option(names = "--bundle", paramLabel = "FILE", description = "The bundle to read")
  private Path bundle;

  @Option(
      names = "--artifacts",
      paramLabel = "DIR",
      description = "The folder with training_model.onnx and checkpoint")
  private Path artifacts;

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "With --artifacts: the base model that their features come from")
  private String base;

  @Option(
      names = "--cut",
      paramLabel = "CUT",
      description = "With --artifacts: where it was cut, a tap or a tensor")
  private String cut;

  @Option(
      names = "--classes",
      paramLabel = "NAMES",
      split = ",",
      description = "With --artifacts: the classes in the order of the scores")
  private List<String> classes = List.of();

  @Override
  public Integer call() {
    if ((bundle == null) == (artifacts == null)) {
      throw new UsageException("give either --bundle FILE or --artifacts DIR");
    }
    if (artifacts != null) {
      return fromArtifacts();
    }
    if (base != null || cut != null || !classes.isEmpty()) {
      throw new UsageException("--base, --cut and --classes go with --artifacts");
    }
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
                    + HeadReport.ranges(List.copyOf(numbers.values()))
                    + (live.isPresent()
                        ? "; " + live.getAsInt() + " is live."
                        : "; none is live."));
      }
      return Main.DONE;
    }
  }

  private int fromArtifacts() {
    if (base == null || cut == null) {
      throw new UsageException("--artifacts needs --base MODEL and --cut CUT");
    }
    try (Headstart headstart = open()) {
      int version = headstart.importArtifacts(new HeadImport(head, artifacts, base, cut, classes));
      if (json()) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("head", head);
        answer.put("versions", List.of(version));
        answer.put("live", version);
        console().json(answer);
      } else {
        console().print("Head " + head + " has version " + version + "; it is live.");
      }
      return Main.DONE;
    }
  }
}
