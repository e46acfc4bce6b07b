package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;

/** Weights that some exporters write as nodes of the operator Constant. */
public final class ConstantNodes {
  private ConstantNodes() {}

  /**
   * The model with its float32 constants of rank 1 and above as initializers of the same names, as
   * which they can train. Scalars and whole numbers, which are settings, stay nodes.
   *
   * @return {@code model} itself if it has none
   */
  public static OnnxModel asInitializers(OnnxModel model) {
    GraphProto whole = model.proto().getGraph();
    GraphProto.Builder graph = whole.toBuilder().clearNode();
    for (NodeProto node : whole.getNodeList()) {
      TensorProto weight = weight(node);
      if (weight == null) {
        graph.addNode(node);
      } else {
        graph.addInitializer(weight.toBuilder().setName(node.getOutput(0)));
      }
    }
    return graph.getNodeCount() == whole.getNodeCount()
        ? model
        : OnnxModel.of(model.proto().toBuilder().setGraph(graph).build());
  }

  /** Null where the node is no such constant. */
  private static TensorProto weight(NodeProto node) {
    boolean own = node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx");
    return own && node.getOpType().equals("Constant")
        ? node.getAttributeList().stream()
            .filter(a -> a.getName().equals("value"))
            .map(AttributeProto::getT)
            .filter(t -> t.getDataType() == ElementType.FLOAT.code() && t.getDimsCount() > 0)
            .findFirst()
            .orElse(null)
        : null;
  }
}
