package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.error.NotFoundException;
import dev.headstart.workspace.WorkspaceCheck;
import java.nio.file.Files;
import java.util.Locale;
import picocli.CommandLine.Command;

/** {@code workspace check}: whether it is whole. */
@Command(
    name = "check",
    description = {
      "Looks whether the workspace is whole: the database, every file of every version, every"
          + " sample with its original and features.",
      "",
      "A server may use it meanwhile. Exit status 3 if something is wrong."
    },
    footer = "  ./headstart workspace check")
final class WorkspaceCheckCommand extends HeadstartCommand {

  @Override
  public Integer call() {
    if (!Files.isDirectory(workspace())) {
      throw new NotFoundException("there is no workspace " + workspace());
    }
    WorkspaceCheck.Report report;
    try (Headstart headstart = open();
        Progress progress = new Progress(console())) {
      report = headstart.check(progress);
    }
    if (json()) {
      console().json(report);
    } else {
      report
          .checked()
          .forEach(
              (what, count) ->
                  console().print(String.format(Locale.ROOT, "%-10s %8d", what, count)));
      report.notes().forEach(note -> console().print("note: " + note));
      report
          .faults()
          .forEach(
              fault ->
                  console().print(fault.where() + ": " + fault.what() + ". " + fault.advice()));
      console()
          .print(
              report.clean()
                  ? "The workspace is whole."
                  : report.faults().size() + " faults in the workspace.");
    }
    return report.clean() ? Main.DONE : Main.BAD_INPUT;
  }
}
