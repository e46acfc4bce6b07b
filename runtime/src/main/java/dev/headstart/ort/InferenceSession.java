package dev.headstart.ort;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model ready to run. Safe for calls from several threads at once; {@link #close} waits for them,
 * and a call after it is an {@link IllegalStateException}.
 */
public final class InferenceSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceSession.class);

  /**
   * How long a session's own threads look for work before they sleep. ONNX Runtime's default takes
   * the cores away from other calls and processes. EfficientNet-Lite0 with 2 threads on 2 cores,
   * one caller (ms a call, median) and two (calls a second):
   *
   * <pre>
   * 20 µs 5.9 184 | 50 µs 5.7 170 | 100 µs 5.5 173 | 200 µs 5.4 155 | default 5.5 142
   * </pre>
   *
   * With other processes busy: 10.7, 74 | 13.3, 79 | 12.8, 63 | 14.3, 58 | 31.2, 35.
   */
  private static final String SPIN_MICROS = "100";

  private final OrtSession session;
  private final Provider provider;
  private final Map<String, TensorInfo> inputs;
  private final Map<String, TensorInfo> outputs;

  /** The inputs, and the names under which the native session takes them. */
  private final TensorInfo[] taken;

  private final String[] fed;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  private InferenceSession(
      OrtSession session,
      Provider provider,
      Map<String, TensorInfo> inputs,
      Map<String, TensorInfo> outputs) {
    this.session = session;
    this.provider = provider;
    this.inputs = Collections.unmodifiableMap(inputs);
    this.outputs = Collections.unmodifiableMap(outputs);
    this.taken = inputs.values().toArray(TensorInfo[]::new);
    this.fed =
        Arrays.stream(taken)
            .map(i -> UnsignedInputs.isUnsigned(i) ? UnsignedInputs.fed(i.name()) : i.name())
            .toArray(String[]::new);
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
   * @throws BadInputException if an input or output is no tensor, or of a type that {@link Tensor}
   *     cannot hold
   * @throws FailureException if ONNX Runtime refuses the model
   */
  public static InferenceSession open(byte[] model, String name, SessionSettings settings) {
    Set<Provider> order = new LinkedHashSet<>(settings.providers());
    order.add(Provider.CPU);
    for (Provider provider : order) {
      try {
        return open(model, name, provider, settings);
      } catch (OrtException e) {
        if (provider == Provider.CPU) {
          throw new FailureException(
              "ONNX Runtime refuses the model " + name + ": " + Reasons.of(e), e);
        }
        LOG.warn("{}: provider {} cannot be used: {}", name, provider, Reasons.of(e));
      }
    }
    throw new IllegalStateException("CPU is always tried");
  }

  private static InferenceSession open(
      byte[] model, String name, Provider provider, SessionSettings settings) throws OrtException {
    OrtSession session = create(model, provider, settings);
    try {
      Map<String, TensorInfo> inputs = infos(session.getInputInfo());
      Map<String, TensorInfo> outputs = infos(session.getOutputInfo());
      if (Stream.of(inputs, outputs)
          .flatMap(infos -> infos.values().stream())
          .anyMatch(InferenceSession::needsALook)) {
        OnnxModel file = OnnxModel.read(model, name);
        file.inputs().forEach(info -> inputs.replace(info.name(), info));
        file.outputs()
            .forEach(info -> outputs.computeIfPresent(info.name(), (n, i) -> known(i, info)));
        OnnxModel changed = ModifiedUtf8.strings(UnsignedInputs.cast(file));
        if (changed != file) {
          session.close();
          session = null;
          session = create(changed.toBytes(), provider, settings);
        }
      }
      InferenceSession opened = new InferenceSession(session, provider, inputs, outputs);
      session = null;
      return opened;
    } finally {
      if (session != null) {
        session.close();
      }
    }
  }

  static OrtSession create(byte[] model, Provider provider, SessionSettings settings)
      throws OrtException {
    OrtEnvironment environment = OrtRuntime.environment();
    try (SessionOptions options = new SessionOptions()) {
      options.setIntraOpNumThreads(settings.threads());
      options.setInterOpNumThreads(1);
      if (settings.threads() > 1) {
        options.addConfigEntry("session.intra_op.spin_duration_us", SPIN_MICROS);
      }
      provider.addTo(options);
      return environment.createSession(model, options);
    }
  }

  /**
   * Whether the Java API falls short: of a scalar and of a tensor of unknown rank it says the same,
   * wide unsigned integers it does not take, strings only in its own form.
   */
  private static boolean needsALook(TensorInfo info) {
    return info.shape().length == 0
        || UnsignedInputs.isUnsigned(info)
        || info.type() == ElementType.STRING;
  }

  /** What ONNX Runtime found out, but for the shape that it does not tell. */
  private static TensorInfo known(TensorInfo found, TensorInfo declared) {
    return found.shape().length > 0 || declared.shape() != null
        ? found
        : new TensorInfo(found.name(), found.type(), null);
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

  /** Inputs made native once, for any number of runs; the caller closes it. */
  public final class Prepared implements AutoCloseable {
    /** By position; null for an input that comes fresh with every run. */
    private final OnnxTensor[] tensors = new OnnxTensor[taken.length];

    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
    private boolean freed;

    private Prepared() {
      OrtRuntime.opened();
    }

    /** Frees the native tensors once runs with them have ended; idempotent. */
    @Override
    public void close() {
      use.writeLock().lock();
      try {
        if (!freed) {
          freed = true;
          closeAll(tensors);
          OrtRuntime.closed();
        }
      } finally {
        use.writeLock().unlock();
      }
    }
  }

  /**
   * Makes some inputs native, to be used with this session only. Direct buffers are read in place,
   * others copied.
   *
   * @throws BadInputException if they are not what the model declares
   */
  public Prepared prepare(Map<String, Tensor> some) {
    requireKnown(some.keySet(), inputs.keySet(), "input");
    Prepared prepared = new Prepared();
    try {
      for (int i = 0; i < taken.length; i++) {
        Tensor tensor = some.get(taken[i].name());
        if (tensor != null) {
          Tensors.check(taken[i], tensor, inputs.keySet());
          prepared.tensors[i] = Tensors.toNative(taken[i].name(), tensor, Tensors::copy);
        }
      }
      return prepared;
    } catch (OrtException e) {
      prepared.close();
      throw new FailureException("the inputs could not be prepared: " + Reasons.of(e), e);
    } catch (RuntimeException e) {
      prepared.close();
      throw e;
    }
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
   * @return the outputs asked for, in their order, copied out of native memory
   * @throws BadInputException if the feed is not what the model declares, or the model refuses what
   *     is in it
   * @throws FailureException if a kernel fails
   */
  public Map<String, Tensor> run(Map<String, Tensor> feed, Set<String> wanted) {
    if (wanted != outputs.keySet()) {
      requireKnown(wanted, outputs.keySet(), "output");
    }
    return run(feed, new OnnxTensor[taken.length], wanted);
  }

  /**
   * Runs the model once, for all outputs, with some of the inputs prepared.
   *
   * @param feed a tensor for every input that is not among the prepared
   * @see #run(Map, Set)
   */
  public Map<String, Tensor> run(Map<String, Tensor> feed, Prepared prepared) {
    prepared.use.readLock().lock();
    try {
      if (prepared.freed) {
        throw new IllegalStateException("the prepared inputs are closed");
      }
      return run(feed, prepared.tensors, outputs.keySet());
    } finally {
      prepared.use.readLock().unlock();
    }
  }

  private Map<String, Tensor> run(
      Map<String, Tensor> feed, OnnxTensor[] prepared, Set<String> wanted) {
    OnnxTensor[] fresh = new OnnxTensor[taken.length];
    lock.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("this session is closed");
      }
      Scratch scratch = Scratch.begin();
      Map<String, OnnxTensor> tensors = new HashMap<>(2 * taken.length);
      int used = 0;
      for (int i = 0; i < taken.length; i++) {
        OnnxTensor tensor = prepared[i];
        if (tensor == null) {
          Tensor given = feed.get(taken[i].name());
          Tensors.check(taken[i], given, inputs.keySet());
          tensor = fresh[i] = Tensors.toNative(taken[i].name(), given, scratch::copy);
          used++;
        }
        tensors.put(fed[i], tensor);
      }
      if (used < feed.size()) {
        requireKnown(feed.keySet(), inputs.keySet(), "input");
        throw new BadInputException("an input came that is prepared already: " + feed.keySet());
      }
      try (OrtSession.Result result = session.run(tensors, wanted)) {
        Map<String, Tensor> results = new LinkedHashMap<>(2 * wanted.size());
        for (Map.Entry<String, OnnxValue> entry : result) {
          results.put(entry.getKey(), Tensors.fromNative((OnnxTensor) entry.getValue()));
        }
        return results;
      }
    } catch (OrtException e) {
      if (Reasons.isInput(e, provider)) {
        throw new BadInputException("the model cannot take this input: " + Reasons.of(e), e);
      }
      throw new FailureException("the model could not be run: " + Reasons.of(e), e);
    } finally {
      closeAll(fresh);
      lock.readLock().unlock();
    }
  }

  private static void requireKnown(Set<String> names, Set<String> known, String what) {
    for (String name : names) {
      if (!known.contains(name)) {
        throw new BadInputException("unknown " + what + " '" + name + "', expected " + known);
      }
    }
  }

  private static void closeAll(OnnxTensor[] tensors) {
    for (OnnxTensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
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
      throw new FailureException("the session could not be closed: " + Reasons.of(e), e);
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
