package dev.headstart.error;

/**
 * Everything that Headstart refuses or fails at, with a message that says what was expected, what
 * came, and what to do. The subclasses are few on purpose: each is one answer to the caller, such
 * as an exit status.
 */
public abstract sealed class HeadstartException extends RuntimeException
    permits BadInputException,
        ConflictException,
        NotFoundException,
        UsageException,
        FailureException,
        UnavailableException {

  HeadstartException(String message, Throwable cause) {
    super(message, cause);
  }
}
