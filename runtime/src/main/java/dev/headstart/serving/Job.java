package dev.headstart.serving;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request under way: units of work (samples) that may run in several calls, at the same time or
 * together with units of other requests, and an answer once all of them are done. The answer is
 * given once, whatever is thrown; {@link #release} is called once, when the answer is given and no
 * call uses the job any more.
 *
 * @param <R> the answer
 */
abstract class Job<R> {
  private static final Logger LOG = LoggerFactory.getLogger(Job.class);

  private final int units;
  private final int rank;
  private final Duration timeout;
  private final CompletableFuture<R> answer = new CompletableFuture<>();
  private final AtomicBoolean given = new AtomicBoolean();

  /** When it came, as {@link System#nanoTime}. */
  final long arrived = System.nanoTime();

  /** Nanoseconds until its first unit ran. */
  volatile long waited;

  /** What follows is the batcher's, under its lock. */
  final Progress progress = new Progress();

  /** How far a job is. */
  static final class Progress {
    Batcher.Line line;
    Future<?> timer;

    /** In the order of arrival. */
    long number;

    /** Units that calls have taken. */
    int claimed;

    /** Units that are done. */
    int done;

    /** Calls that use the job now. */
    int active;

    /** Nothing more is to be run: it was answered. */
    boolean over;

    boolean released;
  }

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
  record Piece(Job<?> job, int from, int count) {}

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

  /** What its units take; null if it must never run on the caller's thread. */
  abstract Cost cost();

  /** Units that one call takes at most, now. */
  abstract int perCall();

  /** How many calls may run at a time on workers that such jobs are in. */
  int calls() {
    return Integer.MAX_VALUE;
  }

  /** Runs pieces of this job, and of others with its key. */
  abstract void run(List<Piece> pieces);

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
    } catch (Throwable e) {
      fail(Failures.of(e));
      return;
    }
    if (given.compareAndSet(false, true)) {
      tell(null);
      answer.complete(result);
    }
  }

  /** Gives a failure as the answer, unless one is given already. */
  final void fail(RuntimeException reason) {
    if (given.compareAndSet(false, true)) {
      tell(reason);
      answer.completeExceptionally(reason);
    }
  }

  /** Counting must not cost anybody an answer. */
  private void tell(RuntimeException failure) {
    try {
      answered(failure);
    } catch (RuntimeException | Error e) {
      LOG.warn("an answer could not be counted", e);
    }
  }

  final UnavailableException expired() {
    return new UnavailableException(
        Reason.TIMEOUT,
        "not answered within "
            + (timeout.toMillis() > 0
                ? timeout.toMillis() + " ms"
                : timeout.toNanos() / 1000 + " us"));
  }
}
