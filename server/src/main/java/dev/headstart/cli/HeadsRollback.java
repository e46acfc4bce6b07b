package dev.headstart.cli;

import dev.headstart.Headstart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code heads rollback}: back to what was live before. */
@Command(
    name = "rollback",
    description = {
      "Makes the version live again that was live before the live one.",
      "",
      "Once more goes back one more."
    },
    footer = "  ./headstart heads rollback animals")
final class HeadsRollback extends HeadstartCommand {
  @Parameters(paramLabel = "HEAD", description = "The head's name")
  private String head;

  @Override
  public Integer call() {
    try (Headstart headstart = open()) {
      return HeadsCommand.live(this, head, headstart.heads().rollback(head));
    }
  }
}
