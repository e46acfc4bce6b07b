package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Short names for the operators that gradients and losses are written in. Every method appends to
 * the graph and returns the new tensor; binary ones broadcast as NumPy does. Needs opset 13 or
 * later (axes as inputs).
 */
public final class Algebra {
  private final GraphBuilder graph;
  private final Kernels kernels;

  /** Writes to {@code graph} with ONNX Runtime's training kernels. */
  public Algebra(GraphBuilder graph) {
    this(graph, new OrtTrainingKernels(graph));
  }

  Algebra(GraphBuilder graph, Kernels kernels) {
    this.graph = graph;
    this.kernels = kernels;
  }

  /** The derivatives that may have a fused kernel. */
  public Kernels kernels() {
    return kernels;
  }

  /** A float32 scalar. */
  public Value scalar(double value) {
    return graph.constant(Tensor.scalar((float) value));
  }

  /** An int64 vector. */
  public Value vector(long... values) {
    return graph.constant(Tensor.vector(values));
  }

  public Value add(Value a, Value b) {
    return graph.node(Operator.ADD, List.of(a, b));
  }

  public Value sub(Value a, Value b) {
    return graph.node(Operator.SUB, List.of(a, b));
  }

  public Value mul(Value a, Value b) {
    return graph.node(Operator.MUL, List.of(a, b));
  }

  public Value mul(double a, Value b) {
    return a == 1 ? b : mul(scalar(a), b);
  }

  public Value div(Value a, Value b) {
    return graph.node(Operator.DIV, List.of(a, b));
  }

  public Value neg(Value a) {
    return graph.node(Operator.NEG, List.of(a));
  }

  public Value abs(Value a) {
    return graph.node(Operator.ABS, List.of(a));
  }

  public Value sign(Value a) {
    return graph.node(Operator.SIGN, List.of(a));
  }

  public Value exp(Value a) {
    return graph.node(Operator.EXP, List.of(a));
  }

  public Value log(Value a) {
    return graph.node(Operator.LOG, List.of(a));
  }

  public Value sqrt(Value a) {
    return graph.node(Operator.SQRT, List.of(a));
  }

  public Value sin(Value a) {
    return graph.node(Operator.SIN, List.of(a));
  }

  public Value cos(Value a) {
    return graph.node(Operator.COS, List.of(a));
  }

  public Value sinh(Value a) {
    return graph.node(Operator.SINH, List.of(a));
  }

  public Value cosh(Value a) {
    return graph.node(Operator.COSH, List.of(a));
  }

  public Value tanh(Value a) {
    return graph.node(Operator.TANH, List.of(a));
  }

  /** a². */
  public Value square(Value a) {
    return mul(a, a);
  }

  /** a + b for a number b. */
  public Value add(Value a, double b) {
    return add(a, scalar(b));
  }

  /** a - b for a number a. */
  public Value sub(double a, Value b) {
    return sub(scalar(a), b);
  }

  public Value max(Value a, Value b) {
    return graph.node(Operator.MAX, List.of(a, b));
  }

  public Value pow(Value a, Value b) {
    return graph.node(Operator.POW, List.of(a, b));
  }

  public Value sigmoid(Value a) {
    return graph.node(Operator.SIGMOID, List.of(a));
  }

  /** log(1 + exp(a)). */
  public Value softplus(Value a) {
    return graph.node(Operator.SOFTPLUS, List.of(a));
  }

  public Value equal(Value a, Value b) {
    return graph.node(Operator.EQUAL, List.of(a, b));
  }

  public Value greater(Value a, Value b) {
    return graph.node(Operator.GREATER, List.of(a, b));
  }

  public Value greater(Value a, double b) {
    return greater(a, scalar(b));
  }

  public Value less(Value a, Value b) {
    return graph.node(Operator.LESS, List.of(a, b));
  }

  public Value less(Value a, double b) {
    return less(a, scalar(b));
  }

  public Value greaterOrEqual(Value a, Value b) {
    return graph.node(Operator.GREATER_OR_EQUAL, List.of(a, b));
  }

  public Value lessOrEqual(Value a, Value b) {
    return graph.node(Operator.LESS_OR_EQUAL, List.of(a, b));
  }

  public Value and(Value a, Value b) {
    return graph.node(Operator.AND, List.of(a, b));
  }

  /** {@code a} where the condition holds, else 0. */
  public Value keep(Value condition, Value a) {
    return where(condition, a, scalar(0));
  }

