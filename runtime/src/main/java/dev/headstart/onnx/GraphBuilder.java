package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Builds an ONNX graph, or goes on building one that was read. Nodes are appended, so a node may
 * only use what exists already and the graph stays topologically sorted.
 *
 * <p>Not safe for use by several threads.
 */
public final class GraphBuilder {
  /** IR 8 is what ONNX Runtime's training sessions were proven with. */
  private static final int IR_VERSION = 8;

  private static final String CONSTANT = "constant";

  private static final Pattern OWN_CONSTANT =
      Pattern.compile("headstart\\." + CONSTANT + "\\.[0-9]+");

  private final GraphProto.Builder graph;
  private final Map<String, Long> opsets = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Set<String> nodeNames = new HashSet<>();

  /**
   * What nodes read, which may be a tensor that the graph is yet to get, and names inside nodes.
   */
  private final Set<String> reserved = new HashSet<>();

  private int irVersion = IR_VERSION;
  private int unique;

  /**
   * An empty graph.
   *
   * @param name the graph's name
   * @param opset version of ONNX's own operators
   */
  public GraphBuilder(String name, int opset) {
    graph = GraphProto.newBuilder().setName(name);
    opsets.put("", (long) opset);
  }

  /** A graph that goes on from {@code model}, which is not changed. */
  public GraphBuilder(OnnxModel model) {
    graph = model.proto().getGraph().toBuilder();
    irVersion = (int) model.proto().getIrVersion();
    model.proto().getOpsetImportList().forEach(o -> opsets.put(domain(o), o.getVersion()));
    model
        .proto()
        .getMetadataPropsList()
        .forEach(entry -> metadata.put(entry.getKey(), entry.getValue()));
    graph.getInputList().forEach(i -> names.add(i.getName()));
    graph.getInitializerList().forEach(i -> names.add(i.getName()));
    graph
        .getNodeList()
        .forEach(
            n -> {
              names.addAll(n.getOutputList());
              nodeNames.add(n.getName());
              reserved.addAll(Subgraphs.reads(n));
            });
    reserved.addAll(Subgraphs.definedWithin(model.proto().getGraph()));
  }

  private static String domain(OperatorSetIdProto opset) {
    return opset.getDomain().equals("ai.onnx") ? "" : opset.getDomain();
  }

  /** The version of ONNX's own operators in this graph. */
  public int opset() {
    return opsets.get("").intValue();
  }

  /** Lets nodes that are edited by hand be of a domain other than ONNX's own, version 1. */
  public void importDomain(String domain) {
    opsets.putIfAbsent(domain, 1L);
  }

  /** Whether a tensor of this name exists. */
  public boolean has(String name) {
    return names.contains(name);
  }

  /**
   * A graph input.
   *
   * @param shape dimensions, -1 for one that is not fixed (the first is then named {@code batch})
   */
  public Value input(String name, ElementType type, long... shape) {
    claim(name);
    graph.addInput(info(name, type, shape));
    return new Value(this, name);
  }

  /** A graph input that is a sequence of tensors, as an optimizer graph takes its parameters. */
  public Value sequenceInput(String name, ElementType type) {
    claim(name);
    graph
        .addInputBuilder()
        .setName(name)
        .getTypeBuilder()
        .getSequenceTypeBuilder()
        .getElemTypeBuilder()
        .getTensorTypeBuilder()
        .setElemType(type.code());
    return new Value(this, name);
  }

  /**
   * Output number {@code output} of node number {@code node}: an optional one that the node left
   * out gets a name first.
   */
  public Value outputOf(int node, int output) {
    NodeProto.Builder proto = graph.getNodeBuilder(node);
    while (proto.getOutputCount() <= output) {
      proto.addOutput("");
    }
    if (proto.getOutput(output).isEmpty()) {
      String name = fresh(proto.getOpType());
      claim(name);
      proto.setOutput(output, name);
    }
    return new Value(this, proto.getOutput(output));
  }

  /** A weight or constant under a name of its own; refuses a name that is taken. */
  public Value initializer(String name, Tensor tensor) {
    claim(name);
    graph.addInitializer(TensorProtos.write(name, tensor));
    return new Value(this, name);
  }

  /** A constant under a name that nothing else has; see {@link #isOwnConstant}. */
  public Value constant(Tensor tensor) {
    return initializer(fresh(CONSTANT), tensor);
  }

  /**
   * Whether a tensor is a constant that {@link #constant} put into a graph: part of how something
   * is computed, such as a mask or a shape, and nobody's weight, so that it never trains.
   */
  public static boolean isOwnConstant(String name) {
    return OWN_CONSTANT.matcher(name).matches();
  }

  /** A tensor that exists already. */
  public Value value(String name) {
    if (!names.contains(name)) {
      throw new IllegalArgumentException("the graph has no tensor '" + name + "'");
    }
    return new Value(this, name);
  }

