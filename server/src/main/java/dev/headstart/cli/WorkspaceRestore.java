package dev.headstart.cli;

import dev.headstart.workspace.WorkspaceBackup;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code workspace restore}: a workspace of a backup. */
@Command(
    name = "restore",
    description = {
      "Makes a workspace of a file that workspace backup wrote.",
      "",
      "The workspace must be empty, or not there yet. All of the file is checked before anything"
          + " is kept."
    },
    footer = "  ./headstart workspace restore /mnt/usb/monday.zip --workspace /var/lib/headstart")
final class WorkspaceRestore extends HeadstartCommand {
  @Parameters(paramLabel = "FILE", description = "The backup")
  private Path file;

  @Override
  public Integer call() {
    try (Progress progress = new Progress(console())) {
      return WorkspaceBackupCommand.said(
          this, "restored", file, WorkspaceBackup.restore(file, workspace(), progress));
    }
  }
}
