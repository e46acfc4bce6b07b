package dev.headstart.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SessionTest {
  private int handles;

  @BeforeEach
  void countHandles() {
    handles = OrtRuntime.openHandles();
  }

  @AfterEach
  void everyHandleIsClosed() {
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  /** y = x · W with x [batch, 2], W [2, 3]. */
  static OnnxModel product() {
    GraphBuilder graph = new GraphBuilder("product", 17);
    var x = graph.input("x", ElementType.FLOAT, -1, 2);
    var w = graph.initializer("w", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    var y = graph.named("y", Operator.MAT_MUL, List.of(x, w));
    return graph.output(y, ElementType.FLOAT, -1, 3).build();
  }

  @Test
  void runsAModelAndClosesIt() {
    InferenceSession session = InferenceSession.open(product(), SessionSettings.cpu(1));
    try (session) {
      Tensor y = session.run(Map.of("x", Tensor.of(new float[] {1, 10, 0, 1}, 2, 2))).get("y");
      assertArrayEquals(new long[] {2, 3}, y.shape());
      assertArrayEquals(new float[] {41, 52, 63, 4, 5, 6}, y.floats());
      assertEquals(handles + 1, OrtRuntime.openHandles());
      assertEquals(Provider.CPU, session.provider());
    }
    session.close();
    assertThrows(
        IllegalStateException.class,
        () -> session.run(Map.of("x", Tensor.of(new float[] {1, 2}, 1, 2))));
  }

  @Test
  void refusesBadFeedsBeforeNativeCode() {
    try (var session = InferenceSession.open(product(), SessionSettings.cpu(1))) {
      Tensor good = Tensor.of(new float[] {1, 2}, 1, 2);
      for (var feed :
          List.of(
              Map.<String, Tensor>of(),
              Map.of("z", good),
              Map.of("x", good, "z", good),
              Map.of("x", Tensor.of(new float[] {1, 2, 3}, 1, 3)),
              Map.of("x", Tensor.of(new float[] {1, 2}, 2)),
              Map.of("x", Tensor.of(new long[] {1, 2}, 1, 2)))) {
        var error = assertThrows(BadInputException.class, () -> session.run(feed));
        assertTrue(error.getMessage().contains("x"), error.getMessage());
      }
    }
  }

  /** Shapes that the model does not declare come out only when a kernel meets them. */
  @Test
  void inputsThatDoNotGoTogetherAreTheCallersFault() {
    GraphBuilder graph = new GraphBuilder("sum", 17);
    var a = graph.input("a", ElementType.FLOAT, -1, -1);
    var b = graph.input("b", ElementType.FLOAT, -1, -1);
    var y = graph.named("y", Operator.ADD, List.of(a, b));
    OnnxModel model = graph.output(y, ElementType.FLOAT, -1, -1).build();
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      var feed =
          Map.of(
              "a",
              Tensor.zeros(ElementType.FLOAT, 1, 4),
              "b",
              Tensor.zeros(ElementType.FLOAT, 1, 7));
      var error = assertThrows(BadInputException.class, () -> session.run(feed));
      assertTrue(error.getMessage().contains("4 by 7"), error.getMessage());
      assertFalse(error.getMessage().contains(".h:"), error.getMessage());
      assertFalse(error.getMessage().contains("onnxruntime::"), error.getMessage());
    }
  }

  @Test
  void outputsComeInTheOrderAskedFor() {
    GraphBuilder graph = new GraphBuilder("two", 17);
    var x = graph.input("x", ElementType.FLOAT, -1);
    var y = graph.named("y", Operator.NEG, List.of(x));
    var z = graph.named("z", Operator.ABS, List.of(x));
    graph.output(y, ElementType.FLOAT, -1).output(z, ElementType.FLOAT, -1);
    try (var session = InferenceSession.open(graph.build(), SessionSettings.cpu(1))) {
      Map<String, Tensor> feed = Map.of("x", Tensor.of(new float[] {-2}, 1));
      var order = new LinkedHashSet<>(List.of("z", "y"));
      assertEquals("[z, y]", session.run(feed, order).keySet().toString());
      assertEquals("[y, z]", session.run(feed).keySet().toString());
      assertArrayEquals(new float[] {2}, session.run(feed, Set.of("z")).get("z").floats());
      assertThrows(BadInputException.class, () -> session.run(feed, Set.of("w")));
    }
  }

  @Test
  void preparedInputsServeManyRunsBesideFreshOnes() throws Exception {
    GraphBuilder graph = new GraphBuilder("product", 17);
    var x = graph.input("x", ElementType.FLOAT, -1, -1);
    var w = graph.input("w", ElementType.FLOAT, -1, -1);
    var y = graph.named("y", Operator.MAT_MUL, List.of(x, w));
    OnnxModel model = graph.output(y, ElementType.FLOAT, -1, -1).build();
    Tensor one = Tensor.of(new float[] {1}, 1, 1);
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      var two = session.prepare(Map.of("w", Tensor.of(new float[] {2}, 1, 1)));
      var three = session.prepare(Map.of("w", Tensor.of(new float[] {3}, 1, 1)));
      assertEquals(handles + 3, OrtRuntime.openHandles());
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(new float[] {2}, session.run(Map.of("x", one), two).get("y").floats());
        assertArrayEquals(new float[] {3}, session.run(Map.of("x", one), three).get("y").floats());
      }
      assertThrows(BadInputException.class, () -> session.run(Map.of("x", one, "w", one), two));
      assertThrows(BadInputException.class, () -> session.run(Map.of(), two));
      assertThrows(BadInputException.class, () -> session.prepare(Map.of("v", one)));
      assertThrows(BadInputException.class, () -> session.prepare(Map.of("w", Tensor.vector(1))));
      two.close();
      two.close();
      three.close();
      assertThrows(IllegalStateException.class, () -> session.run(Map.of("x", one), two));
    }
  }

  @Test
  void fallsBackToTheNextProviderThatWorks() {
    var settings = new SessionSettings(List.of(Provider.CUDA, Provider.TENSORRT), 1);
    try (var session = InferenceSession.open(product(), settings)) {
      assertEquals(1, session.run(Map.of("x", Tensor.zeros(ElementType.FLOAT, 1, 2))).size());
    }
  }

  /** ONNX Runtime lists more than it can use. */
  @Test
  void aProviderIsAvailableWhereASessionRunsOnIt() {
    assertTrue(Provider.CPU.available());
    for (Provider provider : Provider.values()) {
      var settings = new SessionSettings(List.of(provider), 1);
      try (var session = InferenceSession.open(product(), settings)) {
        assertEquals(provider.available(), session.provider() == provider, provider.toString());
      }
    }
  }

  @Test
  void aModelThatOnnxRuntimeRefusesIsAFailureWithItsReason() {
    var error =
        assertThrows(
            FailureException.class,
            () -> InferenceSession.open(new byte[] {1, 2, 3}, "broken", SessionSettings.cpu(1)));
    assertTrue(error.getMessage().contains("broken"), error.getMessage());
  }

  /** The Python-made artifacts give ONNX Runtime 1.19.2's own curve. */
  @Test
  void trainsArtifactsThatPythonMade(@TempDir Path folder) throws Exception {
    Path golden = Shared.path("golden/linear-ce-adamw");
    var json = new com.fasterxml.jackson.databind.ObjectMapper();
    var expected = json.readTree(golden.resolve("case.json").toFile()).get("lossOrtTraining1.19.2");
    var features = java.nio.file.Files.readAllBytes(golden.resolve("features.f32"));
    var labels = java.nio.file.Files.readAllBytes(golden.resolve("labels.i64"));
    Tensor x = Tensor.zeros(ElementType.FLOAT, 16, 64);
    Tensor y = Tensor.zeros(ElementType.INT64, 16);
    try (var session = TrainingSession.open(golden, 1);
        var batch = session.bind(Map.of("labels", y, "features", x))) {
      session.learningRate(0.01f);
      for (int step = 0; step < expected.size(); step++) {
        int b = step % 4;
        x.data().put(features, b * 16 * 64 * 4, 16 * 64 * 4);
        y.data().put(labels, b * 16 * 8, 16 * 8);
        assertEquals(expected.get(step).asDouble(), session.step(batch), 1e-5, "step " + step);
      }
      session.save(folder.resolve("checkpoint"), true);
      assertTrue(java.nio.file.Files.size(folder.resolve("checkpoint")) > 64 * 5 * 4 * 3);
      assertThrows(BadInputException.class, () -> session.bind(Map.of("features", x)));
    }
  }
}
