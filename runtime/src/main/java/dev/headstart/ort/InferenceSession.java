package dev.headstart.ort;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model ready to run. Safe for calls from several threads at once; {@link #close} waits for them,
 * and a call after it is an {@link IllegalStateException}.
 */
public final class InferenceSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceSession.class);

  private final OrtSession session;
  private final Provider provider;
  private final Map<String, TensorInfo> inputs;
  private final Map<String, TensorInfo> outputs;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  private InferenceSession(OrtSession session, Provider provider) throws OrtException {
    this.session = session;
    this.provider = provider;
    this.inputs = infos(session.getInputInfo());
    this.outputs = infos(session.getOutputInfo());
    OrtRuntime.opened();
  }

  /** As {@link #open(byte[], String, SessionSettings)}. */
  public static InferenceSession open(OnnxModel model, SessionSettings settings) {
    return open(model.toBytes(), model.proto().getGraph().getName(), settings);
  }

  /**
   * Opens a session with the first of the settings' providers that works; what was passed over is
   * logged as a warning.
   *
   * @param model an ONNX file's bytes, checked by the caller
   * @param name for messages
   * @throws FailureException if ONNX Runtime refuses the model
   */
  public static InferenceSession open(byte[] model, String name, SessionSettings settings) {
    OrtEnvironment environment = OrtRuntime.environment();
    Set<Provider> order = new LinkedHashSet<>(settings.providers());
    order.add(Provider.CPU);
    for (Provider provider : order) {
      try (SessionOptions options = new SessionOptions()) {
        options.setIntraOpNumThreads(settings.threads());
        options.setInterOpNumThreads(1);
        provider.addTo(options);
        return wrap(environment.createSession(model, options), provider);
      } catch (OrtException e) {
        if (provider == Provider.CPU) {
          throw new FailureException(
              "ONNX Runtime refuses the model " + name + ": " + e.getMessage(), e);
        }
        LOG.warn("{}: provider {} cannot be used: {}", name, provider, e.getMessage());
      }
    }
    throw new IllegalStateException("CPU is always tried");
  }

  private static InferenceSession wrap(OrtSession session, Provider provider) throws OrtException {
    try {
      return new InferenceSession(session, provider);
    } catch (OrtException | RuntimeException e) {
      session.close();
      throw e;
    }
  }

  /** The provider in use: a session was created with it. */
  public Provider provider() {
    return provider;
  }

  /** Inputs by name, in graph order. */
  public Map<String, TensorInfo> inputs() {
    return inputs;
  }

  /** Outputs by name, in graph order. */
  public Map<String, TensorInfo> outputs() {
    return outputs;
  }

  /** As {@link #run(Map, Set)} with all outputs. */
  public Map<String, Tensor> run(Map<String, Tensor> feed) {
    return run(feed, outputs.keySet());
  }

  /**
   * Runs the model once.
   *
   * @param feed a tensor for every input; direct buffers are read in place
   * @param wanted names of outputs
   * @return the outputs asked for, in graph order, copied out of native memory
   * @throws BadInputException if the feed is not what the model declares
   * @throws FailureException if a kernel fails
   */
  public Map<String, Tensor> run(Map<String, Tensor> feed, Set<String> wanted) {
    for (String name : feed.keySet()) {
      if (!inputs.containsKey(name)) {
        throw new BadInputException("unknown input '" + name + "', expected " + inputs.keySet());
      }
    }
    inputs.values().forEach(i -> Tensors.check(i, feed.get(i.name()), inputs.keySet()));
    List<OnnxTensor> open = new ArrayList<>(feed.size());
    lock.readLock().lock();
    try {
      requireOpen();
      Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
      for (String name : inputs.keySet()) {
        OnnxTensor tensor = Tensors.toNative(feed.get(name));
        open.add(tensor);
        tensors.put(name, tensor);
      }
      try (OrtSession.Result result = session.run(tensors, wanted)) {
        Map<String, Tensor> results = new LinkedHashMap<>();
        result.forEach(
            entry ->
                results.put(entry.getKey(), Tensors.fromNative((OnnxTensor) entry.getValue())));
        return results;
      }
    } catch (OrtException e) {
      throw new FailureException("the model could not be run: " + e.getMessage(), e);
    } finally {
      open.forEach(OnnxTensor::close);
      lock.readLock().unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this session is closed");
    }
  }

  /** Frees the native session once running calls have ended; idempotent. */
  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        session.close();
        OrtRuntime.closed();
      }
    } catch (OrtException e) {
      throw new FailureException("the session could not be closed: " + e.getMessage(), e);
    } finally {
      lock.writeLock().unlock();
    }
  }

  private static Map<String, TensorInfo> infos(Map<String, NodeInfo> nodes) {
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    nodes.forEach(
        (name, node) -> {
          if (node.getInfo() instanceof ai.onnxruntime.TensorInfo info) {
            infos.put(name, new TensorInfo(name, Tensors.elementType(info), info.getShape()));
          } else {
            throw new BadInputException(
                "'" + name + "' is a sequence or map; Headstart runs models of tensors only");
          }
        });
    return infos;
  }
}
