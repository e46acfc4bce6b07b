package dev.headstart.server.protocol;

import dev.headstart.onnx.TensorInfo;
import java.util.Arrays;

/**
 * What the protocol says of a model's tensor.
 *
 * @param shape -1 for a dimension that varies; [-1] where not even the rank is known, as the
 *     protocol has no word for that
 */
public record TensorSpec(String name, Datatype datatype, long[] shape) {

  /** Of what the model says of it. */
  public static TensorSpec of(TensorInfo info) {
    long[] shape = info.shape() == null ? new long[] {-1} : info.shape();
    return new TensorSpec(info.name(), Datatype.of(info.type()), shape);
  }

  /** As {@code pixels FP32 [-1, 3, 224, 224]}. */
  @Override
  public String toString() {
    return name + " " + datatype + " " + Arrays.toString(shape);
  }
}
