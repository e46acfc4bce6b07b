package dev.headstart.serving;

/** How long a unit of some kind of work takes: a moving average. Safe for several threads. */
final class Cost {
  private static final double WEIGHT = 0.2;

  private volatile double nanos = Double.NaN;

  /** Takes a call into account. */
  void observe(long taken, int units) {
    double now = (double) taken / units;
    double before = nanos;
    // One call that the machine interrupted says little of the next.
    nanos = Double.isNaN(before) ? now : before + WEIGHT * (Math.min(now, 4 * before + 1) - before);
  }

  /** Nanoseconds a unit; infinite while nothing is known. */
  double perUnit() {
    double known = nanos;
    return Double.isNaN(known) ? Double.POSITIVE_INFINITY : known;
  }

  /** How many units fit into this time, at least 1 and at most {@code most}. */
  int within(long budget, int most) {
    return (int) Math.max(1, Math.min(most, budget / perUnit()));
  }
}
