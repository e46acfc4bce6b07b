package dev.headstart.gradient;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.OpsetUpgrade;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/**
 * A graph to differentiate, of one operator or a few, with the means to check its gradients: the
 * objective is Σ seed · output over random seeds, the reference a central difference of it for
 * every element of every input.
 */
final class GradientCase {
  /** What the driver is told of the shapes. */
  enum Known {
    EVERYTHING,
    ALL_BUT_THE_FIRST_AXIS,
    RANKS
  }

  private static final float STEP = 1e-2f;

  /** How far elements stay from a kink. */
  private static final float GAP = 0.1f;

  final String operator;
  private final String title;
  private int opset = 17;
  private float low = -2;
  private float high = 2;
  private float[] kinks = {};
  private boolean stateful;
  private boolean distinct;
  private boolean needsSizes;
  private final Map<String, long[]> variables = new LinkedHashMap<>();
  private final Map<String, Tensor> given = new LinkedHashMap<>();
  private BiFunction<GraphBuilder, Map<String, Value>, List<Value>> body;

  private GradientCase(String operator, String title) {
    this.operator = operator;
    this.title = title;
  }

  static GradientCase of(String operator, String title) {
    return new GradientCase(operator, title);
  }

  GradientCase opset(int version) {
    opset = version;
    return this;
  }

  /** Elements are drawn from this range. */
  GradientCase range(float from, float to) {
    low = from;
    high = to;
    return this;
  }

  /** No element is near to 0, where the operator has a kink. */
  GradientCase awayFromZero() {
    return awayFrom(0);
  }

  /** No element is near to these numbers, where the operator has kinks. */
  GradientCase awayFrom(float... numbers) {
    kinks = numbers;
    return this;
  }

  /** No two elements are near each other, where the operator picks the largest. */
  GradientCase distinct() {
    distinct = true;
    return this;
  }

  /** Refused where only ranks are known. */
  GradientCase needsSizes() {
    needsSizes = true;
    return this;
  }

  boolean isRefused(Known known) {
    return needsSizes && known == Known.RANKS;
  }

  /** A float input to differentiate by. */
  GradientCase by(String name, long... shape) {
    variables.put(name, shape);
    return this;
  }

  /** An input that stays as it is. */
  GradientCase given(String name, Tensor tensor) {
    given.put(name, tensor);
    return this;
  }

  /** A session gives this result only at its first run. */
  GradientCase stateful() {
    stateful = true;
    return this;
  }

  static Attribute ints(String name, long... values) {
    return Attribute.of(name, values);
  }

  static Tensor bools(boolean... values) {
    Tensor tensor = Tensor.zeros(ElementType.BOOL, values.length);
    var data = tensor.data();
    for (boolean value : values) {
      data.put((byte) (value ? 1 : 0));
    }
    return tensor;
  }

  static Tensor bool(boolean value) {
    return bools(value).reshape();
  }

  /** One node of the operator over all inputs in order. */
  GradientCase node(Attribute... attributes) {
    return graph((g, in) -> List.of(append(g, operator, List.copyOf(in.values()), attributes)));
  }

  /** One node of the operator over all inputs in order, with all of its outputs. */
  GradientCase nodes(int outputs, Attribute... attributes) {
    return graph((g, in) -> append(g, operator, List.copyOf(in.values()), outputs, attributes));
  }

  /** Appends a node of any operator, of another domain after its name and a dot. */
  static Value append(
      GraphBuilder graph, String operator, List<Value> inputs, Attribute... attributes) {
    return append(graph, operator, inputs, 1, attributes).get(0);
  }

  static List<Value> append(
      GraphBuilder graph,
      String operator,
      List<Value> inputs,
      int outputs,
      Attribute... attributes) {
    int dot = operator.lastIndexOf('.');
    NodeProto.Builder node =
        graph
            .proto()
            .addNodeBuilder()
            .setDomain(operator.substring(0, Math.max(0, dot)))
            .setOpType(operator.substring(dot + 1))
            .setName(graph.fresh("node." + operator));
    inputs.forEach(i -> node.addInput(i.name()));
    Arrays.stream(attributes).forEach(a -> node.addAttribute(a.proto()));
    int index = graph.proto().getNodeCount() - 1;
    return IntStream.range(0, outputs).mapToObj(i -> graph.outputOf(index, i)).toList();
  }

