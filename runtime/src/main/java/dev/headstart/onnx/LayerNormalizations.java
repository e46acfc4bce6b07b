package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Layer normalizations (Ba, Kiros, Hinton 2016) whose result does not depend on the version of ONNX
 * Runtime.
 *
 * <p>Exporters below opset 17 write {@code y = (x - mean) / sqrt(variance + ε) · w + b} as nine
 * nodes, which ONNX Runtime fuses into a kernel of its own. That kernel differs between versions in
 * the last bit, and a dynamically quantized model, which takes the scales of its integers from its
 * own activations, turns a last bit into differences of 1e-2. Written out here in a fixed order of
 * operations, and so that no fusion finds it, the result on x86-64 is to the bit that of ONNX
 * Runtime 1.30 and later: features and heads stay comparable when the native is updated. On other
 * processors it is an ordinary layer normalization.
 */
public final class LayerNormalizations {
  /** float32 in an AVX register: the kernel adds up as many sums side by side. */
  private static final int LANES = 8;

  /**
   * One normalization over the last axis.
   *
   * @param x float32 [..., width]
   * @param epsilon float32, one element
   * @param weight float32 [width]
   * @param bias float32 [width]
   * @param y the output, as x
   */
  private record Norm(String x, String epsilon, String weight, String bias, String y, long width) {}

  private final Graph graph;
  private final ShapeInference shapes;

  private LayerNormalizations(OnnxModel model) {
    graph = Graph.of(model);
    shapes = ShapeInference.of(model);
  }

  /**
   * The model with its decomposed layer normalizations written out in the fixed order. Their
   * outputs keep their names; the tensors inside them, and what else no output needs, are gone.
   * Left as they are: normalizations over a width that is unknown or not divisible by 8, and the
   * operator LayerNormalization.
   *
   * @return {@code model} itself if there are none
   */
  public static OnnxModel reproducible(OnnxModel model) {
    List<Norm> norms = new LayerNormalizations(model).find();
    if (norms.isEmpty()) {
      return model;
    }
    Set<String> replaced = new HashSet<>();
    norms.forEach(norm -> replaced.add(norm.y()));
    GraphBuilder builder = Replacement.without(model, replaced);
    norms.forEach(norm -> write(builder, norm));
    return Replacement.complete(model, builder);
  }

  /** In topological order, so that each one's inputs are there when it is written. */
  private List<Norm> find() {
    List<Norm> norms = new ArrayList<>();
    for (NodeProto node : graph.nodes()) {
      Norm norm = is(node, "Add") ? endingIn(node) : null;
      if (norm != null) {
        norms.add(norm);
      }
    }
    return norms;
  }

  /** Goes from the last node of a normalization back to its first; null if it is none. */
  private Norm endingIn(NodeProto shifted) {
    NodeProto scaled = input(shifted, "Mul");
    NodeProto divided = input(scaled, "Div");
    NodeProto deviation = input(divided, "Sqrt");
    NodeProto stabilized = input(deviation, "Add");
    NodeProto variance = input(stabilized, "ReduceMean");
    NodeProto square = input(variance, "Pow");
    NodeProto centred = input(square, "Sub");
    NodeProto mean = input(centred, "ReduceMean");
    if (mean == null
        || mean.getInputCount() == 0
        || Stream.of(shifted, scaled, stabilized, square).anyMatch(n -> n.getInputCount() != 2)) {
      return null;
    }
    String x = mean.getInput(0);
    String epsilon = other(stabilized, variance);
    String weight = other(scaled, divided);
    String bias = other(shifted, scaled);
    float[] exponent = shapes.known(square.getInput(1)).floats();
    boolean connected =
        centred.getInputList().equals(List.of(x, mean.getOutput(0)))
            && divided.getInputList().equals(List.of(centred.getOutput(0), deviation.getOutput(0)))
            && square.getInput(0).equals(centred.getOutput(0))
            && Arrays.equals(exponent, new float[] {2});
    Known input = shapes.known(x);
    if (!connected || input.type() != ElementType.FLOAT.code() || !input.ranked()) {
      return null;
    }
    long[] reduced = input.dims().clone();
    int last = reduced.length - 1;
    long width = last < 0 ? 0 : reduced[last];
    if (!Known.isNumber(width) || width < LANES || width % LANES != 0) {
      return null;
    }
    reduced[last] = 1;
    float[] stabilizer = shapes.known(epsilon).floats();
    boolean fits =
        Arrays.equals(shapes.known(mean.getOutput(0)).dims(), reduced)
            && Arrays.equals(shapes.known(variance.getOutput(0)).dims(), reduced)
            && Arrays.equals(shapes.known(weight).dims(), new long[] {width})
            && Arrays.equals(shapes.known(bias).dims(), new long[] {width})
            && stabilizer != null
            && stabilizer.length == 1;
    return fits ? new Norm(x, epsilon, weight, bias, shifted.getOutput(0), width) : null;
  }

