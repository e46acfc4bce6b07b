package dev.headstart.head;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A head's model ready to run: features in, scores out. Safe for several threads; the caller closes
 * it.
 */
public final class HeadSession implements AutoCloseable {
  private final InferenceSession session;
  private final int outputs;

  private HeadSession(InferenceSession session, int outputs) {
    this.session = session;
    this.outputs = outputs;
  }

  /**
   * Opens a model file of a version.
   *
   * @param model {@link HeadStore#MODEL} or {@link HeadStore#JUDGED}
   */
  public static HeadSession open(HeadManifest manifest, Path model) {
    try {
      InferenceSession session =
          InferenceSession.open(
              Files.readAllBytes(model), model.toString(), SessionSettings.cpu(1));
      return new HeadSession(session, Math.max(1, manifest.classes().size()));
    } catch (IOException e) {
      throw new BadInputException("the head's model " + model + " cannot be read: " + e, e);
    }
  }

  /** Classes, or 1 for regression. */
  public int outputs() {
    return outputs;
  }

  /**
   * Scores of several samples; those of one shape go through in one call.
   *
   * @param features the cut's tensor of each sample, with a leading batch dimension of 1
   * @return [features.size(), outputs] row-major
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
      session
          .run(Map.of(HeadNetwork.FEATURES, batch))
          .get(HeadNetwork.SCORES)
          .floatBuffer()
          .get(scores, from * outputs, (to - from) * outputs);
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

  /** Frees the session; idempotent. */
  @Override
  public void close() {
    session.close();
  }
}