  /** What an initializer or the {@code value} of a Constant node holds; null for other tensors. */
  public Tensor constantOf(String name) {
    return Stream.concat(
            graph.getInitializerList().stream().filter(t -> t.getName().equals(name)),
            graph.getNodeList().stream()
                .filter(n -> n.getOpType().equals("Constant") && n.getOutputList().contains(name))
                .flatMap(n -> n.getAttributeList().stream())
                .filter(a -> a.getName().equals("value"))
                .map(AttributeProto::getT))
        .findFirst()
        .map(TensorProtos::read)
        .orElse(null);
  }

  /** An optional input that is left out. */
  public Value absent() {
    return new Value(this, "");
  }

  /** Appends a node with one output, named after its operator. */
  public Value node(Operator operator, List<Value> inputs, Attribute... attributes) {
    return nodes(operator, inputs, 1, attributes).get(0);
  }

  /** Appends a node with one output of this name. */
  public Value named(
      String output, Operator operator, List<Value> inputs, Attribute... attributes) {
    return append(operator, inputs, List.of(output), attributes).get(0);
  }

  /** Appends a node with several outputs. */
  public List<Value> nodes(
      Operator operator, List<Value> inputs, int outputs, Attribute... attributes) {
    String base = fresh(operator.type());
    List<String> outputNames =
        outputs == 1
            ? List.of(base)
            : java.util.stream.IntStream.range(0, outputs).mapToObj(i -> base + "." + i).toList();
    return append(operator, inputs, outputNames, attributes);
  }

  /** Appends a node whose outputs have these names; an empty name leaves an output out. */
  public List<Value> append(
      Operator operator, List<Value> inputs, List<String> outputs, Attribute... attributes) {
    operator.check(inputs.size(), outputs.size(), List.of(attributes));
    opsets.putIfAbsent(operator.domain(), 1L);
    NodeProto.Builder node =
        NodeProto.newBuilder().setOpType(operator.type()).setDomain(operator.domain());
    for (Value input : inputs) {
      if (input.graph() != this) {
        throw new IllegalArgumentException("'" + input + "' is a value of another graph");
      }
      node.addInput(input.name());
    }
    for (String output : outputs) {
      if (!output.isEmpty()) {
        claim(output);
      }
      node.addOutput(output);
    }
    node.setName(fresh("node." + operator.type()));
    nodeNames.add(node.getName());
    for (Attribute attribute : attributes) {
      node.addAttribute(attribute.proto());
    }
    graph.addNode(node);
    return outputs.stream().map(o -> new Value(this, o)).toList();
  }

  /** Declares a graph output; {@code shape} null leaves it to be inferred. */
  public GraphBuilder output(Value value, ElementType type, long... shape) {
    value(value.name());
    graph.addOutput(info(value.name(), type, shape));
    return this;
  }

  /** Takes away all graph outputs, so that others can be declared. */
  public GraphBuilder clearOutputs() {
    graph.clearOutput();
    return this;
  }

  /** Says the shape of a tensor inside the graph, for kernels that read it from there. */
  public GraphBuilder shape(Value value, ElementType type, long... shape) {
    graph.addValueInfo(info(value.name(), type, shape));
    return this;
  }

  /** An entry of the model's metadata. */
  public GraphBuilder metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** The graph so far, for those who edit the file's own representation. */
  public GraphProto.Builder proto() {
    return graph;
  }

  /** The model; the builder can go on. */
  public OnnxModel build() {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(irVersion)
            .setProducerName("headstart")
            .setGraph(graph.build());
    opsets.forEach(
        (domain, version) ->
            model.addOpsetImport(
                OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version)));
    metadata.forEach(
        (key, value) ->
            model.addMetadataProps(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return OnnxModel.of(model.build());
  }

  /** A name that no tensor has yet, nor one that a node waits for. */
  public String fresh(String prefix) {
    String name;
    do {
      name = "headstart." + prefix + "." + unique++;
    } while (names.contains(name) || nodeNames.contains(name) || reserved.contains(name));
    return name;
  }

  private void claim(String name) {
    if (name.isEmpty() || !names.add(name)) {
      throw new IllegalArgumentException("the graph has a tensor '" + name + "' already");
    }
  }

  private static ValueInfoProto info(String name, ElementType type, long[] shape) {
    TypeProto.Tensor.Builder tensor = TypeProto.Tensor.newBuilder().setElemType(type.code());
    if (shape != null) {
      ai.onnx.proto.OnnxMl.TensorShapeProto.Builder dims =
          ai.onnx.proto.OnnxMl.TensorShapeProto.newBuilder();
      for (int i = 0; i < shape.length; i++) {
        if (shape[i] >= 0) {
          dims.addDimBuilder().setDimValue(shape[i]);
        } else {
          dims.addDimBuilder().setDimParam(i == 0 ? "batch" : name + "." + i);
        }
      }
      tensor.setShape(dims);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }
}
