package dev.headstart.serving;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs jobs, a limited number of calls at a time, several jobs a call where they allow it. Every
 * job that is submitted is answered once. Safe for several threads.
 */
final class Batcher implements AutoCloseable {
  /*
   * A request that finds a free slot is run at once: nobody waits for a batch to fill. Batches form
   * by themselves when all slots are taken: what has queued up meanwhile with the same key goes into
   * the next call together (as in Clipper's and Triton's adaptive batching, without their delay).
   *
   * Quick work runs on the caller's thread, because handing it to another costs more than doing it:
   * only if a slot is free, nobody waits in the model's line, and all of it is expected to take less
   * than INLINE.
   *
   * A job of several units stays at the head of its line until all of them are taken, so that free
   * workers share it. Lines with waiting jobs take turns, a call each, so a busy model does not
   * starve another; within a line, priority and then arrival decide. A line takes turns while it has
   * waiting jobs and may run one more call.
   *
   * Background lines take turns only while no other line does. So that a machine that is always
   * busy learns nevertheless, one of their calls goes first if none did for STARVED.
   *
   * One lock guards the lines and what Job.Progress holds. It is held for bookkeeping only, never
   * while a model runs, a job is answered or anything is freed. A job's answer is given in three
   * steps: under the lock a call's units are counted; without it the job is answered; under it again
   * the call lets go of the job. Whichever of calls and timer lets go last of a job that is over
   * releases it, so that nothing is freed under a running call even if the caller has its TIMEOUT.
   *
   * A call of several jobs that fails is repeated job by job: one caller's bad input is not
   * another's failure.
   */
  private static final Logger LOG = LoggerFactory.getLogger(Batcher.class);

  /** Nanoseconds; a hand-over to a worker and back takes some 50,000 on small machines. */
  private static final double INLINE = 200_000;

  /** Nanoseconds. */
  private static final long STARVED = TimeUnit.MILLISECONDS.toNanos(500);

  private final int slots;
  private final int bound;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition idle = lock.newCondition();
  private final ArrayDeque<Line> turns = new ArrayDeque<>();
  private final ArrayDeque<Line> background = new ArrayDeque<>();

  /** Those that were enqueued and are not answered yet. */
  private final Set<Job<?>> queued = new HashSet<>();

  private final ScheduledThreadPoolExecutor timer;
  private final List<Thread> workers = new ArrayList<>();
  private int running;
  private int parked;
  private long arrivals;

  /** When a line of the background last had its turn, or first waited for one. */
  private long served;

  private boolean stopping;
  private boolean stopped;

  /** A model's waiting jobs. */
  static final class Line {
    private final String name;
    private final boolean background;
    private final TreeSet<Job<?>> waiting =
        new TreeSet<>(
            Comparator.<Job<?>>comparingInt(Job::rank).thenComparingLong(j -> j.progress.number));

    /** Calls on workers. */
    private int running;

    /** How many may run; see {@link Job#calls}. */
    private int most = Integer.MAX_VALUE;

    /** Read without the lock for metrics. */
    private volatile int length;

    Line(String name) {
      this(name, false);
    }

    /**
     * @param background whether it waits for all lines that are not
     */
    Line(String name, boolean background) {
      this.name = name;
      this.background = background;
    }

    String name() {
      return name;
    }

    /** How many jobs wait. */
    int length() {
      return length;
    }

    private boolean full() {
      return running >= most;
    }

    private void add(Job<?> job) {
      waiting.add(job);
      length = waiting.size();
    }

    private void remove(Job<?> job) {
      waiting.remove(job);
      length = waiting.size();
    }
  }

  /**
   * @param slots calls at a time
   * @param bound jobs that wait in a line at most
   */
  Batcher(int slots, int bound) {
    this.slots = slots;
    this.bound = bound;
    this.timer = new ScheduledThreadPoolExecutor(1, task -> daemon(task, "headstart-deadlines"));
    timer.setRemoveOnCancelPolicy(true);
    for (int i = 0; i < slots; i++) {
      Thread worker = daemon(this::serve, "headstart-worker-" + i);
      workers.add(worker);
      worker.start();
    }
  }

  static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Takes a job; from here on it is answered and released whatever happens. */
  <R> CompletionStage<R> submit(Line line, Job<R> job) {
    boolean taken = false;
    try {
      RuntimeException refused = null;
      boolean here = false;
      lock.lock();
      try {
        refused = refusal(line, job);
        if (refused == null) {
          here = running < slots && line.waiting.isEmpty() && quick(job);
          if (here) {
            running++;
            job.progress.claimed = job.units();
            job.progress.active = 1;
          } else {
            enqueue(line, job);
          }
          taken = true;
        }
      } finally {
        lock.unlock();
      }
      if (refused != null) {
        job.fail(refused);
        job.release();
      } else if (here) {
        runHere(job);
      }
    } catch (RuntimeException | Error e) {
      job.fail(Failures.of(e));
      if (!taken) {
        job.release();
      }
    }
    return job.answer();
  }

