package dev.headstart.gradient;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import java.nio.IntBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** What a rule sees of the node that it differentiates. */
public final class ForwardNode {
  private final GraphBuilder graph;
  private final int index;
  private final NodeProto node;
  private final Map<String, TensorInfo> shapes;
  private final List<Value> outputGradients;
  private final Set<Integer> wanted;

  ForwardNode(
      GraphBuilder graph,
      int index,
      Map<String, TensorInfo> shapes,
      List<Value> outputGradients,
      Collection<Integer> wanted) {
    this.wanted = Set.copyOf(wanted);
    this.graph = graph;
    this.index = index;
    this.node = graph.proto().getNode(index);
    this.shapes = shapes;
    this.outputGradients = outputGradients;
  }

  /** The operator as {@link GradientRules} keys it: its type, after its domain if it has one. */
  static String operator(NodeProto node) {
    String domain = node.getDomain();
    return domain.isEmpty() || domain.equals("ai.onnx")
        ? node.getOpType()
        : domain + "." + node.getOpType();
  }

  /** The node as messages name it. */
  static String describe(NodeProto node) {
    return operator(node)
        + " (node '"
        + node.getName()
        + "', output '"
        + node.getOutputList().stream().filter(o -> !o.isEmpty()).findFirst().orElse("")
        + "')";
  }

  /** The version of ONNX's own operators in the graph. */
  public int opset() {
    return graph.opset();
  }

  /** The number of inputs, optional ones that are left out in the middle included. */
  public int inputs() {
    return node.getInputCount();
  }

  /** The number of outputs, optional ones that are left out in the middle included. */
  public int outputs() {
    return node.getOutputCount();
  }

  /** Whether input {@code i} is there. */
  public boolean has(int i) {
    return i < node.getInputCount() && !node.getInput(i).isEmpty();
  }

  /** Input {@code i}, which must be there. */
  public Value x(int i) {
    return graph.value(node.getInput(i));
  }

  /** Input 0. */
  public Value x() {
    return x(0);
  }

  /** Output 0. */
  public Value y() {
    return y(0);
  }

  /** Output {@code i}; an optional one that the node left out is asked for. */
  public Value y(int i) {
    return graph.outputOf(index, i);
  }

  /**
   * The node's operator once more, with its attributes and its other inputs, on {@code x} in the
   * place of input 0: its output 0.
   */
  public Value again(Value x) {
    NodeProto.Builder copy = node.toBuilder().setInput(0, x.name()).clearOutput();
    graph.proto().addNode(copy.setName(graph.fresh("node." + node.getOpType())));
    return graph.outputOf(graph.proto().getNodeCount() - 1, 0);
  }

  /** The gradient of output 0; there whenever that is the operator's only differentiable output. */
  public Value dY() {
    return outputGradients.get(0);
  }

  /** The gradient of output {@code i}, or null if nothing depends on that output. */
  public Value dY(int i) {
    return i < outputGradients.size() ? outputGradients.get(i) : null;
  }

  /** Whether anybody wants the gradient of input {@code i}. */
  public boolean wants(int i) {
    return wanted.contains(i);
  }

  /** The node's attributes, for another node of the operator. */
  public Attribute[] attributes() {
    return node.getAttributeList().stream().map(Attribute::new).toArray(Attribute[]::new);
  }

  /** An integer attribute. */
  public long integer(String name, long otherwise) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? otherwise : attribute.getI();
  }

  /** A float attribute. */
  public float real(String name, float otherwise) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? otherwise : attribute.getF();
  }

  /** A string attribute. */
  public String string(String name, String otherwise) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? otherwise : attribute.getS().toStringUtf8();
  }

  /** A list of integers, or null if the attribute is not there. */
  public long[] integers(String name) {
    AttributeProto attribute = attribute(name);
    return attribute == null
        ? null
        : attribute.getIntsList().stream().mapToLong(Long::longValue).toArray();
  }

  private AttributeProto attribute(String name) {
    return node.getAttributeList().stream()
        .filter(a -> a.getName().equals(name))
        .findFirst()
        .orElse(null);
  }

  /** The dimensions of input {@code i}, -1 for one that is not fixed; null: not even the rank. */
  public long[] shape(int i) {
    TensorInfo info = shapes.get(node.getInput(i));
    return info == null ? null : info.shape();
  }

  /** As {@link #shape}, of output {@code i}. */
  public long[] outputShape(int i) {
    TensorInfo info = shapes.get(node.getOutput(i));
    return info == null ? null : info.shape();
  }

  /** What input {@code i} holds if it is a constant, else null. */
  public Tensor constant(int i) {
    return has(i) ? graph.constantOf(node.getInput(i)) : null;
  }

  /** The integers (int32 or int64) that input {@code i} holds if it is a constant, else null. */
  public long[] constantIntegers(int i) {
    Tensor constant = constant(i);
    if (constant == null) {
      return null;
    }
    return switch (constant.type()) {
      case INT64 -> constant.longs();
      case INT32 -> {
        IntBuffer data = constant.data().asIntBuffer();
        yield IntStream.range(0, data.limit()).mapToLong(data::get).toArray();
      }
      default -> null;
    };
  }

  /** Why this node cannot be differentiated, for the rule to throw. */
  public BadInputException refusal(String why) {
    return new BadInputException(
        "no gradient for "
            + describe(node)
            + ": it "
            + why
            + ". Train only what comes after, or freeze the parameters before");
  }

  /**
   * The rank of input {@code i}.
   *
   * @throws BadInputException if it is not known
   */
  public int rank(int i) {
    long[] shape = shape(i);
    if (shape == null) {
      throw new BadInputException(
          "the gradient of "
              + describe(node)
              + " needs the rank of its input '"
              + node.getInput(i)
              + "', which cannot be inferred: add the tensor's shape to the model's value_info");
    }
    return shape.length;
  }

  /** The element type of input {@code i}; float32 where it is not known. */
  public ElementType type(int i) {
    TensorInfo info = shapes.get(node.getInput(i));
    return info == null || info.type() == null ? ElementType.FLOAT : info.type();
  }

  /** Whether input {@code i} is left out, or is a constant that says false. */
  boolean isFalse(int i) {
    if (!has(i)) {
      return true;
    }
    Tensor constant = constant(i);
    return constant != null && constant.elements() == 1 && constant.data().get(0) == 0;
  }
}
