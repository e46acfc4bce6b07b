package dev.headstart.zoo;

import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A network of the zoo.
 *
 * @param model with one output, {@code logits} [batch, 10]
 * @param cuts tensors at which it can be cut, three or more, from shallow to deep
 */
public record ZooNet(OnnxModel model, List<String> cuts) {
  private static final int TOKENS = 8;

  /** What the model takes, for a batch: images from a normal distribution, or token numbers. */
  public Map<String, Tensor> inputs(int batch, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    for (TensorInfo input : model.inputs()) {
      long[] shape = input.shape().clone();
      shape[0] = batch;
      if (input.type() == ElementType.FLOAT) {
        float[] values = new float[(int) Tensor.elements(shape)];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian();
        }
        inputs.put(input.name(), Tensor.of(values, shape));
      } else {
        shape[1] = TOKENS;
        long[] values = new long[batch * TOKENS];
        for (int i = 0; i < values.length; i++) {
          values[i] =
              switch (input.name()) {
                // Each text two tokens shorter than the one before
                case "attention_mask" -> i % TOKENS < TOKENS - 2 * (i / TOKENS % 3) ? 1 : 0;
                case "token_type_ids" -> i % TOKENS / 5;
                default -> random.nextInt(50);
              };
        }
        inputs.put(input.name(), Tensor.of(values, shape));
      }
    }
    return inputs;
  }

  /** Labels for a batch, int64 [batch]. */
  public Tensor labels(int batch, long seed) {
    return Tensor.of(new Random(seed).ints(batch, 0, 10).asLongStream().toArray(), batch);
  }
}
