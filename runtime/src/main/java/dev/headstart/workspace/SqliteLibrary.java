package dev.headstart.workspace;

import dev.headstart.disk.CacheFolder;
import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * Where SQLite's Java driver unpacks its native library: in {@link CacheFolder}, as the system's
 * folder for temporary files may be one that cannot be written, or nothing be run from.
 */
final class SqliteLibrary {
  private static final String PROPERTY = "org.sqlite.tmpdir";
  private static final Duration STALE = Duration.ofDays(1);

  private SqliteLibrary() {}

  /**
   * To be called before the first connection. A folder that the user set stays.
   *
   * @throws FailureException if the folder cannot be written
   */
  static synchronized void prepare() {
    if (System.getProperty(PROPERTY) != null) {
      return;
    }
    Path folder = CacheFolder.path().resolve("sqlite");
    try {
      Files.createDirectories(folder);
      sweep(folder);
      Files.delete(Files.createTempFile(folder, "writable", ""));
    } catch (IOException e) {
      throw new FailureException(
          "the native library of SQLite cannot be copied to "
              + folder
              + " ("
              + e
              + "): set HEADSTART_CACHE to a folder that can be written",
          e);
    }
    System.setProperty(PROPERTY, folder.toString());
  }

  /** Each process unpacks a copy and deletes it in the end, but for those that are killed. */
  private static void sweep(Path folder) throws IOException {
    Instant limit = Instant.now().minus(STALE);
    try (DirectoryStream<Path> copies = Files.newDirectoryStream(folder, "sqlite-*")) {
      for (Path copy : copies) {
        // One that is loaded can be deleted as well, where the system lets it be opened meanwhile.
        if (copy.toFile().lastModified() < limit.toEpochMilli()) {
          copy.toFile().delete();
        }
      }
    }
  }
}
