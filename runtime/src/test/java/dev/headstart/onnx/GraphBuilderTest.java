package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class GraphBuilderTest {

  private static GraphBuilder twoLayers() {
    GraphBuilder graph = new GraphBuilder("g", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1, 2);
    Value y = graph.node(Operator.RELU, List.of(graph.node(Operator.RELU, List.of(x))));
    return graph.output(y, ElementType.FLOAT, -1, 2);
  }

  /** ONNX Runtime refuses a model with two nodes of one name. */
  @Test
  void goingOnFromAModelKeepsNamesUnique() {
    OnnxModel model = twoLayers().build();
    for (int round = 0; round < 5; round++) {
      GraphBuilder graph = new GraphBuilder(model);
      Value last = graph.value(model.outputs().get(0).name());
      Value next = graph.node(Operator.RELU, List.of(last));
      model = graph.clearOutputs().output(next, ElementType.FLOAT, -1, 2).build();
    }
    var nodes = model.proto().getGraph().getNodeList();
    assertEquals(7, nodes.size());
    assertEquals(7, nodes.stream().map(n -> n.getName()).distinct().count());
    assertEquals(7, nodes.stream().map(n -> n.getOutput(0)).distinct().count());
  }

  /** As a training graph, whose parameters come after the nodes that read them. */
  @Test
  void namesThatNodesWaitForAreNotTaken() {
    GraphBuilder graph = new GraphBuilder("g", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1);
    Value one = graph.constant(Tensor.scalar(1));
    Value y = graph.node(Operator.ADD, List.of(x, one));
    graph.output(y, ElementType.FLOAT, -1).proto().clearInitializer();
    GraphBuilder on = new GraphBuilder(graph.build());
    for (int i = 0; i < 5; i++) {
      assertNotEquals(one.name(), on.constant(Tensor.scalar(2)).name());
    }
    on.input(one.name(), ElementType.FLOAT);
  }

  @Test
  void ownConstantsAreToldFromWeights() {
    GraphBuilder graph = new GraphBuilder("g", 17);
    assertTrue(GraphBuilder.isOwnConstant(graph.constant(Tensor.scalar(1)).name()));
    assertFalse(GraphBuilder.isOwnConstant("constant.1"));
    assertFalse(GraphBuilder.isOwnConstant("headstart.constant.5.float.7"));
  }

  @Test
  void refusesValuesOfAnotherGraphAndWrongArity() {
    GraphBuilder one = twoLayers();
    GraphBuilder two = twoLayers();
    Value foreign = two.value("x");
    assertThrows(IllegalArgumentException.class, () -> one.node(Operator.RELU, List.of(foreign)));
    Value x = one.value("x");
    assertThrows(IllegalArgumentException.class, () -> one.node(Operator.ADD, List.of(x)));
    assertThrows(
        IllegalArgumentException.class,
        () -> one.node(Operator.RELU, List.of(x), Attribute.axis(1)));
    assertThrows(IllegalArgumentException.class, () -> one.initializer("x", Tensor.scalar(1)));
    assertThrows(IllegalArgumentException.class, () -> one.value("nowhere"));
  }
}
