package dev.headstart.cli;

import dev.headstart.Headstart;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code heads remove}: a head, or one version of it. */
@Command(
    name = "remove",
    description = "Removes a head with all its versions, or one version that is not live.",
    footer = {
      "  ./headstart heads remove animals --version 1",
      "  ./headstart heads remove animals"
    })
final class HeadsRemove extends HeadstartCommand {
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
      List<Integer> removed = version == null ? headstart.heads().versions(head) : List.of(version);
      if (version == null) {
        headstart.heads().remove(head);
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
                    ? "Head "
                        + head
                        + " is removed, with version "
                        + HeadReport.ranges(removed)
                        + "."
                    : "Version " + version + " of head " + head + " is removed.");
      }
      return Main.DONE;
    }
  }
}
