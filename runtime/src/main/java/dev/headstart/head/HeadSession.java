package dev.headstart.head;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import java.nio.file.Path;
import java.util.List;

/** A head ready to run: features in, scores out. Safe for several threads; the caller closes it. */
public abstract sealed class HeadSession implements AutoCloseable permits StackedHead, TailSession {
  private final int outputs;

  HeadSession(HeadManifest manifest) {
    this.outputs = Math.max(1, manifest.classes().size());
  }

  /**
   * Opens a model file of a version in a native session of its own; {@link HeadSessions} is for
   * many.
   *
   * @param model {@link HeadStore#MODEL} or {@link HeadStore#JUDGED}
   * @throws BadInputException if it is no model
   */
  public static HeadSession open(HeadManifest manifest, Path model) {
    HeadSessions own = new HeadSessions();
    try {
      return own.open(manifest, model, own);
    } catch (RuntimeException e) {
      own.close();
      throw e;
    }
  }

  /** Classes, or 1 for regression. */
  public final int outputs() {
    return outputs;
  }

  /**
   * Scores of a batch.
   *
   * @param batch the cut's own tensor [n, cut…], read in place where its buffer is direct
   * @return float32 [n, outputs]
   * @throws BadInputException if the batch is not of the cut's shape, or the head takes more than
   *     one tensor
   */
  public abstract Tensor scores(Tensor batch);

  /**
   * Scores of several samples; where what runs beside a sample does not matter, those of one shape
   * go through in one call.
   *
   * @param features the cut's own tensor, with a leading dimension of one sample or several each
   * @return [samples, outputs] row-major
   * @throws BadInputException if one is not of the cut's shape, or the head takes more than one
   *     tensor
   */
  public abstract float[] scores(List<Tensor> features);

  /**
   * Scores of several samples.
   *
   * @param samples all that the backbone gives, one sample each
   * @return [samples, outputs] row-major
   * @throws BadInputException if they are not what the backbone of this head gives
   */
  public abstract float[] scoresOf(List<Features> samples);

  /** Frees what is its own once running calls have ended; idempotent. */
  @Override
  public abstract void close();
}
