package dev.headstart.workspace;

import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;

/**
 * The one place where what the disk and SQLite report becomes a message for a person.
 *
 * @param root the workspace
 */
record Failures(Path root) {
  private static final String ELSEWHERE = " or choose another workspace with --workspace";

  /** Something in the workspace could not be written. */
  FailureException write(IOException cause) {
    if (interrupted(cause)) {
      return new FailureException("interrupted while at the workspace " + root, cause);
    }
    String reason =
        cause instanceof FileSystemException e && e.getReason() != null
            ? e.getReason()
            : String.valueOf(cause.getMessage());
    if (reason.contains("No space left") || reason.contains("quota exceeded")) {
      return full(cause);
    }
    if (reason.contains("Read-only file system")) {
      return unwritable("its file system is read-only", "make it writable", cause);
    }
    if (cause instanceof AccessDeniedException || reason.contains("not permitted")) {
      return unwritable("no permission for " + file(cause), "change its permissions", cause);
    }
    if (cause instanceof NoSuchFileException) {
      return unwritable(
          file(cause) + " does not exist", "check whether another program removed it,", cause);
    }
    return unwritable(file(cause) + ": " + reason, "check the disk", cause);
  }

  /** Something in the workspace could not be read, though it is there. */
  FailureException read(Path file, IOException cause) {
    return new FailureException(
        file
            + " cannot be read: "
            + (cause instanceof AccessDeniedException ? "no permission" : cause.getMessage())
            + "; check its permissions and the disk",
        cause);
  }

  /** SQLite, or Jdbi on top of it, failed. */
  FailureException database(Exception cause) {
    Path file = root.resolve(Database.FILE);
    SQLException sql = sql(cause);
    if (sql == null) {
      return new FailureException(file + ": " + cause.getMessage(), cause);
    }
    return switch (primary(sql)) {
      case SQLITE_FULL -> full(cause);
      case SQLITE_READONLY ->
          unwritable(Database.FILE + " or its file system is read-only", "make it writable", cause);
      case SQLITE_CANTOPEN ->
          unwritable(
              Database.FILE + " or the files beside it cannot be opened",
              "check their permissions and the free space,",
              cause);
      case SQLITE_IOERR ->
          root.toFile().getUsableSpace() < 1 << 16
              ? full(cause)
              : unwritable(
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
        ? failure.getCause() instanceof IOException e && !interrupted(e)
        : switch (primary(sql)) {
          case SQLITE_FULL, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_IOERR -> true;
          default -> false;
        };
  }

  /** Then the thread's interrupt status is set. */
  private static boolean interrupted(IOException cause) {
    return cause instanceof ClosedByInterruptException
        || cause instanceof FileLockInterruptionException;
  }

  private FailureException full(Exception cause) {
    return unwritable("no space is left on its disk", "free some,", cause);
  }

  private FailureException unwritable(String reason, String advice, Exception cause) {
    return new FailureException(
        "the workspace " + root + " cannot be written: " + reason + "; " + advice + ELSEWHERE,
        cause);
  }

  private static String file(IOException cause) {
    return cause instanceof FileSystemException e && e.getFile() != null ? e.getFile() : "a file";
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
