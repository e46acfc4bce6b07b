package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/** Puts other nodes in the place of those that make some of a model's tensors. */
final class Replacement {
  private Replacement() {}

  /** The model's graph without the nodes that make any of these tensors, to write others into. */
  static GraphBuilder without(OnnxModel model, Set<String> tensors) {
    GraphProto.Builder rest = model.proto().getGraph().toBuilder().clearNode();
    model.proto().getGraph().getNodeList().stream()
        .filter(node -> Collections.disjoint(node.getOutputList(), tensors))
        .forEach(rest::addNode);
    return new GraphBuilder(with(model, rest));
  }

  /** The model with this graph, its nodes sorted, and those gone that no output needs any more. */
  static OnnxModel complete(OnnxModel model, GraphBuilder graph) {
    return ModelCutter.extract(
        with(model, graph.proto()), names(model.inputs()), names(model.outputs()));
  }

  private static OnnxModel with(OnnxModel model, GraphProto.Builder graph) {
    return OnnxModel.of(model.proto().toBuilder().setGraph(graph).build());
  }

  private static List<String> names(List<TensorInfo> tensors) {
    return tensors.stream().map(TensorInfo::name).toList();
  }
}