  /** Any graph; every value of the list is an output. */
  GradientCase graph(BiFunction<GraphBuilder, Map<String, Value>, List<Value>> graph) {
    body = graph;
    return this;
  }

  private GraphBuilder forward(List<Value> outputs) {
    GraphBuilder graph = new GraphBuilder(empty());
    Map<String, Value> inputs = new LinkedHashMap<>();
    variables.forEach((n, shape) -> inputs.put(n, graph.input(n, ElementType.FLOAT, shape)));
    given.forEach((n, tensor) -> inputs.put(n, graph.input(n, tensor.type(), tensor.shape())));
    outputs.addAll(body.apply(graph, inputs));
    return graph;
  }

  private OnnxModel empty() {
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
            .addOpsetImport(
                OperatorSetIdProto.newBuilder().setDomain(Operator.MICROSOFT).setVersion(1))
            .setGraph(GraphProto.newBuilder().setName("case"))
            .build());
  }

  /** Gradients need opset 13, so an older graph is lifted, as it is before training. */
  private static GraphBuilder lifted(GraphBuilder graph) {
    return graph.opset() >= Gradients.OLDEST_OPSET
        ? graph
        : new GraphBuilder(OpsetUpgrade.to(graph.build(), Gradients.OLDEST_OPSET));
  }

  private Map<String, Tensor> variables(Random random) {
    int count = variables.values().stream().mapToInt(s -> (int) Tensor.elements(s)).sum();
    List<Integer> places = new ArrayList<>(IntStream.range(0, count).boxed().toList());
    Collections.shuffle(places, random);
    Iterator<Integer> place = places.iterator();
    Map<String, Tensor> drawn = new LinkedHashMap<>();
    variables.forEach(
        (name, shape) -> {
          float[] values = new float[(int) Tensor.elements(shape)];
          for (int i = 0; i < values.length; i++) {
            do {
              values[i] =
                  low
                      + (high - low)
                          * (distinct ? (place.next() + 0.5f) / count : random.nextFloat());
            } while (!distinct && isNearAKink(values[i]));
          }
          drawn.put(name, Tensor.of(values, shape));
        });
    return drawn;
  }

  private boolean isNearAKink(float value) {
    for (float kink : kinks) {
      if (Math.abs(value - kink) < GAP) {
        return true;
      }
    }
    return false;
  }

  /** The largest distance between gradient and central difference, over the gradient's size. */
  double error(long seed, Known known) {
    Random random = new Random(seed);
    Map<String, Tensor> feed = new LinkedHashMap<>(variables(random));
    feed.putAll(given);

    List<Value> outputs = new ArrayList<>();
    OnnxModel model = withAllOutputs(forward(outputs));
    Map<String, TensorInfo> shapes = new HashMap<>();
    Map<String, Tensor> seeds = new LinkedHashMap<>();
    try (Evaluator evaluator = new Evaluator(model)) {
      Map<String, Tensor> results = evaluator.run(feed);
      feed.forEach((n, t) -> shapes.put(n, info(n, t, known)));
      results.forEach((n, t) -> shapes.put(n, info(n, t, known)));
      for (Value output : outputs) {
        Tensor result = results.get(output.name());
        float[] values = new float[(int) result.elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = random.nextFloat() * 2 - 1;
        }
        seeds.put(output.name(), Tensor.of(values, result.shape()));
      }
      Map<String, Tensor> gradients = gradients(feed, seeds, shapes);
      double worst = 0;
      for (String variable : variables.keySet()) {
        double[] reference = differences(evaluator, feed, seeds, variable);
        Tensor gradient = gradients.get("gradient:" + variable);
        if (!Arrays.equals(gradient.shape(), variables.get(variable))) {
          throw new AssertionError(
              this + ": d" + variable + " has shape " + Arrays.toString(gradient.shape()));
        }
        double size = Math.max(1, Arrays.stream(reference).map(Math::abs).max().orElse(0));
        float[] values = gradient.floats();
        for (int i = 0; i < values.length; i++) {
          double error = Math.abs(values[i] - reference[i]) / size;
          worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
        }
      }
      return worst;
    }
  }

  private static TensorInfo info(String name, Tensor tensor, Known known) {
    long[] shape = tensor.shape().clone();
    for (int i = 0; i < shape.length; i++) {
      if (known == Known.RANKS || (known == Known.ALL_BUT_THE_FIRST_AXIS && i == 0)) {
        shape[i] = -1;
      }
    }
    return new TensorInfo(name, tensor.type(), shape);
  }

  /** The dimensions, of which no two that are not fixed are known to be equal. */
  static Map<String, long[]> unrelated(Map<String, TensorInfo> shapes) {
    Map<String, long[]> dimensions = new HashMap<>();
    long symbol = -1;
    for (TensorInfo info : shapes.values()) {
      long[] shape = info.shape().clone();
      for (int i = 0; i < shape.length; i++) {
        shape[i] = shape[i] < 0 ? --symbol : shape[i];
      }
      dimensions.put(info.name(), shape);
    }
    return dimensions;
  }

  /** With every tensor as an output, so that its shape is seen; ONNX Runtime infers the types. */
  private static OnnxModel withAllOutputs(GraphBuilder graph) {
    for (NodeProto node : graph.proto().getNodeList()) {
      node.getOutputList().stream()
          .filter(o -> !o.isEmpty())
          .forEach(o -> graph.proto().addOutputBuilder().setName(o));
    }
    return graph.build();
  }

  private static OnnxModel withOutputs(GraphBuilder graph, List<Value> outputs) {
    outputs.forEach(o -> graph.output(o, ElementType.FLOAT, (long[]) null));
    return graph.build();
  }

  private Map<String, Tensor> gradients(
      Map<String, Tensor> feed, Map<String, Tensor> seeds, Map<String, TensorInfo> shapes) {
    List<Value> outputs = new ArrayList<>();
    GraphBuilder graph = lifted(forward(outputs));
    Map<String, Value> seedValues = new LinkedHashMap<>();
    seeds.forEach((n, t) -> seedValues.put(n, graph.constant(t)));
    Map<String, Value> gradients =
        Gradients.of(graph, shapes, unrelated(shapes), seedValues, variables.keySet());
    List<Value> shown = new ArrayList<>();
    gradients.forEach(
        (n, v) -> shown.add(graph.named("gradient:" + n, Operator.IDENTITY, List.of(v))));
    try (Evaluator evaluator = new Evaluator(withOutputs(graph, shown))) {
      return evaluator.run(feed);
    }
  }

  private double[] differences(
      Evaluator evaluator, Map<String, Tensor> feed, Map<String, Tensor> seeds, String variable) {
    Tensor tensor = feed.get(variable);
    double[] differences = new double[(int) tensor.elements()];
    for (int i = 0; i < differences.length; i++) {
      float[] values = tensor.floats();
      float middle = values[i];
      values[i] = middle + STEP;
      double above = objective(evaluator, feed, seeds, variable, values);
      double width = values[i];
      values[i] = middle - STEP;
      double below = objective(evaluator, feed, seeds, variable, values);
      differences[i] = (above - below) / (width - values[i]);
    }
    return differences;
  }

  private static double objective(
      Evaluator evaluator,
      Map<String, Tensor> feed,
      Map<String, Tensor> seeds,
      String variable,
      float[] values) {
    Map<String, Tensor> moved = new LinkedHashMap<>(feed);
    moved.put(variable, Tensor.of(values, feed.get(variable).shape()));
    Map<String, Tensor> results = evaluator.run(moved);
    double sum = 0;
    for (var seed : seeds.entrySet()) {
      float[] weights = seed.getValue().floats();
      float[] outputs = results.get(seed.getKey()).floats();
      for (int i = 0; i < weights.length; i++) {
        sum += (double) weights[i] * outputs[i];
      }
    }
    return sum;
  }

  /** A session, or one a run where runs change it. */
  private final class Evaluator implements AutoCloseable {
    private final OnnxModel model;
    private final InferenceSession session;

    Evaluator(OnnxModel model) {
      this.model = model;
      this.session = stateful ? null : InferenceSession.open(model, SessionSettings.cpu(1));
    }

    Map<String, Tensor> run(Map<String, Tensor> feed) {
      if (session != null) {
        return session.run(feed);
      }
      try (var once = InferenceSession.open(model, SessionSettings.cpu(1))) {
        return once.run(feed);
      }
    }

    @Override
    public void close() {
      if (session != null) {
        session.close();
      }
    }
  }

  @Override
  public String toString() {
    return operator + " " + title;
  }
}
