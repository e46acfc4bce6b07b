package dev.headstart.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.Headstart;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code heads show}: one version. */
@Command(
    name = "show",
    description = "What a version is, how good it was found and where it comes from.",
    footer = {"  ./headstart heads show animals", "  ./headstart heads show animals --version 1"})
final class HeadsShow extends HeadstartCommand {
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
        console().print(HeadReport.of(stored.manifest(), live, heads.versions(head), parameters));
      }
      return Main.DONE;
    }
  }

  /** How many numbers are trained, and how many are not; the latter without a base unknown. */
  private static Map<String, Long> parameters(Headstart headstart, HeadStore.Stored stored) {
    Path checkpoint = stored.folder().resolve(Artifacts.CHECKPOINT);
    long trainable =
        Files.exists(checkpoint) ? numbers(Checkpoint.read(checkpoint).weights().values()) : 0;
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
    } catch (NotFoundException | BadInputException e) {
      return null; // the base was removed or damaged since
    }
  }

  private static long numbers(Collection<Tensor> tensors) {
    return tensors.stream()
        .mapToLong(t -> Arrays.stream(t.shape()).reduce(1, (a, b) -> a * b))
        .sum();
  }
}
