package dev.headstart.teach;

import dev.headstart.error.HeadstartException;
import dev.headstart.sample.Task;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts runs by the rules of heads: after so many changes, or at a quiet time. It looks when
 * something changed, and every few seconds for the time. Safe for several threads.
 */
final class RunRules implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunRules.class);

  /** Milliseconds between two looks at the clock. */
  private static final long LOOK = 5_000;

  /** Milliseconds after a change before rules are looked at: changes come in bursts. */
  private static final long BURST = 200;

  private final SampleStore store;
  private final RunLog log;
  private final Consumer<String> begin;
  private final Clock clock;
  private final Set<String> changed = ConcurrentHashMap.newKeySet();
  private final Object monitor = new Object();
  private final Thread thread = new Thread(this::watch, "headstart-rules");
  private boolean closing;

  /** The moment until which quiet times are seen to. */
  private Instant looked;

  /**
   * @param begin asks for a run of a head
   * @param clock whose zone quiet times are in
   */
  RunRules(SampleStore store, RunLog log, Consumer<String> begin, Clock clock) {
    this.store = store;
    this.log = log;
    this.begin = begin;
    this.clock = clock;
    this.looked = clock.instant();
    thread.setDaemon(true);
  }

  void start() {
    store.heads().forEach(head -> changed.add(head.head()));
    thread.start();
  }

  /** Samples of a head came, changed or went, or a run of it is over. */
  void changed(String head) {
    if (changed.add(head)) {
      synchronized (monitor) {
        monitor.notifyAll();
      }
    }
  }

  private void watch() {
    while (true) {
      synchronized (monitor) {
        if (!closing && changed.isEmpty()) {
          await(LOOK);
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BURST);
        while (!closing && !changed.isEmpty() && System.nanoTime() - end < 0) {
          await(BURST);
        }
        if (closing) {
          return;
        }
      }
      Set<String> some = Set.copyOf(changed);
      changed.removeAll(some);
      try {
        look(some);
      } catch (RuntimeException e) {
        LOG.warn("the rules of {} cannot be followed now: {}", some, e.getMessage(), e);
      }
    }
  }

  private void await(long millis) {
    try {
      monitor.wait(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nothing interrupts the thread of rules", e);
    }
  }

  /** Starts what the rules ask for now; by one thread at a time. */
  void look(Set<String> some) {
    Instant before = looked;
    Instant now = clock.instant();
    looked = now;
    for (HeadSettings head : store.heads()) {
      Rules rules = head.rules();
      boolean many = rules.after() != null && some.contains(head.head());
      boolean quiet = rules.quiet() != null && passed(rules, before, now);
      if (many || quiet) {
        int changes = changes(head);
        if (changes > 0 && (quiet || changes >= rules.after()) && idle(head.head())) {
          LOG.info("{} samples of '{}' changed: a run starts by its rules", changes, head.head());
          begin(head.head());
        }
      }
    }
  }

  private void begin(String head) {
    try {
      begin.accept(head);
    } catch (HeadstartException e) {
      LOG.warn("the rules of '{}' ask for a run: {}", head, e.getMessage());
    }
  }

  private boolean idle(String head) {
    return log.open().stream().noneMatch(run -> run.head().equals(head));
  }

  /** Whether the quiet time lies between two moments; a clock that was set back passes nothing. */
  private boolean passed(Rules rules, Instant before, Instant now) {
    ZoneId zone = clock.getZone();
    LocalDateTime local = LocalDateTime.ofInstant(now, zone);
    LocalDateTime last = local.toLocalDate().atTime(rules.quiet());
    if (last.isAfter(local)) {
      last = last.minusDays(1);
    }
    return LocalDateTime.ofInstant(before, zone).isBefore(last);
  }

  /** How many samples came, changed or went since a run last started; 0 where none could learn. */
  private int changes(HeadSettings head) {
    List<StoredSample> now =
        store.samples(head.head()).stream()
            .filter(sample -> sample.state() != StoredSample.State.UNREADABLE)
            .toList();
    long classes = now.stream().flatMap(s -> s.label().names().stream()).distinct().count();
    if (head.task() == Task.SINGLE && classes < 2 || now.isEmpty()) {
      return 0;
    }
    Optional<Run> last =
        log.list(head.head(), 100).stream().filter(run -> run.started() != null).findFirst();
    if (last.isEmpty()) {
      return now.size();
    }
    RunSnapshot then = new RunSnapshot(log.snapshot(last.get().id()));
    if (then.labels().isEmpty()) { // its version was removed
      Instant since = last.get().started();
      return (int)
          store.samples(head.head()).stream().filter(s -> s.added().isAfter(since)).count();
    }
    return then.changes(last.get().samples(), now);
  }

  /** Starts nothing any more. Idempotent. */
  @Override
  public void close() {
    synchronized (monitor) {
      closing = true;
      monitor.notifyAll();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
