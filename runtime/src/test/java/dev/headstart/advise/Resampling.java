package dev.headstart.advise;

import dev.headstart.train.Metrics;
import dev.headstart.train.Targets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Some samples of a study that are advised on, and others that show what came of it. */
final class Resampling {
  private final Study study;
  private final List<Integer> train;
  private final List<Integer> test;
  private final Probes probes;
  private final Map<String, Double> accuracies = new LinkedHashMap<>();

  Resampling(Study study, List<Integer> train, List<Integer> test) {
    this.study = study;
    this.train = train;
    this.test = test;
    Map<String, float[][]> features = new LinkedHashMap<>();
    study.features().forEach((tap, rows) -> features.put(tap, of(rows, train)));
    List<String> digests = train.stream().map(study.digests()::get).toList();
    probes = Probes.of(features, targets(train), digests, false, 2);
  }

  private static float[][] of(float[][] rows, List<Integer> some) {
    return some.stream().map(i -> rows[i]).toArray(float[][]::new);
  }

  private Targets targets(List<Integer> rows) {
    return Targets.of(
        study.task(), study.classes(), rows.stream().map(study.labels()::get).toList());
  }

  String chosen() {
    return probes.chosen().tap();
  }

  Advice.Expected expected() {
    return probes.expected(probes.chosen());
  }

  /** Of a logistic regression that learned from the one part, on the other. */
  double accuracy(String tap) {
    return accuracies.computeIfAbsent(tap, this::judged);
  }

  double best() {
    return study.features().keySet().stream().mapToDouble(this::accuracy).max().orElseThrow();
  }

  private double judged(String tap) {
    List<Integer> both = new ArrayList<>(test);
    both.addAll(train);
    int[] folds = new int[both.size()];
    Arrays.fill(folds, test.size(), folds.length, 1);
    Targets all = targets(both);
    float[][] indicators = new float[both.size()][all.outputs()];
    for (int i = 0; i < indicators.length; i++) {
      indicators[i][all.labels()[i]] = 1;
    }
    Spectrum spectrum = Spectrum.of(of(study.features().get(tap), both), false);
    float[][] logits = LogisticProbe.crossValidate(spectrum, indicators, true, folds);
    int right = 0;
    for (int i = 0; i < test.size(); i++) {
      right += Metrics.best(logits[i], 0, all.outputs()) == all.labels()[i] ? 1 : 0;
    }
    return (double) right / test.size();
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
