package dev.headstart.backbone;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.preprocess.Preprocessor;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A base model in memory, with what its backbones and the whole model share: the preprocessor and
 * what is known of its inputs. Safe for several threads; the caller closes it after all that it
 * opened.
 */
public final class OpenBase implements AutoCloseable {
  private final BaseModel base;
  private final SessionSettings settings;
  private final Preprocessor preprocessor;
  private final List<TensorInfo> inputs;
  private final List<TensorInfo> outputs;
  private final Map<String, Long> rows;

  /** As it was read, until the first session takes it: it is too large to be kept. */
  private final AtomicReference<OnnxModel> read;

  private OpenBase(
      BaseModel base, SessionSettings settings, Preprocessor preprocessor, OnnxModel model) {
    this.base = base;
    this.settings = settings;
    this.preprocessor = preprocessor;
    this.read = new AtomicReference<>(model);
    this.inputs = model.inputs();
    this.outputs = model.outputs();
    this.rows = rows(model.proto().getGraph());
  }

  /**
   * Reads a base model.
   *
   * @param settings of the sessions that are opened
   * @throws BadInputException if it is not sound
   */
  public static OpenBase open(BaseModel base, SessionSettings settings) {
    OnnxModel model = base.model();
    Preprocessor preprocessor =
        base.manifest().preprocessing() == null ? null : base.preprocessor();
    return new OpenBase(base, settings, preprocessor, model);
  }

  private OnnxModel model() {
    OnnxModel model = read.getAndSet(null);
    return model != null ? model : base.model();
  }

  public BaseModel base() {
    return base;
  }

  /** Whether samples can be given to it; otherwise it takes its own tensors only. */
  public boolean takesSamples() {
    return preprocessor != null;
  }

  /** The model's own inputs. */
  public List<TensorInfo> inputs() {
    return inputs;
  }

  /** The model's own outputs, and the pooling that its manifest adds. */
  public List<TensorInfo> outputs() {
    return outputs;
  }

  /**
   * For inputs that number rows of a table of weights, as tokens do: how many rows there are. Other
   * numbers are refused by the model.
   */
  public Map<String, Long> rows() {
    return rows;
  }

  /**
   * The model's inputs for one sample.
   *
   * @throws BadInputException if the sample cannot be used, or the manifest says nothing of
   *     preprocessing
   */
  public Map<String, Tensor> preprocess(Sample sample) {
    return (preprocessor != null ? preprocessor : base.preprocessor()).apply(sample);
  }

  /** Inputs of the whole model that it should like: a short text, a black picture, zeros. */
  public Map<String, Tensor> example() {
    Map<String, Tensor> example = new LinkedHashMap<>();
    if (preprocessor != null && base.manifest().modality() == Modality.TEXT) {
      Map<String, Tensor> text = preprocessor.apply(new TextSample("example", "An example."));
      inputs.forEach(input -> example.put(input.name(), text.get(input.name())));
      if (!example.containsValue(null)) {
        return example;
      }
    }
    for (TensorInfo input : inputs) {
      long[] shape = input.shape() == null ? new long[] {1} : input.shape().clone();
      for (int i = 0; i < shape.length; i++) {
        shape[i] = shape[i] >= 0 ? shape[i] : i == 0 ? 1 : 8;
      }
      example.put(input.name(), Tensor.zeros(input.type(), shape));
    }
    return example;
  }

  /**
   * The whole model, with its deepest tap as one more output, so that the features there need no
   * session of their own; see {@link #deepest}. The caller closes it.
   */
  public InferenceSession whole() {
    OnnxModel model = model();
    if (!base.manifest().taps().isEmpty()) {
      Manifest.Tap tap = base.manifest().taps().get(0);
      if (model.outputs().stream().noneMatch(output -> output.name().equals(tap.tensor()))) {
        model = withOutput(model, tap);
      }
    }
    return InferenceSession.open(model, settings);
  }

  /** Unchanged if the tap is not what its manifest should say. */
  private static OnnxModel withOutput(OnnxModel model, Manifest.Tap tap) {
    long[] shape = new long[tap.shape() == null ? 0 : tap.shape().size() + 1];
    for (int i = 0; i < shape.length; i++) {
      boolean fixed = i > 0 && tap.shape().get(i - 1) instanceof Number;
      shape[i] = fixed ? ((Number) tap.shape().get(i - 1)).longValue() : -1;
    }
    GraphBuilder graph = new GraphBuilder(model);
    return shape.length == 0 || !graph.has(tap.tensor())
        ? model
        : graph.output(graph.value(tap.tensor()), ElementType.FLOAT, shape).build();
  }

  /**
   * The features at a cut out of a session of {@link #whole}, if the cut is the deepest tap. The
   * session stays the caller's to close, after the backbone.
   */
  public Optional<Backbone> deepest(InferenceSession whole, Cut cut) {
    TensorInfo output = whole.outputs().get(cut.tensor());
    boolean there = isDeepest(cut) && output != null && output.type() == ElementType.FLOAT;
    return there ? Optional.of(Backbone.over(base, cut, preprocessor, whole)) : Optional.empty();
  }

  /** Whether a cut is the first tap of the manifest. */
  public boolean isDeepest(Cut cut) {
    List<Manifest.Tap> taps = base.manifest().taps();
    return !taps.isEmpty() && taps.get(0).tensor().equals(cut.tensor());
  }

  /**
   * The part up to a cut; it shares this base's preprocessor. The caller closes it.
   *
   * @throws BadInputException if the base cannot be cut there
   */
  public Backbone backbone(Cut cut) {
    Backbone backbone = Backbone.open(base, model(), cut, settings, preprocessor, false);
    backbone.open();
    return backbone;
  }

  private static Map<String, Long> rows(GraphProto graph) {
    Map<String, TensorProto> weights = new HashMap<>();
    graph.getInitializerList().forEach(weight -> weights.put(weight.getName(), weight));
    Map<String, Long> rows = new LinkedHashMap<>();
    for (NodeProto node : graph.getNodeList()) {
      if (!node.getOpType().equals("Gather")
          || node.getAttributeList().stream()
              .anyMatch(a -> a.getName().equals("axis") && a.getI() != 0)) {
        continue;
      }
      TensorProto table = weights.get(node.getInput(0));
      String index = node.getInput(1);
      if (table != null
          && table.getDimsCount() > 0
          && graph.getInputList().stream().anyMatch(input -> input.getName().equals(index))) {
        rows.merge(index, table.getDims(0), Math::min);
      }
    }
    return rows;
  }

  /** Frees the preprocessor; idempotent. */
  @Override
  public void close() {
    if (preprocessor != null) {
      preprocessor.close();
    }
  }
}