  /** 1 where the condition holds, else 0; float32. */
  public Value indicator(Value condition) {
    return cast(condition, ElementType.FLOAT);
  }

  public Value where(Value condition, Value a, Value b) {
    return graph.node(Operator.WHERE, List.of(condition, a, b));
  }

  public Value cast(Value a, ElementType type) {
    return graph.node(Operator.CAST, List.of(a), Attribute.of("to", type.code()));
  }

  /** The shape as an int64 vector. */
  public Value shape(Value a) {
    return graph.node(Operator.SHAPE, List.of(a));
  }

  /** The number of elements as a float32 scalar. */
  public Value size(Value a) {
    return cast(graph.node(Operator.SIZE, List.of(a)), ElementType.FLOAT);
  }

  /** A float32 tensor of zeros. */
  public Value zeros(Value shape) {
    return expand(scalar(0), shape);
  }

  /** The number of elements as an int64 vector of one. */
  public Value count(Value a) {
    return reshape(graph.node(Operator.SIZE, List.of(a)), 1);
  }

  /** The number of each element of {@code a} in row-major order, an int64 tensor of its shape. */
  public Value positions(Value a) {
    Value count = graph.node(Operator.SIZE, List.of(a));
    return reshape(graph.node(Operator.RANGE, List.of(index(0), count, index(1))), shape(a));
  }

  /** An int64 scalar. */
  private Value index(long value) {
    return graph.constant(Tensor.vector(value).reshape());
  }

  public Value reshape(Value a, Value shape) {
    return graph.node(Operator.RESHAPE, List.of(a, shape));
  }

  public Value reshape(Value a, long... shape) {
    return reshape(a, vector(shape));
  }

  public Value expand(Value a, Value shape) {
    return graph.node(Operator.EXPAND, List.of(a, shape));
  }

  public Value unsqueeze(Value a, Value axes) {
    return graph.node(Operator.UNSQUEEZE, List.of(a, axes));
  }

  public Value unsqueeze(Value a, long... axes) {
    return unsqueeze(a, vector(axes));
  }

  public Value squeeze(Value a, long... axes) {
    return graph.node(Operator.SQUEEZE, List.of(a, vector(axes)));
  }

  public Value transpose(Value a, long... permutation) {
    return graph.node(Operator.TRANSPOSE, List.of(a), Attribute.of("perm", permutation));
  }

  /** The transpose with all axes reversed. */
  public Value reversed(Value a) {
    return graph.node(Operator.TRANSPOSE, List.of(a));
  }

  public Value gather(Value a, Value indices, long axis) {
    return graph.node(Operator.GATHER, List.of(a, indices), Attribute.axis(axis));
  }

  /** Along an axis, the elements that the indices (of the output's shape) name. */
  public Value gatherElements(Value a, Value indices, long axis) {
    return graph.node(Operator.GATHER_ELEMENTS, List.of(a, indices), Attribute.axis(axis));
  }

  /** The parts of {@code a} that the rows of the indices name. */
  public Value gatherNd(Value a, Value indices) {
    return graph.node(Operator.GATHER_ND, List.of(a, indices));
  }

  /** {@code a} with {@code updates} in the place of those that gatherElements would take. */
  public Value scatterElements(Value a, Value indices, Value updates, long axis) {
    return graph.node(
        Operator.SCATTER_ELEMENTS, List.of(a, indices, updates), Attribute.axis(axis));
  }

  /** {@code a} with {@code updates} in the place of those that gatherNd would take. */
  public Value scatterNd(Value a, Value indices, Value updates) {
    return graph.node(Operator.SCATTER_ND, List.of(a, indices, updates));
  }

  /**
   * More elements before and after each axis, or of each of the axes (null: all); less than 0 cuts
   * off.
   *
   * @param mode {@code constant} for zeros, or another of the operator's modes
   */
  public Value pad(Value a, Value pads, Value axes, String mode) {
    List<Value> inputs = axes == null ? List.of(a, pads) : List.of(a, pads, graph.absent(), axes);
    return graph.node(Operator.PAD, inputs, Attribute.of("mode", mode));
  }

  /** An optional input that is left out. */
  Value absent() {
    return graph.absent();
  }

