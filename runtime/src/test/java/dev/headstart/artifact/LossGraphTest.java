package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LossGraphTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261123);

  private final Random random = new Random(SEED);

  @BeforeAll
  static void needsTraining() {
    Training.require();
    System.out.println("LossGraphTest: headstart.seed=" + SEED);
  }

  private Tensor random(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  /** y = x · w + b, with an output y [batch, 3]. */
  private OnnxModel model(int opset) {
    GraphBuilder graph = new GraphBuilder("linear", opset);
    Value x = graph.input("x", ElementType.FLOAT, -1, 4);
    Value w = graph.initializer("w", random(4, 3));
    Value b = graph.initializer("b", random(3));
    Value product = graph.named("product", Operator.MAT_MUL, List.of(x, w));
    graph.named("y", Operator.ADD, List.of(product, b));
    return graph.output(graph.value("y"), ElementType.FLOAT, -1, 3).build();
  }

  /** Mean squared error, written by hand; with the given names. */
  private static GraphBuilder squares(String scores, String target, String loss, int opset) {
    GraphBuilder graph = new GraphBuilder("squares", opset);
    Value s = graph.input(scores, ElementType.FLOAT, -1, 3);
    Value t = graph.input(target, ElementType.FLOAT, -1, 3);
    Value difference = graph.named("w", Operator.SUB, List.of(s, t)); // a name of the model's
    Value factor = graph.initializer("b", Tensor.scalar(1f)); // and another
    Value square = graph.node(Operator.MUL, List.of(difference, difference));
    Value scaled = graph.node(Operator.MUL, List.of(square, factor));
    graph.named(loss, Operator.REDUCE_MEAN, List.of(scaled), Attribute.of("keepdims", 0));
    return graph;
  }

  private static OnnxModel loss(GraphBuilder graph, String name, long... shape) {
    return graph.output(graph.value(name), ElementType.FLOAT, shape).build();
  }

  private static ArtifactOptions options(OnnxModel loss) {
    return ArtifactOptions.of(new LossGraph(loss), new Optimizer.Sgd());
  }

  @Test
  void aGraphIsTheLossThatItWrites() {
    for (int opset : new int[] {11, 13, 17, 20}) {
      OnnxModel model = model(opset);
      for (String scores : List.of("y", "anything")) {
        Artifacts own =
            Artifacts.generate(
                model, options(loss(squares(scores, "target", "mine", 17), "mine")), true);
        Artifacts usual =
            Artifacts.generate(model, ArtifactOptions.of(Loss.MSE, new Optimizer.Sgd()), true);
        assertEquals(List.of("x", "target"), own.inputs().stream().map(TensorInfo::name).toList());
        assertEquals(Set.of("w", "b"), own.checkpoint().trainable().keySet());
        Map<String, Tensor> batch = new LinkedHashMap<>();
        batch.put("x", random(5, 4));
        batch.put("target", random(5, 3));
        Map<String, Tensor> a = GoldenTest.firstStep(own, batch);
        Map<String, Tensor> b = GoldenTest.firstStep(usual, batch);
        assertEquals(b.get("loss").floats()[0], a.get("mine").floats()[0], 1e-5);
        for (String name : List.of("gradient:w", "gradient:b")) {
          for (int i = 0; i < a.get(name).elements(); i++) {
            assertEquals(b.get(name).floats()[i], a.get(name).floats()[i], 1e-5, name);
          }
        }
      }
    }
  }

  private void refused(OnnxModel loss, String expected) {
    String message =
        assertThrows(BadInputException.class, () -> Artifacts.generate(model(17), options(loss)))
            .getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void refusesWhatIsNoLoss() {
    GraphBuilder rows = squares("y", "target", "mine", 17);
    Value kept = rows.node(Operator.ABS, List.of(rows.value("y")));
    refused(rows.output(kept, ElementType.FLOAT, -1, 3).build(), "one number");

    GraphBuilder two = squares("y", "target", "mine", 17);
    two.output(two.value("w"), ElementType.FLOAT, -1, 3);
    refused(loss(two, "mine"), "gives one output");

    GraphBuilder integer = squares("y", "target", "mine", 17);
    Value cast =
        integer.node(
            Operator.CAST,
            List.of(integer.value("mine")),
            Attribute.of("to", ElementType.INT64.code()));
    refused(integer.output(cast, ElementType.INT64).build(), "float32");

    refused(loss(squares("y", "product", "mine", 17), "mine"), "product");
    refused(loss(squares("y", "target", "product", 17), "product"), "rename");
    refused(loss(squares("y", "lazy_reset_grad", "mine", 17), "mine"), "lazy_reset_grad");

    GraphBuilder wide = new GraphBuilder("wide", 17);
    Value s = wide.input("s", ElementType.FLOAT, -1, 7);
    wide.named("mine", Operator.REDUCE_MEAN, List.of(s), Attribute.of("keepdims", 0));
    refused(loss(wide, "mine"), "does not fit");

    GraphBuilder alone = new GraphBuilder("alone", 17);
    Value t = alone.input("t", ElementType.FLOAT, -1, 3);
    Value scores = alone.input("y", ElementType.FLOAT, -1, 3);
    alone.node(Operator.ABS, List.of(scores));
    alone.named("mine", Operator.REDUCE_MEAN, List.of(t), Attribute.of("keepdims", 0));
    refused(loss(alone, "mine"), "nothing to train");

    refused(new GraphBuilder("none", 17).build(), "gives one output");
    OnnxModel good = loss(squares("y", "target", "mine", 17), "mine");
    assertThrows(
        BadInputException.class,
        () -> Artifacts.generate(model(17), options(good).smoothing(0.1f)));
  }

  @Test
  void anOperatorWithoutRuleIsNamed() {
    GraphBuilder graph = squares("y", "target", "mine", 17);
    int last = graph.proto().getNodeCount() - 1;
    NodeProto node = graph.proto().getNode(last);
    graph
        .proto()
        .setNode(last, node.toBuilder().setOpType("Strange").setDomain("nobody").clearAttribute());
    refused(loss(graph, "mine"), "nobody.Strange");
  }
}
