package dev.headstart.advise;

import dev.headstart.train.Metrics;
import dev.headstart.train.Targets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Some samples of a study that are advised on, while the others show what came of it. */
final class Resampling {
  private final Judges judges;
  private final List<Integer> train;
  private final Probes probes;
  private final Map<String, Double> accuracies = new LinkedHashMap<>();

  /**
   * All samples of a study at each tap, for any number of resamplings: what a regression finds does
   * not hang on the coordinates that features are in, and those of all are slow to find.
   */
  static final class Judges {
    private final Study study;
    private final Targets targets;
    private final float[][] indicators;
    private final Map<String, Spectrum> spectra = new HashMap<>();

    Judges(Study study) {
      this.study = study;
      this.targets = Targets.of(study.task(), study.classes(), study.labels());
      this.indicators = new float[study.labels().size()][targets.outputs()];
      for (int i = 0; i < indicators.length; i++) {
        indicators[i][targets.labels()[i]] = 1;
      }
    }

    /** Of a logistic regression that learned from some samples, on all others. */
    private double accuracy(String tap, List<Integer> train) {
      Spectrum spectrum =
          spectra.computeIfAbsent(tap, t -> Spectrum.of(study.features().get(t), false));
      int[] folds = new int[indicators.length];
      train.forEach(row -> folds[row] = LogisticProbe.TRAINS);
      float[][] logits = LogisticProbe.crossValidate(spectrum, indicators, true, folds);
      int right = 0;
      for (int i = 0; i < folds.length; i++) {
        boolean judged = folds[i] != LogisticProbe.TRAINS;
        right +=
            judged && Metrics.best(logits[i], 0, targets.outputs()) == targets.labels()[i] ? 1 : 0;
      }
      return (double) right / (folds.length - train.size());
    }
  }

  Resampling(Judges judges, List<Integer> train) {
    this.judges = judges;
    this.train = train;
    Study study = judges.study;
    int[] rows = train.stream().mapToInt(i -> i).toArray();
    Map<String, float[][]> features = new LinkedHashMap<>();
    study
        .features()
        .forEach(
            (tap, all) ->
                features.put(
                    tap, Arrays.stream(rows).mapToObj(i -> all[i]).toArray(float[][]::new)));
    List<String> digests = train.stream().map(study.digests()::get).toList();
    probes = Probes.of(features, judges.targets.of(rows), digests, false, 2);
  }

  String chosen() {
    return probes.chosen().tap();
  }

  Advice.Expected expected() {
    return probes.expected(probes.chosen());
  }

  /** Of a logistic regression that learned from the one part, on the other. */
  double accuracy(String tap) {
    return accuracies.computeIfAbsent(tap, t -> judges.accuracy(t, train));
  }

  double best() {
    return judges.study.features().keySet().stream()
        .mapToDouble(this::accuracy)
        .max()
        .orElseThrow();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(chosen() + " of");
    for (Probes.Probe probe : probes.all()) {
      text.append(
          String.format(
              Locale.ROOT,
              " %s %.3f (%.3f)",
              probe.tap(),
              accuracy(probe.tap()),
              probes.score(probe)));
    }
    return text.toString();
  }
}