  /** Running sums along an axis (an int32 or int64 scalar). */
  public Value cumulativeSum(Value a, Value axis, boolean exclusive, boolean reverse) {
    return graph.node(
        Operator.CUM_SUM,
        List.of(a, axis),
        Attribute.of("exclusive", exclusive ? 1 : 0),
        Attribute.of("reverse", reverse ? 1 : 0));
  }

  /** Einstein's sum. */
  public Value einsum(String equation, List<Value> operands) {
    return graph.node(Operator.EINSUM, operands, Attribute.of("equation", equation));
  }

  public Value concat(List<Value> parts, long axis) {
    return graph.node(Operator.CONCAT, parts, Attribute.axis(axis));
  }

  /** Elements {@code starts} (inclusive) to {@code ends} (exclusive) along {@code axes}. */
  public Value slice(Value a, Value starts, Value ends, Value axes) {
    return graph.node(Operator.SLICE, List.of(a, starts, ends, axes));
  }

  /** With {@code count} axes from {@code first} on reversed. */
  Value backToFront(Value a, int first, int count) {
    long[] last = new long[count];
    Arrays.fill(last, -1);
    long[] beforeFirst = new long[count];
    Arrays.fill(beforeFirst, Long.MIN_VALUE);
    Value axes = vector(LongStream.range(first, first + count).toArray());
    Value back = vector(last); // the last element, and steps of -1
    return graph.node(Operator.SLICE, List.of(a, back, vector(beforeFirst), axes, back));
  }

  /** The parts of {@code a} along an axis, {@code sizes} (int64 vector) long each. */
  public List<Value> split(Value a, Value sizes, int parts, long axis) {
    return graph.nodes(Operator.SPLIT, List.of(a, sizes), parts, Attribute.axis(axis));
  }

  /** The sum over {@code axes}; over none of them where the list is empty at run time. */
  public Value sum(Value a, Value axes, boolean keepDimensions) {
    return sum(a, axes, keepDimensions, false);
  }

  /** The same; if so wanted, over all axes where the list is empty at run time. */
  Value sum(Value a, Value axes, boolean keepDimensions, boolean noneIsAll) {
    return graph.node(
        Operator.REDUCE_SUM,
        List.of(a, axes),
        Attribute.of("keepdims", keepDimensions ? 1 : 0),
        Attribute.of("noop_with_empty_axes", noneIsAll ? 0 : 1));
  }

  /** The sum over all elements, a scalar. */
  public Value sum(Value a) {
    return graph.node(Operator.REDUCE_SUM, List.of(a), Attribute.of("keepdims", 0));
  }

  /** The sum of several tensors. */
  public Value sum(List<Value> terms) {
    return switch (terms.size()) {
      case 1 -> terms.get(0);
      case 2 -> add(terms.get(0), terms.get(1));
      default -> graph.node(Operator.SUM, terms);
    };
  }

  /** alpha · A · B of matrices, each transposed on request. */
  public Value gemm(Value a, boolean transposeA, Value b, boolean transposeB, float alpha) {
    return graph.node(
        Operator.GEMM,
        List.of(a, b),
        Attribute.of("transA", transposeA ? 1 : 0),
        Attribute.of("transB", transposeB ? 1 : 0),
        Attribute.of("alpha", alpha));
  }

  /** A node of any operator, with one output. */
  Value node(Operator operator, List<Value> inputs, Attribute... attributes) {
    return graph.node(operator, inputs, attributes);
  }

  /** A constant. */
  Value constant(Tensor tensor) {
    return graph.constant(tensor);
  }

  /** The mean over {@code axes}, which stay as dimensions of 1. */
  Value mean(Value a, Value axes) {
    Value sum = sum(a, axes, true);
    return mul(sum, div(size(sum), size(a)));
  }

  /** The dimensions after the first two, an int64 vector; {@code known} is the shape or null. */
  Value spatial(Value a, long[] known) {
    if (known != null && Arrays.stream(known).skip(2).allMatch(d -> d > 0)) {
      return vector(Arrays.copyOfRange(known, 2, known.length));
    }
    return slice(shape(a), vector(2), vector(Long.MAX_VALUE), vector(0));
  }

  /** {@code a} in the shape of {@code like}, with as few unknowns at run time as are needed. */
  Value reshapeLike(Value a, Value like, long[] shape) {
    if (shape != null
        && Arrays.stream(shape).filter(d -> d < 0).count() <= 1
        && Arrays.stream(shape).noneMatch(d -> d == 0)) {
      return reshape(a, shape);
    }
    return reshape(a, shape(like));
  }
}
