package dev.headstart.onnx;

import java.util.Arrays;

/**
 * What a model says of one of its tensors.
 *
 * @param name the tensor's name in the graph
 * @param type element type, or null where it is not known
 * @param shape dimensions, -1 for one that is not fixed (the batch, a sequence length); null where
 *     not even the rank is known
 */
public record TensorInfo(String name, ElementType type, long[] shape) {

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && name.equals(that.name)
        && type == that.type
        && Arrays.equals(shape, that.shape);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  /** As people write it: {@code pixels FLOAT [?, 3, 224, 224]}. */
  @Override
  public String toString() {
    return name
        + " "
        + (type == null ? "?" : type.name())
        + " "
        + (shape == null ? "[…]" : Arrays.toString(shape).replace("-1", "?"));
  }
}
