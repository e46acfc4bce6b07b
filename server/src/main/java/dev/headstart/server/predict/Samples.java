package dev.headstart.server.predict;

import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Modality;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a request brought, as a head takes it.
 *
 * @param inputs one tensor, by the name of a head's input
 * @param count samples in it
 * @param list whether they came as a list, and are to be answered as one
 * @param heads that the request names itself; empty if it does not
 */
record Samples(Map<String, Tensor> inputs, int count, boolean list, List<String> heads) {

  /** What the samples are. */
  Modality modality() {
    return switch (inputs.keySet().iterator().next()) {
      case SampleReader.IMAGE -> Modality.IMAGE;
      case SampleReader.TEXT -> Modality.TEXT;
      default -> Modality.VECTOR;
    };
  }

  /** Each sample's bytes, as {@link dev.headstart.sample.Sample#bytes} has them. */
  List<byte[]> bytes() {
    Tensor tensor = inputs.values().iterator().next();
    if (modality() != Modality.VECTOR) {
      return tensor.strings();
    }
    float[] values = tensor.floats();
    int width = values.length / count;
    List<byte[]> bytes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      ByteBuffer sample = ByteBuffer.allocate(4 * width).order(ByteOrder.LITTLE_ENDIAN);
      sample.asFloatBuffer().put(values, i * width, width);
      bytes.add(sample.array());
    }
    return bytes;
  }
}
