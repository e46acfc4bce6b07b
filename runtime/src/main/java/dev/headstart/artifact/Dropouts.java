package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;

/** Dropout nodes: at work in training, passing on in evaluation. */
final class Dropouts {
  private Dropouts() {}

  /** Their only attribute is then a seed, which differs from node to node. */
  static void toTraining(GraphBuilder graph, long seed) {
    Value mode = null;
    for (int i = 0; i < graph.proto().getNodeCount(); i++) {
      if (isDropout(graph.proto().getNode(i))) {
        if (mode == null) {
          Tensor yes = Tensor.zeros(ElementType.BOOL);
          yes.data().put(0, (byte) 1);
          mode = graph.constant(yes);
        }
        NodeProto.Builder node = graph.proto().getNodeBuilder(i);
        String x = node.getInput(0);
        String ratio = node.getInputCount() > 1 ? node.getInput(1) : "";
        node.clearInput().addInput(x).addInput(ratio).addInput(mode.name());
        node.clearAttribute()
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("seed")
                    .setType(AttributeProto.AttributeType.INT)
                    .setI(seed + i));
      }
    }
  }

  /** Whether a training graph draws masks. */
  static boolean any(OnnxModel training) {
    return training.proto().getGraph().getNodeList().stream().anyMatch(Dropouts::isDropout);
  }

  /** A training graph with every seed so much larger. */
  static OnnxModel reseeded(OnnxModel training, long by) {
    GraphBuilder graph = new GraphBuilder(training);
    for (NodeProto.Builder node : graph.proto().getNodeBuilderList()) {
      if (isDropout(node.build())) {
        AttributeProto.Builder seed = node.getAttributeBuilder(0);
        seed.setI(seed.getI() + by);
      }
    }
    return graph.build();
  }

  /** Without ratio and mode a Dropout passes its input on. */
  static void toEvaluation(GraphBuilder graph) {
    for (NodeProto.Builder node : graph.proto().getNodeBuilderList()) {
      if (isDropout(node.build())) {
        String x = node.getInput(0);
        node.clearInput().addInput(x).clearAttribute();
      }
    }
  }

  private static boolean isDropout(NodeProto node) {
    return node.getOpType().equals("Dropout")
        && (node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx"));
  }
}
