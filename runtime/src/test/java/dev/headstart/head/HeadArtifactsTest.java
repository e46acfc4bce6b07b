package dev.headstart.head;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.artifact.ParameterOptions;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeadArtifactsTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261123);
  private static final int WIDTH = 5;

  @TempDir Path folder;

  private final Random random = new Random(SEED);

  private static Path golden(String name) throws URISyntaxException {
    return Path.of(HeadArtifactsTest.class.getResource("/golden/" + name).toURI());
  }

  private Tensor random(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  private static float[] run(OnnxModel model, Tensor features) {
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      String input = model.inputs().get(0).name();
      return session.run(Map.of(input, features)).values().iterator().next().floats();
    }
  }

  private void same(HeadArtifacts head, OnnxModel forward, int width) {
    Tensor features = random(3, width);
    assertArrayEquals(run(forward, features), run(head.network().network(), features), 1e-4f);
  }

  @Test
  void microsoftsArtifactsAreKnownAgain() throws Exception {
    HeadArtifacts linear = HeadArtifacts.read(golden("linear-ce-adamw"));
    assertEquals("linear", linear.network().kind().text());
    assertEquals(Task.SINGLE, linear.task());
    same(linear, OnnxModel.read(golden("linear-ce-adamw").resolve("forward.onnx")), 64);

    HeadArtifacts mlp = HeadArtifacts.read(golden("mlp-ce-sgd"));
    assertEquals("mlp:64", mlp.network().kind().text());
    same(mlp, OnnxModel.read(golden("mlp-ce-sgd").resolve("forward.onnx")), 384);

    HeadArtifacts several = HeadArtifacts.read(golden("linear-bce-adamw"));
    assertEquals(Task.MULTI, several.task());
    same(several, OnnxModel.read(golden("linear-bce-adamw").resolve("forward.onnx")), 32);

    // Without the evaluation graph, from among the gradients.
    for (String file : List.of(Artifacts.TRAINING, Artifacts.CHECKPOINT)) {
      Files.copy(golden("mlp-ce-sgd").resolve(file), folder.resolve(file));
    }
    assertEquals(mlp.network().weights(), HeadArtifacts.read(folder).network().weights());
  }

  /** (x - mean) · scale · w (+ b) (relu · v + c), under names that say nothing. */
  private OnnxModel forward(boolean scaled, boolean matMul, boolean hidden, int outputs) {
    GraphBuilder graph = new GraphBuilder("head", 17);
    Value at = graph.input("in", ElementType.FLOAT, -1, WIDTH);
    if (scaled) {
      at = graph.node(Operator.SUB, List.of(at, graph.initializer("t0", random(WIDTH))));
      at = graph.node(Operator.MUL, List.of(graph.initializer("t1", random(1)), at));
    }
    at = layer(graph, at, matMul, "a", WIDTH, hidden ? 7 : outputs);
    if (hidden) {
      at = graph.node(Operator.RELU, List.of(at));
      at = graph.node(Operator.DROPOUT, List.of(at));
      at = layer(graph, at, !matMul, "b", 7, outputs);
    }
    return graph.output(at, ElementType.FLOAT, -1, outputs).build();
  }

  private Value layer(GraphBuilder graph, Value at, boolean matMul, String name, int in, int out) {
    Value bias = graph.initializer(name + "1", random(out));
    if (matMul) {
      Value weight = graph.initializer(name + "0", random(in, out));
      return graph.node(
          Operator.ADD, List.of(bias, graph.node(Operator.MAT_MUL, List.of(at, weight))));
    }
    Value weight = graph.initializer(name + "0", random(out, in));
    return graph.node(Operator.GEMM, List.of(at, weight, bias), Attribute.of("transB", 1));
  }

  @Test
  void ownArtifactsAreKnownAgain() {
    Map<Loss, Task> tasks =
        Map.of(
            Loss.CE, Task.SINGLE,
            Loss.BCE, Task.MULTI,
            Loss.MSE, Task.REGRESSION,
            Loss.L1, Task.REGRESSION);
    tasks.forEach(
        (loss, task) -> {
          for (int variant = 0; variant < 8; variant++) {
            int outputs = task == Task.REGRESSION ? 1 : 3;
            OnnxModel forward =
                forward(variant % 2 == 1, variant / 2 % 2 == 1, variant / 4 == 1, outputs);
            ArtifactOptions options =
                ArtifactOptions.of(loss, Optimizer.AdamW.pytorch())
                    .parameters(Map.of("a0", ParameterOptions.rate(0.5f)));
            Artifacts.generate(forward, options).writeTo(folder);
            HeadArtifacts head = HeadArtifacts.read(folder);
            assertEquals(task, head.task(), loss.toString());
            assertEquals(variant / 4 == 1 ? "mlp:7" : "linear", head.network().kind().text());
            same(head, forward, WIDTH);
          }
        });
  }

  private void refused(String expected) {
    String message =
        assertThrows(BadInputException.class, () -> HeadArtifacts.read(folder)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  private void write(OnnxModel forward, Loss loss) {
    Artifacts.generate(forward, ArtifactOptions.of(loss, new Optimizer.Sgd())).writeTo(folder);
  }

  private OnnxModel tower(Operator... between) {
    GraphBuilder graph = new GraphBuilder("tower", 17);
    Value at = graph.input("in", ElementType.FLOAT, -1, WIDTH);
    for (int i = 0; i <= between.length; i++) {
      at = layer(graph, at, false, "l" + i, WIDTH, WIDTH);
      if (i < between.length && between[i] != null) {
        at = graph.node(between[i], List.of(at));
      }
    }
    return graph.output(at, ElementType.FLOAT, -1, WIDTH).build();
  }

  @Test
  void othersAreRefusedByName() throws IOException {
    refused("it has no file checkpoint");
    write(tower(Operator.TANH), Loss.CE);
    refused("[Tanh]");
    write(tower(Operator.RELU, Operator.RELU), Loss.CE);
    refused("Relu");
    write(tower((Operator) null), Loss.CE);
    refused("one layer more");
    write(tower(Operator.SIGMOID), Loss.BCE);
    refused("no linear or mlp head");

    GraphBuilder image = new GraphBuilder("image", 17);
    Value in = image.input("in", ElementType.FLOAT, -1, 3, WIDTH);
    Value w = image.initializer("w", random(WIDTH, 4));
    Value y = image.node(Operator.MAT_MUL, List.of(in, w));
    write(image.output(y, ElementType.FLOAT, -1, 3, 4).build(), Loss.MSE);
    refused("feature vectors");
  }

  @Test
  void hostileFilesAreRefused() throws IOException {
    write(forward(false, false, false, 3), Loss.CE);
    Path checkpoint = folder.resolve(Artifacts.CHECKPOINT);
    byte[] good = Files.readAllBytes(checkpoint);
    Map<String, Tensor> weights = new LinkedHashMap<>(Checkpoint.read(checkpoint).trainable());

    Map<String, Tensor> wrong = new LinkedHashMap<>(weights);
    wrong.put("a0", random(3, WIDTH + 1));
    new Checkpoint(wrong, Map.of()).write(checkpoint);
    refused("for 5 inputs");
    wrong.put(
        "a0", Tensor.of(new float[] {1, 2, Float.NaN, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5}, 3, 5));
    new Checkpoint(wrong, Map.of()).write(checkpoint);
    refused("not finite");
    wrong.put("a0", Tensor.vector(1, 2, 3));
    new Checkpoint(wrong, Map.of()).write(checkpoint);
    refused("no linear or mlp head");
    wrong.remove("a0");
    new Checkpoint(wrong, Map.of()).write(checkpoint);
    refused("no linear or mlp head");
    Files.write(checkpoint, java.util.Arrays.copyOf(good, good.length / 2));
    assertThrows(BadInputException.class, () -> HeadArtifacts.read(folder));
    Files.write(checkpoint, good);

    Path eval = folder.resolve(Artifacts.EVAL);
    byte[] graph = Files.readAllBytes(eval);
    ModelProto.Builder cyclic = ModelProto.parseFrom(graph).toBuilder();
    String loop = cyclic.getGraph().getNode(0).getOutput(0);
    cyclic.getGraphBuilder().getNodeBuilder(0).setInput(0, loop);
    Files.write(eval, cyclic.build().toByteArray());
    refused("circle");
    ModelProto.Builder huge = ModelProto.parseFrom(graph).toBuilder();
    huge.getGraphBuilder()
        .getInputBuilder(0)
        .getTypeBuilder()
        .getTensorTypeBuilder()
        .getShapeBuilder()
        .getDimBuilder(1)
        .setDimValue(Long.MAX_VALUE);
    Files.write(eval, huge.build().toByteArray());
    refused("feature vectors");
    Files.write(eval, new byte[] {1, 2, 3});
    assertThrows(BadInputException.class, () -> HeadArtifacts.read(folder));

    int refused = 0;
    List<byte[]> files = new ArrayList<>(List.of(good, graph));
    Path[] paths = {checkpoint, eval};
    for (int round = 0; round < 400; round++) {
      int which = round % 2;
      byte[] bytes = files.get(which).clone();
      for (int i = random.nextInt(3); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      Files.write(paths[which], bytes);
      Files.write(paths[1 - which], files.get(1 - which));
      try {
        HeadArtifacts.read(folder);
      } catch (BadInputException expected) {
        refused++;
      }
    }
    assertTrue(refused > 20, refused + " refused, headstart.seed=" + SEED);
  }
}
