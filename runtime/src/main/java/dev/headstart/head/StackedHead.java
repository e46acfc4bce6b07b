package dev.headstart.head;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A head on pooled features, in a native session that it may share with others. */
final class StackedHead extends HeadSession {
  private final InferenceSession session;
  private final InferenceSession.Prepared weights;
  private final long[] cut;

  /** Closed with this head; null where the session is shared with others. */
  private final HeadSessions own;

  StackedHead(
      InferenceSession session,
      InferenceSession.Prepared weights,
      HeadManifest manifest,
      HeadSessions own) {
    super(manifest);
    this.session = session;
    this.weights = weights;
    this.cut = manifest.shape();
    this.own = own;
  }

  @Override
  public Tensor scores(Tensor batch) {
    check(batch);
    return run(batch);
  }

  private Tensor run(Tensor batch) {
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

  @Override
  public float[] scores(List<Tensor> features) {
    features.forEach(this::check);
    FloatBuffer scores = FloatBuffer.allocate(Math.toIntExact(samples(features)) * outputs());
    int from = 0;
    while (from < features.size()) {
      int to = from + 1;
      while (to < features.size() && alike(features.get(from), features.get(to))) {
        to++;
      }
      scores.put(run(concatenate(features.subList(from, to))).floatBuffer());
      from = to;
    }
    return scores.array();
  }

  private static long samples(List<Tensor> features) {
    return features.stream().mapToLong(tensor -> tensor.shape()[0]).sum();
  }

  private static boolean alike(Tensor a, Tensor b) {
    long[] one = a.shape();
    long[] other = b.shape();
    return Arrays.equals(one, 1, one.length, other, 1, other.length);
  }

  private static Tensor concatenate(List<Tensor> tensors) {
    if (tensors.size() == 1) {
      return tensors.get(0);
    }
    long[] shape = tensors.get(0).shape().clone();
    shape[0] = samples(tensors);
    ByteBuffer data = Tensor.allocate(Tensor.elements(shape) * ElementType.FLOAT.bytes());
    tensors.forEach(tensor -> data.put(tensor.data()));
    return new Tensor(ElementType.FLOAT, shape, data.flip());
  }

  @Override
  public float[] scoresOf(List<Features> samples) {
    return scores(samples.stream().map(Features::first).toList());
  }

  @Override
  public void close() {
    weights.close();
    if (own != null) {
      own.close();
    }
  }
}
