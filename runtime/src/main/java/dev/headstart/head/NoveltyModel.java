package dev.headstart.head;

import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A {@link Novelty} as a model that any ONNX Runtime runs: the cut's own tensor in, {@value
 * #NOVELTY} float32 [batch] out. Headstart reads the numbers out of it and computes in Java.
 *
 * <p>Its metadata {@value #LIMITS} has the distances that are exceeded at {@link Novelty#RATES},
 * {@value #SAMPLES} how many samples say so.
 */
public final class NoveltyModel {
  public static final String NOVELTY = "novelty";
  private static final String LIMITS = "headstart.novelty.limits";
  private static final String SAMPLES = "headstart.novelty.samples";
  private static final String CENTRE = "scaling.mean";
  private static final String SCALE = "scaling.scale";
  private static final String PRECISION = "precision";
  private static final String DIRECTIONS = "directions";
  private static final String MEANS = "means";
  private static final String OFFSETS = "offsets";
  private static final String LIMIT = "limit";

  private NoveltyModel() {}

  /**
   * The model.
   *
   * @param cut shape of the cut's tensor for one sample, without the batch; -1 for a free dimension
   */
  public static OnnxModel of(Novelty novelty, long[] cut) {
    GraphBuilder graph = new GraphBuilder(NOVELTY, HeadNetwork.OPSET);
    long[] batched = new long[cut.length + 1];
    batched[0] = -1;
    System.arraycopy(cut, 0, batched, 1, cut.length);
    Value features = graph.input(HeadNetwork.FEATURES, ElementType.FLOAT, batched);
    Value x = prepared(graph, Pooling.append(graph, features, cut), novelty);
    int width = novelty.width();
    int classes = novelty.offsets().length;
    Value precision = numbers(graph, PRECISION, novelty.precision());
    Value directions =
        graph.initializer(DIRECTIONS, Tensor.of(novelty.directions(), width, novelty.rank()));
    Value means = graph.initializer(MEANS, Tensor.of(novelty.means(), width, classes));
    Value offsets = numbers(graph, OFFSETS, novelty.offsets());
    Value squares = graph.node(Operator.MUL, List.of(squares(graph, x), precision));
    Value projected = graph.node(Operator.MAT_MUL, List.of(x, directions));
    Value rest = graph.node(Operator.SUB, List.of(squares, squares(graph, projected)));
    Value toMeans = graph.node(Operator.MAT_MUL, List.of(x, means));
    Value toClasses = graph.node(Operator.ADD, List.of(toMeans, offsets));
    Value nearest =
        graph.node(
            Operator.REDUCE_MIN,
            List.of(toClasses),
            Attribute.of("axes", new long[] {1}),
            Attribute.of("keepdims", 0));
    Value square = graph.node(Operator.ADD, List.of(rest, nearest));
    Value distance = graph.node(Operator.SQRT, List.of(graph.node(Operator.RELU, List.of(square))));
    Value limit = numbers(graph, LIMIT, novelty.limits()[Novelty.USUAL]);
    Value result = graph.named(NOVELTY, Operator.DIV, List.of(distance, limit));
    graph.output(result, ElementType.FLOAT, -1);
    graph.metadata(
        LIMITS,
        IntStream.range(0, novelty.limits().length)
            .mapToObj(i -> Float.toString(novelty.limits()[i]))
            .collect(Collectors.joining(",")));
    graph.metadata(SAMPLES, Integer.toString(novelty.samples()));
    return graph.build();
  }

  private static Value prepared(GraphBuilder graph, Value pooled, Novelty novelty) {
    if (novelty.normalised()) {
      return graph.node(
          Operator.LP_NORMALIZATION, List.of(pooled), Attribute.axis(1), Attribute.of("p", 2));
    }
    Value centre = numbers(graph, CENTRE, novelty.centre());
    Value scale = numbers(graph, SCALE, novelty.scale());
    Value centred = graph.node(Operator.SUB, List.of(pooled, centre));
    return graph.node(Operator.MUL, List.of(centred, scale));
  }

  private static Value numbers(GraphBuilder graph, String name, float... values) {
    return graph.initializer(name, Tensor.of(values, values.length));
  }

  /** The sum of squares of each row. */
  private static Value squares(GraphBuilder graph, Value rows) {
    return graph.node(
        Operator.REDUCE_SUM_SQUARE,
        List.of(rows),
        Attribute.of("axes", new long[] {1}),
        Attribute.of("keepdims", 0));
  }

  /**
   * A version's novelty; nothing where it has none.
   *
   * @throws BadInputException if its model is not what Headstart writes
   */
  public static Optional<Novelty> of(HeadStore.Stored version) {
    return version.manifest().files().containsKey(HeadStore.NOVELTY)
        ? Optional.of(
            read(OnnxModel.read(version.folder().resolve(HeadStore.NOVELTY)), version.manifest()))
        : Optional.empty();
  }

  /**
   * The numbers of a version's model, wherever it comes from.
   *
   * @throws BadInputException if it is not, node for node, the one that Headstart writes for the
   *     version, with finite numbers
   */
  public static Novelty read(OnnxModel model, HeadManifest manifest) {
    Map<String, Tensor> given = model.initializers();
    int width = Pooling.width(manifest.shape());
    int classes = count(given, OFFSETS, 0);
    int rank = count(given, DIRECTIONS, 1);
    boolean normalised = !given.containsKey(CENTRE);
    float[] none = {};
    Novelty novelty =
        new Novelty(
            normalised,
            normalised ? none : numbers(given, CENTRE, width),
            normalised ? none : numbers(given, SCALE, width),
            numbers(given, PRECISION, 1)[0],
            numbers(given, DIRECTIONS, width, rank),
            numbers(given, MEANS, width, classes),
            numbers(given, OFFSETS, classes),
            limits(model.metadata().get(LIMITS)),
            samples(model.metadata().get(SAMPLES)));
    int expected = Math.max(1, manifest.classes().size());
    if (classes != 1 && classes != expected) {
      throw new BadInputException(
          "the novelty model has "
              + classes
              + " class means, but the head "
              + expected
              + " classes: expected as many, or one");
    }
    if (!of(novelty, manifest.shape()).proto().equals(model.proto())) {
      throw new BadInputException(
          "the novelty model is not the graph that Headstart writes for a head of this shape");
    }
    return novelty;
  }

  private static int count(Map<String, Tensor> given, String name, int axis) {
    Tensor tensor = given.get(name);
    if (tensor == null || tensor.shape().length <= axis || tensor.shape()[axis] < 1) {
      throw new BadInputException(
          "the novelty model needs the numbers '"
              + name
              + "', but has "
              + (tensor == null ? "none" : tensor.toString()));
    }
    return Math.toIntExact(tensor.shape()[axis]);
  }

  private static float[] numbers(Map<String, Tensor> given, String name, long... shape) {
    return HeadNetwork.weight(given, name, shape).floats();
  }

  private static int samples(String text) {
    if (text == null || !text.matches("[1-9][0-9]{0,8}")) {
      throw new BadInputException(
          "the novelty model's metadata '"
              + SAMPLES
              + "' is '"
              + text
              + "': expected a number of samples");
    }
    return Integer.parseInt(text);
  }

  private static float[] limits(String text) {
    String[] parts = text == null ? new String[0] : text.split(",");
    List<Float> limits = new ArrayList<>();
    try {
      Arrays.stream(parts).map(Float::valueOf).forEach(limits::add);
    } catch (NumberFormatException e) {
      throw badLimits(text, e);
    }
    float[] values = new float[limits.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = limits.get(i);
      boolean ascends = i == 0 ? values[i] > 0 : values[i] >= values[i - 1];
      if (!ascends || !Float.isFinite(values[i])) {
        throw badLimits(text, null);
      }
    }
    if (values.length != Novelty.RATES.length) {
      throw badLimits(text, null);
    }
    return values;
  }

  private static BadInputException badLimits(String text, Throwable cause) {
    return new BadInputException(
        "the novelty model's metadata '"
            + LIMITS
            + "' is '"
            + text
            + "': expected "
            + Novelty.RATES.length
            + " distances that ascend, separated by commas",
        cause);
  }
}
