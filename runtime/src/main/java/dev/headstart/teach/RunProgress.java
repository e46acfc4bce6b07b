package dev.headstart.teach;

/**
 * How far a run is, and how long it takes yet at most. One thread says how it goes, others ask.
 *
 * <p>The time that is left is that of all epochs that there can be: early stopping may spare some,
 * of the training and, by as many, of the refit.
 */
final class RunProgress {
  private String stage;
  private int of;
  private int left;
  private int done;
  private long since;
  private double pace = Double.NaN;
  private double refit;

  /** It starts, or starts anew. */
  synchronized void begin() {
    stage = null;
    pace = Double.NaN;
    refit = 0;
  }

  /**
   * What follows the training.
   *
   * @param times how many times as long as one of the training an epoch of the refit takes; 0 where
   *     there is no refit
   */
  synchronized void refit(double times) {
    refit = times;
  }

  /** It is in no stage. */
  synchronized void none() {
    stage = null;
  }

  /** It waits, before any stage. */
  synchronized void waiting() {
    stage = "waiting";
  }

  /**
   * A stage begins.
   *
   * @param total steps or epochs at most; below 0 if that is not known
   */
  synchronized void stage(String name, long total) {
    stage = name;
    of = (int) Math.max(0, total);
    left = of;
    done = 0;
    since = System.nanoTime();
  }

  /** How long an epoch takes, in seconds, before any is over. */
  synchronized void pace(double seconds) {
    pace = seconds;
  }

  /** An epoch is over; of the first, or of a run that goes on, the time says nothing. */
  synchronized void epoch(int epoch) {
    if (done == 0) {
      since = System.nanoTime();
    } else {
      pace = (System.nanoTime() - since) / 1e9 / done;
    }
    done++;
    left = of - epoch;
  }

  /** The stage that it is in; null for none. */
  synchronized String stage() {
    return stage;
  }

  /** Steps or epochs that the stage has at most. */
  synchronized int of() {
    return of;
  }

  /** Seconds that are left at most; null before that is known. */
  synchronized Double eta() {
    if (Double.isNaN(pace) || !"train".equals(stage) && !"refit".equals(stage)) {
      return null;
    }
    return pace * (left + (stage.equals("refit") ? 0 : refit * of));
  }
}
