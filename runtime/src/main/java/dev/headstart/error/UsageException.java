package dev.headstart.error;

/** Options that contradict each other or are out of range. Exit status 2. */
public final class UsageException extends HeadstartException {

  public UsageException(String message) {
    super(message, null);
  }
}
