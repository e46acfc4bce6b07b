package dev.headstart;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Which files this process holds open, as Linux says. */
public final class OpenFiles {
  private OpenFiles() {}

  /** How often this process holds the file open; elsewhere the test is skipped. */
  public static int of(Path file) throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    Assumptions.assumeTrue(Files.isDirectory(descriptors), "needs " + descriptors);
    Path real = file.toRealPath();
    int count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(descriptors)) {
      for (Path descriptor : all) {
        try {
          count += Files.readSymbolicLink(descriptor).equals(real) ? 1 : 0;
        } catch (NoSuchFileException e) {
          continue; // closed meanwhile
        }
      }
    }
    return count;
  }
}
