package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.workspace.WorkspaceBackup;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code workspace backup}: all of it in one file. */
@Command(
    name = "backup",
    description = {
      "Writes the workspace into one file, while a server teaches and serves from it.",
      "",
      "In it are heads with their versions, samples, features and added base models; not in it are"
          + " keys, certificates and half-done trainings."
    },
    footer = "  ./headstart workspace backup /mnt/usb/monday.zip")
final class WorkspaceBackupCommand extends HeadstartCommand {
  @Parameters(
      paramLabel = "FILE",
      description = "The file to write, outside of the workspace; replaced if it is there")
  private Path file;

  @Override
  public Integer call() {
    try (Headstart headstart = open();
        Progress progress = new Progress(console())) {
      return said(this, "backup", file, headstart.backup(file, progress));
    }
  }

  /** Says how much a backup holds. */
  static int said(
      HeadstartCommand command, String done, Path file, WorkspaceBackup.Summary summary) {
    if (command.json()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put(done, file.toString());
      answer.put("files", summary.files());
      answer.put("bytes", summary.bytes());
      command.console().json(answer);
    } else {
      String size = String.format(Locale.ROOT, "%.1f MB", summary.bytes() / 1e6);
      command
          .console()
          .print(
              summary.files()
                  + " files, "
                  + size
                  + (done.equals("backup") ? ", are in " : ", were restored from ")
                  + file);
    }
    return Main.DONE;
  }
}
