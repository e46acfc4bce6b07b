package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReachTest {
  /** An operator that is nobody's: it will never have a rule. */
  private static void strange(GraphBuilder graph, String input, String output) {
    Value y = graph.named(output, Operator.IDENTITY, List.of(graph.value(input)));
    int last = graph.proto().getNodeCount() - 1;
    NodeProto node = graph.proto().getNode(last);
    graph.proto().setNode(last, node.toBuilder().setOpType("Strange").setDomain("nobody.knows"));
    graph.shape(y, ElementType.FLOAT, -1, 2);
  }

  private static Value weight(GraphBuilder graph, String name) {
    return graph.initializer(name, Tensor.of(new float[] {1, 2}, 2));
  }

  /** x · w0 → strange → a = + w1 → b = · w2 → y = b + a, and beside it z = x · w3 into y. */
  private static GraphBuilder graph() {
    GraphBuilder graph = new GraphBuilder("reach", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1, 2);
    graph.named("before", Operator.MUL, List.of(x, weight(graph, "w0")));
    strange(graph, "before", "odd");
    Value a = graph.named("a", Operator.ADD, List.of(graph.value("odd"), weight(graph, "w1")));
    Value b = graph.named("b", Operator.MUL, List.of(a, weight(graph, "w2")));
    Value z = graph.named("z", Operator.MUL, List.of(x, weight(graph, "w3")));
    Value sum = graph.named("sum", Operator.ADD, List.of(b, a));
    graph.named("y", Operator.ADD, List.of(sum, z));
    return graph;
  }

  private static OnnxModel model(GraphBuilder graph, String output) {
    return graph.output(graph.value(output), ElementType.FLOAT, -1, 2).build();
  }

  @Test
  void theDeepestCutLiesRightBehindWhatHasNoRule() {
    Reach reach = Reach.of(model(graph(), "y"), "y");
    assertEquals(1, reach.missing().size());
    assertTrue(reach.missing().get(0).contains("nobody.knows.Strange"), reach.toString());
    assertTrue(reach.missing().get(0).contains("'odd'"), reach.toString());
    assertEquals(Set.of("w1", "w2", "w3"), reach.trainable());
    assertEquals("odd", reach.cut());
  }

  @Test
  void onlyWhatIsWantedCounts() {
    OnnxModel model = model(graph(), "y");
    var shapes = dev.headstart.onnx.ShapeInference.infer(model);
    var proto = model.proto().getGraph();
    Reach after = Reach.of(proto, shapes, "y", Set.of("w1", "w3"));
    assertEquals(List.of(), after.missing());
    assertEquals(Set.of("w1", "w3"), after.trainable());
    Reach before = Reach.of(proto, shapes, "y", Set.of("w0", "w3"));
    assertEquals(1, before.missing().size());
    assertEquals(Set.of("w3"), before.trainable());
  }

  @Test
  void everythingAndNothing() {
    GraphBuilder sound = new GraphBuilder("sound", 17);
    Value x = sound.input("x", ElementType.FLOAT, -1, 2);
    sound.named("y", Operator.MUL, List.of(x, weight(sound, "w")));
    Reach all = Reach.of(model(sound, "y"), "y");
    assertEquals(List.of(), all.missing());
    assertEquals(Set.of("x", "w"), all.trainable());
    assertEquals("x", all.cut());

    GraphBuilder last = graph();
    strange(last, "y", "end");
    Reach nothing = Reach.of(model(last, "end"), "end");
    assertEquals(2, nothing.missing().size());
    assertEquals(Set.of(), nothing.trainable());
    assertNull(nothing.cut());
  }
}
