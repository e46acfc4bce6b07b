package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.sample.Task;
import dev.headstart.train.ClassNames;
import dev.headstart.train.Epoch;
import dev.headstart.train.RunStore;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.Teacher;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trainings of heads, one after the other, below everything else that the process does. What was
 * asked for is on the disk: a run that the end of its process broke off goes on in the next one,
 * and gives the weights that it would have given unbroken.
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

  /** Runs that are over and whose events are still in memory. */
  private static final int REMEMBERED = 32;

  /** Milliseconds between two looks at what waits, where nobody tells. */
  private static final long LOOK = 5_000;

  /** Milliseconds after a change before rules are looked at: changes come in bursts. */
  private static final long BURST = 200;

  private static final long PROGRESS = TimeUnit.MILLISECONDS.toNanos(100);

  private final SampleStore store;
  private final RunLog log;
  private final HeadStore heads;
  private final RunStore memberships;
  private final Trainers trainers;
  private final RunSettings settings;
  private final Events events;
  private final Consumer<String> published;
  private final Clock clock;

  /** Those that this process runs, by number. */
  private final Map<Long, Execution> executions = new ConcurrentHashMap<>();

  /** By number, the oldest first. */
  private final Map<Long, RunEvents> told = new LinkedHashMap<>();

  /** Runs whose end could not be written: they are left alone until the next start. */
  private final Set<Long> gaveUp = ConcurrentHashMap.newKeySet();

  private final List<Thread> threads = new ArrayList<>();
  private final Set<String> changed = ConcurrentHashMap.newKeySet();
  private final Object monitor = new Object();
  private AutoCloseable claim;
  private volatile boolean closing;
  private Instant looked;

  /**
   * A run as it goes.
   *
   * @param stage that it is in; null where it does not run
   * @param eta seconds until it is over, at most; null if that is not known
   * @param epochs that are done
   */
  public record RunView(Run run, String stage, Double eta, List<RunLog.LoggedEpoch> epochs) {}

  /**
   * Something that happened in a run; see docs/http-api.md.
   *
   * @param id grows from event to event of a run
   * @param data as JSON: strings, numbers, lists and maps
   */
  public record RunEvent(long id, String type, Map<String, Object> data) {}

  /** Makes what trains. */
  @FunctionalInterface
  interface Trainers {

    /**
     * @param base the head's base model; null for none
     */
    Teacher of(String base, ClassNames names, int cores);
  }

  private enum Why {
    CANCELLED,
    CHANGED,
    CLOSING
  }

  /** Ends a training from within. */
  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Why why;

    Stopped(Why why) {
      super(why.toString(), null, false, false);
      this.why = why;
    }
  }

  /**
   * @param published is told of a head whose live version may have changed
   */
  Runs(
      SampleStore store,
      RunLog log,
      HeadStore heads,
      RunStore memberships,
      Trainers trainers,
      RunSettings settings,
      Events events,
      Consumer<String> published,
      Clock clock) {
    this.store = store;
    this.log = log;
    this.heads = heads;
    this.memberships = memberships;
    this.trainers = trainers;
    this.settings = settings;
    this.events = events;
    this.published = published;
    this.clock = clock;
    this.looked = clock.instant();
  }

  /** Goes on with what waits, and with what was broken off. */
  void start() {
    try {
      claimed();
    } catch (HeadstartException e) {
      LOG.warn("nothing is taught: {}", e.getMessage());
    }
    store.heads().forEach(head -> changed.add(head.head()));
    thread("headstart-rules", Thread.NORM_PRIORITY, this::rule);
  }

  private void thread(String name, int priority, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.setPriority(priority);
    thread.start();
    threads.add(thread);
  }

  /** Whether this process runs what is asked for. */
  private boolean claimed() {
    synchronized (monitor) {
      if (claim == null && !closing) {
        Optional<AutoCloseable> got = log.claim();
        if (got.isPresent()) {
          claim = got.get();
          for (int i = 0; i < settings.trainings(); i++) {
            thread("headstart-training", Thread.MIN_PRIORITY, this::train);
          }
        }
      }
      return claim != null;
    }
  }

  /** Hears what changes. */
  Teaching.Watcher watcher() {
    return new Teaching.Watcher() {
      @Override
      public void added(String head) {
        rules(head);
      }

      @Override
      public void changed(String head, Collection<String> samples) {
        executions.values().stream()
            .filter(execution -> execution.head().equals(head))
            .forEach(execution -> execution.look = true);
        rules(head);
      }

      @Override
      public void removing(String head) {
        cancelAll(head);
      }
    };
  }

  private void rules(String head) {
    if (changed.add(head)) {
      synchronized (monitor) {
        monitor.notifyAll();
      }
    }
  }

  private void cancelAll(String head) {
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
        await(LOOK);
      }
    }
  }

  /** Until something may have changed; holding the monitor. */
  private void await(long millis) {
    try {
      monitor.wait(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nothing interrupts the threads of runs", e);
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
    HeadSettings made = settings(head);
    JsonNode merged = RunRecipe.merged(made.recipe(), recipe);
    RunRecipe.of(made, merged);
    requireClaimed();
    Run run;
    synchronized (monitor) {
      long waiting = log.open().stream().filter(r -> r.state() == Run.State.QUEUED).count();
      if (waiting >= settings.queue()) {
        throw new UnavailableException(
            UnavailableException.Reason.OVERLOADED,
            waiting + " runs wait already: come again when some are over, or cancel one");
      }
      run = log.create(head, merged, cause);
      events(run);
    }
    told(run);
    wake();
    return run;
  }

  private HeadSettings settings(String head) {
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

  private void wake() {
    synchronized (monitor) {
      monitor.notifyAll();
    }
  }

  /** Tells everybody of a run's state. */
  private void told(Run run) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("run", run.id());
    data.put("state", run.state().id());
    data.put("version", run.version());
    events.publish(new Event("run", run.head(), data));
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
    Execution execution = executions.get(run.id());
    return new RunView(
        run,
        execution == null ? null : execution.stage,
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
      Execution execution = executions.get(id);
      if (execution != null) {
        execution.cancelled = true;
        monitor.notifyAll();
        return run;
      }
      if (run.state().ended() && run.state() != Run.State.INTERRUPTED) {
        throw new ConflictException("run " + id + " is " + run.state().id() + " already");
      }
      if (run.started() != null) {
        forgetState(head);
      }
      return over(run, Run.State.CANCELLED, null, null, "asked for");
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
      synchronized (told) {
        told.remove(id);
      }
      run = log.change(id, Run.State.QUEUED, null, null, null);
      events(run);
    }
    told(run);
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
    return events(log.get(head, id)).follow(after, listener, end);
  }

  /** A run's events; as far as they are not in memory, made of what the log says. */
  private RunEvents events(Run run) {
    synchronized (told) {
      RunEvents known = told.get(run.id());
      if (known != null) {
        return known;
      }
      List<RunLog.LoggedEpoch> epochs = log.epochs(run.id());
      boolean before = run.started() != null;
      RunEvents made = new RunEvents(before ? 1_000_000 * clock.instant().getEpochSecond() : 1);
      made.add("state", RunViews.run(run, null, null));
      String stage = null;
      for (RunLog.LoggedEpoch epoch : epochs) {
        if (!epoch.stage().equals(stage)) {
          stage = epoch.stage();
          made.add("stage", RunViews.stage(stage, epoch.of()));
        }
        made.add("epoch", RunViews.epoch(epoch));
      }
      if (run.state().ended()) {
        made.end(RunViews.run(run, null, null));
      }
      told.put(run.id(), made);
      var oldest = told.values().iterator();
      while (told.size() > REMEMBERED && oldest.hasNext()) {
        if (oldest.next().ended()) {
          oldest.remove();
        }
      }
      return made;
    }
  }

  /** What a training left to go on from. */
  private void forgetState(String head) {
    try {
      Files.deleteIfExists(heads.run(head));
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted: {}", heads.run(head), e.getMessage());
    }
  }

  /** A run is over, or waits for somebody. */
  private Run over(Run run, Run.State state, Integer version, Boolean promoted, String reason) {
    Run ended = log.change(run.id(), state, version, promoted, reason);
    RunEvents its = events(ended);
    its.end(RunViews.run(ended, null, null));
    told(ended);
    return ended;
  }

  /** Of a thread that trains. */
  private void train() {
    while (true) {
      Execution next = null;
      synchronized (monitor) {
        while (!closing && (next = next()) == null) {
          await(LOOK);
        }
        if (closing) {
          return;
        }
        executions.put(next.run.id(), next);
      }
      try {
        next.execute();
      } catch (RuntimeException | Error e) {
        // Such as a disk that is full: the run stays what the log says it is.
        LOG.error("run {} of '{}' came to no end", next.run.id(), next.head(), e);
        gaveUp.add(next.run.id());
        next.eventLog.end(RunViews.run(next.run, null, null));
      } finally {
        synchronized (monitor) {
          executions.remove(next.run.id());
          monitor.notifyAll();
        }
        rules(next.head());
      }
    }
  }

  /** The oldest that waits or was broken off, of a head none of whose runs runs; null for none. */
  private Execution next() {
    List<Run> open;
    try {
      open = log.open();
    } catch (HeadstartException e) {
      LOG.warn("runs cannot be read: {}", e.getMessage());
      return null;
    }
    for (Run run : open) {
      boolean busy =
          gaveUp.contains(run.id())
              || executions.values().stream().anyMatch(e -> e.head().equals(run.head()));
      if (!busy) {
        return new Execution(run);
      }
    }
    return null;
  }

  /** One run while it runs. */
  private final class Execution implements TrainingListener {
    private Run run;
    private final RunEvents eventLog;
    private LinkedHashMap<String, Label> snapshot;
    private boolean heard;
    private volatile boolean cancelled;
    private volatile boolean look;
    private volatile String stage;
    private volatile int of;
    private volatile int done;
    private volatile long since;
    private volatile double pace = Double.NaN;
    private boolean refits = true;
    private volatile int left;
    private long progressed;

    Execution(Run run) {
      this.run = run;
      this.eventLog = events(run);
    }

    String head() {
      return run.head();
    }

    void execute() {
      boolean broken = run.state() == Run.State.RUNNING;
      boolean goesOn = run.started() != null;
      while (true) {
        try {
          Optional<TeachResult> result = attempt(goesOn);
          stage = null;
          result.ifPresent(this::done);
          break;
        } catch (Stopped e) {
          switch (e.why) {
            case CLOSING -> {
              return; // the next process goes on with it
            }
            case CANCELLED -> {
              forgetState(head());
              over(run, Run.State.CANCELLED, null, null, "asked for");
              return;
            }
            case CHANGED -> {
              restart("samples that it learned from were deleted, or have other labels now");
              goesOn = false;
            }
          }
        } catch (UsageException | BadInputException e) {
          if (!goesOn || heard) {
            failed(e.getMessage());
            return;
          }
          if (broken) {
            over(run, Run.State.INTERRUPTED, null, null, "it cannot go on: " + e.getMessage());
            return;
          }
          restart("it cannot go on where it was: " + e.getMessage());
          goesOn = false;
        } catch (HeadstartException e) {
          failed(e.getMessage());
          return;
        } catch (RuntimeException | Error e) {
          LOG.error("run {} of '{}' failed", run.id(), head(), e);
          failed("internal error: " + e);
          return;
        }
      }
      try {
        published.accept(head());
        Integer keep = settings(head()).rules().keepVersions();
        if (keep != null) {
          prune(head(), keep);
        }
      } catch (HeadstartException e) {
        LOG.warn("what comes after run {} cannot be done: {}", run.id(), e.getMessage());
      }
    }

    private void done(TeachResult taught) {
      over(run, Run.State.DONE, taught.version(), taught.promoted(), taught.reason());
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("version", taught.version());
      data.put("change", "published");
      data.put("live", taught.promoted());
      events.publish(new Event("version", head(), data));
    }

    private void restart(String reason) {
      eventLog.add("restart", Map.of("reason", reason));
      pace = Double.NaN;
    }

    private void failed(String reason) {
      forgetState(head());
      over(run, Run.State.FAILED, null, null, reason);
    }

    private String source() {
      return "run " + run.id() + " of the workspace";
    }

    /**
     * Trains once.
     *
     * @param goesOn whether it began before
     * @return nothing if it had made its version already
     */
    private Optional<TeachResult> attempt(boolean goesOn) {
      HeadSettings head = settings(head());
      RunRecipe recipe = RunRecipe.of(head, run.recipe());
      refits = recipe.options().judging().refit() != Boolean.FALSE;
      boolean resume = false;
      if (goesOn) {
        Integer version = made();
        if (version != null) {
          boolean live = heads.live(head()).orElse(0) == version;
          over(
              run,
              Run.State.DONE,
              version,
              live,
              "it was published when the process before this one ended");
          return Optional.empty();
        }
        snapshot = log.snapshot(run.id());
        if (snapshot.size() != run.samples() || !unchanged()) {
          throw new Stopped(Why.CHANGED);
        }
        resume = Files.exists(heads.run(head()));
        if (resume) {
          run = log.change(run.id(), Run.State.RUNNING, null, null, null);
        } else {
          run = log.start(run.id(), snapshot);
        }
      } else {
        awaitFeatures();
        forgetState(head());
        snapshot = new LinkedHashMap<>();
        ready().forEach((id, sample) -> snapshot.put(id, sample.label()));
        run = log.start(run.id(), snapshot);
      }
      state();
      Runs.this.told(run);
      Map<String, StoredSample> ready = ready();
      List<LabeledSample> samples = new ArrayList<>();
      for (Map.Entry<String, Label> one : snapshot.entrySet()) {
        StoredSample stored = ready.get(one.getKey());
        if (stored == null) {
          throw new Stopped(Why.CHANGED);
        }
        samples.add(new LabeledSample(store.open(head(), stored), one.getValue()));
      }
      if (samples.isEmpty()) {
        throw new BadInputException(
            "the head '" + head() + "' has no samples whose features are there: add some first");
      }
      String unfreeze = recipe.options().tuning().unfreeze();
      boolean tail = unfreeze != null && !unfreeze.equals("head");
      String cut = recipe.cut() != null ? recipe.cut() : tail ? null : head.cut();
      TeachRequest.Promotion promotion =
          recipe.promotion() != null ? recipe.promotion() : head.rules().promote();
      TeachRequest request =
          new TeachRequest(
              head(),
              new StoredDataSet(source(), head.modality(), head.task(), samples),
              head.base(),
              cut == null ? "auto" : cut,
              recipe.options(),
              promotion,
              resume);
      return Optional.of(
          trainers.of(head.base(), names(store), settings.cores()).teach(request, this));
    }

    /** What this run published before its process ended; null for nothing. */
    private Integer made() {
      List<Integer> versions = heads.versions(head());
      for (int i = versions.size() - 1; i >= 0; i--) {
        int version = versions.get(i);
        HeadManifest manifest = heads.load(head(), version).manifest();
        if (!manifest.provenance().data().equals(source())) {
          continue;
        }
        if (!memberships.trainedOn(head(), version).isEmpty()) {
          return version;
        }
        if (heads.live(head()).orElse(0) != version) {
          heads.remove(head(), version); // nothing could judge it fairly
        }
        return null;
      }
      return null;
    }

    /** Waits until the samples that are there now are read, for a while. */
    private void awaitFeatures() {
      List<StoredSample> newest =
          store.page(head(), null, StoredSample.State.PENDING, Long.MAX_VALUE, 1);
      if (newest.isEmpty()) {
        return;
      }
      stage = "waiting";
      long before = newest.get(0).sequence() + 1;
      long end = System.nanoTime() + settings.patience().toNanos();
      while (!store.page(head(), null, StoredSample.State.PENDING, before, 1).isEmpty()) {
        if (System.nanoTime() - end > 0) {
          warning(
              store.count(head(), null, StoredSample.State.PENDING)
                  + " samples are not read yet: the run goes without them");
          return;
        }
        synchronized (monitor) {
          await(20);
        }
        check();
      }
    }

    private Map<String, StoredSample> ready() {
      Map<String, StoredSample> ready = new LinkedHashMap<>();
      for (StoredSample sample : store.samples(head())) {
        if (sample.state() == StoredSample.State.READY) {
          ready.put(sample.id(), sample);
        }
      }
      return ready;
    }

    /** Whether what it learns from is still there, under the same labels. */
    private boolean unchanged() {
      look = false;
      Map<String, StoredSample> ready = ready();
      return snapshot.entrySet().stream()
          .allMatch(
              one -> {
                StoredSample now = ready.get(one.getKey());
                return now != null && now.label().equals(one.getValue());
              });
    }

    private void check() {
      if (cancelled) {
        throw new Stopped(Why.CANCELLED);
      }
      if (closing) {
        throw new Stopped(Why.CLOSING);
      }
      if (look && snapshot != null && !unchanged()) {
        throw new Stopped(Why.CHANGED);
      }
    }

    private void state() {
      eventLog.add("state", RunViews.run(run, stage, eta()));
    }

    @Override
    public void stage(String name, long total) {
      check();
      stage = name;
      of = (int) Math.max(0, total);
      left = of;
      done = 0;
      since = System.nanoTime();
      eventLog.add("stage", RunViews.stage(name, total));
    }

    @Override
    public void progress(long steps) {
      check();
      long now = System.nanoTime();
      if (now - progressed >= PROGRESS) {
        progressed = now;
        eventLog.add("progress", Map.of("done", steps));
      }
    }

    @Override
    public void pace(double seconds, int epochs) {
      pace = seconds;
    }

    @Override
    public void step() {
      check();
    }

    @Override
    public void epoch(Epoch epoch) {
      check();
      heard = true;
      if (done == 0) {
        since = System.nanoTime(); // the first of them, or of a run that goes on, is slow
      } else {
        pace = (System.nanoTime() - since) / 1e9 / done;
      }
      done++;
      RunLog.LoggedEpoch logged =
          new RunLog.LoggedEpoch(
              stage,
              of,
              new Epoch(
                  epoch.epoch(),
                  epoch.rate(),
                  epoch.trainLoss(),
                  epoch.trainAccuracy(),
                  epoch.validation() == null ? null : epoch.validation().brief()));
      log.epoch(run.id(), logged);
      eventLog.add("epoch", RunViews.epoch(logged));
      left = of - epoch.epoch();
    }

    @Override
    public void warning(String message) {
      eventLog.add("warning", Map.of("message", message));
    }

    @Override
    public void publishing() {
      look = true;
      check();
    }

    /** Seconds that are left if no epoch is spared; null before that is known. */
    Double eta() {
      if (Double.isNaN(pace) || stage == null) {
        return null;
      }
      boolean refit = stage.equals("refit");
      return pace * (left + (refit || !refits ? 0 : of));
    }
  }

  /** What versions' classes are called by now, as clients renamed and removed them. */
  public static ClassNames names(SampleStore store) {
    return version -> names(store.renamings(version.head()), version);
  }

  static List<String> names(List<Renaming> renamings, HeadManifest version) {
    List<String> names = new ArrayList<>();
    version
        .classes()
        .forEach(name -> names.add(Learner.renamed(renamings, version.version(), name)));
    return names;
  }

  /** Removes all versions but the newest ones and the live one. */
  private void prune(String head, int keep) {
    heads.deciding(
        head,
        () -> {
          List<Integer> versions = heads.versions(head);
          int live = heads.live(head).orElse(0);
          for (int version : versions.subList(0, Math.max(0, versions.size() - keep))) {
            if (version != live) {
              heads.remove(head, version);
            }
          }
          return null;
        });
  }

  /** Of the thread that looks at rules. */
  private void rule() {
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
      List<String> some = List.copyOf(changed);
      some.forEach(changed::remove);
      try {
        ruled(some);
      } catch (RuntimeException e) {
        LOG.warn("the rules of {} cannot be followed now: {}", some, e.getMessage(), e);
      }
    }
  }

  private void ruled(List<String> some) {
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
      submit(head, null, Run.Cause.RULE);
    } catch (HeadstartException e) {
      LOG.warn("the rules of '{}' ask for a run: {}", head, e.getMessage());
    }
  }

  private boolean idle(String head) {
    return log.open().stream().noneMatch(run -> run.head().equals(head));
  }

  /** Whether the quiet time lies between two moments; a clock that was set back passes nothing. */
  private static boolean passed(Rules rules, Instant before, Instant now) {
    ZoneId zone = ZoneId.systemDefault();
    LocalDateTime local = LocalDateTime.ofInstant(now, zone);
    LocalDateTime last = local.toLocalDate().atTime(rules.quiet());
    if (last.isAfter(local)) {
      last = last.minusDays(1);
    }
    return LocalDateTime.ofInstant(before, zone).isBefore(last);
  }

  /** How many samples came, went or changed since a run last started; 0 where none could learn. */
  private int changes(HeadSettings head) {
    Map<String, Label> now = new HashMap<>();
    for (StoredSample sample : store.samples(head.head())) {
      if (sample.state() != StoredSample.State.UNREADABLE) {
        now.put(sample.id(), sample.label());
      }
    }
    long classes = now.values().stream().flatMap(l -> l.names().stream()).distinct().count();
    if (head.task() == Task.SINGLE && classes < 2 || now.isEmpty()) {
      return 0;
    }
    Optional<Run> last =
        log.list(head.head(), 100).stream().filter(run -> run.started() != null).findFirst();
    if (last.isEmpty()) {
      return now.size();
    }
    Map<String, Label> then = log.snapshot(last.get().id());
    if (then.isEmpty()) { // of a run that came to nothing the log forgets it
      Instant since = last.get().started();
      return (int)
          store.samples(head.head()).stream().filter(s -> s.added().isAfter(since)).count();
    }
    int changes = last.get().samples() - then.size(); // forgotten since
    for (Map.Entry<String, Label> one : now.entrySet()) {
      changes += one.getValue().equals(then.get(one.getKey())) ? 0 : 1;
    }
    return changes;
  }

  /** Stops what runs; the next process goes on with it. Idempotent. */
  @Override
  public void close() {
    synchronized (monitor) {
      closing = true;
      monitor.notifyAll();
    }
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
