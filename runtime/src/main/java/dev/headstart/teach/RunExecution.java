package dev.headstart.teach;

import dev.headstart.advise.Checkup;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.train.Epoch;
import dev.headstart.train.Recipe;
import dev.headstart.train.TaughtSamples;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run while it runs: waits for features, takes its snapshot, trains, and says what came of it.
 * As the training's listener it looks at every step whether to stop, by throwing {@link Stopped}.
 */
final class RunExecution implements TrainingListener {
  private static final Logger LOG = LoggerFactory.getLogger(RunExecution.class);

  /** Nanoseconds between two events of steps. */
  private static final long PROGRESS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Nanoseconds between two looks for features. */
  private static final long WAIT = TimeUnit.MILLISECONDS.toNanos(20);

  private final RunContext context;
  private final SampleStore store;
  private final RunLog log;
  private final HeadStore heads;
  private final RunEvents events;
  private final RunProgress progress = new RunProgress();
  private Run run;
  private RunSnapshot snapshot;
  private boolean heard;
  private long progressed;
  private volatile boolean cancelled;
  private volatile boolean leaving;
  private volatile boolean changed;

  private enum Why {
    CANCELLED,
    CHANGED,
    LEAVING
  }

  /**
   * The version that came of it.
   *
   * @param reason why it is live or not
   */
  private record Made(int version, boolean live, String reason) {}

  /** Ends a training from within. */
  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Why why;

