package dev.headstart.serving;

import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;

/** What it means when a model fails on tensors that a caller made. */
final class OwnTensors {
  private OwnTensors() {}

  /** The caller's fault, unless memory was short. */
  static RuntimeException refused(String model, FailureException failure) {
    String message = String.valueOf(failure.getMessage());
    if (message.contains("alloc")) {
      return failure;
    }
    return new BadInputException(
        "the model '" + model + "' cannot be run on these inputs: " + message, failure);
  }
}
