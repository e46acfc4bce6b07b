package dev.headstart.cli;

import dev.headstart.Headstart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code heads promote}: another version goes live. */
@Command(
    name = "promote",
    description = "Makes a version live.",
    footer = "  ./headstart heads promote animals 3")
final class HeadsPromote extends HeadstartCommand {
  @Parameters(index = "0", paramLabel = "HEAD", description = "The head's name")
  private String head;

  @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number")
  private int version;

  @Override
  public Integer call() {
    try (Headstart headstart = open()) {
      headstart.heads().promote(head, version);
      return HeadsCommand.live(this, head, version);
    }
  }
}
