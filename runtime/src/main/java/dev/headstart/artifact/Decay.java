package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.GraphProto;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Decoupled weight decay (Loshchilov and Hutter, 2019) that differs from parameter to parameter: w
 * - rate · d · w, in place, beside an AdamW node without any.
 *
 * <p>A step of plain descent with the gradient d · w is just that. ONNX Runtime takes an optimizer
 * graph for the algorithm of its one optimizer node and accepts no second one beside it, so descent
 * stands in the branch of an If. It gives the parameters in the order of a hash table, so that only
 * a tensor itself tells which it is: d goes by its rank.
 */
final class Decay {
  /** Flag that the parameters have decayed: bool[1]. */
  static final String DECAYED = "headstart.decayed";

  private static final String PREFIX = "headstart.decay.";

  private Decay() {}

  /**
   * Appends the node.
   *
   * @param when bool[1], true; the decay takes place after it is there
   * @param decays d by rank
   * @param output the flag's name
   */
  static Value node(GraphBuilder graph, Value when, int parameters, float[] decays, String output) {
    return graph.named(
        output,
        Operator.IF,
        List.of(when),
        Attribute.of("then_branch", branch(parameters, decays)),
        Attribute.of("else_branch", nothing()));
  }

  private static GraphProto branch(int parameters, float[] decays) {
    GraphBuilder graph = new GraphBuilder("decay", Artifacts.OPSET);
    Value rate = graph.input("learning_rate", ElementType.FLOAT, 1);
    Value weights = graph.sequenceInput("params", ElementType.FLOAT);
    Value table = graph.initializer(PREFIX + "table", Tensor.of(decays, decays.length));
    List<Value> decaying = new ArrayList<>();
    for (int i = 0; i < parameters; i++) {
      String name = PREFIX + i + ".";
      Value index = graph.initializer(name + "index", Tensor.of(new long[] {i}));
      Value weight = graph.named(name + "w", Operator.SEQUENCE_AT, List.of(weights, index));
      Value shape = graph.named(name + "shape", Operator.SHAPE, List.of(weight));
      Value rank = graph.named(name + "rank", Operator.SIZE, List.of(shape));
      Value decay = graph.named(name + "d", Operator.GATHER, List.of(table, rank));
      decaying.add(graph.named(name + "dw", Operator.MUL, List.of(weight, decay)));
    }
    Value all = graph.named(PREFIX + "all", Operator.SEQUENCE_CONSTRUCT, decaying);
    Value moved =
        graph.named(PREFIX + "moved", Operator.MS_SGD_OPTIMIZER_V2, List.of(rate, weights, all));
    // The kernel's own flag does not fit into the place that If has for it.
    Value one = graph.initializer(PREFIX + "one", Tensor.of(new long[] {1}, 1));
    Value done = graph.named(PREFIX + "done", Operator.RESHAPE, List.of(moved, one));
    graph.output(done, ElementType.BOOL, 1);
    graph.proto().clearInput(); // a branch sees the tensors around it
    return graph.proto().build();
  }

  private static GraphProto nothing() {
    GraphBuilder graph = new GraphBuilder("nothing", Artifacts.OPSET);
    Value no = graph.initializer(PREFIX + "no", Tensor.zeros(ElementType.BOOL, 1));
    return graph
        .output(graph.named(PREFIX + "not", Operator.IDENTITY, List.of(no)), ElementType.BOOL, 1)
        .proto()
        .build();
  }
}
