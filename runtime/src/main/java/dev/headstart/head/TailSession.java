package dev.headstart.head;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A tail in a native session of its own. It takes one sample a call, as a base's layers may not be
 * indifferent to what runs beside a sample, and may need all cores.
 */
final class TailSession extends HeadSession {
  private final InferenceSession session;
  private final List<TensorInfo> live;

  private TailSession(InferenceSession session, HeadManifest manifest) {
    super(manifest);
    this.session = session;
    this.live = manifest.tail().live();
  }

  static TailSession opened(HeadManifest manifest, Path model) {
    int cores = Runtime.getRuntime().availableProcessors();
    InferenceSession session =
        InferenceSession.open(OnnxModel.read(model), SessionSettings.cpu(cores));
    try {
      TailSession opened = new TailSession(session, manifest);
      opened.requireManifest(model);
      return opened;
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  private void requireManifest(Path model) {
    List<String> names = live.stream().map(TensorInfo::name).toList();
    if (!names.containsAll(session.inputs().keySet())) {
      throw new BadInputException(
          model
              + " takes "
              + session.inputs().keySet()
              + ", but head.json says that the base gives "
              + names);
    }
  }

  @Override
  public Tensor scores(Tensor batch) {
    float[] scores = scores(List.of(batch));
    return Tensor.of(scores, scores.length / outputs(), outputs());
  }

  @Override
  public float[] scores(List<Tensor> features) {
    if (live.size() != 1) {
      throw new BadInputException(
          "the head takes " + live + " of a sample: ready features of one tensor are not enough");
    }
    long samples = features.stream().mapToLong(t -> t.shape().length == 0 ? 0 : t.shape()[0]).sum();
    FloatBuffer scores = FloatBuffer.allocate(Math.toIntExact(samples * outputs()));
    for (Tensor tensor : features) {
      check(live.get(0), tensor, -1);
      long[] one = tensor.shape().clone();
      int count = Math.toIntExact(one[0]);
      one[0] = 1;
      ByteBuffer data = tensor.data();
      int bytes = count == 0 ? 0 : data.remaining() / count;
      for (int i = 0; i < count; i++) {
        Tensor row = new Tensor(tensor.type(), one, data.slice(i * bytes, bytes));
        scores.put(run(Map.of(live.get(0).name(), row)));
      }
    }
    return scores.array();
  }

  @Override
  public float[] scoresOf(List<Features> samples) {
    FloatBuffer scores = FloatBuffer.allocate(samples.size() * outputs());
    for (Features sample : samples) {
      if (sample.tensors().size() != live.size()) {
        throw new BadInputException(
            "the head takes " + live + " of a sample, but the base gives " + sample.tensors());
      }
      for (int i = 0; i < live.size(); i++) {
        check(live.get(i), sample.tensors().get(i), 1);
      }
      Map<String, Tensor> feed = sample.named(live);
      feed.keySet().retainAll(session.inputs().keySet());
      scores.put(run(feed));
    }
    return scores.array();
  }

  private FloatBuffer run(Map<String, Tensor> feed) {
    return session.run(feed).get(HeadNetwork.SCORES).floatBuffer();
  }

  /**
   * @param samples how many the tensor must hold; -1 for any number
   */
  private static void check(TensorInfo expected, Tensor given, int samples) {
    long[] shape = given.shape();
    long[] dims = expected.shape();
    boolean fits = expected.type() == null || expected.type() == given.type();
    fits &= dims == null ? shape.length > 0 : dims.length == shape.length && shape.length > 0;
    for (int i = 1; fits && dims != null && i < dims.length; i++) {
      fits = dims[i] < 0 || dims[i] == shape[i];
    }
    if (!fits || (samples >= 0 && shape[0] != samples)) {
      throw new BadInputException("the head takes " + expected + ", but " + given + " came");
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
