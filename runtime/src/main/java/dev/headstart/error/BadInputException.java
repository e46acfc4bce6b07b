package dev.headstart.error;

/** What a user or a client brought cannot be used: a file, a field, a tensor. Exit status 3. */
public final class BadInputException extends HeadstartException {

  /** The message names the file or field, what was expected and what came. */
  public BadInputException(String message) {
    super(message, null);
  }

  /** As {@link #BadInputException(String)}, with the exception that showed it. */
  public BadInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