  private RuntimeException refusal(Line line, Job<?> job) {
    if (stopping) {
      return Failures.stopping();
    }
    if (job.timeout().isZero() || job.timeout().isNegative()) {
      return job.expired();
    }
    if (line.waiting.size() >= bound) {
      return new UnavailableException(
          Reason.OVERLOADED,
          "the model '" + line.name + "' is overloaded: " + bound + " requests wait already");
    }
    return null;
  }

  private static boolean quick(Job<?> job) {
    return job.cost() != null && job.cost().perUnit() * job.units() < INLINE;
  }

  private void enqueue(Line line, Job<?> job) {
    Job.Progress progress = job.progress;
    progress.line = line;
    progress.number = arrivals++;
    progress.timer = timer.schedule(() -> expire(job), nanos(job.timeout()), TimeUnit.NANOSECONDS);
    queued.add(job);
    if (line.waiting.isEmpty() && !line.full()) {
      takesTurns(line);
    }
    line.add(job);
    wake();
  }

  /** Under the lock. */
  private void takesTurns(Line line) {
    if (line.background) {
      if (background.isEmpty()) {
        served = System.nanoTime();
      }
      background.addLast(line);
    } else {
      turns.addLast(line);
    }
  }

  /** Under the lock: the line whose turn it is; null for none. */
  private Line turn() {
    boolean first = !background.isEmpty() && System.nanoTime() - served > STARVED;
    if (turns.isEmpty() || first) {
      served = System.nanoTime();
      return background.pollFirst();
    }
    return turns.pollFirst();
  }

  private boolean nobodyWaits() {
    return turns.isEmpty() && background.isEmpty();
  }

  private static long nanos(Duration duration) {
    return duration.compareTo(Duration.ofDays(1)) > 0
        ? Duration.ofDays(1).toNanos()
        : duration.toNanos();
  }

  /** Under the lock: a worker for what waits, if one may run. */
  private void wake() {
    if (running < slots && parked > 0 && !nobodyWaits()) {
      work.signal();
    }
  }

  /** On the caller's thread, in as many calls as it takes. */
  private void runHere(Job<?> job) {
    try {
      int per = Math.max(1, job.perCall());
      for (int from = 0; from < job.units(); from += per) {
        run(List.of(new Job.Piece(job, from, Math.min(per, job.units() - from))));
      }
      job.complete();
    } catch (Throwable e) {
      job.fail(Failures.of(e));
    }
    release(job);
    lock.lock();
    try {
      endCall();
    } finally {
      lock.unlock();
    }
  }

  private static void run(List<Job.Piece> pieces) {
    long start = System.nanoTime();
    int units = 0;
    for (Job.Piece piece : pieces) {
      units += piece.count();
      if (piece.from() == 0) {
        piece.job().waited = start - piece.job().arrived;
      }
    }
    Job<?> first = pieces.get(0).job();
    first.run(pieces);
    if (first.cost() != null) {
      first.cost().observe(System.nanoTime() - start, units);
    }
  }

  /** Under the lock. */
  private void endCall() {
    running--;
    wake();
    if (running == 0 && queued.isEmpty()) {
      idle.signalAll();
    }
  }

  /** A worker's life. */
  private void serve() {
    while (true) {
      List<Job.Piece> call;
      lock.lock();
      try {
        call = next();
      } finally {
        lock.unlock();
      }
      if (call == null) {
        return;
      }
      try {
        call(call);
      } finally {
        lock.lock();
        try {
          Line line = call.get(0).job().progress.line;
          boolean full = line.full();
          line.running--;
          if (full && !line.full() && !line.waiting.isEmpty()) {
            takesTurns(line);
          }
          endCall();
        } finally {
          lock.unlock();
        }
      }
    }
  }

  /** Under the lock: what to run next, or null when the batcher is stopped. */
  private List<Job.Piece> next() {
    while (true) {
      while (running < slots && !nobodyWaits()) {
        Line line = turn();
        List<Job.Piece> call = claim(line);
        if (!call.isEmpty()) {
          line.running++;
          line.most = call.get(0).job().calls();
        }
        if (!line.waiting.isEmpty() && !line.full()) {
          takesTurns(line);
        }
        if (!call.isEmpty()) {
          running++;
          wake();
          return call;
        }
      }
      if (stopped) {
        return null;
      }
      parked++;
      work.awaitUninterruptibly();
      parked--;
    }
  }

