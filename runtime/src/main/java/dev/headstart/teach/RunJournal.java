package dev.headstart.teach;

import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells how runs go: what is to last goes to the log first, then all who follow hear of it. Events
 * of runs that are over stay in memory for a while; of those before, the log's epochs are told.
 * Safe for several threads.
 */
final class RunJournal {
  /** Runs that are over and whose events are still in memory. */
  private static final int REMEMBERED = 32;

  private final RunLog log;
  private final Events events;
  private final Clock clock;

  /** By number, the oldest first. */
  private final Map<Long, RunEvents> told = new LinkedHashMap<>();

  /**
   * @param events of everything, which hear of a run's state
   */
  RunJournal(RunLog log, Events events, Clock clock) {
    this.log = log;
    this.events = events;
    this.clock = clock;
  }

  /** A run's events; as far as they are not in memory, made of what the log says. */
  RunEvents of(Run run) {
    synchronized (told) {
      RunEvents known = told.get(run.id());
      if (known != null) {
        return known;
      }
      RunEvents made = logged(run);
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

  private RunEvents logged(Run run) {
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
    return made;
  }

  /** A run that was over waits again: its events begin anew. */
  void again(Run run) {
    synchronized (told) {
      told.remove(run.id());
    }
    of(run);
  }

  /** A run is over, or waits for somebody. */
  Run over(Run run, Run.State state, Integer version, Boolean promoted, String reason) {
    Run ended = log.change(run.id(), state, version, promoted, reason);
    of(ended).end(RunViews.run(ended, null, null));
    state(ended);
    return ended;
  }

  /** Tells everybody of a run's state. */
  void state(Run run) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("run", run.id());
    data.put("state", run.state().id());
    data.put("version", run.version());
    events.publish(new Event("run", run.head(), data));
  }

  /** Tells everybody of a version that a run made. */
  void published(String head, int version, boolean live) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("version", version);
    data.put("change", "published");
    data.put("live", live);
    events.publish(new Event("version", head, data));
  }
}
