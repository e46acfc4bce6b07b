package dev.headstart.serving;

import java.time.Duration;

/** A version of a model that is open, and closed when nobody uses it any more. */
abstract class Service extends Shared {
  /** Nanoseconds that one call on a CPU takes at most, where it could take more samples. */
  static final long CALL = Duration.ofMillis(2).toNanos();

  abstract int version();

  /**
   * A request as a job; the caller has retained this for it.
   *
   * @throws dev.headstart.error.BadInputException if its tensors are not what the model takes
   */
  abstract ModelJob job(InferenceRequest request, Duration timeout, Counters counters);

  /** Runs the model, so that no caller waits for its first time, and its cost is known. */
  abstract void warm();
}
