package dev.headstart.backbone;

import dev.headstart.onnx.Tensor;
import java.util.List;

/**
 * A backbone's output for one sample: the cut's tensors in order, unpooled.
 *
 * @param tensors each with a leading batch dimension of 1; the first is the cut's own tensor
 */
public record Features(List<Tensor> tensors) {
  public Features {
    tensors = List.copyOf(tensors);
  }

  /** The cut's own tensor, float32. */
  public Tensor first() {
    return tensors.get(0);
  }
}
