package dev.headstart.serving;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Tensors along their first dimension: one sample a row. */
final class Rows {
  private Rows() {}

  /** Rows from {@code from} on, without a copy; not for strings. */
  static Tensor slice(Tensor tensor, int from, int count) {
    long[] shape = tensor.shape();
    if (from == 0 && count == shape[0]) {
      return tensor;
    }
    long[] sliced = shape.clone();
    sliced[0] = count;
    ByteBuffer data = tensor.data();
    int row = Math.toIntExact(data.remaining() / shape[0]);
    data.position(from * row).limit((from + count) * row);
    return new Tensor(tensor.type(), sliced, data);
  }

  /** One below the other, in a direct buffer; all but the first dimension are alike. */
  static Tensor concatenate(List<Tensor> tensors) {
    if (tensors.size() == 1) {
      return tensors.get(0);
    }
    long bytes = 0;
    long[] shape = tensors.get(0).shape().clone();
    shape[0] = 0;
    for (Tensor tensor : tensors) {
      shape[0] += tensor.shape()[0];
      bytes += tensor.data().remaining();
    }
    ByteBuffer data = Tensor.allocate(bytes);
    tensors.forEach(tensor -> data.put(tensor.data()));
    return new Tensor(tensors.get(0).type(), shape, data.flip());
  }

  /**
   * As {@link #concatenate}, of tensors that may not be alike.
   *
   * @throws BadInputException if they are not
   */
  static Tensor concatenateAlike(List<Tensor> tensors) {
    Tensor first = tensors.get(0);
    for (Tensor tensor : tensors) {
      long[] one = first.shape();
      long[] other = tensor.shape();
      if (!Arrays.equals(one, 1, one.length, other, 1, other.length)) {
        throw new BadInputException(
            "the samples' features are of unlike shapes, "
                + first
                + " and "
                + tensor
                + ": ask for the features of one sample at a time");
      }
    }
    return concatenate(tensors);
  }

  /** A float32 tensor in a heap buffer. */
  static Tensor floats(float[] values, long... shape) {
    ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return new Tensor(ElementType.FLOAT, shape, data);
  }
}
