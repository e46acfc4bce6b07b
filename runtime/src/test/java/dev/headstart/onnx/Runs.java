package dev.headstart.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.headstart.ort.OrtRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Random;

/** The bundled models, and ONNX Runtime itself as the oracle for what is done to them. */
final class Runs {
  static final String EFFICIENTNET = "dev/headstart/models/efficientnet-lite0/model.onnx";
  static final String MINILM = "all-minilm-l6-v2-q.onnx";

  static {
    // The first to touch ONNX Runtime decides which native this process has: the one that trains.
    OrtRuntime.version();
  }

  private Runs() {}

  static OnnxModel bundled(String resource) {
    try (InputStream in = Runs.class.getClassLoader().getResourceAsStream(resource)) {
      return OnnxModel.read(in.readAllBytes(), resource);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Inputs that the model likes, out of a seed. */
  static Map<String, Tensor> inputs(OnnxModel model, int batch, int length, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (var input : model.inputs()) {
      long[] shape = input.shape().clone();
      for (int i = 0; i < shape.length; i++) {
        shape[i] = shape[i] >= 0 ? shape[i] : i == 0 ? batch : length;
      }
      int elements = (int) Tensor.elements(shape);
      if (input.type() == ElementType.FLOAT) {
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++) {
          values[i] = (float) random.nextGaussian();
        }
        feeds.put(input.name(), Tensor.of(values, shape));
      } else {
        long[] values = new long[elements];
        for (int i = 0; i < elements; i++) {
          values[i] =
              switch (input.name()) {
                case "attention_mask" -> i % length < length - 1 ? 1 : 0;
                case "token_type_ids" -> 0;
                default -> 1000 + random.nextInt(20_000);
              };
        }
        feeds.put(input.name(), Tensor.of(values, shape));
      }
    }
    return feeds;
  }

  /** Runs a model on those of the feeds that it takes; results by name. */
  static Map<String, Tensor> run(OnnxModel model, Map<String, Tensor> feeds) {
    return run(model, feeds, model.outputs().stream().map(o -> o.name()).toList());
  }

  static Map<String, Tensor> run(
      OnnxModel model, Map<String, Tensor> feeds, Collection<String> wanted) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      // Without fusions every cut computes by the same kernels, so results are equal to the bit.
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      options.setIntraOpNumThreads(1);
      Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
      try (OrtSession session = environment.createSession(model.toBytes(), options)) {
        for (String name : session.getInputNames()) {
          Tensor tensor = feeds.get(name);
          if (tensor == null) {
            throw new AssertionError("no feed for " + name + " in " + feeds.keySet());
          }
          inputs.put(name, tensor(environment, tensor));
        }
        Map<String, Tensor> results = new LinkedHashMap<>();
        try (OrtSession.Result result = session.run(inputs, new LinkedHashSet<>(wanted))) {
          for (var entry : result) {
            results.put(entry.getKey(), tensor((OnnxTensor) entry.getValue()));
          }
        }
        return results;
      } finally {
        inputs.values().forEach(OnnxTensor::close);
      }
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  private static OnnxTensor tensor(OrtEnvironment environment, Tensor tensor) throws OrtException {
    ByteBuffer data = ByteBuffer.allocateDirect(tensor.data().remaining());
    data.order(ByteOrder.LITTLE_ENDIAN).put(tensor.data()).flip();
    OnnxJavaType type = OnnxJavaType.valueOf(tensor.type().name());
    return OnnxTensor.createTensor(environment, data, tensor.shape(), type);
  }

  private static Tensor tensor(OnnxTensor tensor) {
    var info = tensor.getInfo();
    ByteBuffer data = tensor.getByteBuffer();
    ByteBuffer copy = ByteBuffer.allocate(data.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    copy.put(data).flip();
    String type = info.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
    return new Tensor(ElementType.valueOf(type), info.getShape(), copy);
  }
}
