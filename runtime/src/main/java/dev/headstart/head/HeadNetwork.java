package dev.headstart.head;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.headstart.confidence.Temperature;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.sample.Task;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/**
 * The graphs of heads, from their weights.
 *
 * <p>A <em>network</em> goes from pooled features to logits and is what trains: input {@value
 * #FEATURES} float32 [batch, width], output {@value #LOGITS} float32 [batch, outputs]. A
 * <em>model</em> is what serves: the cut's own tensor in, pooled inside, {@value #SCORES} out
 * (softmax, sigmoid, or the target's own units).
 *
 * <p>All operators used here mean the same from opset 7 to 24, so a model can be written for
 * whichever opset its base has.
 *
 * @param kind what it is made of
 * @param weights every tensor, in graph order; not to be written to
 * @param trainable the names of those that train
 */
public record HeadNetwork(HeadKind kind, Map<String, Tensor> weights, List<String> trainable)
    implements TrainableNetwork {
  public static final String FEATURES = "features";
  public static final String LOGITS = "logits";
  public static final String SCORES = "scores";

  /** Opset of what is trained and stored. */
  public static final int OPSET = 17;

  private static final String MEAN = "scaling.mean";
  private static final String SCALE = "scaling.scale";
  static final String HIDDEN_WEIGHT = "hidden.weight";
  static final String HIDDEN_BIAS = "hidden.bias";
  static final String OUTPUT_WEIGHT = "output.weight";
  static final String OUTPUT_BIAS = "output.bias";
  private static final String TARGET_MEAN = "target.mean";
  private static final String TARGET_DEVIATION = "target.deviation";
  private static final String TEMPERATURE = "logits.temperature";

  /** The names of what a head's own layers learn, where it has them. */
  public static final List<String> PARAMETERS =
      List.of(HIDDEN_WEIGHT, HIDDEN_BIAS, OUTPUT_WEIGHT, OUTPUT_BIAS);

  /** All names that these graphs have for their own. */
  static final List<String> NAMES =
      List.of(
          LOGITS,
          SCORES,
          MEAN,
          SCALE,
          HIDDEN_WEIGHT,
          HIDDEN_BIAS,
          OUTPUT_WEIGHT,
          OUTPUT_BIAS,
          TARGET_MEAN,
          TARGET_DEVIATION,
          TEMPERATURE);

  /**
   * A network with fresh weights: zero in the last layer, and before it uniform in ±1/sqrt(inputs),
   * as PyTorch's Linear, to break the symmetry.
   *
   * @param kind linear or mlp
   * @param scaling frozen; the length of its mean is the features' width
   * @param outputs classes, or values of a regression
   * @param seed decides the weights
   */
  public static HeadNetwork fresh(HeadKind kind, Scaling scaling, int outputs, long seed) {
    int width = scaling.mean().length;
    Map<String, Tensor> weights = new LinkedHashMap<>();
    weights.put(MEAN, Tensor.of(scaling.mean(), width));
    weights.put(SCALE, Tensor.of(scaling.scale(), scaling.scale().length));
    List<String> trainable;
    if (kind instanceof HeadKind.Mlp mlp) {
      SplittableRandom random = new SplittableRandom(seed);
      weights.put(HIDDEN_WEIGHT, uniform(random, width, mlp.hidden(), width));
      weights.put(HIDDEN_BIAS, uniform(random, width, mlp.hidden()));
      width = mlp.hidden();
      trainable = List.of(HIDDEN_WEIGHT, HIDDEN_BIAS, OUTPUT_WEIGHT, OUTPUT_BIAS);
    } else if (kind instanceof HeadKind.Linear) {
      trainable = List.of(OUTPUT_WEIGHT, OUTPUT_BIAS);
    } else {
      throw new IllegalArgumentException("a " + kind + " head has no weights to train");
    }
    weights.put(OUTPUT_WEIGHT, Tensor.zeros(ElementType.FLOAT, outputs, width));
    weights.put(OUTPUT_BIAS, Tensor.zeros(ElementType.FLOAT, outputs));
    return new HeadNetwork(kind, weights, trainable);
  }

  /**
   * The network of a version, to be trained further: scaling and hidden layers as they are, the
   * rows of the last layer by class.
   *
   * @param given the version's weights by their names here, as its model has them
   * @param known the version's classes, in its order; empty for regression
   * @param classes of the new network, in order; those that are not known begin at zero
   * @throws BadInputException if a weight is missing, of another shape, or not finite
   */
  public static HeadNetwork warm(
      HeadKind kind,
      int width,
      Map<String, Tensor> given,
      List<String> known,
      List<String> classes) {
    HeadNetwork version = received(kind, width, known.size(), given);
    Map<String, Tensor> weights = new LinkedHashMap<>(version.weights);
    if (!known.equals(classes)) {
      weights.replaceAll(
          (name, tensor) ->
              name.equals(OUTPUT_WEIGHT) || name.equals(OUTPUT_BIAS)
                  ? rows(tensor, known, classes)
                  : tensor);
    }
    return new HeadNetwork(
        kind, weights, PARAMETERS.stream().filter(weights::containsKey).toList());
  }

  /** The rows of these classes; zeros for those that have none. */
  private static Tensor rows(Tensor tensor, List<String> known, List<String> classes) {
    float[] from = tensor.floats();
    int width = from.length / known.size();
    float[] to = new float[classes.size() * width];
    for (int c = 0; c < classes.size(); c++) {
      int row = known.indexOf(classes.get(c));
      if (row >= 0) {
        System.arraycopy(from, row * width, to, c * width, width);
      }
    }
    long[] shape = tensor.shape().clone();
    shape[0] = classes.size();
    return Tensor.of(to, shape);
  }

  /** A linear or mlp network of weights that were found elsewhere, by their names here. */
  static HeadNetwork of(HeadKind kind, Scaling scaling, Map<String, Tensor> trained) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    weights.put(MEAN, Tensor.of(scaling.mean(), scaling.mean().length));
    weights.put(SCALE, Tensor.of(scaling.scale(), scaling.scale().length));
    weights.putAll(trained);
    return new HeadNetwork(kind, weights, List.copyOf(trained.keySet()));
  }

  /**
   * A prototype head: logits are {@code sharpness} times the cosine between a sample's features and
   * each class's mean of normalised features.
   *
   * @param means [classes][width], each of length 1
   */
  static HeadNetwork prototype(float[][] means, float sharpness) {
    int width = means[0].length;
    float[] weight = new float[means.length * width];
    for (int c = 0; c < means.length; c++) {
      for (int i = 0; i < width; i++) {
        weight[c * width + i] = sharpness * means[c][i];
      }
    }
    Map<String, Tensor> weights = new LinkedHashMap<>();
    weights.put(OUTPUT_WEIGHT, Tensor.of(weight, means.length, width));
    weights.put(OUTPUT_BIAS, Tensor.zeros(ElementType.FLOAT, means.length));
    return new HeadNetwork(new HeadKind.Prototype(), weights, List.of());
  }

  private static Tensor uniform(SplittableRandom random, int inputs, long... shape) {
    float bound = (float) (1 / Math.sqrt(inputs));
    float[] values = new float[Math.toIntExact(Tensor.elements(shape))];
    for (int i = 0; i < values.length; i++) {
      values[i] = bound * (2 * random.nextFloat() - 1);
    }
    return Tensor.of(values, shape);
  }

  @Override
  public List<String> pretrained() {
    return List.of();
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public HeadNetwork with(Map<String, Tensor> replaced) {
    Map<String, Tensor> all = new LinkedHashMap<>(weights);
    replaced.forEach(
        (name, tensor) -> {
          if (all.replace(name, tensor) == null) {
            throw new IllegalArgumentException("the head has no weight '" + name + "'");
          }
        });
    return new HeadNetwork(kind, all, trainable);
  }

  /**
   * Logits of a prototype head, without a session.
   *
   * @param rows which to take
   * @param features of a row
   * @return [rows, outputs]
   */
  public float[] prototypeLogits(int[] rows, IntFunction<float[]> features) {
    if (!(kind instanceof HeadKind.Prototype)) {
      throw new IllegalStateException("a " + kind + " head is no prototype head");
    }
    int outputs = outputs();
    float[] weight = weights.get(OUTPUT_WEIGHT).floats();
    float[] logits = new float[rows.length * outputs];
    for (int i = 0; i < rows.length; i++) {
      float[] row = features.apply(rows[i]);
      double squares = 0;
      for (float x : row) {
        squares += (double) x * x;
      }
      double length = squares > 0 ? Math.sqrt(squares) : 1;
      for (int c = 0; c < outputs; c++) {
        double dot = 0;
        for (int j = 0; j < row.length; j++) {
          dot += (double) weight[c * row.length + j] * row[j];
        }
        logits[i * outputs + c] = (float) (dot / length);
      }
    }
    return logits;
  }

  /** Number of features it takes. */
  public int width() {
    String first = weights.containsKey(HIDDEN_WEIGHT) ? HIDDEN_WEIGHT : OUTPUT_WEIGHT;
    return (int) weights.get(first).shape()[1];
  }

  /** Number of logits it gives. */
  public int outputs() {
    return (int) weights.get(OUTPUT_WEIGHT).shape()[0];
  }

  /** See the class's comment. */
  @Override
  public OnnxModel network() {
    GraphBuilder graph = new GraphBuilder("head", OPSET);
    Value features = graph.input(FEATURES, ElementType.FLOAT, -1, width());
    Value logits = layers(graph, features, LOGITS);
    return graph.output(logits, ElementType.FLOAT, -1, outputs()).build();
  }

  /**
   * The model that serves.
   *
   * @param cut shape of the cut's tensor for one sample, without the batch; -1 for a free dimension
   * @param task decides what becomes of the logits
   * @param target for regression, the targets' mean and deviation; else ignored
   * @param temperature that logits are divided by first; ignored for regression
   * @param opset of the base that it may be joined to
   */
  public OnnxModel model(long[] cut, Task task, Scaling target, float temperature, int opset) {
    GraphBuilder graph = new GraphBuilder("head", opset);
    long[] batched = new long[cut.length + 1];
    batched[0] = -1;
    System.arraycopy(cut, 0, batched, 1, cut.length);
    Value features = graph.input(FEATURES, ElementType.FLOAT, batched);
    Value scores = scores(graph, features, cut, task, target, temperature);
    return graph.output(scores, ElementType.FLOAT, -1, outputs()).build();
  }

  /** The same without a temperature. */
  public OnnxModel model(long[] cut, Task task, Scaling target, int opset) {
    return model(cut, task, target, Temperature.NONE, opset);
  }

  @Override
  public OnnxModel serving(long[] cut, Task task, Scaling target, float temperature) {
    return model(cut, task, target, temperature, OPSET);
  }

  /** Appends pooling, layers, and what becomes of the logits. */
  Value scores(
      GraphBuilder graph,
      Value features,
      long[] cut,
      Task task,
      Scaling target,
      float temperature) {
    Value logits = layers(graph, Pooling.append(graph, features, cut), LOGITS);
    if (task != Task.REGRESSION && temperature != Temperature.NONE) {
      Value divisor = graph.initializer(TEMPERATURE, Tensor.of(new float[] {temperature}, 1));
      logits = graph.node(Operator.DIV, List.of(logits, divisor));
    }
    return switch (task) {
      case SINGLE -> graph.named(SCORES, Operator.SOFTMAX, List.of(logits), Attribute.axis(1));
      case MULTI -> graph.named(SCORES, Operator.SIGMOID, List.of(logits));
      case REGRESSION -> {
        Value deviation =
            graph.initializer(TARGET_DEVIATION, Tensor.of(target.scale(), target.scale().length));
        Value mean = graph.initializer(TARGET_MEAN, Tensor.of(target.mean(), target.mean().length));
        Value spread = graph.node(Operator.MUL, List.of(logits, deviation));
        yield graph.named(SCORES, Operator.ADD, List.of(spread, mean));
      }
    };
  }

  /**
   * Checks a model that came from elsewhere: it must be, node for node, the one that Headstart
   * writes for its manifest, with finite weights of the right shapes. So nothing else can be run by
   * it.
   *
   * @throws BadInputException saying what is not as it must be
   */
  public static void requireModel(OnnxModel model, HeadManifest manifest) {
    Map<String, Tensor> given = model.initializers();
    int width = Pooling.width(manifest.shape());
    OnnxModel expected =
        received(manifest.kind(), width, manifest.classes().size(), given)
            .model(
                manifest.shape(),
                manifest.task(),
                receivedTarget(manifest.task(), given),
                receivedTemperature(given),
                OPSET);
    if (!expected.proto().equals(model.proto())) {
      throw new BadInputException(
          "the head's model is not the graph that a "
              + manifest.kind()
              + " head for the task "
              + manifest.task().id()
              + " has");
    }
  }

  /**
   * A network of weights that came from elsewhere.
   *
   * @throws BadInputException if one is missing, of another shape, or not finite
   */
  static HeadNetwork received(HeadKind kind, int width, int classes, Map<String, Tensor> given) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    int last = width;
    if (!(kind instanceof HeadKind.Prototype)) {
      Tensor scale = given.get(SCALE);
      boolean each = scale != null && scale.elements() == width;
      shapes.put(MEAN, new long[] {width});
      shapes.put(SCALE, new long[] {each ? width : 1});
    }
    if (kind instanceof HeadKind.Mlp mlp) {
      shapes.put(HIDDEN_WEIGHT, new long[] {mlp.hidden(), width});
      shapes.put(HIDDEN_BIAS, new long[] {mlp.hidden()});
      last = mlp.hidden();
    }
    shapes.put(OUTPUT_WEIGHT, new long[] {Math.max(1, classes), last});
    shapes.put(OUTPUT_BIAS, new long[] {Math.max(1, classes)});
    Map<String, Tensor> weights = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> weights.put(name, weight(given, name, shape)));
    return new HeadNetwork(kind, weights, List.of());
  }

  /** A regression's mean and deviation as a version's model has them; null for other tasks. */
  public static Scaling receivedTarget(Task task, Map<String, Tensor> given) {
    return task == Task.REGRESSION
        ? new Scaling(
            weight(given, TARGET_MEAN, new long[] {1}).floats(),
            weight(given, TARGET_DEVIATION, new long[] {1}).floats())
        : null;
  }

  /**
   * The temperature as a version's model has it; {@link Temperature#NONE} where it has none.
   *
   * @throws BadInputException if it is no positive number
   */
  static float receivedTemperature(Map<String, Tensor> given) {
    if (!given.containsKey(TEMPERATURE)) {
      return Temperature.NONE;
    }
    float temperature = weight(given, TEMPERATURE, new long[] {1}).floats()[0];
    if (!(temperature > 0)) {
      throw new BadInputException(
          "the head's '" + TEMPERATURE + "' is " + temperature + ": expected a positive number");
    }
    return temperature;
  }

  static Tensor weight(Map<String, Tensor> given, String name, long[] shape) {
    Tensor tensor = given.get(name);
    if (tensor == null
        || tensor.type() != ElementType.FLOAT
        || !Arrays.equals(tensor.shape(), shape)) {
      throw new BadInputException(
          "the head's model needs the weights '"
              + name
              + "' FLOAT"
              + Arrays.toString(shape)
              + ", but has "
              + (tensor == null ? "none" : tensor.toString()));
    }
    if (!tensor.finite()) {
      throw new BadInputException("the head's weights '" + name + "' are not finite");
    }
    return tensor;
  }

  /**
   * A head's model for a base of another opset; possible because the head's operators mean the same
   * from opset 7 to 24.
   */
  public static OnnxModel atOpset(OnnxModel head, int opset) {
    ModelProto.Builder model = head.proto().toBuilder();
    model
        .getOpsetImportBuilderList()
        .forEach(
            imported -> {
              if (imported.getDomain().isEmpty()) {
                imported.setVersion(opset);
              }
            });
    return OnnxModel.of(model.build());
  }

  /** Appends the layers from pooled features to logits of this name. */
  Value layers(GraphBuilder graph, Value features, String name) {
    Map<String, Value> w = new LinkedHashMap<>();
    weights.forEach((key, tensor) -> w.put(key, graph.initializer(key, tensor)));
    Value x;
    if (kind instanceof HeadKind.Prototype) {
      x =
          graph.node(
              Operator.LP_NORMALIZATION,
              List.of(features),
              Attribute.axis(1),
              Attribute.of("p", 2));
    } else {
      Value centred = graph.node(Operator.SUB, List.of(features, w.get(MEAN)));
      x = graph.node(Operator.MUL, List.of(centred, w.get(SCALE)));
    }
    Attribute transB = Attribute.of("transB", 1);
    if (kind instanceof HeadKind.Mlp) {
      Value hidden =
          graph.node(Operator.GEMM, List.of(x, w.get(HIDDEN_WEIGHT), w.get(HIDDEN_BIAS)), transB);
      x = graph.node(Operator.RELU, List.of(hidden));
    }
    return graph.named(
        name, Operator.GEMM, List.of(x, w.get(OUTPUT_WEIGHT), w.get(OUTPUT_BIAS)), transB);
  }
}
