package dev.headstart.error;

import java.util.Optional;

/**
 * The input was good and the work failed all the same: a disk that is full or read-only, a loss
 * that diverged, a platform that cannot train. Exit status 1.
 */
public final class FailureException extends HeadstartException {
  private final String storage;

  public FailureException(String message) {
    this(message, null);
  }

  public FailureException(String message, Throwable cause) {
    this(message, null, cause);
  }

  private FailureException(String message, String storage, Throwable cause) {
    super(message, cause);
    this.storage = storage;
  }

  /**
   * What is to last cannot be stored.
   *
   * @param storage why, in words for those who see nothing of this machine, such as "no space is
   *     left on its disk"
   */
  public static FailureException storage(String message, String storage, Throwable cause) {
    return new FailureException(message, storage, cause);
  }

  /** Why nothing can be stored; empty if that is not what failed. */
  public Optional<String> storage() {
    return Optional.ofNullable(storage);
  }
}
