package dev.headstart.train;

import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What the rows of a {@link FeatureTable} are labelled with.
 *
 * @param task decides which of the two is there
 * @param outputs classes, or values of a regression
 * @param labels for a single label: the class of each row; else null
 * @param values for several labels, 0 or 1 for each row and class; for regression, the number of
 *     each row in its own units; row-major [rows, outputs]; else null
 */
public record Targets(Task task, int outputs, int[] labels, float[] values) {

  /**
   * The labels of a lesson or of data to judge by.
   *
   * @param classes in the order of the outputs, every label's names among them; empty for
   *     regression
   * @param labels of the task's kind, by row
   */
  public static Targets of(Task task, List<String> classes, List<Label> labels) {
    int outputs = Math.max(1, classes.size());
    Map<String, Integer> index = new HashMap<>();
    classes.forEach(name -> index.put(name, index.size()));
    int[] single = new int[labels.size()];
    float[] values = new float[labels.size() * outputs];
    for (int row = 0; row < labels.size(); row++) {
      if (labels.get(row) instanceof NumberLabel number) {
        values[row] = (float) number.value();
      }
      for (String name : labels.get(row).names()) {
        single[row] = index.get(name);
        values[row * outputs + index.get(name)] = 1;
      }
    }
    return switch (task) {
      case SINGLE -> classes(outputs, single);
      case MULTI -> indicators(outputs, values);
      case REGRESSION -> numbers(values);
    };
  }

  /** One class a row. */
  public static Targets classes(int outputs, int[] labels) {
    return new Targets(Task.SINGLE, outputs, labels, null);
  }

  /** Several classes a row, [rows, outputs] of 0 and 1. */
  public static Targets indicators(int outputs, float[] values) {
    return new Targets(Task.MULTI, outputs, null, values);
  }

  /** A number a row. */
  public static Targets numbers(float[] values) {
    return new Targets(Task.REGRESSION, 1, null, values);
  }

  /** These rows alone, in this order. */
  public Targets of(int[] rows) {
    if (task == Task.SINGLE) {
      return classes(outputs, IntStream.of(rows).map(row -> labels[row]).toArray());
    }
    float[] some = new float[rows.length * outputs];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(values, rows[i] * outputs, some, i * outputs, outputs);
    }
    return new Targets(task, outputs, null, some);
  }

  /** The same with more rows, labelled as these rows are. */
  Targets and(int[] rows) {
    if (task == Task.SINGLE) {
      return classes(
          outputs,
          IntStream.concat(IntStream.of(labels), IntStream.of(rows).map(r -> labels[r])).toArray());
    }
    float[] all = Arrays.copyOf(values, values.length + rows.length * outputs);
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(values, rows[i] * outputs, all, values.length + i * outputs, outputs);
    }
    return new Targets(task, outputs, null, all);
  }

  /** How many rows have each class; for regression nothing. */
  public int[] counts() {
    int rows = task == Task.SINGLE ? labels.length : values.length / outputs;
    return counts(IntStream.range(0, rows).toArray());
  }

  /** Of each row, what to keep the shares of in parts: the class, or the set of classes. */
  public int[] strata() {
    return switch (task) {
      case SINGLE -> labels;
      case MULTI -> {
        Map<FloatBuffer, Integer> sets = new HashMap<>();
        yield IntStream.range(0, values.length / outputs)
            .map(
                row ->
                    sets.computeIfAbsent(
                        FloatBuffer.wrap(values, row * outputs, outputs), s -> sets.size()))
            .toArray();
      }
      case REGRESSION -> new int[values.length];
    };
  }

  /** How many of these rows have each class; for regression nothing. */
  public int[] counts(int[] rows) {
    if (task == Task.REGRESSION) {
      return new int[0];
    }
    int[] counts = new int[outputs];
    for (int row : rows) {
      if (task == Task.SINGLE) {
        counts[labels[row]]++;
        continue;
      }
      for (int k = 0; k < outputs; k++) {
        counts[k] += values[row * outputs + k] > 0.5f ? 1 : 0;
      }
    }
    return counts;
  }

  /**
   * What makes classes count alike in the loss; null for a regression.
   *
   * @param rows that train
   * @return for a single label a weight a class, inverse to its share and 1 on average over the
   *     rows; for several a weight of each class's positives, negatives over positives within 1/100
   *     and 100; 1 for a class without any
   */
  float[] balance(int[] rows) {
    if (task == Task.REGRESSION) {
      return null;
    }
    int[] counts = counts(rows);
    float[] weights = new float[outputs];
    for (int c = 0; c < outputs; c++) {
      if (counts[c] == 0) {
        weights[c] = 1;
      } else if (task == Task.SINGLE) {
        weights[c] = (float) rows.length / (outputs * (float) counts[c]);
      } else {
        float odds = (rows.length - counts[c]) / (float) counts[c];
        weights[c] = Math.min(100, Math.max(0.01f, odds));
      }
    }
    return weights;
  }

  /** Writes the labels of rows as int64. */
  void gather(int[] indices, int count, LongBuffer target) {
    for (int i = 0; i < count; i++) {
      target.put(i, labels[indices[i]]);
    }
  }

  /** Writes the values of rows as float32, each less {@code mean} and over {@code deviation}. */
  void gather(int[] indices, int count, float mean, float deviation, FloatBuffer target) {
    for (int i = 0; i < count; i++) {
      for (int k = 0; k < outputs; k++) {
        float value = values[indices[i] * outputs + k];
        target.put(i * outputs + k, (value - mean) / deviation);
      }
    }
  }
}
