package dev.headstart.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.sample.Task;

/**
 * How good scores are. What does not apply to the task is null.
 *
 * @param loss mean cross-entropy (natural logarithm) for one label, mean binary cross-entropy over
 *     all labels for several, mean squared error for regression
 * @param accuracy part of the samples whose class is right; for several labels, part whose whole
 *     set is right
 * @param macroF1 mean over the classes that occur (as label or as answer) of 2·tp/(2·tp+fp+fn)
 * @param confusion [true class][answered class], for one label
 * @param mae mean absolute error
 * @param rmse root of the mean squared error
 * @param r2 1 - residual over total sum of squares; 0 where all targets are alike
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Metrics(
    double loss,
    Double accuracy,
    Double macroF1,
    int[][] confusion,
    Double mae,
    Double rmse,
    Double r2) {

  /** Several labels: a class is answered from this score on. */
  public static final float THRESHOLD = 0.5f;

  private static final double SMALLEST = 1e-15;

  /**
   * Judges scores.
   *
   * @param scores [rows.length, outputs] row-major: probabilities, or predicted numbers
   * @param targets what is true
   * @param rows the targets' rows that the scores belong to
   */
  public static Metrics of(float[] scores, Targets targets, int[] rows) {
    return switch (targets.task()) {
      case SINGLE -> single(scores, targets, rows);
      case MULTI -> multi(scores, targets, rows);
      case REGRESSION -> regression(scores, targets, rows);
    };
  }

  private static Metrics single(float[] scores, Targets targets, int[] rows) {
    int classes = targets.outputs();
    int[][] confusion = new int[classes][classes];
    double loss = 0;
    int right = 0;
    for (int i = 0; i < rows.length; i++) {
      int label = targets.labels()[rows[i]];
      int best = best(scores, i * classes, classes);
      confusion[label][best]++;
      right += best == label ? 1 : 0;
      loss -= Math.log(Math.max(SMALLEST, scores[i * classes + label]));
    }
    int[] hits = new int[classes];
    int[] answered = new int[classes];
    int[] actual = new int[classes];
    for (int a = 0; a < classes; a++) {
      hits[a] = confusion[a][a];
      for (int b = 0; b < classes; b++) {
        actual[a] += confusion[a][b];
        answered[b] += confusion[a][b];
      }
    }
    return new Metrics(
        loss / rows.length,
        (double) right / rows.length,
        macroF1(hits, answered, actual),
        confusion,
        null,
        null,
        null);
  }

  /** Index of the highest of {@code count} scores, the first of equals. */
  public static int best(float[] scores, int from, int count) {
    int best = 0;
    for (int k = 1; k < count; k++) {
      if (scores[from + k] > scores[from + best]) {
        best = k;
      }
    }
    return best;
  }

  private static Metrics multi(float[] scores, Targets targets, int[] rows) {
    int classes = targets.outputs();
    int[] hits = new int[classes];
    int[] answered = new int[classes];
    int[] actual = new int[classes];
    double loss = 0;
    int right = 0;
    for (int i = 0; i < rows.length; i++) {
      boolean all = true;
      for (int k = 0; k < classes; k++) {
        double score = scores[i * classes + k];
        boolean is = targets.values()[rows[i] * classes + k] > 0.5f;
        boolean said = score >= THRESHOLD;
        loss -= Math.log(Math.max(SMALLEST, is ? score : 1 - score));
        hits[k] += is && said ? 1 : 0;
        answered[k] += said ? 1 : 0;
        actual[k] += is ? 1 : 0;
        all &= is == said;
      }
      right += all ? 1 : 0;
    }
    return new Metrics(
        loss / rows.length / classes,
        (double) right / rows.length,
        macroF1(hits, answered, actual),
        null,
        null,
        null,
        null);
  }

  private static double macroF1(int[] hits, int[] answered, int[] actual) {
    double sum = 0;
    int classes = 0;
    for (int k = 0; k < hits.length; k++) {
      int either = answered[k] + actual[k];
      if (either > 0) {
        sum += 2.0 * hits[k] / either;
        classes++;
      }
    }
    return classes == 0 ? 0 : sum / classes;
  }

  private static Metrics regression(float[] scores, Targets targets, int[] rows) {
    int n = rows.length * targets.outputs();
    double absolute = 0;
    double squared = 0;
    double sum = 0;
    int k = targets.outputs();
    for (int i = 0; i < n; i++) {
      double actual = targets.values()[rows[i / k] * k + i % k];
      double error = scores[i] - actual;
      absolute += Math.abs(error);
      squared += error * error;
      sum += actual;
    }
    double total = 0;
    for (int i = 0; i < n; i++) {
      double deviation = targets.values()[rows[i / k] * k + i % k] - sum / n;
      total += deviation * deviation;
    }
    return new Metrics(
        squared / n,
        null,
        null,
        null,
        absolute / n,
        Math.sqrt(squared / n),
        total > 0 ? 1 - squared / total : 0);
  }

  /** The same without the confusion, which grows with the square of the classes. */
  public Metrics brief() {
    return new Metrics(loss, accuracy, macroF1, null, mae, rmse, r2);
  }

  /**
   * Whether these are not worse than others on the same samples: by accuracy for one label, by
   * macro-F1 for several, by root mean squared error for numbers.
   */
  public boolean notWorseThan(Metrics other, Task task) {
    return switch (task) {
      case SINGLE -> accuracy >= other.accuracy;
      case MULTI -> macroF1 >= other.macroF1;
      case REGRESSION -> rmse <= other.rmse;
    };
  }

  /** The figure that promotion goes by, for people. */
  public String headline(Task task) {
    return switch (task) {
      case SINGLE -> String.format(java.util.Locale.ROOT, "accuracy %.3f", accuracy);
      case MULTI -> String.format(java.util.Locale.ROOT, "macro-F1 %.3f", macroF1);
      case REGRESSION -> String.format(java.util.Locale.ROOT, "rmse %.4g", rmse);
    };
  }
}
