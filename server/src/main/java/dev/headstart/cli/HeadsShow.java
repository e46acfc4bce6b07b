package dev.headstart.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.Headstart;
import dev.headstart.head.HeadStore;
import dev.headstart.predict.HeadSummary;
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
      HeadSummary parameters = HeadSummary.of(stored, headstart.models());
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
}
