package dev.headstart.error;

/**
 * The input was good and the work failed all the same: a disk that is full or read-only, a loss
 * that diverged, a platform that cannot train. Exit status 1.
 */
public final class FailureException extends HeadstartException {

  public FailureException(String message) {
    super(message, null);
  }

  public FailureException(String message, Throwable cause) {
    super(message, cause);
  }
}
