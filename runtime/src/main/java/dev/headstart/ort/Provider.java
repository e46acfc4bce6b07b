package dev.headstart.ort;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import dev.headstart.error.UsageException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Execution providers by the names that configuration uses. CUDA and TensorRT are added with
 * options of their own: the shorter calls work only with a JNI library built for them.
 */
public enum Provider {
  CPU {
    @Override
    void addTo(SessionOptions options) {}
  },
  CUDA {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      unpack("cuda");
      try (OrtCUDAProviderOptions device = new OrtCUDAProviderOptions(0)) {
        options.addCUDA(device);
      }
    }
  },
  TENSORRT {
    @Override
    void addTo(SessionOptions options) throws OrtException {
      try (OrtTensorRTProviderOptions device = new OrtTensorRTProviderOptions(0)) {
        options.addTensorrt(device);
      }
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

  private static final Logger LOG = LoggerFactory.getLogger(Provider.class);

  /** What {@link #available()} found. */
  private Boolean available;

  abstract void addTo(SessionOptions options) throws OrtException;

  private static void unpack(String library) throws OrtException {
    try {
      NativeLibrary.prepare(library);
    } catch (IOException e) {
      throw new OrtException("its library cannot be unpacked: " + e);
    }
  }

  /**
   * Whether a session can be created with it here: ONNX Runtime lists providers whose libraries are
   * not there. Tried once a process, on a tiny model; why not is logged at debug level.
   */
  public synchronized boolean available() {
    if (available == null) {
      GraphBuilder graph = new GraphBuilder("probe", 17);
      Value x = graph.input("x", ElementType.FLOAT, 1, 4);
      Value y = graph.node(Operator.RELU, List.of(x));
      byte[] model = graph.output(y, ElementType.FLOAT, 1, 4).build().toBytes();
      try {
        InferenceSession.create(model, this, SessionSettings.cpu(1)).close();
        available = true;
      } catch (OrtException e) {
        LOG.debug("provider {} is not available: {}", this, Reasons.of(e));
        available = false;
      }
    }
    return available;
  }

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
