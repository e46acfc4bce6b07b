package dev.headstart.workspace;

import dev.headstart.disk.DiskFailures;
import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;

/**
 * The one place where what SQLite reports becomes a message for a person; what the disk reports is
 * {@link DiskFailures}'.
 *
 * @param root the workspace
 */
record Failures(Path root) {
  /** Something in the workspace could not be written. */
  FailureException write(IOException cause) {
    return disk().write(cause);
  }

  /** Something in the workspace could not be read, though it is there. */
  FailureException read(Path file, IOException cause) {
    return disk().read(file, cause);
  }

  /** A file that is open is not at its place any more. */
  FailureException removed(String name) {
    return disk()
        .unwritable(
            name + " was removed or replaced by another program",
            "put it back and start anew,",
            null);
  }

  private DiskFailures disk() {
    return new DiskFailures(root);
  }

  /** SQLite, or Jdbi on top of it, failed. */
  FailureException database(Exception cause) {
    Path file = root.resolve(Database.FILE);
    SQLException sql = sql(cause);
    if (sql == null) {
      return new FailureException(file + ": " + cause.getMessage(), cause);
    }
    return switch (primary(sql)) {
      case SQLITE_FULL -> disk().full(cause);
      case SQLITE_READONLY ->
          disk()
              .unwritable(
                  Database.FILE + " or its file system is read-only", "make it writable", cause);
      case SQLITE_CANTOPEN ->
          disk()
              .unwritable(
                  Database.FILE + " or the files beside it cannot be opened",
                  "check their permissions and the free space,",
                  cause);
      case SQLITE_IOERR ->
          root.toFile().getUsableSpace() < 1 << 16
              ? disk().full(cause)
              : disk()
                  .unwritable(
                      Database.FILE + " failed to be read or written (" + sql.getMessage() + ")",
                      "check the disk",
                      cause);
      case SQLITE_CORRUPT, SQLITE_NOTADB ->
          new FailureException(
              file
                  + " is not a whole SQLite database ("
                  + sql.getMessage()
                  + "): restore it from a backup, or move it away with its -wal and -shm files. The"
                  + " heads are kept without it; cached features, and which samples judged which"
                  + " version, are lost",
              cause);
      case SQLITE_BUSY, SQLITE_LOCKED ->
          new FailureException(
              file
                  + " was kept locked by another process for "
                  + Database.BUSY.toSeconds()
                  + " s: end that process, then try again",
              cause);
      default -> new FailureException(file + ": " + sql.getMessage(), cause);
    };
  }

  /** Whether the failure says that the workspace cannot be written, but may well be readable. */
  static boolean isUnwritable(FailureException failure) {
    SQLException sql = sql(failure);
    return sql == null
        ? failure.getCause() instanceof IOException e && !DiskFailures.interrupted(e)
        : switch (primary(sql)) {
          case SQLITE_FULL, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_IOERR -> true;
          default -> false;
        };
  }

  private static SQLException sql(Throwable cause) {
    for (Throwable at = cause; at != null; at = at.getCause()) {
      if (at instanceof SQLException sql) {
        return sql;
      }
    }
    return null;
  }

  /** Without SQLite's extension in the upper bytes. */
  private static SQLiteErrorCode primary(SQLException e) {
    return SQLiteErrorCode.getErrorCode(e.getErrorCode() & 0xff);
  }
}