  /** Under the lock: units of the line's first job, and of others that go with it. */
  private List<Job.Piece> claim(Line line) {
    List<Job.Piece> call = new ArrayList<>(2);
    int room = 0;
    Object key = null;
    long now = System.nanoTime();
    for (Iterator<Job<?>> jobs = line.waiting.iterator(); jobs.hasNext(); ) {
      Job<?> job = jobs.next();
      Job.Progress progress = job.progress;
      if (now - job.arrived >= nanos(job.timeout())) {
        jobs.remove(); // its timer is about to answer it
        continue;
      }
      if (call.isEmpty()) {
        room = Math.max(1, job.perCall());
        key = job.key();
      } else if (!key.equals(job.key())) {
        continue;
      }
      int count = Math.min(room, job.units() - progress.claimed);
      call.add(new Job.Piece(job, progress.claimed, count));
      progress.claimed += count;
      progress.active++;
      room -= count;
      if (progress.claimed == job.units()) {
        jobs.remove();
      }
      if (room == 0 || key == null) {
        break;
      }
    }
    line.length = line.waiting.size();
    return call;
  }

  /** Runs a call and answers the jobs that it ends. */
  private void call(List<Job.Piece> call) {
    try {
      run(call);
      call.forEach(piece -> settle(piece, null));
    } catch (Throwable e) {
      if (call.size() == 1) {
        settle(call.get(0), e);
      } else {
        call.forEach(piece -> settle(piece, alone(piece)));
      }
    }
  }

  private static Throwable alone(Job.Piece piece) {
    try {
      run(List.of(piece));
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  private void settle(Job.Piece piece, Throwable failure) {
    Job<?> job = piece.job();
    Job.Progress progress = job.progress;
    boolean last = false;
    lock.lock();
    try {
      if (failure == null) {
        progress.done += piece.count();
        last = progress.done == job.units() && !progress.over;
      }
    } finally {
      lock.unlock();
    }
    if (failure != null) {
      job.fail(Failures.of(failure));
    } else if (last) {
      job.complete();
    }
    boolean free;
    lock.lock();
    try {
      progress.active--;
      if ((failure != null || last) && end(job)) {
        queued.remove(job);
      }
      free = isFree(progress);
    } finally {
      lock.unlock();
    }
    if (free) {
      release(job);
    }
  }

  /**
   * Under the lock: nothing more of this job is run.
   *
   * @return whether that is new; who ended the job takes it out of the queued ones once it is
   *     answered
   */
  private boolean end(Job<?> job) {
    Job.Progress progress = job.progress;
    if (progress.over) {
      return false;
    }
    progress.over = true;
    progress.timer.cancel(false);
    progress.line.remove(job);
    if (progress.line.waiting.isEmpty()) {
      turns.remove(progress.line);
      background.remove(progress.line);
    }
    return true;
  }

  /** Under the lock: whether the job is to be released now, by whoever asks. */
  private static boolean isFree(Job.Progress progress) {
    boolean free = progress.over && progress.active == 0 && !progress.released;
    progress.released |= free;
    return free;
  }

  private static void release(Job<?> job) {
    try {
      job.release();
    } catch (RuntimeException | Error e) {
      LOG.warn("what a request held could not be freed", e);
    }
  }

  private void expire(Job<?> job) {
    abandon(job, job.expired());
  }

  private void abandon(Job<?> job, RuntimeException reason) {
    lock.lock();
    try {
      if (!end(job)) {
        return;
      }
      job.progress.active++; // as a call does, so that nobody frees it before it is answered
    } finally {
      lock.unlock();
    }
    job.fail(reason);
    boolean free;
    lock.lock();
    try {
      job.progress.active--;
      queued.remove(job);
      free = isFree(job.progress);
      if (running == 0 && queued.isEmpty()) {
        idle.signalAll();
      }
    } finally {
      lock.unlock();
    }
    if (free) {
      release(job);
    }
  }

  /**
   * Takes no more jobs, and waits for those taken; what is left when the time is over fails.
   *
   * @return whether all of them were answered in time, and no call runs any more
   */
  boolean close(Duration patience) {
    boolean drained = drain(patience);
    List<Job<?>> left;
    lock.lock();
    try {
      left = List.copyOf(queued);
      stopped = true;
      work.signalAll();
    } finally {
      lock.unlock();
    }
    left.forEach(job -> abandon(job, Failures.stopping()));
    timer.shutdownNow();
    return drained;
  }

  /** Takes no more jobs, and waits until nothing waits or runs. */
  private boolean drain(Duration patience) {
    lock.lock();
    try {
      stopping = true;
      long left = patience.toNanos();
      while (running > 0 || !queued.isEmpty()) {
        if (left <= 0) {
          return false;
        }
        left = idle.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** As {@link #close(Duration)} with half a minute. */
  @Override
  public void close() {
    close(Duration.ofSeconds(30));
  }
}