  /** The node that makes an input of this node and is of this operator; null if there is none. */
  private NodeProto input(NodeProto node, String operator) {
    return node == null
        ? null
        : node.getInputList().stream()
            .flatMap(tensor -> graph.producer(tensor).stream().mapToObj(graph.nodes()::get))
            .filter(producer -> is(producer, operator))
            .findFirst()
            .orElse(null);
  }

  private static boolean is(NodeProto node, String operator) {
    return node.getOpType().equals(operator)
        && (node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx"));
  }

  /** Of a node's two inputs the one that {@code producer} does not make. */
  private static String other(NodeProto node, NodeProto producer) {
    return node.getInput(node.getInput(0).equals(producer.getOutput(0)) ? 1 : 0);
  }

  /** Every step rounds as the kernel does; what it fuses into one rounding is done in double. */
  private static void write(GraphBuilder g, Norm norm) {
    Value x = g.value(norm.x());
    Value width = g.constant(Tensor.scalar(norm.width()));
    Value total = sum(g, cast(g, x, ElementType.DOUBLE), -1, true);
    Value mean =
        cast(
            g,
            g.node(Operator.DIV, List.of(total, cast(g, width, ElementType.DOUBLE))),
            ElementType.FLOAT);
    Value d = g.node(Operator.SUB, List.of(x, mean));

    Value variance = g.node(Operator.DIV, List.of(sumOfSquares(g, d, norm.width()), width));
    Value stabilized = g.node(Operator.ADD, List.of(variance, g.value(norm.epsilon())));
    Value deviation = g.node(Operator.SQRT, List.of(stabilized));
    Value inverse = g.node(Operator.DIV, List.of(g.constant(Tensor.scalar(1)), deviation));
    // This Reshape also keeps ONNX Runtime from making Div and Mul one division.
    Value scale = g.node(Operator.RESHAPE, List.of(inverse, g.node(Operator.SHAPE, List.of(mean))));

    // In double the product of two floats is exact, so product and sum are rounded once, as by FMA.
    Value normal = cast(g, g.node(Operator.MUL, List.of(d, scale)), ElementType.DOUBLE);
    Value weight = cast(g, g.value(norm.weight()), ElementType.DOUBLE);
    Value bias = cast(g, g.value(norm.bias()), ElementType.DOUBLE);
    Value shifted =
        g.node(Operator.ADD, List.of(g.node(Operator.MUL, List.of(normal, weight)), bias));
    g.named(
        norm.y(), Operator.CAST, List.of(shifted), Attribute.of("to", ElementType.FLOAT.code()));
  }

  /**
   * The squares of each row's elements, summed as in a register of eight lanes: lane l adds up the
   * elements l, l + 8, l + 16, … one after the other, each by FMA, then halves are added to halves.
   * An FMA chain is what a matrix product computes for each of its elements, so the lanes are the
   * diagonal of aᵀ · a.
   *
   * @param d [..., width]
   * @return [rows]
   */
  private static Value sumOfSquares(GraphBuilder g, Value d, long width) {
    Value a = reshape(g, d, -1, width / LANES, LANES);
    Value transposed =
        g.node(Operator.TRANSPOSE, List.of(a), Attribute.of("perm", new long[] {0, 2, 1}));
    Value products = g.node(Operator.MAT_MUL, List.of(transposed, a));
    float[] identity = new float[LANES * LANES];
    for (int lane = 0; lane < LANES; lane++) {
      identity[lane * (LANES + 1)] = 1;
    }
    Value diagonal =
        g.node(Operator.MUL, List.of(products, g.constant(Tensor.of(identity, LANES, LANES))));
    Value eight = sum(g, diagonal, 1, false);
    Value four = sum(g, reshape(g, eight, -1, 2, 4), 1, false);
    Value two = sum(g, reshape(g, four, -1, 2, 2), 1, false);
    return sum(g, two, 1, false);
  }

  private static Value reshape(GraphBuilder g, Value x, long... shape) {
    return g.node(Operator.RESHAPE, List.of(x, g.constant(Tensor.vector(shape))));
  }

  private static Value cast(GraphBuilder g, Value x, ElementType type) {
    return g.node(Operator.CAST, List.of(x), Attribute.of("to", type.code()));
  }

  private static Value sum(GraphBuilder g, Value x, long axis, boolean keep) {
    Attribute keepdims = Attribute.of("keepdims", keep ? 1 : 0);
    return g.opset() < 13
        ? g.node(Operator.REDUCE_SUM, List.of(x), Attribute.of("axes", new long[] {axis}), keepdims)
        : g.node(Operator.REDUCE_SUM, List.of(x, g.constant(Tensor.vector(axis))), keepdims);
  }
}
