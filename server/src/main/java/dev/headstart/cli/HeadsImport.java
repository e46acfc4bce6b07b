package dev.headstart.cli;

import dev.headstart.Headstart;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code heads import}: a head from one file. */
@Command(
    name = "import",
    description = {
      "Reads a bundle that heads export --bundle wrote on another device.",
      "",
      "All of it is checked before anything is kept. The live version there is live here."
    },
    footer = "  ./headstart heads import animals --bundle animals.zip")
final class HeadsImport extends HeadstartCommand {
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
                    + HeadReport.ranges(List.copyOf(numbers.values()))
                    + (live.isPresent()
                        ? "; " + live.getAsInt() + " is live."
                        : "; none is live."));
      }
      return Main.DONE;
    }
  }
}
