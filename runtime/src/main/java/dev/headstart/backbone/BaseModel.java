package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.LayerNormalizations;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.preprocess.Preprocessor;
import dev.headstart.sample.Sample;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A pre-trained ONNX model with its manifest. Nothing is read before it is needed, and the model is
 * checked against its sha-256 each time it is.
 */
public final class BaseModel {
  private final Manifest manifest;
  private final ModelFiles files;

  BaseModel(Manifest manifest, ModelFiles files) {
    this.manifest = manifest;
    this.files = files;
  }

  public String id() {
    return manifest.id();
  }

  public Manifest manifest() {
    return manifest;
  }

  /** Whether it comes with this library, which is tested with it. */
  public boolean bundled() {
    return files instanceof ModelFiles.Bundled;
  }

  /** Where its files are, for people. */
  public String location() {
    return files.toString();
  }

  /**
   * Reads the model, with reproducible layer normalizations where the manifest asks for them, and
   * with its pooling appended to the graph as one more tensor.
   *
   * @throws BadInputException if the file is not the manifest's, or not a sound ONNX model
   */
  public OnnxModel model() {
    byte[] bytes = files.read(manifest.model());
    String digest = Sample.sha256(bytes);
    if (!digest.equals(manifest.sha256())) {
      throw new BadInputException(
          "the file "
              + manifest.model()
              + " of the base model "
              + id()
              + " is not the one that its manifest describes: expected sha-256 "
              + manifest.sha256()
              + ", got "
              + digest
              + ". Add the model again");
    }
    return prepared(files.parse(manifest.model(), bytes), manifest);
  }

  /** The file's model with what the manifest adds to it. */
  static OnnxModel prepared(OnnxModel file, Manifest manifest) {
    OnnxModel model =
        manifest.reproducibleLayerNorms() ? LayerNormalizations.reproducible(file) : file;
    return manifest.pooling() == null ? model : appendPooling(model, manifest.pooling());
  }

  /**
   * Mean over the tokens that the mask lets through, as matrix products, because those mean the
   * same in every opset: {@code (m · H) / (m · mᵀ)} with the mask m [batch, 1, tokens] of zeros and
   * ones.
   */
  private static OnnxModel appendPooling(OnnxModel model, Manifest.TokenPooling pooling) {
    GraphBuilder graph = new GraphBuilder(model);
    Value mask =
        graph.node(
            Operator.CAST,
            List.of(graph.value(pooling.mask())),
            Attribute.of("to", ElementType.FLOAT.code()));
    Value row =
        graph.node(Operator.RESHAPE, List.of(mask, graph.constant(Tensor.vector(0, 1, -1))));
    Value column =
        graph.node(Operator.TRANSPOSE, List.of(row), Attribute.of("perm", new long[] {0, 2, 1}));
    Value sum = graph.node(Operator.MAT_MUL, List.of(row, graph.value(pooling.input())));
    Value count = graph.node(Operator.MAT_MUL, List.of(row, column));
    Value mean = graph.node(Operator.DIV, List.of(sum, count));
    long width = embeddingWidth(model, pooling.input());
    Value shape = graph.constant(Tensor.vector(0, width));
    Value pooled;
    if (pooling.normalize()) {
      Value vector = graph.node(Operator.RESHAPE, List.of(mean, shape));
      pooled =
          graph.named(
              pooling.output(),
              Operator.LP_NORMALIZATION,
              List.of(vector),
              Attribute.axis(1),
              Attribute.of("p", 2));
    } else {
      pooled = graph.named(pooling.output(), Operator.RESHAPE, List.of(mean, shape));
    }
    return graph.output(pooled, ElementType.FLOAT, -1, width).build();
  }

  private static long embeddingWidth(OnnxModel model, String tensor) {
    return model.outputs().stream()
        .filter(o -> o.name().equals(tensor) && o.shape() != null && o.shape().length == 3)
        .mapToLong(o -> o.shape()[2])
        .filter(width -> width > 0)
        .findFirst()
        .orElseThrow(
            () ->
                new BadInputException(
                    "the manifest's pooling needs a model output '"
                        + tensor
                        + "' of shape [batch, tokens, width], but the model's outputs are "
                        + model.outputs()));
  }

  /**
   * From sample to the model's inputs, as the manifest says. The caller closes it.
   *
   * @throws BadInputException if the manifest has no preprocessing
   */
  public Preprocessor preprocessor() {
    if (manifest.preprocessing() == null) {
      throw new BadInputException(
          "the manifest of base model "
              + id()
              + " says nothing of preprocessing, so that no samples can be given to it. Remove the"
              + " model and add it again with a manifest; models add without one shows how it"
              + " may look");
    }
    return manifest.preprocessing().open(files::read);
  }

  /** The classes of the model's own output in index order; empty if the manifest names none. */
  public List<String> labels() {
    return manifest.labels() == null
        ? List.of()
        : new String(files.read(manifest.labels()), StandardCharsets.UTF_8).lines().toList();
  }

  /**
   * Resolves what a user calls a cut.
   *
   * @param name {@code auto} (the deepest tap), a tap's name, or a tensor
   * @throws NotFoundException if the model has no such tensor; only known when the model is cut, so
   *     a name that is no tap's is taken for a tensor's here
   */
  public Cut cut(String name) {
    if (name.equals("auto")) {
      if (manifest.taps().isEmpty()) {
        throw new BadInputException("the base model " + id() + " names no taps: give --cut TENSOR");
      }
      Manifest.Tap deepest = manifest.taps().get(0);
      return new Cut(deepest.name(), deepest.tensor());
    }
    return manifest.taps().stream()
        .filter(tap -> tap.name().equals(name))
        .findFirst()
        .map(tap -> new Cut(tap.name(), tap.tensor()))
        .orElse(new Cut(name, name));
  }

  /**
   * The cut at a tensor, under a name that means this tensor alone wherever a cut is named: a
   * tap's, or else its own.
   */
  public Cut cutAt(String tensor) {
    return manifest.taps().stream()
        .filter(tap -> tap.tensor().equals(tensor))
        .findFirst()
        .map(tap -> new Cut(tap.name(), tensor))
        .orElse(new Cut(tensor, tensor));
  }

  /** Names that {@link #cut} takes besides tensors, for messages. */
  public List<String> cutNames() {
    List<String> names = new ArrayList<>();
    names.add("auto");
    manifest.taps().forEach(tap -> names.add(tap.name()));
    return names;
  }

  @Override
  public String toString() {
    return id();
  }
}
