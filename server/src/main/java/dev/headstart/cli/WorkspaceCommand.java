package dev.headstart.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** {@code workspace}: what lasts, as a whole. */
@Command(
    name = "workspace",
    description = "What lasts: backup, restore, check.",
    subcommands = {
      WorkspaceBackupCommand.class,
      WorkspaceRestore.class,
      WorkspaceCheckCommand.class
    },
    footer = {
      "  ./headstart workspace backup /mnt/usb/monday.zip",
      "  ./headstart workspace restore /mnt/usb/monday.zip --workspace /var/lib/headstart",
      "  ./headstart workspace check"
    })
final class WorkspaceCommand extends HeadstartCommand {

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "what about the workspace?");
  }
}
