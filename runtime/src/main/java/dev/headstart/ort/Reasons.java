package dev.headstart.ort;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtException.OrtErrorCode;
import java.util.regex.Pattern;

/** What ONNX Runtime says went wrong, as users may read it. */
final class Reasons {
  /** Its code, and the place in its source with the condition that did not hold. */
  private static final Pattern NOISE =
      Pattern.compile(
          "^Error code - \\w+ - message: "
              + "|/\\S+:\\d+ .*?\\) (?:.* was false\\. )?"
              + "|\\[ONNXRuntimeError] : \\d+ : \\w+ : ");

  private Reasons() {}

  /** The message, without places in ONNX Runtime's source. */
  static String of(OrtException e) {
    return NOISE.matcher(e.getMessage()).replaceAll("").strip();
  }

  /**
   * Whether a run failed for what it was fed: on the CPU kernels fail for shapes and values only,
   * elsewhere also because of the device.
   */
  static boolean isInput(OrtException e, Provider provider) {
    return e.getCode() == OrtErrorCode.ORT_INVALID_ARGUMENT
        || e.getCode() == OrtErrorCode.ORT_FAIL && provider == Provider.CPU;
  }
}
