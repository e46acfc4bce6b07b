package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.backbone.BaseModels;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Quantized layers in float32, against arithmetic by hand and against the quantized MiniLM. */
class DequantizationTest {
  @TempDir Path folder;

  private static Tensor bytes(ElementType type, int... values) {
    Tensor tensor = Tensor.zeros(type, values.length);
    for (int i = 0; i < values.length; i++) {
      tensor.data().put(i, (byte) values[i]);
    }
    return tensor;
  }

  private static void node(GraphBuilder graph, String operator, List<String> in, String... out) {
    graph
        .proto()
        .addNode(
            NodeProto.newBuilder().setOpType(operator).addAllInput(in).addAllOutput(List.of(out)));
  }

  private static OnnxModel product(boolean swapped) {
    GraphBuilder graph = new GraphBuilder("product", 13);
    graph.input("x", ElementType.FLOAT, -1, 2);
    graph.initializer(
        "w_quantized", bytes(ElementType.UINT8, 130, 120, 128, 255, 0, 7).reshape(2, 3));
    graph.initializer("w_zero", bytes(ElementType.UINT8, 128, 120, 5));
    graph.initializer("w_scale", Tensor.of(new float[] {0.5f, 0.25f, 2}, 3));
    node(graph, "DynamicQuantizeLinear", List.of("x"), "xq", "xs", "xz");
    node(graph, "MatMulInteger", List.of("xq", "w_quantized", "xz", "w_zero"), "i");
    node(graph, "Cast", List.of("i"), "f");
    graph
        .proto()
        .getNodeBuilder(2)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("to")
                .setType(AttributeProto.AttributeType.INT)
                .setI(1));
    node(graph, "Mul", swapped ? List.of("w_scale", "xs") : List.of("xs", "w_scale"), "s");
    node(graph, "Mul", swapped ? List.of("s", "f") : List.of("f", "s"), "y");
    GraphBuilder whole = new GraphBuilder(graph.build());
    return whole.output(whole.value("y"), ElementType.FLOAT, -1, 3).build();
  }

  @Test
  void aProductBecomesOneOfFloats() {
    for (boolean swapped : new boolean[] {false, true}) {
      OnnxModel real = Dequantization.of(product(swapped));
      assertEquals(
          List.of("MatMul"),
          real.proto().getGraph().getNodeList().stream().map(NodeProto::getOpType).toList());
      float[] expected = {1, 0, 246, 63.5f, -30, 4};
      assertArrayEquals(expected, real.initializers().get("w.float").floats());
      try (var session = InferenceSession.open(real, SessionSettings.cpu(1))) {
        Tensor y = session.run(Map.of("x", Tensor.of(new float[] {1, 2}, 1, 2))).get("y");
        assertArrayEquals(new float[] {128, -60, 254}, y.floats(), 1e-4f);
      }
    }
  }

  @Test
  void constantsAlongAnAxisBecomeFloats() {
    GraphBuilder graph = new GraphBuilder("constant", 13);
    graph.input("x", ElementType.FLOAT, 2, 2);
    graph.initializer("q", bytes(ElementType.INT8, -1, 2, 3, -128).reshape(2, 2));
    graph.initializer("scale", Tensor.of(new float[] {1, 10}, 2));
    node(graph, "DequantizeLinear", List.of("q", "scale"), "w");
    graph
        .proto()
        .getNodeBuilder(0)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("axis")
                .setType(AttributeProto.AttributeType.INT)
                .setI(0));
    node(graph, "Add", List.of("x", "w"), "y");
    GraphBuilder whole = new GraphBuilder(graph.build());
    whole.output(whole.value("y"), ElementType.FLOAT, 2, 2);
    OnnxModel real = Dequantization.of(whole.build());
    assertArrayEquals(new float[] {-1, 2, 30, -1280}, real.initializers().get("w").floats());
    assertSame(real, Dequantization.of(real));
  }

  @Test
  void miniLmInFloatsGivesNearlyWhatItGaveQuantized() {
    OnnxModel quantized = new BaseModels(folder).get("minilm").model();
    OnnxModel real = Dequantization.of(quantized);
    assertTrue(
        real.proto().getGraph().getNodeList().stream()
            .noneMatch(n -> n.getOpType().matches(".*(Quantize|Dequantize|Integer).*")));
    Map<String, Tensor> feed = new LinkedHashMap<>();
    long[] ids = {101, 2023, 2003, 2019, 2742, 1997, 1037, 3793, 102};
    long[] ones = LongStream.generate(() -> 1).limit(ids.length).toArray();
    feed.put("input_ids", Tensor.of(ids, 1, ids.length));
    feed.put("attention_mask", Tensor.of(ones, 1, ids.length));
    feed.put("token_type_ids", Tensor.of(new long[ids.length], 1, ids.length));
    double cosine = cosine(run(quantized, feed), run(real, feed));
    System.out.println("quantized and float MiniLM: cosine " + cosine);
    assertTrue(cosine > 0.99 && cosine < 1, "cosine " + cosine);
  }

  private static float[] run(OnnxModel model, Map<String, Tensor> feed) {
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      return session.run(feed).get("pooled").floats();
    }
  }

  private static double cosine(float[] a, float[] b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return ab / Math.sqrt(aa * bb);
  }
}
