package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.onnx.Tensor;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelMetadata;
import dev.headstart.serving.ModelRepository;
import java.util.List;
import java.util.Map;

/**
 * An output that a request names.
 *
 * @param name the output's
 * @param classification how many classes of each sample are wanted in the output's place; 0 for the
 *     output itself
 * @param binary whether it is wanted as binary (HTTP only); null if the output does not say
 */
public record RequestedOutput(String name, int classification, Boolean binary) {

  /**
   * Reads an output's parameters.
   *
   * @throws BadInputException for a value that its parameter cannot have
   * @throws NotSupportedException if the output is wanted in shared memory
   */
  public static RequestedOutput of(String name, Map<String, Object> parameters) {
    if (parameters.isEmpty()) {
      return new RequestedOutput(name, 0, null);
    }
    RequestParameters.checkPlace(name, parameters);
    return new RequestedOutput(
        name,
        (int) RequestParameters.integer(parameters, "classification", 0, Integer.MAX_VALUE, 0),
        parameters.containsKey("binary_data")
            ? RequestParameters.truth(parameters, "binary_data", false)
            : null);
  }

  /**
   * What the client gets for this output.
   *
   * @param result holds the output
   * @param models say what its classes are called
   * @return the output, or its classification
   * @throws BadInputException if the output cannot be classified
   */
  public Tensor in(InferenceResult result, ModelRepository models) {
    Tensor tensor = result.outputs().get(name);
    if (classification == 0) {
      return tensor;
    }
    ModelMetadata metadata = metadata(result, models);
    boolean batched = metadata == null || metadata.maxBatch() > 0;
    List<String> classes =
        result.head() != null
            ? result.head().classes()
            : metadata == null ? List.of() : metadata.classes().getOrDefault(name, List.of());
    return Classification.of(name, tensor, classification, batched, classes);
  }

  /**
   * Null where the model was unloaded after it had answered: then the answer goes without names.
   */
  private static ModelMetadata metadata(InferenceResult result, ModelRepository models) {
    try {
      return models.metadata(result.model(), result.version());
    } catch (HeadstartException gone) {
      return null;
    }
  }
}
