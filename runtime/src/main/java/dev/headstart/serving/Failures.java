package dev.headstart.serving;

import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;

/** Whatever is thrown while a request is under way, as one of the family that callers know. */
final class Failures {
  private Failures() {}

  /** What is said to requests that come once the models are being closed. */
  static UnavailableException stopping() {
    return new UnavailableException(Reason.STOPPING, "the server is stopping");
  }

  static RuntimeException of(Throwable thrown) {
    if (thrown instanceof HeadstartException known) {
      return known;
    }
    if (thrown instanceof OutOfMemoryError) {
      return new UnavailableException(
          Reason.OVERLOADED, "there is not enough memory for this request now");
    }
    return new FailureException("the request failed: " + thrown, thrown);
  }
}
