package dev.headstart.serving;

import dev.headstart.onnx.TensorInfo;
import java.util.List;

/**
 * One way of asking a model. A head takes its user's raw sample ({@code image} or {@code text}, a
 * tensor of {@link dev.headstart.onnx.ElementType#STRING}), in its place the base's own tensors, or
 * ready {@code features}; a base model has one form.
 *
 * @param name {@code sample}, {@code tensors} or {@code features}
 * @param inputs all of them must come, and nothing else
 */
public record InputForm(String name, List<TensorInfo> inputs) {
  public InputForm {
    inputs = List.copyOf(inputs);
  }
}
