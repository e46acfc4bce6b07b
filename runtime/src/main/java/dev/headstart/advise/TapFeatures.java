package dev.headstart.advise;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.backbone.Manifest;
import dev.headstart.error.BadInputException;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.Provider;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * All taps of a base at once: one pass gives each tap's features, pooled in the graph as {@link
 * Pooling} does it for a head at that tap, so that a few vectors are all that comes out and is
 * cached; and beside them what the base's own classifier says, where it has one.
 */
final class TapFeatures implements AutoCloseable {
  private final Backbone backbone;
  private final List<Cut> taps;
  private final List<String> leftOut;
  private final boolean classifier;
  private final String deepest;

  private TapFeatures(
      Backbone backbone, List<Cut> taps, List<String> leftOut, boolean classifier, String deepest) {
    this.backbone = backbone;
    this.taps = List.copyOf(taps);
    this.leftOut = List.copyOf(leftOut);
    this.classifier = classifier;
    this.deepest = deepest;
  }

  /**
   * Reads the base, and opens a session of all its taps when the first sample comes. The caller
   * closes it.
   *
   * @throws BadInputException if the base names no tap that a head can take
   */
  static TapFeatures open(BaseModel base, List<Provider> providers) {
    OnnxModel model = base.model();
    Map<String, TensorInfo> shapes = ShapeInference.infer(model);
    List<Cut> taps = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    GraphBuilder graph = new GraphBuilder(model);
    List<Value> pooled = new ArrayList<>();
    List<Integer> widths = new ArrayList<>();
    for (Manifest.Tap tap : base.manifest().taps()) {
      TensorInfo info = shapes.get(tap.tensor());
      String reason = unusable(info);
      if (reason != null) {
        leftOut.add("the tap '" + tap.name() + "' is left out: " + reason);
      } else if (taps.stream().noneMatch(cut -> cut.tensor().equals(tap.tensor()))) {
        long[] shape = Arrays.copyOfRange(info.shape(), 1, info.shape().length);
        taps.add(new Cut(tap.name(), tap.tensor()));
        pooled.add(Pooling.append(graph, graph.value(tap.tensor()), shape));
        widths.add(Pooling.width(shape));
      }
    }
    if (taps.isEmpty()) {
      throw new BadInputException(
          "the base model "
              + base
              + " names no taps that a head can take, so that there is nothing to choose from: say"
              + " --cut TENSOR. "
              + String.join("; ", leftOut));
    }
    TensorInfo logits = classifier(base, model);
    graph.clearOutputs();
    for (int i = 0; i < taps.size(); i++) {
      graph.output(pooled.get(i), ElementType.FLOAT, -1, widths.get(i));
    }
    if (logits != null) {
      graph.output(graph.value(logits.name()), ElementType.FLOAT, logits.shape());
    }
    OnnxModel whole = graph.build();
    OnnxModel used =
        ModelCutter.extract(
            whole,
            whole.inputs().stream().map(TensorInfo::name).toList(),
            whole.outputs().stream().map(TensorInfo::name).toList());
    String names = taps.stream().map(Cut::tensor).collect(Collectors.joining(" "));
    Cut all = new Cut("taps", "taps, pooled: " + names + (logits == null ? "" : " and scores"));
    Backbone backbone = Backbone.of(base, all, used, providers);
    boolean same =
        base.bundled()
            && taps.get(0).tensor().equals(base.cut("auto").tensor())
            && shapes.get(taps.get(0).tensor()).shape().length == 2;
    return new TapFeatures(
        backbone, taps, leftOut, logits != null, same ? backbone.space(taps.get(0)) : null);
  }

  /** Why a head cannot take such a tensor; null if it can. */
  private static String unusable(TensorInfo tensor) {
    if (tensor == null || tensor.shape() == null || tensor.shape().length < 2) {
      return "its shape is not known";
    }
    if (tensor.type() != ElementType.FLOAT) {
      return "it is not float32";
    }
    try {
      Pooling.width(Arrays.copyOfRange(tensor.shape(), 1, tensor.shape().length));
      return null;
    } catch (BadInputException e) {
      return e.getMessage();
    }
  }

  /** The output with a score for each of the base's own classes; null if there is none. */
  private static TensorInfo classifier(BaseModel base, OnnxModel model) {
    int classes = base.labels().size();
    return model.outputs().stream()
        .filter(
            o ->
                classes > 1
                    && o.type() == ElementType.FLOAT
                    && o.shape() != null
                    && o.shape().length == 2
                    && o.shape()[1] == classes)
        .findFirst()
        .orElse(null);
  }

  /** What runs; its features are those of {@link #of}. */
  Backbone backbone() {
    return backbone;
  }

  /** From deep to shallow. */
  List<Cut> taps() {
    return taps;
  }

  /** Which taps are not among them, and why, for people. */
  List<String> leftOut() {
    return leftOut;
  }

  /** The pooled vectors of one sample, in the order of the taps. */
  List<float[]> of(Features features) {
    return features.tensors().subList(0, taps.size()).stream().map(t -> t.floats()).toList();
  }

  /** How sure the base's own classifier is of one sample: its highest score; null without one. */
  Double confidence(Features features) {
    if (!classifier) {
      return null;
    }
    float[] logits = features.tensors().get(taps.size()).floats();
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    return 1 / sum;
  }

  /**
   * Remembers the features of the deepest tap as its own backbone would, where they are known to be
   * the same to the last bit: of the bundled bases, whose tests say so. Others are left alone.
   *
   * @param features of the whole pass, by the samples' digests
   */
  void remember(FeatureStore store, Map<String, Features> features) {
    if (deepest == null || features.isEmpty()) {
      return;
    }
    Collection<String> digests = features.keySet();
    Map<String, Features> fresh = new HashMap<>(features);
    fresh.keySet().removeAll(store.get(deepest, digests).keySet());
    Map<String, Features> own = new LinkedHashMap<>();
    fresh.forEach((digest, all) -> own.put(digest, new Features(List.of(all.first()))));
    if (!own.isEmpty()) {
      store.put(deepest, own);
    }
  }

  /** Frees the session; idempotent. */
  @Override
  public void close() {
    backbone.close();
  }
}
