package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.CutModels;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.ort.SessionSettings;
import dev.headstart.preprocess.Preprocessor;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.Sample;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The frozen part of a base model up to a cut, ready to run: sample in, features out. Safe for
 * several threads, one sample a call, so that what a sample gives cannot depend on what runs beside
 * it. One that is opened for teaching runs each call on the calling thread alone: calls from as
 * many threads as there are cores use them all. Its native session is opened by the first sample
 * that goes through, if any does: on cached features alone teaching needs none.
 */
public final class Backbone implements AutoCloseable {
  private final BaseModel base;
  private final Cut cut;
  private final Preprocessor preprocessor; // null where the manifest says nothing of it
  private final boolean ownsPreprocessor;
  private final Provider provider;
  private final boolean ownsSession;
  private final List<TensorInfo> live;
  private final Set<String> wanted;

  /** What the session is yet to be made of; null once it is open. */
  private OnnxModel front;

  private final SessionSettings settings;
  private volatile InferenceSession session;
  private boolean closed;
  private final String space;
  private final AtomicLong runs = new AtomicLong();

  private Backbone(
      BaseModel base,
      Cut cut,
      Preprocessor preprocessor,
      boolean ownsPreprocessor,
      OnnxModel front,
      SessionSettings settings,
      InferenceSession session,
      Set<String> outputs,
      List<TensorInfo> live) {
    this.base = base;
    this.cut = cut;
    this.preprocessor = preprocessor;
    this.ownsPreprocessor = ownsPreprocessor;
    this.front = front;
    this.settings = settings;
    this.session = session;
    this.ownsSession = front != null;
    this.live = live;
    this.wanted =
        live.stream()
            .map(TensorInfo::name)
            .filter(outputs::contains)
            .collect(Collectors.toUnmodifiableSet());
    // Which provider it will be is known only where there is no choice.
    this.provider = provided(settings) ? Provider.CPU : session().provider();
    this.space = space(cut);
  }

  /** The key of the features at another cut of this base, by the same provider. */
  public String space(Cut other) {
    return FeatureStore.space(
        String.join(
            "\n",
            base.manifest().sha256(),
            String.valueOf(base.manifest().pooling()),
            String.valueOf(base.manifest().reproducibleLayerNorms()),
            other.tensor(),
            preprocessor == null ? "none" : preprocessor.fingerprint()),
        String.join("\n", provider.toString(), OrtRuntime.version(), OrtRuntime.platform()));
  }

  /**
   * Cuts the base model and opens the part before the cut. The caller closes the backbone.
   *
   * @throws BadInputException if the model is not sound
   * @throws NotFoundException if it has no such tensor, listing the taps
   */
  public static Backbone open(BaseModel base, Cut cut, List<Provider> providers) {
    Preprocessor preprocessor = base.preprocessor();
    try {
      SessionSettings settings = new SessionSettings(providers, 1);
      return open(base, base.model(), cut, settings, preprocessor, true);
    } catch (RuntimeException e) {
      preprocessor.close();
      throw e;
    }
  }

  /**
   * As {@link #open(BaseModel, Cut, List)} with a preprocessor that is open already.
   *
   * @param model of the base, read
   */
  static Backbone open(
      BaseModel base,
      OnnxModel model,
      Cut cut,
      SessionSettings settings,
      Preprocessor preprocessor,
      boolean ownsPreprocessor) {
    CutModels models = cut(base, model, cut);
    return new Backbone(
        base,
        cut,
        preprocessor,
        ownsPreprocessor,
        models.front(),
        settings,
        null,
        models.front().outputs().stream().map(TensorInfo::name).collect(Collectors.toSet()),
        models.live());
  }

  /**
   * Over a model that a caller has made of the base's, with inputs of the base: what it gives are
   * all its outputs. The caller closes the backbone.
   *
   * @param cut tells its features apart from those of every other cut of the base
   */
  public static Backbone of(BaseModel base, Cut cut, OnnxModel model, List<Provider> providers) {
    Preprocessor preprocessor = base.preprocessor();
    try {
      List<TensorInfo> outputs = model.outputs();
      return new Backbone(
          base,
          cut,
          preprocessor,
          true,
          model,
          new SessionSettings(providers, 1),
          null,
          outputs.stream().map(TensorInfo::name).collect(Collectors.toSet()),
          outputs);
    } catch (RuntimeException e) {
      preprocessor.close();
      throw e;
    }
  }

