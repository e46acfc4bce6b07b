package dev.headstart.serving;

import dev.headstart.onnx.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a caller asks of a model, whatever transport it came by.
 *
 * @param model the model's name
 * @param version null for the live one
 * @param inputs by name, in one of the model's {@link InputForm}s. Direct buffers are read in place
 *     and must stay as they are until the answer is there
 * @param outputs names, in the order of the answer; empty for the model's default outputs
 * @param priority 1 is served first; 0, the default, after all others
 * @param timeout how long the caller waits for the answer; null for the server's own limit
 */
public record InferenceRequest(
    String model,
    Integer version,
    Map<String, Tensor> inputs,
    List<String> outputs,
    int priority,
    Duration timeout) {

  public InferenceRequest {
    outputs = List.copyOf(outputs);
  }

  /** The same with another timeout. */
  InferenceRequest within(Duration time) {
    return new InferenceRequest(model, version, inputs, outputs, priority, time);
  }
}
