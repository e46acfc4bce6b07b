package dev.headstart.train;

import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;

/**
 * What a network is to learn.
 *
 * @param examples what it takes
 * @param targets what is to come out, by the same rows
 * @param scaling for regression, mean and deviation of the targets; else null
 */
record LabeledExamples(Examples examples, Targets targets, Scaling scaling) {

  /**
   * What {@link HeadNetwork#model} does to logits, in place: probabilities of classes, or numbers
   * in their own units.
   *
   * @param logits [rows, outputs]
   */
  void activate(float[] logits) {
    int outputs = targets.outputs();
    switch (targets.task()) {
      case SINGLE -> {
        for (int row = 0; row < logits.length; row += outputs) {
          softmax(logits, row, outputs);
        }
      }
      case MULTI -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = (float) (1 / (1 + Math.exp(-logits[i])));
        }
      }
      case REGRESSION -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = logits[i] * scaling.scale()[0] + scaling.mean()[0];
        }
      }
    }
  }

  private static void softmax(float[] logits, int from, int count) {
    double max = logits[from + Metrics.best(logits, from, count)];
    double sum = 0;
    for (int k = from; k < from + count; k++) {
      sum += Math.exp(logits[k] - max);
    }
    for (int k = from; k < from + count; k++) {
      logits[k] = (float) (Math.exp(logits[k] - max) / sum);
    }
  }
}