  private static boolean provided(SessionSettings settings) {
    return settings != null && settings.providers().stream().allMatch(Provider.CPU::equals);
  }

  /** Opens the native session now. */
  void open() {
    session();
  }

  private InferenceSession session() {
    InferenceSession open = session;
    return open != null ? open : opened();
  }

  private synchronized InferenceSession opened() {
    if (closed) {
      throw new IllegalStateException("the backbone of " + base + " is closed");
    }
    if (session == null) {
      session = InferenceSession.open(front, settings);
      front = null;
    }
    return session;
  }

  /**
   * Over a session of the whole model that has the cut's tensor among its outputs.
   *
   * @param session stays the caller's to close, as the preprocessor does
   */
  static Backbone over(
      BaseModel base, Cut cut, Preprocessor preprocessor, InferenceSession session) {
    List<TensorInfo> live = List.of(session.outputs().get(cut.tensor()));
    return new Backbone(
        base, cut, preprocessor, false, null, null, session, session.outputs().keySet(), live);
  }

  /** The taps are nearer to what a user meant than the hundreds of tensors. */
  private static CutModels cut(BaseModel base, OnnxModel model, Cut cut) {
    try {
      return ModelCutter.cut(model, cut.tensor());
    } catch (NotFoundException e) {
      throw new NotFoundException("cut (or tensor) of " + base, cut.name(), base.cutNames());
    }
  }

  public BaseModel base() {
    return base;
  }

  public Cut cut() {
    return cut;
  }

  /** The provider in use. */
  public Provider provider() {
    return provider;
  }

  /** The key of this backbone's features; see {@link FeatureStore}. */
  public String space() {
    return space;
  }

  /** The key of features of variants of samples. */
  public String space(Variation.Variant variant) {
    return FeatureStore.varied(space, variant.name());
  }

  /** Shape of the cut's own tensor for one sample, without the batch; -1 for a free dimension. */
  public long[] shape() {
    long[] shape = live.get(0).shape();
    if (shape == null || shape.length == 0) {
      throw new BadInputException(
          "the shape of tensor '" + cut.tensor() + "' of " + base + " is not known: cut elsewhere");
    }
    return Arrays.copyOfRange(shape, 1, shape.length);
  }

  /**
   * What {@link #run} gives, in order: first the cut's own tensor; shapes are with the batch, -1
   * for a free dimension.
   */
  public List<TensorInfo> live() {
    return live;
  }

  /**
   * A head on pooled features takes numbers.
   *
   * @throws BadInputException if the cut's own tensor is not float32
   */
  public void requireFloat() {
    TensorInfo first = live.get(0);
    if (first.type() != null && first.type() != ElementType.FLOAT) {
      throw new BadInputException(
          "the base model "
              + base
              + " cannot be cut at "
              + first
              + ": a cut's own tensor must be float32; taps are "
              + base.cutNames());
    }
  }

  /** How many samples have gone through since it was opened. */
  public long runs() {
    return runs.get();
  }

  /**
   * The model's inputs for one sample.
   *
   * @throws BadInputException if the sample cannot be read, with the reason
   */
  public Map<String, Tensor> preprocess(Sample sample) {
    return preprocessor().apply(sample);
  }

  /**
   * The model's inputs for a variant of a sample.
   *
   * @throws BadInputException if the sample cannot be read, or is no picture
   */
  public Map<String, Tensor> preprocess(Sample sample, Variation.Variant variant) {
    return preprocessor().apply(sample, variant);
  }

  private Preprocessor preprocessor() {
    if (preprocessor == null) {
      throw new BadInputException("the manifest of " + base + " says nothing of preprocessing");
    }
    return preprocessor;
  }

  /**
   * Features of one sample.
   *
   * @param inputs of {@link #preprocess}
   * @throws FailureException if a kernel fails
   */
  public Features run(Map<String, Tensor> inputs) {
    runs.incrementAndGet();
    Map<String, Tensor> feed = new LinkedHashMap<>(inputs);
    InferenceSession open = session();
    feed.keySet().retainAll(open.inputs().keySet());
    Map<String, Tensor> outputs = open.run(feed, wanted);
    List<Tensor> tensors =
        live.stream()
            .map(t -> outputs.containsKey(t.name()) ? outputs.get(t.name()) : inputs.get(t.name()))
            .toList();
    return new Features(tensors);
  }

  /** Frees what is its own; idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    front = null;
    if (ownsSession && session != null) {
      session.close();
    }
    if (ownsPreprocessor) {
      preprocessor.close();
    }
  }
}
