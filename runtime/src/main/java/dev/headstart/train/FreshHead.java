package dev.headstart.train;

import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Prototypes;
import dev.headstart.head.Scaling;
import dev.headstart.sample.Task;
import java.util.stream.IntStream;

/** Heads as they are before they train, by the rows that are to train them. */
final class FreshHead {
  private FreshHead() {}

  /**
   * A linear or mlp head.
   *
   * @param each whether features have units of their own, so that each has its own scale
   */
  static HeadNetwork network(
      HeadKind kind, FeatureTable features, int[] rows, boolean each, int outputs, long seed) {
    Scaling.Estimate estimate = new Scaling.Estimate(features.width());
    for (int row : rows) {
      estimate.add(features.row(row));
    }
    Scaling scaling = each ? estimate.each() : estimate.common();
    return HeadNetwork.fresh(kind, scaling, outputs, seed);
  }

  /** A prototype head, which is all that there is to train. Every class must be among the rows. */
  static HeadNetwork prototype(FeatureTable features, Targets targets, int[] rows) {
    Prototypes prototypes = new Prototypes(targets.outputs(), features.width());
    int[] labels = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      labels[i] = targets.labels()[rows[i]];
      prototypes.add(labels[i], features.row(rows[i]));
    }
    return prototypes.head(() -> IntStream.of(rows).mapToObj(features::row).iterator(), labels);
  }

  /** Mean and deviation of a regression's targets; null for other tasks. */
  static Scaling target(Targets targets, int[] rows) {
    if (targets.task() != Task.REGRESSION) {
      return null;
    }
    double sum = 0;
    double squares = 0;
    for (int row : rows) {
      sum += targets.values()[row];
    }
    double mean = sum / rows.length;
    for (int row : rows) {
      squares += (targets.values()[row] - mean) * (targets.values()[row] - mean);
    }
    double deviation = Math.sqrt(squares / rows.length);
    return new Scaling(
        new float[] {(float) mean}, new float[] {deviation > 0 ? (float) deviation : 1});
  }
}
