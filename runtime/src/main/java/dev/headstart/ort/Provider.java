package dev.headstart.ort;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.headstart.error.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Execution providers by the names that configuration uses. */
public enum Provider {
  CPU {
    @Override
    void addTo(SessionOptions options) {}
  },
  CUDA {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addCUDA();
    }
  },
  TENSORRT {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addTensorrt(0);
    }
  },
  OPENVINO {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addOpenVINO("CPU");
    }
  },
  DNNL {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addDnnl(true);
    }
  },
  COREML {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addCoreML();
    }
  },
  XNNPACK {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      options.addXnnpack(Map.of());
    }
  };

  abstract void addTo(SessionOptions options) throws OrtException;

  /** {@code cpu}, {@code cuda}, … */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The provider of this name.
   *
   * @throws UsageException for an unknown name, listing the known ones
   */
  public static Provider of(String name) {
    return Arrays.stream(values())
        .filter(p -> p.toString().equalsIgnoreCase(name.strip()))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "unknown execution provider '"
                        + name
                        + "', expected one of "
                        + List.of(values())));
  }
}
