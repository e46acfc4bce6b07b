package dev.headstart.workspace;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** A small disk of its own: it can be full and read-only even for root. Linux, root only. */
final class Tmpfs implements AutoCloseable {
  private final Path folder;

  private Tmpfs(Path folder) {
    this.folder = folder;
  }

  /** Mounts one on a fresh folder, or the test is skipped, loudly. */
  static Tmpfs mount(Path parent, String size) throws IOException {
    Path folder = Files.createTempDirectory(parent, "disk");
    String error;
    try {
      error = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder.toString());
    } catch (IOException e) {
      error = e.getMessage();
    }
    if (error != null) {
      String message = "a test disk cannot be mounted: " + error;
      System.err.println("SKIPPED: " + message);
      Assumptions.abort(message);
    }
    return new Tmpfs(folder);
  }

  Path folder() {
    return folder;
  }

  void readOnly() throws IOException {
    remount("ro");
  }

  void remount(String options) throws IOException {
    String error = run("mount", "-o", "remount," + options, folder.toString());
    if (error != null) {
      throw new AssertionError(error);
    }
  }

  /** Leaves no space, but what the file {@code filler} takes. */
  void fill() throws IOException {
    Path filler = folder.resolve("filler");
    byte[] page = new byte[4096];
    try (var out = Files.newOutputStream(filler)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        throw e;
      }
    }
  }

  /** What the command said if it failed, else null. */
  private static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.onExit().join().exitValue() == 0 ? null : said.strip();
  }

  @Override
  public void close() throws IOException {
    String error = run("umount", folder.toString());
    if (error != null) {
      throw new AssertionError(error);
    }
  }
}
