package dev.headstart.backbone;

import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A backbone's output for one sample: the cut's tensors in order, unpooled.
 *
 * @param tensors each with a leading batch dimension of 1; the first is the cut's own tensor
 */
public record Features(List<Tensor> tensors) {
  public Features {
    tensors = List.copyOf(tensors);
  }

  /**
   * By name.
   *
   * @param live what the backbone gives, in order
   */
  public Map<String, Tensor> named(List<TensorInfo> live) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      named.put(live.get(i).name(), tensors.get(i));
    }
    return named;
  }

  /** Whether no number among the float32 tensors is infinite or not a number. */
  public boolean finite() {
    return tensors.stream().allMatch(t -> t.type() != ElementType.FLOAT || t.finite());
  }

  /** The cut's own tensor: float32, but where a cut is at a model's input. */
  public Tensor first() {
    return tensors.get(0);
  }
}
