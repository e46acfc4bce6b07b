package dev.headstart.serving;

import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;

/** Whatever is thrown while a request is under way, as one of the family that callers know. */
final class Failures {
  private Failures() {}

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
