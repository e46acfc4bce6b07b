package dev.headstart.backbone;

import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Taps;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.preprocess.Filter;
import dev.headstart.preprocess.ImagePreprocessing;
import dev.headstart.preprocess.Preprocessing;
import dev.headstart.preprocess.TensorPreprocessing;
import dev.headstart.preprocess.TextPreprocessing;
import dev.headstart.sample.Modality;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** What a graph itself says of a manifest, and what may be guessed. */
public final class ManifestDraft {
  private static final String MODEL = "model.onnx";
  private static final int SIDE = 224;
  private static final int TOKENS = 256;

  private ManifestDraft() {}

  /**
   * What a person may have to say of a model, guessed from its inputs.
   *
   * @param preprocessing to be changed to what the model was trained with
   */
  public record Guess(Modality modality, boolean batchInvariant, Preprocessing preprocessing) {}

  /** All that is in the graph; how samples become tensors is, for one input of vectors only. */
  static Manifest of(String id, OnnxModel model) {
    List<Manifest.Port> inputs = ports(model.inputs());
    boolean vector =
        inputs.size() == 1
            && inputs.get(0).type().equals("float32")
            && inputs.get(0).shape().size() == 2;
    return new Manifest(
        id,
        Modality.VECTOR,
        MODEL,
        null,
        inputs,
        ports(model.outputs()),
        taps(model),
        List.of(),
        vector ? vectors(inputs.get(0)) : null,
        null,
        false,
        !isDynamic(model),
        null,
        null,
        null,
        null);
  }

  /** What a person said, completed with what is in the graph. */
  static Manifest completed(Manifest given, String id, OnnxModel model) {
    return new Manifest(
        id,
        given.modality() == null ? modality(given.preprocessing()) : given.modality(),
        MODEL,
        null,
        ports(model.inputs()),
        ports(model.outputs()),
        given.taps().isEmpty() ? taps(model) : given.taps(),
        given.blocks(),
        given.preprocessing(),
        given.pooling(),
        given.reproducibleLayerNorms(),
        given.batchInvariant() && !isDynamic(model),
        given.labels(),
        given.licence(),
        given.source(),
        given.domain());
  }

  /** What a preprocessing takes. */
  static Modality modality(Preprocessing preprocessing) {
    if (preprocessing instanceof ImagePreprocessing) {
      return Modality.IMAGE;
    }
    return preprocessing instanceof TextPreprocessing ? Modality.TEXT : Modality.VECTOR;
  }

  private static List<Manifest.Tap> taps(OnnxModel model) {
    return Taps.candidates(model).stream()
        .map(tap -> new Manifest.Tap(tap.name(), tap.tensor(), aSample(tap.shape())))
        .toList();
  }

  /** Without the batch. */
  private static List<Object> aSample(long[] shape) {
    List<Object> dims = dims(shape);
    return dims.isEmpty() ? dims : dims.subList(1, dims.size());
  }

  private static boolean isDynamic(OnnxModel model) {
    return model.proto().getGraph().getNodeList().stream()
        .anyMatch(node -> node.getOpType().startsWith("DynamicQuantize"));
  }

  private static List<Manifest.Port> ports(List<TensorInfo> tensors) {
    return tensors.stream()
        .map(
            info ->
                new Manifest.Port(
                    info.name(),
                    info.type() == null ? "unknown" : typeName(info.type()),
                    dims(info.shape())))
        .toList();
  }

  private static List<Object> dims(long[] shape) {
    return shape == null
        ? List.of()
        : IntStream.range(0, shape.length)
            .mapToObj(i -> (Object) (shape[i] >= 0 ? shape[i] : i == 0 ? "batch" : "dim" + i))
            .toList();
  }

  private static String typeName(ElementType type) {
    return switch (type) {
      case FLOAT -> "float32";
      case DOUBLE -> "float64";
      default -> type.name().toLowerCase(Locale.ROOT);
    };
  }

  private static Preprocessing vectors(Manifest.Port input) {
    Object length = input.shape().get(1);
    return new TensorPreprocessing(
        input.name(), length instanceof Long fixed ? Math.toIntExact(fixed) : null);
  }

  /** What a model without preprocessing may take; nothing if its inputs look like neither. */
  public static Optional<Guess> guess(Manifest manifest) {
    List<Manifest.Port> inputs = manifest.inputs();
    if (inputs.size() == 1 && inputs.get(0).shape().size() == 4) {
      return pictures(inputs.get(0)).map(p -> guess(manifest, Modality.IMAGE, p));
    }
    boolean tokens =
        inputs.stream().allMatch(i -> i.type().startsWith("int") && i.shape().size() == 2);
    String types = named(inputs, name -> name.contains("type") || name.contains("segment"));
    String mask = named(inputs, name -> name.contains("mask"));
    String ids = named(inputs, name -> !name.equals(types) && !name.equals(mask));
    return tokens && ids != null
        ? Optional.of(
            guess(
                manifest,
                Modality.TEXT,
                new TextPreprocessing("tokenizer.json", TOKENS, ids, mask, types)))
        : Optional.empty();
  }

  private static Guess guess(Manifest manifest, Modality modality, Preprocessing preprocessing) {
    return new Guess(modality, manifest.batchInvariant(), preprocessing);
  }

  private static String named(List<Manifest.Port> inputs, Predicate<String> wanted) {
    return inputs.stream().map(Manifest.Port::name).filter(wanted).findFirst().orElse(null);
  }

  private static Optional<Preprocessing> pictures(Manifest.Port input) {
    boolean bytes = input.type().equals("uint8");
    boolean last = isChannels(input.shape().get(3)) && !isChannels(input.shape().get(1));
    if (!bytes && !input.type().equals("float32") || !last && !isChannels(input.shape().get(1))) {
      return Optional.empty();
    }
    boolean grey = size(input.shape().get(last ? 3 : 1)) == 1;
    int height = side(input.shape().get(last ? 1 : 2));
    int width = side(input.shape().get(last ? 2 : 3));
    boolean square = height == width;
    return Optional.of(
        new ImagePreprocessing(
            input.name(),
            new ImagePreprocessing.Resize(
                square ? ImagePreprocessing.Mode.SHORTER : ImagePreprocessing.Mode.STRETCH,
                square ? List.of(height * 8 / 7) : List.of(width, height),
                Filter.BICUBIC,
                null,
                null,
                null),
            square ? List.of(width, height) : null,
            bytes ? null : 1.0 / 255,
            bytes || grey ? null : List.of(0.485, 0.456, 0.406),
            bytes || grey ? null : List.of(0.229, 0.224, 0.225),
            last ? ImagePreprocessing.Layout.NHWC : ImagePreprocessing.Layout.NCHW,
            grey ? ImagePreprocessing.Colour.GRAY : ImagePreprocessing.Colour.RGB,
            bytes ? ImagePreprocessing.Type.UINT8 : ImagePreprocessing.Type.FLOAT32));
  }

  private static boolean isChannels(Object dim) {
    return size(dim) == 1 || size(dim) == 3;
  }

  private static int side(Object dim) {
    long size = size(dim);
    return size > 0 && size < 4096 ? (int) size : SIDE;
  }

  /** -1 for a free dimension. */
  private static long size(Object dim) {
    return dim instanceof Number fixed ? fixed.longValue() : -1;
  }
}
