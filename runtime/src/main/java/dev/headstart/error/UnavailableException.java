package dev.headstart.error;

/**
 * The request was good and cannot be answered now: a model that is not loaded, a queue that is
 * full, a deadline that has passed, a server that is stopping. Exit status 1.
 */
public final class UnavailableException extends HeadstartException {

  /** Why, as far as a client acts on it. */
  public enum Reason {
    /** The model is not loaded, or not warm yet. */
    NOT_READY,
    /** Too much waits already: come again in a second. */
    OVERLOADED,
    /** The request's own deadline passed before its answer was there. */
    TIMEOUT,
    /** The process is about to end. */
    STOPPING
  }

  private final Reason reason;

  public UnavailableException(Reason reason, String message) {
    super(message, null);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
