package dev.headstart.advise;

import dev.headstart.sample.Task;
import dev.headstart.train.CrossValidation;
import dev.headstart.train.Interval;
import dev.headstart.train.Metrics;
import dev.headstart.train.NearDuplicates;
import dev.headstart.train.Targets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * What closed-form heads at each tap say of some samples, and which tap that speaks for.
 *
 * <p>The choice is by LogME, which over resamplings of four data sets came closer to the best tap
 * than leave-one-out accuracy or error did. Where it does not decide, the deepest tap is taken: its
 * head is the smallest in time, what is after it can be left out, and so that small differences of
 * luck do not choose (docs/advice.md has the figures).
 */
final class Probes {
  /**
   * Log evidence, summed over samples and classes, by which a shallower tap must be better: of
   * resamplings, the value that loses nothing in accuracy and gives ties to the deepest.
   */
  static final double DECISIVE = 8;

  /** How often samples are dealt out anew: by one deal alone an accuracy is a point too lucky. */
  private static final int DEALS = 3;

  /**
   * Multiplications of one pass over all folds, from which on cross-validation would take minutes:
   * hundreds of classes.
   */
  private static final double DEAREST = 2e9;

  private final Targets targets;
  private final List<String> digests;
  private final boolean each;
  private final List<Probe> probes;

  /**
   * A tap's figures.
   *
   * @param evidence LogME summed over samples and outputs, in nats
   * @param figure leave-one-out accuracy of classes, or R² of numbers
   */
  record Probe(String tap, Spectrum spectrum, RidgeProbe ridge, double evidence, double figure) {}

  private Probes(Targets targets, List<String> digests, boolean each, List<Probe> probes) {
    this.targets = targets;
    this.digests = digests;
    this.each = each;
    this.probes = probes;
  }

  /**
   * Probes each tap, over some threads.
   *
   * @param features pooled, by tap from deep to shallow, [n][width]
   * @param targets of the n samples
   * @param digests of the samples: they decide the folds
   * @param each whether features have units of their own, as columns of a table
   */
  static Probes of(
      Map<String, float[][]> features,
      Targets targets,
      List<String> digests,
      boolean each,
      int cores) {
    float[][] wanted = wanted(targets, digests.size());
    Map<String, Callable<Probe>> tasks = new LinkedHashMap<>();
    Map<String, String> same = new HashMap<>();
    List<String> taps = List.copyOf(features.keySet());
    for (int i = 0; i < taps.size(); i++) {
      String tap = taps.get(i);
      float[][] rows = features.get(tap);
      // Pooled features and the map before their pooling are one and the same.
      if (i > 0 && Arrays.deepEquals(rows, features.get(taps.get(i - 1)))) {
        same.put(tap, same.getOrDefault(taps.get(i - 1), taps.get(i - 1)));
      } else {
        tasks.put(tap, () -> probe(tap, Spectrum.of(rows, each), wanted, targets));
      }
    }
    ExecutorService pool = Executors.newFixedThreadPool(Math.max(1, Math.min(cores, tasks.size())));
    try {
      Map<String, Future<Probe>> running = new HashMap<>();
      tasks.forEach((tap, task) -> running.put(tap, pool.submit(task)));
      List<Probe> probes = new ArrayList<>();
      for (String tap : taps) {
        Probe probe = running.get(same.getOrDefault(tap, tap)).get();
        probes.add(new Probe(tap, probe.spectrum, probe.ridge, probe.evidence, probe.figure));
      }
      return new Probes(targets, digests, each, probes);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while probing", e);
    } finally {
      pool.shutdownNow();
    }
  }

  private static Probe probe(String tap, Spectrum spectrum, float[][] wanted, Targets targets) {
    RidgeProbe ridge = RidgeProbe.of(spectrum, wanted);
    double evidence = 0;
    int outputs = wanted[0].length;
    for (int k = 0; k < outputs; k++) {
      double[] target = new double[wanted.length];
      for (int i = 0; i < target.length; i++) {
        target[i] = wanted[i][k];
      }
      evidence += LogMe.evidence(spectrum, target);
    }
    return new Probe(tap, spectrum, ridge, evidence, figure(ridge.leaveOneOut(), targets, 0.5f));
  }