    Stopped(Why why) {
      super(why.toString(), null, false, false);
      this.why = why;
    }
  }

  RunExecution(Run run, RunContext context) {
    this.run = run;
    this.context = context;
    this.store = context.stores().samples();
    this.log = context.stores().runs();
    this.heads = context.stores().heads();
    this.events = context.journal().of(run);
  }

  String head() {
    return run.head();
  }

  long id() {
    return run.id();
  }

  /** The stage that it is in; null for none. */
  String stage() {
    return progress.stage();
  }

  /** Seconds that are left at most; null before that is known. */
  Double eta() {
    return progress.eta();
  }

  /** It ends within a step, and is cancelled. */
  void cancel() {
    cancelled = true;
  }

  /** It ends within a step; the next process goes on with it. */
  void leave() {
    leaving = true;
  }

  /** Samples are gone or have other labels: if it learns from them, it begins anew. */
  void changed() {
    changed = true;
  }

  /** No end could be written: the run stays what the log says it is. */
  void giveUp() {
    events.end(RunViews.run(run, null, null));
  }

  void execute() {
    boolean broken = run.state() == Run.State.RUNNING;
    boolean goesOn = run.started() != null;
    Made made;
    while (true) {
      try {
        made = attempt(goesOn);
        break;
      } catch (Stopped e) {
        switch (e.why) {
          case LEAVING -> {
            return;
          }
          case CANCELLED -> {
            forgetState(heads, head());
            over(Run.State.CANCELLED, "asked for");
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
          over(Run.State.INTERRUPTED, "it cannot go on: " + e.getMessage());
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
    done(made); // whatever fails here, the version is there: the run has not failed
  }

  private void restart(String reason) {
    events.add("restart", Map.of("reason", reason));
    progress.begin();
  }

  private void failed(String reason) {
    forgetState(heads, head());
    over(Run.State.FAILED, reason);
  }

  private void over(Run.State state, String reason) {
    context.journal().over(run, state, null, null, reason);
  }

  /** What a training left to go on from. */
  static void forgetState(HeadStore heads, String head) {
    try {
      Files.deleteIfExists(heads.run(head));
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted: {}", heads.run(head), e.getMessage());
    }
  }

  /**
   * Trains once, unless the run made its version already.
   *
   * @param goesOn whether it began before
   * @throws Stopped if it is to end
   */
  private Made attempt(boolean goesOn) {
    HeadSettings head = settings();
    RunRecipe recipe = RunRecipe.of(head, run.recipe());
    progress.refit(refit(head, recipe));
    boolean resume = false;
    if (goesOn) {
      Integer version = made();
      if (version != null) {
        boolean live = heads.live(head()).orElse(0) == version;
        return new Made(version, live, "it was published when the process before this one ended");
      }
      snapshot = new RunSnapshot(log.snapshot(run.id()));
      changed = false;
      if (snapshot.labels().size() != run.samples() || !snapshot.holds(store, head())) {
        throw new Stopped(Why.CHANGED);
      }
      resume = Files.exists(heads.run(head()));
    } else {
      snapshot = null;
      awaitFeatures();
      forgetState(heads, head());
      snapshot = RunSnapshot.of(store, head());
    }
    run =
        resume
            ? log.change(run.id(), Run.State.RUNNING, null, null, null)
            : log.start(run.id(), snapshot.labels());
    events.add("state", RunViews.run(run, stage(), eta()));
    context.journal().state(run);
    TeachRequest request = request(head, recipe, samples(), resume);
    TeachResult taught =
        context
            .trainers()
            .of(head.base(), Renaming.names(store), context.settings().cores())
            .teach(request, this);
    progress.none();
    return new Made(taught.version(), taught.promoted(), taught.reason());
  }

  private HeadSettings settings() {
    return Runs.settings(store, head());
  }

  /** How many times as long an epoch takes where those train too who judged; 0 for no refit. */
  private static double refit(HeadSettings head, RunRecipe recipe) {
    Recipe resolved = recipe.options().resolve(head.task(), 1);
    return resolved.refit() ? 1 / (1 - resolved.validation()) : 0;
  }

  /** What it is called in the provenance of its version. */
  private String source() {
    return "run " + run.id() + " of the workspace";
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
      if (!context.stores().memberships().trainedOn(head(), version).isEmpty()) {
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
    progress.waiting();
    long before = newest.get(0).sequence() + 1;
    long end = System.nanoTime() + context.settings().patience().toNanos();
    while (!store.page(head(), null, StoredSample.State.PENDING, before, 1).isEmpty()) {
      if (System.nanoTime() - end > 0) {
        warning(
            store.count(head(), null, StoredSample.State.PENDING)
                + " samples are not read yet: the run goes without them");
        return;
      }
      LockSupport.parkNanos(WAIT);
      check();
    }
  }

  /** The samples of the snapshot. */
  private List<LabeledSample> samples() {
    Map<String, StoredSample> ready = RunSnapshot.ready(store, head());
    List<LabeledSample> samples = new ArrayList<>();
    for (Map.Entry<String, Label> one : snapshot.labels().entrySet()) {
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
    return samples;
  }

  private TeachRequest request(
      HeadSettings head, RunRecipe recipe, List<LabeledSample> samples, boolean resume) {
    String unfreeze = recipe.options().tuning().unfreeze();
    boolean tail = unfreeze != null && !unfreeze.equals("head");
    String cut = recipe.cut() != null ? recipe.cut() : tail ? null : head.cut();
    return new TeachRequest(
        head(),
        new StoredDataSet(source(), head.modality(), head.task(), samples),
        head.base(),
        cut == null ? "auto" : cut,
        recipe.options(),
        recipe.promotion() != null ? recipe.promotion() : head.rules().promote(),
        resume);
  }

  /** Answers follow before anybody is told: who hears of the end asks the version that it made. */
  private void done(Made made) {
    try {
      context.refresh().accept(head());
    } catch (RuntimeException e) {
      LOG.warn("version {} of '{}' does not answer yet", made.version(), head(), e);
    }
    context.journal().over(run, Run.State.DONE, made.version(), made.live(), made.reason());
    context.journal().published(head(), made.version(), made.live());
    try {
      Integer keep = settings().rules().keepVersions();
      if (keep != null) {
        prune(keep);
      }
    } catch (HeadstartException e) {
      LOG.warn("old versions of '{}' cannot be removed: {}", head(), e.getMessage());
    }
  }

  /** Removes all versions but the newest ones and the live one. */
  private void prune(int keep) {
    heads.deciding(
        head(),
        () -> {
          List<Integer> versions = heads.versions(head());
          int live = heads.live(head()).orElse(0);
          for (int version : versions.subList(0, Math.max(0, versions.size() - keep))) {
            if (version != live) {
              heads.remove(head(), version);
            }
          }
          return null;
        });
  }

  private void check() {
    if (cancelled) {
      throw new Stopped(Why.CANCELLED);
    }
    if (leaving) {
      throw new Stopped(Why.LEAVING);
    }
    if (changed && snapshot != null) {
      changed = false;
      if (!snapshot.holds(store, head())) {
        throw new Stopped(Why.CHANGED);
      }
    }
  }

  @Override
  public void stage(String name, long total) {
    check();
    progress.stage(name, total);
    events.add("stage", RunViews.stage(name, total));
  }

  @Override
  public void progress(long steps) {
    check();
    long now = System.nanoTime();
    if (now - progressed >= PROGRESS) {
      progressed = now;
      events.add("progress", Map.of("done", steps));
    }
  }

  @Override
  public void pace(double seconds, int epochs) {
    progress.pace(seconds);
  }

  @Override
  public void step() {
    check();
  }

  @Override
  public void epoch(Epoch epoch) {
    check();
    heard = true;
    progress.epoch(epoch.epoch());
    RunLog.LoggedEpoch logged =
        new RunLog.LoggedEpoch(
            progress.stage(),
            progress.of(),
            new Epoch(
                epoch.epoch(),
                epoch.rate(),
                epoch.trainLoss(),
                epoch.trainAccuracy(),
                epoch.validation() == null ? null : epoch.validation().brief()));
    log.epoch(run.id(), logged);
    events.add("epoch", RunViews.epoch(logged));
  }

  @Override
  public List<String> samples(TaughtSamples samples) {
    check();
    return Checkup.of(samples).brief();
  }

  @Override
  public void warning(String message) {
    events.add("warning", Map.of("message", message));
  }

  /** Under the head's lock, which whoever deletes or relabels holds too. */
  @Override
  public void publishing() {
    changed = true;
    check();
  }
}
