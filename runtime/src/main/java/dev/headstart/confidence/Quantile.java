package dev.headstart.confidence;

/** Thresholds from a sample of values. */
final class Quantile {
  private Quantile() {}

  /**
   * The value that a further one of the same kind exceeds with a given probability.
   *
   * <p>Where n values can say, it is the ⌈(n + 1)(1 - rate)⌉-th smallest, whatever their
   * distribution (the threshold of conformal prediction; Vovk et al., Algorithmic Learning in a
   * Random World, 2005; as Laxhammar and Falkman, 2010, use it for anomalies). For rarer events it
   * goes on from the largest ones as a power of the rate (Weissman, Estimation of Parameters and
   * Large Quantiles Based on the k Largest Observations, 1978; the power by Hill, 1975).
   *
   * @param sorted ascending, at least two, positive
   * @param rate in (0, 1)
   */
  static double exceededBy(double[] sorted, double rate) {
    int n = sorted.length;
    int rank = (int) Math.ceil((n + 1) * (1 - rate) - 1e-9);
    if (rank <= n) {
      return sorted[rank - 1];
    }
    int k = Math.max(1, Math.min(n - 1, (int) Math.round(Math.sqrt(n))));
    double from = sorted[n - 1 - k];
    double power = 0;
    for (int i = n - k; i < n; i++) {
      power += from > 0 ? Math.log(sorted[i] / from) / k : 0;
    }
    return Math.max(sorted[n - 1], from * Math.pow(k / (n * rate), power));
  }
}
