package dev.headstart.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** {@code heads}: heads and their versions. */
@Command(
    name = "heads",
    description = "Heads and their versions.",
    subcommands = {
      HeadsList.class,
      HeadsShow.class,
      HeadsPromote.class,
      HeadsRollback.class,
      HeadsRemove.class,
      HeadsExport.class,
      HeadsImport.class
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

  /** Says which version is live now. */
  static int live(HeadstartCommand command, String head, int version) {
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
}
