package dev.headstart.ort;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.TensorInfo;
import java.util.Map;

/**
 * ONNX Runtime's Java API makes no tensors of UINT16, UINT32 and UINT64. A model that takes such
 * ones gets a Cast in front of each, from the signed type of the same width: conversion between the
 * two is modulo 2^n, so every bit passes as it is.
 */
final class UnsignedInputs {
  private static final Map<ElementType, ElementType> SIGNED =
      Map.of(
          ElementType.UINT16, ElementType.INT16,
          ElementType.UINT32, ElementType.INT32,
          ElementType.UINT64, ElementType.INT64);

  private static final int CAST_OPSET = 13;

  private UnsignedInputs() {}

  /** Whether the Java API makes no tensor for this input. */
  static boolean isUnsigned(TensorInfo input) {
    return SIGNED.containsKey(input.type());
  }

  /** The name under which a changed model takes an input. */
  static String fed(String input) {
    return input + "/signed";
  }

  /** The model with every such input {@code x} taken as {@link #fed}{@code (x)}; itself without. */
  static OnnxModel cast(OnnxModel model) {
    if (model.inputs().stream().noneMatch(UnsignedInputs::isUnsigned)) {
      return model;
    }
    ModelProto.Builder changed = model.proto().toBuilder();
    GraphProto.Builder graph = changed.getGraphBuilder();
    graph.clearNode();
    for (TensorInfo input : model.inputs()) {
      if (isUnsigned(input)) {
        cast(graph, input);
      }
    }
    graph.addAllNode(model.proto().getGraph().getNodeList());
    if (model.opset() == 0) {
      changed.addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(CAST_OPSET));
    }
    return OnnxModel.of(changed.build());
  }

  private static void cast(GraphProto.Builder graph, TensorInfo input) {
    for (ValueInfoProto.Builder declared : graph.getInputBuilderList()) {
      if (declared.getName().equals(input.name())) {
        declared.setName(fed(input.name()));
        declared
            .getTypeBuilder()
            .getTensorTypeBuilder()
            .setElemType(SIGNED.get(input.type()).code());
      }
    }
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Cast")
            .setName(fed(input.name()))
            .addInput(fed(input.name()))
            .addOutput(input.name())
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("to")
                    .setType(AttributeProto.AttributeType.INT)
                    .setI(input.type().code())));
  }
}
