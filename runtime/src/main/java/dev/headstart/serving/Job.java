package dev.headstart.serving;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A request under way: units of work (samples) that may run in several calls, at the same time or
 * together with units of other requests, and an answer once all of them are done. The answer is
 * given once, whatever is thrown; after that, {@link #release} is called once no call uses the job
 * any more.
 *
 * @param <R> the answer
 */
abstract class Job<R> {
  private final int units;
  private final int rank;
  private final Duration timeout;
  private final CompletableFuture<R> answer = new CompletableFuture<>();
  private final AtomicBoolean given = new AtomicBoolean();

  /** When it came, as {@link System#nanoTime}. */
  final long arrived = System.nanoTime();

  // What follows is the batcher's, under its lock.
  long number;
  long waited;
  int claimed;
  int done;
  int active;
  boolean over;
  boolean released;

  /**
   * @param units of work, at least 1
   * @param priority 1 is served first; 0 after all others
   * @param timeout how long the answer may take
   */
  Job(int units, int priority, Duration timeout) {
    this.units = units;
    this.rank = priority <= 0 ? Integer.MAX_VALUE : priority;
    this.timeout = timeout;
  }

  /** Units {@code from} to {@code from + count} of a job, to be run in one call. */
  record Piece<J>(J job, int from, int count) {}

  final int units() {
    return units;
  }

  /** Lower is first. */
  final int rank() {
    return rank;
  }

  final Duration timeout() {
    return timeout;
  }

  final CompletableFuture<R> answer() {
    return answer;
  }

  /** Jobs with equal keys may share a call; null for those that run alone. */
  abstract Object key();

  /** Units that one call takes at most, whatever they cost. */
  abstract int perCall();

  /** Runs pieces of this job, and of others with its key. */
  abstract void run(List<Piece<Job<?>>> pieces);

  /** What all units gave together; called once, after the last of them. */
  abstract R result();

  /** Lets go of what the job holds. */
  abstract void release();

  /** Is told of the answer, once, before whoever asked: null for success. */
  void answered(RuntimeException failure) {}

  /** Works the answer out and gives it, unless one is given already. */
  final void complete() {
    R result;
    try {
      result = result();
    } catch (RuntimeException | Error e) {
      fail(Failures.of(e));
      return;
    }
    if (given.compareAndSet(false, true)) {
      answered(null);
      answer.complete(result);
    }
  }

  /** Gives a failure as the answer, unless one is given already. */
  final void fail(RuntimeException reason) {
    if (given.compareAndSet(false, true)) {
      answered(reason);
      answer.completeExceptionally(reason);
    }
  }

  final UnavailableException expired() {
    return new UnavailableException(
        Reason.TIMEOUT, "not answered within " + timeout.toMillis() + " ms");
  }
}
