package dev.headstart.head;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A head ready to run: features in, scores out. Safe for several threads; the caller closes it. */
public final class HeadSession implements AutoCloseable {
  private final InferenceSession session;
  private final InferenceSession.Prepared weights;
  private final long[] cut;
  private final int outputs;

  /** Closed with this head; null where the session is shared with others. */
  private final HeadSessions own;

  HeadSession(
      InferenceSession session,
      InferenceSession.Prepared weights,
      HeadManifest manifest,
      HeadSessions own) {
    this.session = session;
    this.weights = weights;
    this.cut = manifest.shape();
    this.outputs = Math.max(1, manifest.classes().size());
    this.own = own;
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
  public int outputs() {
    return outputs;
  }

  /**
   * Scores of a batch, in one call.
   *
   * @param batch float32 [n, cut…], read in place where its buffer is direct
   * @return float32 [n, outputs]
   * @throws BadInputException if the batch is not of the cut's shape
   */
  public Tensor scores(Tensor batch) {
    check(batch);
    return session.run(Map.of(HeadNetwork.FEATURES, batch), weights).get(HeadNetwork.SCORES);
  }

  /** The graph would stretch a vector of one feature to any width. */
  private void check(Tensor batch) {
    long[] shape = batch.shape();
    boolean fits = batch.type() == ElementType.FLOAT && shape.length == cut.length + 1;
    for (int i = 0; fits && i < cut.length; i++) {
      fits = cut[i] < 0 || cut[i] == shape[i + 1];
    }
    if (!fits) {
      throw new BadInputException(
          "the head takes features FLOAT of shape "
              + Arrays.toString(cut).replace("-1", "?")
              + " a sample, but a batch "
              + batch
              + " came");
    }
  }

  /**
   * Scores of several samples; those of one shape go through in one call.
   *
   * @param features the cut's tensor of each sample, with a leading batch dimension of 1
   * @return [features.size(), outputs] row-major
   * @throws BadInputException if one is not of the cut's shape
   */
  public float[] scores(List<Tensor> features) {
    float[] scores = new float[features.size() * outputs];
    int from = 0;
    while (from < features.size()) {
      long[] shape = features.get(from).shape();
      int to = from + 1;
      while (to < features.size() && Arrays.equals(shape, features.get(to).shape())) {
        to++;
      }
      Tensor batch = to - from == 1 ? features.get(from) : concatenate(features.subList(from, to));
      scores(batch).floatBuffer().get(scores, from * outputs, (to - from) * outputs);
      from = to;
    }
    return scores;
  }

  private static Tensor concatenate(List<Tensor> tensors) {
    long[] shape = tensors.get(0).shape().clone();
    shape[0] = tensors.size();
    ByteBuffer data = Tensor.allocate(Tensor.elements(shape) * ElementType.FLOAT.bytes());
    tensors.forEach(tensor -> data.put(tensor.data()));
    return new Tensor(ElementType.FLOAT, shape, data.flip());
  }

  /** Frees the weights once running calls have ended; idempotent. */
  @Override
  public void close() {
    weights.close();
    if (own != null) {
      own.close();
    }
  }
}
