package dev.headstart.confidence;

/**
 * Whether what a head is asked about is still like what it learned: of the last {@value #WINDOW}
 * samples, the share whose novelty is above the threshold is tested against the share that the
 * threshold stands for.
 *
 * <p>That share is not known exactly, as the threshold is the k-th largest of n distances: the
 * probability that another one exceeds it has the distribution Beta(k, n + 1 - k), whatever that of
 * the distances (Wilks, Determination of Sample Sizes for Setting Tolerance Limits, 1941). So the
 * number above it in a window is beta-binomial. An alert begins where so many or more would be
 * there once in 10,000 windows, and ends where they would be in one of 20: so it does not come and
 * go. Safe for several threads; an observation takes well below a microsecond.
 */
public final class Drift {
  /** Samples that are looked at, the last ones. */
  public static final int WINDOW = 200;

  /** Of fewer, nothing is said. */
  public static final int FEWEST = 50;

  private static final double BEGINS = 1e-4;
  private static final double ENDS = 0.05;

  private final double exceeding;
  private final double below;
  private final boolean[] above = new boolean[WINDOW];
  private int next;
  private int samples;
  private int count;
  private boolean alert;

  /** By samples less {@link #FEWEST}: how many above begin an alert, and end it. */
  private int[] begins;

  private int[] ends;

  /** What is to be said of the samples. */
  public enum Word {
    /** There were too few. */
    LEARNING,
    OK,
    ALERT
  }

  /**
   * What was seen.
   *
   * @param share of the samples that are above the threshold
   * @param expected share of familiar samples that are
   * @param samples that were looked at
   */
  public record State(Word word, double share, double expected, int samples) {}

  /**
   * @param judged how many distances the threshold comes from
   */
  public Drift(int judged) {
    exceeding = Math.max(1, Math.floor((judged + 1) * Novelty.USUAL_RATE + 1e-9));
    below = Math.max(1, judged + 1 - exceeding);
  }

  /** A sample was asked about. */
  public synchronized void observe(double novelty) {
    boolean is = novelty > 1;
    if (samples == WINDOW) {
      count -= above[next] ? 1 : 0;
    } else {
      samples++;
    }
    above[next] = is;
    count += is ? 1 : 0;
    next = (next + 1) % WINDOW;
    if (samples < FEWEST) {
      return;
    }
    if (begins == null) {
      begins = least(BEGINS);
      ends = least(ENDS);
    }
    alert = count >= (alert ? ends : begins)[samples - FEWEST];
  }

  /** What was seen so far. */
  public synchronized State state() {
    Word word = samples < FEWEST ? Word.LEARNING : alert ? Word.ALERT : Word.OK;
    return new State(
        word, samples == 0 ? 0 : (double) count / samples, Novelty.USUAL_RATE, samples);
  }

  /** For every number of samples, the least count that so many or more are as likely as this. */
  private int[] least(double probability) {
    int[] least = new int[WINDOW - FEWEST + 1];
    for (int n = FEWEST; n <= WINDOW; n++) {
      least[n - FEWEST] = least(n, probability);
    }
    return least;
  }

  private int least(int n, double probability) {
    double[] mass = new double[n + 1];
    double log = 0;
    for (int i = 0; i < n; i++) {
      log += Math.log((below + i) / (exceeding + below + i));
    }
    mass[0] = Math.exp(log);
    for (int x = 0; x < n; x++) {
      mass[x + 1] = mass[x] * (n - x) / (x + 1) * (exceeding + x) / (below + n - x - 1);
    }
    double tail = 0;
    int x = n + 1;
    while (x > 1 && tail + mass[x - 1] <= probability) {
      tail += mass[--x];
    }
    return x;
  }
}