  /** Indicators of classes, or numbers of mean 0 and deviation 1; [n][outputs]. */
  private static float[][] wanted(Targets targets, int n) {
    int outputs = targets.outputs();
    float[][] wanted = new float[n][outputs];
    double mean = 0;
    double squares = 0;
    if (targets.task() == Task.REGRESSION) {
      for (float value : targets.values()) {
        mean += value / n;
      }
      for (float value : targets.values()) {
        squares += (value - mean) * (value - mean);
      }
    }
    double deviation = squares > 0 ? Math.sqrt(squares / n) : 1;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < outputs; k++) {
        wanted[i][k] =
            switch (targets.task()) {
              case SINGLE -> targets.labels()[i] == k ? 1 : 0;
              case MULTI -> targets.values()[i * outputs + k];
              case REGRESSION -> (float) ((targets.values()[i] - mean) / deviation);
            };
      }
    }
    return wanted;
  }

  /**
   * The part of samples that scores are right of, or R².
   *
   * @param threshold of several labels, from which on a class is answered
   */
  private static double figure(float[][] scores, Targets targets, float threshold) {
    int n = scores.length;
    int outputs = targets.outputs();
    if (targets.task() == Task.REGRESSION) {
      float[][] wanted = wanted(targets, n);
      double residual = 0;
      double total = 0;
      for (int i = 0; i < n; i++) {
        residual += Math.pow(wanted[i][0] - scores[i][0], 2);
        total += Math.pow(wanted[i][0], 2);
      }
      return total > 0 ? 1 - residual / total : 0;
    }
    int right = 0;
    for (int i = 0; i < n; i++) {
      right += isRight(scores[i], targets, i, outputs, threshold) ? 1 : 0;
    }
    return (double) right / n;
  }

  private static boolean isRight(
      float[] scores, Targets targets, int row, int outputs, float threshold) {
    if (targets.task() == Task.SINGLE) {
      return Metrics.best(scores, 0, outputs) == targets.labels()[row];
    }
    boolean right = true;
    for (int k = 0; k < outputs; k++) {
      right &= (scores[k] >= threshold) == (targets.values()[row * outputs + k] > 0.5f);
    }
    return right;
  }

  /** From deep to shallow. */
  List<Probe> all() {
    return probes;
  }

  /** The tap with the highest evidence. */
  Probe highest() {
    return probes.stream().reduce((a, b) -> b.evidence > a.evidence ? b : a).orElseThrow();
  }

  /**
   * The deepest tap whose evidence is not decidedly lower than the highest, and whose leave-one-out
   * figure is not lower than that tap's.
   */
  Probe chosen() {
    Probe highest = highest();
    return probes.stream()
        .filter(
            probe ->
                probe == highest
                    || highest.evidence - probe.evidence <= DECISIVE
                        && probe.figure >= highest.figure)
        .findFirst()
        .orElseThrow();
  }

  /** LogME as the paper has it: a sample and an output, so that sets of any size compare. */
  double score(Probe probe) {
    return probe.evidence / digests.size() / targets.outputs();
  }

  /**
   * What to expect of a head at a tap on new samples: of classes by cross-validation of a logistic
   * regression in five folds, of numbers and of hundreds of classes by leaving one out. Near
   * duplicates count once for the interval, but are not kept in one fold: new samples repeat these
   * as these repeat each other (of mails 0.94 is expected so and 0.93 otherwise, and 0.97 came).
   *
   * @return null where there is at most one sample of each class, near duplicates counted as one
   */
  Advice.Expected expected(Probe at) {
    int n = digests.size();
    if (n < 3) {
      return null;
    }
    if (targets.task() == Task.REGRESSION) {
      Interval interval = Interval.ofR2(at.figure, n, Interval.Design.ADVISED);
      return new Advice.Expected(null, at.figure, interval.low(), interval.high());
    }
    int[] groups =
        each ? IntStream.range(0, n).toArray() : NearDuplicates.groups(at.spectrum.coordinates());
    int count = NearDuplicates.count(groups);
    int[] distinct = targets.counts(IntStream.of(groups).distinct().toArray());
    if (count < 3 || IntStream.of(distinct).max().orElse(0) < 2) {
      return null;
    }
    float[][] wanted = wanted(targets, n);
    if (leavesOneOut(at)) {
      Interval interval = Interval.ofShare(at.figure, count, Interval.Design.ADVISED);
      return new Advice.Expected(at.figure, null, interval.low(), interval.high());
    }
    boolean single = targets.task() == Task.SINGLE;
    double accuracy = 0;
    for (int deal = 0; deal < DEALS; deal++) {
      float[][] logits = LogisticProbe.crossValidate(at.spectrum, wanted, single, folds(deal));
      accuracy += figure(logits, targets, 0) / DEALS;
    }
    Interval interval = Interval.ofShare(accuracy, count, Interval.Design.ADVISED);
    return new Advice.Expected(accuracy, null, interval.low(), interval.high());
  }

  /** Whether what to expect is the ridge's leave-one-out figure, as folds would take too long. */
  boolean leavesOneOut(Probe at) {
    double pass = (double) digests.size() * at.spectrum.rank() * targets.outputs();
    return targets.task() == Task.REGRESSION || DEALS * CrossValidation.FOLDS * pass > DEAREST;
  }

  /** Each class is dealt out evenly, by the digests, so that the samples' order does not matter. */
  private int[] folds(int deal) {
    int[] strata = targets.strata();
    Map<Integer, List<Integer>> dealt = new LinkedHashMap<>();
    for (int row = 0; row < strata.length; row++) {
      dealt.computeIfAbsent(strata[row], s -> new ArrayList<>()).add(row);
    }
    int[] folds = new int[strata.length];
    int next = 0;
    for (List<Integer> stratum : dealt.values()) {
      stratum.sort(Comparator.comparing(row -> key(digests.get(row), deal)));
      for (int row : stratum) {
        folds[row] = next++ % CrossValidation.FOLDS;
      }
    }
    return folds;
  }

  /** Digests from another digit on: in another order each time. */
  private static String key(String digest, int deal) {
    int from = Math.min(digest.length(), 8 * deal);
    return digest.substring(from) + digest.substring(0, from);
  }
}
