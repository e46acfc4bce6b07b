package dev.headstart.disk;

import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * What a person is told when the disk refuses, wherever in the workspace that is.
 *
 * @param root the workspace
 */
public record DiskFailures(Path root) {
  private static final String ELSEWHERE = " or choose another workspace with --workspace";

  /** Something in the workspace could not be written. */
  public FailureException write(IOException cause) {
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
  public FailureException read(Path file, IOException cause) {
    return new FailureException(
        file
            + " cannot be read: "
            + (cause instanceof AccessDeniedException ? "no permission" : cause.getMessage())
            + "; check its permissions and the disk",
        cause);
  }

  /** Nothing fits on the disk any more. */
  public FailureException full(Exception cause) {
    return unwritable("no space is left on its disk", "free some,", cause);
  }

  /**
   * The workspace cannot be written.
   *
   * @param reason why
   * @param advice what to do, or else choose another workspace
   */
  public FailureException unwritable(String reason, String advice, Exception cause) {
    return FailureException.storage(
        "the workspace " + root + " cannot be written: " + reason + "; " + advice + ELSEWHERE,
        reason.replace(root.toAbsolutePath().toString(), "the workspace"),
        cause);
  }

  /** Whether the thread was interrupted; then its interrupt status is set. */
  public static boolean interrupted(IOException cause) {
    return cause instanceof ClosedByInterruptException
        || cause instanceof FileLockInterruptionException;
  }

  private static String file(IOException cause) {
    return cause instanceof FileSystemException e && e.getFile() != null ? e.getFile() : "a file";
  }
}
