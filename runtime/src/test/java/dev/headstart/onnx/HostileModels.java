package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;

/** Small model files, put together by hand so that they can be wrong. */
final class HostileModels {
  private HostileModels() {}

  /** x [2] → Relu → y. */
  static ModelProto.Builder small() {
    return model(
        GraphProto.newBuilder()
            .setName("small")
            .addInput(value("x", 1, 2))
            .addNode(node("Relu", "y", "x"))
            .addOutput(value("y", 1, 2)));
  }

  static ModelProto.Builder model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .setGraph(graph);
  }

  /** Nodes are named after their output. */
  static NodeProto.Builder node(String operator, String output, String... inputs) {
    NodeProto.Builder node =
        NodeProto.newBuilder().setOpType(operator).setName("n." + output).addOutput(output);
    for (String input : inputs) {
      node.addInput(input);
    }
    return node;
  }

  static ValueInfoProto.Builder value(String name, int type, long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDimBuilder().setDimValue(dim);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)));
  }

  /** A float initializer with this many bytes of data, whatever its dimensions are. */
  static TensorProto.Builder weights(String name, int bytes, long... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(1)
            .setRawData(ByteString.copyFrom(new byte[bytes]));
    for (long dim : dims) {
      tensor.addDims(dim);
    }
    return tensor;
  }

  /**
   * skip = Exp(x); c = ReduceSum(x) > 0; y = If(c) {skip + skip} else {Neg(read)}.
   *
   * @param read what the else branch reads from around it
   */
  static ModelProto withIf(String read) {
    GraphProto.Builder then =
        GraphProto.newBuilder()
            .setName("then")
            .addNode(node("Add", "t", "skip", "skip"))
            .addOutput(value("t", 1, 2));
    GraphProto.Builder otherwise =
        GraphProto.newBuilder()
            .setName("else")
            .addNode(node("Neg", "e", read))
            .addOutput(value("e", 1, 2));
    return model(
            GraphProto.newBuilder()
                .setName("if")
                .addInput(value("x", 1, 2))
                .addInitializer(weights("zero", 4))
                .addNode(node("Exp", "skip", "x"))
                .addNode(
                    node("ReduceSum", "sum", "x").addAttribute(Attribute.of("keepdims", 0).proto()))
                .addNode(node("Greater", "c", "sum", "zero"))
                .addNode(
                    node("If", "y", "c")
                        .addAttribute(graph("then_branch", then))
                        .addAttribute(graph("else_branch", otherwise)))
                .addOutput(value("y", 1, 2)))
        .build();
  }

  static AttributeProto.Builder graph(String name, GraphProto.Builder graph) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(graph);
  }
}
