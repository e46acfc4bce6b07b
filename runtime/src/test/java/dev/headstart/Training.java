package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.ort.OrtRuntime;
import org.junit.jupiter.api.Assumptions;

/** For tests that train, or that run training kernels. */
public final class Training {
  private Training() {}

  /**
   * Skips the test where there is no training-enabled native. Where one is on the class path and
   * another was loaded, by code that touched ONNX Runtime before {@link OrtRuntime}, it fails.
   */
  public static void require() {
    String folder = "org/bytedeco/onnxruntime/" + OrtRuntime.platform() + "/";
    ClassLoader loader = Training.class.getClassLoader();
    boolean there =
        loader.getResource(folder + "libonnxruntime.so.1") != null
            || loader.getResource(folder + "libonnxruntime.1.dylib") != null
            || loader.getResource(folder + "onnxruntime.dll") != null;
    Assumptions.assumeTrue(there, "no training-enabled native for " + OrtRuntime.platform());
    assertTrue(OrtRuntime.canTrain(), "a native that cannot train was loaded first");
  }
}
