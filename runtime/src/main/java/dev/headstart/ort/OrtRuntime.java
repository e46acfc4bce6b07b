package dev.headstart.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import dev.headstart.error.FailureException;
import java.util.concurrent.atomic.AtomicInteger;

/** ONNX Runtime in this process: its version, whether it can train, how many handles are open. */
public final class OrtRuntime {
  private static final AtomicInteger OPEN = new AtomicInteger();

  /** Loaded at first use, so that commands which run no model never load the native. */
  private static OrtEnvironment environment;

  private OrtRuntime() {}

  /**
   * To be called before anything else of {@code ai.onnxruntime} is touched.
   *
   * @throws FailureException if it cannot be loaded; the next call tries again
   */
  static synchronized OrtEnvironment environment() {
    if (environment == null) {
      NativeLibrary.prepare();
      try {
        // What ONNX Runtime logs as an error it also throws.
        environment =
            OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "headstart");
        environment.setTelemetry(false);
      } catch (OrtException | LinkageError e) {
        throw new FailureException(
            "ONNX Runtime cannot be loaded on " + platform() + ": " + e.getMessage(), e);
      }
    }
    return environment;
  }

  /** Version of ONNX Runtime, e.g. 1.28.0; loads the native. */
  public static String version() {
    return environment().getVersion();
  }

  /** Operating system and architecture, e.g. linux-x86_64. */
  public static String platform() {
    return NativeLibrary.platform();
  }

  /** Whether the native that was loaded can train; loads the native. */
  public static boolean canTrain() {
    return environment().isTrainingEnabled();
  }

  /**
   * @throws FailureException where the native cannot train, saying where it can be had
   */
  public static void requireTraining() {
    if (!canTrain()) {
      throw new FailureException(
          "this platform ("
              + platform()
              + ") can predict but not train: no training-enabled ONNX Runtime "
              + version()
              + " is on the class path. Train on linux-x86_64 or linux-arm64."
              + " A prototype head needs no training and works here");
    }
  }

  /** Native handles open in this process: sessions, and tensors bound to training sessions. */
  public static int openHandles() {
    return OPEN.get();
  }

  static void opened() {
    OPEN.incrementAndGet();
  }

  static void closed() {
    OPEN.decrementAndGet();
  }
}
