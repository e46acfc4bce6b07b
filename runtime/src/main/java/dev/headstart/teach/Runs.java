package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queue of trainings: one after the other, below everything else that the process does. What
 * was asked for is on the disk: a run that the end of its process broke off goes on in the next
 * one, and gives the weights that it would have given unbroken.
 *
 * <p>A run learns from the samples whose features are there when it starts. If one of them is
 * deleted or relabelled meanwhile it begins anew: this is looked at between steps when it is told
 * of a change, and once more under the head's lock before the version is published, and whoever
 * deletes holds that lock too. So no version that learned from a sample appears after its deletion
 * was acknowledged.
 *
 * <p>Of several processes at one workspace the one that {@link RunLog#claim} lets in runs them.
 */
public final class Runs implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Runs.class);

  /** Milliseconds between two looks at what waits, where nobody tells. */
  private static final long LOOK = 5_000;

  /** Nanoseconds until a run whose end could not be written is tried again. */
  private static final long AGAIN = TimeUnit.SECONDS.toNanos(10);

  private final RunContext context;
  private final SampleStore store;
  private final RunLog log;
  private final RunJournal journal;
  private final RunRules rules;

  /** Those that this process runs, by number. */
  private final Map<Long, RunExecution> executions = new ConcurrentHashMap<>();

  /** Runs whose end could not be written, and until when they are left alone, as nanoTime. */
  private final Map<Long, Long> gaveUp = new ConcurrentHashMap<>();

  private final List<Thread> threads = new ArrayList<>();
  private final Object monitor = new Object();
  private AutoCloseable claim;
  private boolean closing;

  /**
   * @param clock by which rules start runs
   */
  Runs(RunContext context, Clock clock) {
    this.context = context;
    this.store = context.stores().samples();
    this.log = context.stores().runs();
    this.journal = context.journal();
    this.rules = new RunRules(store, log, head -> submit(head, null, Run.Cause.RULE), clock);
  }

  /** Goes on with what waits, and with what was broken off. */
  void start() {
    try {
      claimed();
    } catch (HeadstartException e) {
      LOG.warn("nothing is taught: {}", e.getMessage());
    }
    rules.start();
  }

  /** Whether this process runs what is asked for. */
  private boolean claimed() {
    synchronized (monitor) {
      if (claim == null && !closing) {
        Optional<AutoCloseable> got = log.claim();
        if (got.isPresent()) {
          claim = got.get();
          for (int i = 0; i < context.settings().trainings(); i++) {
            Thread thread = new Thread(this::train, "headstart-training");
            thread.setDaemon(true);
            thread.setPriority(Thread.MIN_PRIORITY);
            thread.start();
            threads.add(thread);
          }
        }
      }
      return claim != null;
    }
  }

  /** Samples of a head came, or their features did. */
  void added(String head) {
    rules.changed(head);
  }

  /** Samples of a head are gone, or have another label. */
  void changed(String head) {
    executions.values().stream()
        .filter(execution -> execution.head().equals(head))
        .forEach(RunExecution::changed);
    rules.changed(head);
  }

  /** A head is about to be removed: nothing works on it when this returns. */
  void removing(String head) {
    for (Run run : log.open()) {
      if (run.head().equals(head)) {
        try {
          cancel(head, run.id());
        } catch (ConflictException | NotFoundException e) {
          LOG.debug("run {} ended by itself", run.id());
        }
      }
    }
    synchronized (monitor) {
      while (executions.values().stream().anyMatch(e -> e.head().equals(head))) {
        await();
      }
    }
  }

  /** Until something may have changed; holding the monitor. */
  private void await() {
    try {
      monitor.wait(LOOK);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nothing interrupts the threads of runs", e);
    }
  }

  private void wake() {
    synchronized (monitor) {
      monitor.notifyAll();
    }
  }

  /**
   * Asks for a run.
   *
   * @param recipe in the place of what the head's own says; null for nothing
   * @throws NotFoundException if nobody teaches such a head
   * @throws BadInputException naming what in the recipe is unknown or wrong
   * @throws UnavailableException if too many wait, or another process runs this workspace's
   */
  public Run submit(String head, JsonNode recipe, Run.Cause cause) {
    HeadSettings made = settings(store, head);
    JsonNode merged = RunRecipe.merged(made.recipe(), recipe);
    RunRecipe.of(made, merged);
    requireClaimed();
    Run run;
    synchronized (monitor) {
      long waiting = log.open().stream().filter(r -> r.state() == Run.State.QUEUED).count();
      if (waiting >= context.settings().queue()) {
        throw new UnavailableException(
            UnavailableException.Reason.OVERLOADED,
            waiting + " runs wait already: come again when some are over, or cancel one");
      }
      run = log.create(head, merged, cause);
      journal.of(run);
    }
    journal.state(run);
    wake();
    return run;
  }

  /** A head's settings; there must be some. */
  static HeadSettings settings(SampleStore store, String head) {
    return store
        .settings(head)
        .orElseThrow(
            () ->
                new NotFoundException(
                    "head", head, store.heads().stream().map(HeadSettings::head).toList()));
  }

  private void requireClaimed() {
    if (!claimed()) {
      throw new UnavailableException(
          UnavailableException.Reason.NOT_READY,
          "another process teaches in this workspace: ask that one, or stop it");
    }
  }

  /**
   * One run.
   *
   * @throws NotFoundException if the head has no such run
   */
  public RunView get(String head, long id) {
    return view(log.get(head, id), true);
  }

  /**
   * Runs, newest first, without their epochs.
   *
   * @param head null for all heads
   */
  public List<RunView> list(String head, int limit) {
    return log.list(head, limit).stream().map(run -> view(run, false)).toList();
  }

  /** Runs that wait or run, oldest first. */
  public List<Run> open() {
    return log.open();
  }

  private RunView view(Run run, boolean whole) {
    RunExecution execution = executions.get(run.id());
    return new RunView(
        run,
        execution == null ? null : execution.stage(),
        execution == null ? null : execution.eta(),
        whole ? log.epochs(run.id()) : List.of());
  }

  /**
   * Ends a run that waits or runs, within a step.
   *
   * @throws NotFoundException if the head has no such run
   * @throws ConflictException if it is over
   */
  public Run cancel(String head, long id) {
    Run run = log.get(head, id);
    requireClaimed();
    synchronized (monitor) {
      run = log.get(head, id);
      RunExecution execution = executions.get(id);
      if (execution != null) {
        execution.cancel();
        return run;
      }
      if (run.state().ended() && run.state() != Run.State.INTERRUPTED) {
        throw new ConflictException("run " + id + " is " + run.state().id() + " already");
      }
      if (run.started() != null) {
        RunExecution.forgetState(context.stores().heads(), head);
      }
      return journal.over(run, Run.State.CANCELLED, null, null, "asked for");
    }
  }

  /**
   * Goes on with a run that was interrupted; where that is not possible, from its beginning.
   *
   * @throws NotFoundException if the head has no such run
   * @throws ConflictException if it was not interrupted
   */
  public Run resume(String head, long id) {
    Run run = log.get(head, id);
    requireClaimed();
    synchronized (monitor) {
      run = log.get(head, id);
      if (run.state() != Run.State.INTERRUPTED) {
        throw new ConflictException(
            "run " + id + " is " + run.state().id() + ": only what was interrupted can go on");
      }
      run = log.change(id, Run.State.QUEUED, null, null, null);
      journal.again(run);
    }
    journal.state(run);
    wake();
    return run;
  }

  /**
   * Tells what happens in a run: first what happened since an event, then what comes, until its
   * end. A run that ended in an earlier process tells of its epochs and its end.
   *
   * @param after number of the last event that is known; negative for none
   * @param listener must neither block nor throw
   * @param end runs when the last event was told
   * @return closing it ends the telling
   * @throws NotFoundException if the head has no such run
   */
  public AutoCloseable follow(
      String head, long id, long after, Consumer<RunEvent> listener, Runnable end) {
    return journal.of(log.get(head, id)).follow(after, listener, end);
  }

  /** Of a thread that trains. */
  private void train() {
    while (true) {
      RunExecution next = null;
      synchronized (monitor) {
        while (!closing && (next = next()) == null) {
          await();
        }
        if (closing) {
          return;
        }
        executions.put(next.id(), next);
      }
      try {
        next.execute();
      } catch (NotFoundException e) {
        LOG.info("run {} of '{}' is gone: {}", next.id(), next.head(), e.getMessage());
        next.giveUp();
      } catch (FailureException e) {
        // Such as a disk that is full: the run stays what the log says it is.
        LOG.warn(
            "run {} of '{}' came to no end, it is tried again: {}",
            next.id(),
            next.head(),
            e.getMessage());
        giveUp(next);
      } catch (RuntimeException | Error e) {
        LOG.error("run {} of '{}' came to no end, it is tried again", next.id(), next.head(), e);
        giveUp(next);
      } finally {
        synchronized (monitor) {
          executions.remove(next.id());
          monitor.notifyAll();
        }
        rules.changed(next.head());
      }
    }
  }

  private void giveUp(RunExecution execution) {
    gaveUp.put(execution.id(), System.nanoTime() + AGAIN);
    execution.giveUp();
  }

  /** The oldest that waits or was broken off, of a head none of whose runs runs; null for none. */
  private RunExecution next() {
    List<Run> open;
    try {
      open = log.open();
    } catch (HeadstartException e) {
      LOG.warn("runs cannot be read: {}", e.getMessage());
      return null;
    }
    for (Run run : open) {
      Long until = gaveUp.get(run.id());
      boolean busy =
          until != null && System.nanoTime() - until < 0
              || executions.values().stream().anyMatch(e -> e.head().equals(run.head()));
      if (!busy) {
        if (gaveUp.remove(run.id()) != null) {
          journal.again(run);
        }
        return new RunExecution(run, context);
      }
    }
    return null;
  }

  /** Stops what runs; the next process goes on with it. Idempotent. */
  @Override
  public void close() {
    synchronized (monitor) {
      closing = true;
      executions.values().forEach(RunExecution::leave);
      monitor.notifyAll();
    }
    rules.close();
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
    synchronized (monitor) {
      if (claim != null) {
        try {
          claim.close();
        } catch (Exception e) {
          throw new FailureException("the workspace's runs cannot be given up: " + e, e);
        }
        claim = null;
      }
    }
  }
}
