package dev.headstart.train;

/** Tells a listener of steps, and once how long an epoch's take, by the first of them. */
final class Pace {
  /** Nanoseconds of steps that are measured before it is told. */
  private static final long MEASURED = 500_000_000;

  private final TrainingListener listener;
  private final int epochs;
  private final int stepsAnEpoch;
  private long from;
  private int steps;
  private boolean told;

  /**
   * @param epochs that there will be, at most
   */
  Pace(TrainingListener listener, int epochs, int stepsAnEpoch) {
    this.listener = listener;
    this.epochs = epochs;
    this.stepsAnEpoch = stepsAnEpoch;
  }

  /** A step is done; the first one is slower than those that follow. */
  void step() {
    listener.step();
    long now = System.nanoTime();
    if (steps++ == 0) {
      from = now;
    } else if (!told && now - from >= MEASURED) {
      told = true;
      listener.pace((now - from) / 1e9 / (steps - 1) * stepsAnEpoch, epochs);
    }
  }
}
