package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.artifact.Optimizer;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.TrainingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchNormsTest {
  private static final float MOMENTUM = 0.8f;
  private static final float EPSILON = 0.01f;

  @TempDir Path folder;

  @BeforeAll
  static void needsTraining() {
    Training.require();
  }

  /** Y = BatchNormalization(x), frozen; x is [batch, 2, 2]. */
  private static GraphBuilder forward() {
    GraphBuilder graph = new GraphBuilder("norm", 17);
    List<Value> inputs = new ArrayList<>();
    inputs.add(graph.input("x", ElementType.FLOAT, -1, 2, 2));
    for (String name : List.of("scale", "bias", "mean", "variance")) {
      inputs.add(graph.input(name, ElementType.FLOAT, 2));
    }
    graph.named(
        "y",
        Operator.BATCH_NORMALIZATION,
        inputs,
        Attribute.of("momentum", MOMENTUM),
        Attribute.of("epsilon", EPSILON));
    return graph;
  }

  /**
   * Statistics are in the checkpoint, frozen, and yet move; a step's loss is of the batch's own.
   */
  @Test
  void runningStatisticsAreUpdatedInPlaceAndSaved() throws Exception {
    GraphBuilder graph = forward();
    assertEquals(Set.of("mean", "variance"), BatchNorms.statistics(graph, s -> true));
    BatchNorms.toTraining(graph, s -> true);
    Value y = graph.value("y");
    Value loss =
        graph.named(
            "loss",
            Operator.REDUCE_MEAN,
            List.of(graph.node(Operator.MUL, List.of(y, y))),
            Attribute.of("keepdims", 0));
    Map<String, Value> gradients =
        Gradients.of(
            graph, Map.of("loss", graph.constant(Tensor.scalar(1))), List.of("scale", "bias"));
    Map<String, Value> buffers = new LinkedHashMap<>();
    for (String name : gradients.keySet()) {
      buffers.put(name, graph.input(name + "_grad.accumulation.buffer", ElementType.FLOAT, 2));
    }
    Value reset = graph.input("lazy_reset_grad", ElementType.BOOL, 1);
    graph.output(loss, ElementType.FLOAT);
    gradients.forEach(
        (name, gradient) ->
            graph.output(
                graph.named(
                    name + "_grad.accumulation.out",
                    Operator.MS_IN_PLACE_ACCUMULATOR_V2,
                    List.of(buffers.get(name), gradient, reset)),
                ElementType.BOOL,
                1));
    GraphBuilder eval = forward();
    eval.output(
        eval.node(Operator.REDUCE_MEAN, List.of(eval.value("y")), Attribute.of("keepdims", 0)),
        ElementType.FLOAT);
    Files.write(folder.resolve(Artifacts.TRAINING), graph.build().toBytes());
    Files.write(folder.resolve(Artifacts.EVAL), eval.build().toBytes());
    Files.write(folder.resolve(Artifacts.OPTIMIZER), new Optimizer.Sgd().model(1).toBytes());
    Map<String, Tensor> trainable = new LinkedHashMap<>();
    trainable.put("scale", Tensor.of(new float[] {1, 2}, 2));
    trainable.put("bias", Tensor.of(new float[] {0, 1}, 2));
    Map<String, Tensor> frozen = new LinkedHashMap<>();
    frozen.put("mean", Tensor.of(new float[] {0.5f, -1}, 2));
    frozen.put("variance", Tensor.of(new float[] {1, 3}, 2));
    new Checkpoint(trainable, frozen).write(folder.resolve(Artifacts.CHECKPOINT));

    // Channel 0: 1 2 3 4, channel 1: 0 0 4 8.
    Tensor x = Tensor.of(new float[] {1, 2, 0, 0, 3, 4, 4, 8}, 2, 2, 2);
    float[] mean = {2.5f, 3};
    float[] variance = {1.25f, 11};
    try (TrainingSession session = TrainingSession.open(folder, 1);
        TrainingSession.Batch batch = session.bind(Map.of("x", x))) {
      session.learningRate(0);
      double expected =
          (variance[0] / (variance[0] + EPSILON) + 4 * variance[1] / (variance[1] + EPSILON) + 1)
              / 2;
      assertEquals(expected, session.step(batch), 1e-4);
      session.step(batch);
      session.save(folder.resolve("after"), false);
      // ConvGrad would divide by such a batch, and end the process.
      Map<String, Tensor> nobody = Map.of("x", Tensor.zeros(ElementType.FLOAT, 0, 2, 2));
      assertThrows(BadInputException.class, () -> session.bind(nobody));
    }
    Checkpoint after = Checkpoint.read(folder.resolve("after"));
    for (String name : List.of("mean", "variance")) {
      float[] expected = frozen.get(name).floats();
      for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 2; i++) {
          float batch = name.equals("mean") ? mean[i] : variance[i];
          expected[i] = MOMENTUM * expected[i] + (1 - MOMENTUM) * batch;
        }
      }
      assertArrayEquals(expected, after.frozen().get(name).floats(), 1e-5f, name);
    }
  }

  @Test
  void onlyWhatIsAskedForIsChanged() {
    GraphBuilder graph = forward();
    BatchNorms.toTraining(graph, s -> s.equals("another"));
    assertEquals("BatchNormalization", graph.proto().getNode(0).getOpType());
    assertEquals(Set.of(), BatchNorms.statistics(graph, s -> false));
  }

  @Test
  void sharedStatisticsAreRefused() {
    GraphBuilder graph = forward();
    graph.node(Operator.NEG, List.of(graph.value("mean")));
    BadInputException e =
        assertThrows(BadInputException.class, () -> BatchNorms.toTraining(graph, s -> true));
    assertTrue(e.getMessage().contains("'mean'"), e.getMessage());
  }
}
