package dev.headstart.onnx;

import java.util.Arrays;

/**
 * A place where a base model can be cut.
 *
 * @param name what to call it: {@code features}, {@code map}, {@code block.3}
 * @param tensor the tensor that names the cut
 * @param shape its dimensions, -1 for one that is not fixed; null where the rank is unknown
 */
public record Tap(String name, String tensor, long[] shape) {

  @Override
  public boolean equals(Object other) {
    return other instanceof Tap that
        && name.equals(that.name)
        && tensor.equals(that.tensor)
        && Arrays.equals(shape, that.shape);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + tensor.hashCode();
  }

  @Override
  public String toString() {
    return name + " = " + tensor + " " + Arrays.toString(shape);
  }
}
