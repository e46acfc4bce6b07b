package dev.headstart.train;

import dev.headstart.confidence.Calibration;
import dev.headstart.confidence.Novelty;
import dev.headstart.confidence.Temperature;
import dev.headstart.head.HeadKind;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.Task;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** How far the scores of a lesson's head, and new samples, can be trusted. */
final class LessonConfidence {
  /** Smaller probabilities of float32 say no more than this. */
  private static final double LEAST = 1e-30;

  /** Above it, float32 has no probability but 1. */
  private static final double MOST = 1 - 6e-8;

  private final Lesson lesson;

  LessonConfidence(Lesson lesson) {
    this.lesson = lesson;
  }

  /**
   * From the logits of a cross-validation, in which every sample was scored by a head that had not
   * seen it.
   *
   * @return empty for regression
   */
  Optional<Calibration> calibration(HeadKind kind, CrossValidation.Estimate estimate) {
    return calibration(
        kind, estimate.logits(), IntStream.range(0, lesson.rows().count()).toArray());
  }

  /**
   * From what the head scored before the refit.
   *
   * @param scores [rows, outputs] row-major, probabilities
   * @param rows that did not train it
   * @return empty for regression, and for no rows
   */
  Optional<Calibration> calibrationOf(HeadKind kind, float[] scores, int[] rows) {
    float[] logits = new float[scores.length];
    boolean single = lesson.task() == Task.SINGLE;
    for (int i = 0; i < logits.length; i++) {
      double score = Math.max(LEAST, scores[i]);
      logits[i] =
          (float)
              (single ? Math.log(score) : Math.log(score) - Math.log(1 - Math.min(MOST, score)));
    }
    return calibration(kind, logits, rows);
  }

  /** A prototype head's sharpness is a temperature already. */
  private Optional<Calibration> calibration(HeadKind kind, float[] logits, int[] rows) {
    if (rows.length == 0 || lesson.task() == Task.REGRESSION) {
      return Optional.empty();
    }
    Targets targets = lesson.targets();
    if (lesson.task() == Task.SINGLE) {
      int[] labels = IntStream.of(rows).map(row -> targets.labels()[row]).toArray();
      return Optional.of(
          kind instanceof HeadKind.Prototype
              ? Calibration.ofClasses(logits, labels, Temperature.NONE)
              : Calibration.ofClasses(logits, labels));
    }
    int width = targets.outputs();
    float[] truths = new float[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(targets.values(), rows[i] * width, truths, i * width, width);
    }
    return Optional.of(Calibration.ofIndicators(logits, truths, rows.length));
  }

  /**
   * Novelty by all samples, of the cut's pooled features: for a tail too, whose layers come after.
   *
   * @return empty where features cannot be pooled, are the samples themselves, or are too few
   */
  Optional<Novelty> novelty() {
    boolean single = lesson.task() == Task.SINGLE;
    int[] labels = single ? Arrays.copyOf(lesson.targets().labels(), lesson.rows().count()) : null;
    int classes = single ? lesson.classes().size() : 1;
    return lesson.tail() != null && !poolable()
        ? Optional.empty()
        : Novelty.fit(lesson.rows().count(), pooled(), labels, classes, lesson.base() != null);
  }

  private IntFunction<float[]> pooled() {
    return lesson.tail() == null
        ? lesson.features()::row
        : row -> Pooling.pool(lesson.unpooled().row(row).first());
  }

  private boolean poolable() {
    long[] shape = lesson.shape();
    List<TensorInfo> live = lesson.backbone().live();
    String cut = lesson.backbone().cut().tensor();
    boolean kept =
        lesson.tail().layers().inputs().stream().anyMatch(input -> input.name().equals(cut));
    boolean given =
        lesson.base().model().inputs().stream().anyMatch(input -> input.name().equals(cut));
    return kept
        && !given
        && live.get(0).type() == ElementType.FLOAT
        && shape.length >= 1
        && shape.length <= 4
        && shape[shape.length == 2 ? 1 : 0] > 0;
  }
}
