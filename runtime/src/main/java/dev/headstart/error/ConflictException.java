package dev.headstart.error;

/** What was asked for does not go with what is there. Exit status 3, over HTTP 409. */
public final class ConflictException extends HeadstartException {

  /** The message says what is there, and what to do. */
  public ConflictException(String message) {
    super(message, null);
  }
}
