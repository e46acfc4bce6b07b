package dev.headstart.onnx;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A model in two parts.
 *
 * @param front from the model's inputs to the cut. Its inputs are those of the model's that it
 *     needs; its outputs are the live tensors that it computes, in the order of {@code live}.
 * @param back from the cut to the model's outputs. Its inputs are exactly {@code live}, in that
 *     order, under their own names; its outputs are the model's that depend on the cut tensor.
 * @param live the cut: first the tensor that names it, then in graph order every other tensor or
 *     model input that the back reads. Model inputs are not among the front's outputs: the back
 *     takes them directly ({@link #passed}).
 */
public record CutModels(OnnxModel front, OnnxModel back, List<TensorInfo> live) {

  public CutModels {
    live = List.copyOf(live);
  }

  /** The live tensors that the front computes. */
  public List<TensorInfo> computed() {
    Set<String> outputs = names(front.outputs());
    return live.stream().filter(t -> outputs.contains(t.name())).toList();
  }

  /** The model inputs that the back reads past the front: a caller feeds them to both. */
  public List<TensorInfo> passed() {
    Set<String> outputs = names(front.outputs());
    return live.stream().filter(t -> !outputs.contains(t.name())).toList();
  }

  private static Set<String> names(List<TensorInfo> tensors) {
    Set<String> names = new HashSet<>();
    tensors.forEach(t -> names.add(t.name()));
    return names;
  }
}
