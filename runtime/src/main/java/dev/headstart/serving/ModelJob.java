package dev.headstart.serving;

import java.time.Duration;
import java.util.List;

/** A job of a model: one that is counted, and that holds what it uses until it is over. */
abstract class ModelJob extends Job<List<InferenceResult>> {
  private final List<? extends Shared> used;
  private final List<Counters> counters;
  private final Cost cost;

  /**
   * @param used released when the job is over; the caller has retained them
   * @param counters of every version that is asked
   * @param cost of a unit; null if it must not run on the caller's thread
   */
  ModelJob(
      int units,
      int priority,
      Duration timeout,
      List<? extends Shared> used,
      List<Counters> counters,
      Cost cost) {
    super(units, priority, timeout);
    this.used = used;
    this.counters = counters;
    this.cost = cost;
  }

  @Override
  final Cost cost() {
    return cost;
  }

  final void executed(int batch, long inputNanos, long inferNanos, long outputNanos) {
    for (Counters each : counters) {
      each.executed(batch, inputNanos, inferNanos, outputNanos);
    }
  }

  @Override
  final void answered(RuntimeException failure) {
    long nanos = System.nanoTime() - arrived;
    for (Counters each : counters) {
      if (failure == null) {
        each.succeeded(units(), nanos, waited);
      } else {
        each.failed(failure, nanos);
      }
    }
  }

  @Override
  final void release() {
    used.forEach(Shared::release);
  }
}
