package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TapsTest {

  /** What a person would write into the manifest: the blocks as the paper counts them. */
  @Test
  void findsTheBlocksOfEfficientNet() {
    OnnxModel model = Runs.bundled(Runs.EFFICIENTNET);
    List<Tap> taps = Taps.candidates(model);
    assertEquals(new Tap("features", "pooled", new long[] {-1, 1280}), taps.get(0));
    assertEquals(
        new Tap("map", "/_swish_1/Clip_output_0", new long[] {-1, 1280, 7, 7}), taps.get(1));
    List<Tap> blocks = Taps.blocksOf(model);
    assertEquals(16, blocks.size(), blocks.toString());
    for (int i = 0; i < 16; i++) {
      String tensor = blocks.get(i).tensor();
      assertEquals("block." + i, blocks.get(i).name());
      assertTrue(tensor.startsWith("/_blocks." + i + "/"), tensor);
      assertTrue(tensor.contains("_project_conv") || tensor.contains("/Add"), tensor);
      assertEquals(List.of(tensor), ModelCutterTest.names(ModelCutter.cut(model, tensor).live()));
    }
    assertArrayEquals(new long[] {-1, 320, 7, 7}, blocks.get(15).shape());
    assertEquals(18, taps.size());
    assertEquals(blocks.get(0), taps.get(17));
  }

  /** No classifier: the embedding itself. The mask does not spoil the points between layers. */
  @Test
  void findsTheLayersOfMiniLm() {
    List<Tap> taps = Taps.candidates(Runs.bundled(Runs.MINILM));
    assertEquals(new Tap("features", "last_hidden_state", new long[] {-1, -1, 384}), taps.get(0));
    List<Tap> blocks = Taps.blocksOf(Runs.bundled(Runs.MINILM));
    List<String> names = blocks.stream().map(Tap::tensor).toList();
    IntStream.range(0, 6)
        .forEach(
            i -> {
              assertTrue(names.contains("/encoder/layer." + i + "/attention/output/Add_output_0"));
              assertTrue(names.contains("/encoder/layer." + i + "/output/Add_output_0"));
            });
    assertEquals(12, blocks.size(), names.toString());
  }

  /** A second tower that begins after a point of the first: neither tower alone is a point. */
  @Test
  void twoTowersHaveNoPointBeforeTheyMeet() {
    GraphBuilder g = new GraphBuilder("towers", 17);
    Value w = g.initializer("w", Tensor.zeros(ElementType.FLOAT, 4, 4));
    Value a = g.input("a", ElementType.FLOAT, -1, 4);
    Value b = g.input("b", ElementType.FLOAT, -1, 4);
    Value a1 = g.named("a1", Operator.GEMM, List.of(a, w));
    Value a2 = g.named("a2", Operator.RELU, List.of(a1));
    Value b1 = g.named("b1", Operator.GEMM, List.of(b, w));
    Value met = g.named("met", Operator.ADD, List.of(a2, b1));
    Value y = g.named("y", Operator.GEMM, List.of(met, w));
    g.output(y, ElementType.FLOAT, -1, 4);
    assertEquals(
        List.of(new Tap("features", "met", new long[] {-1, 4})), Taps.candidates(g.build()));
  }

  @Test
  void aModelWithoutWeightsHasNoTaps() {
    GraphBuilder g = new GraphBuilder("plain", 17);
    Value y = g.named("y", Operator.RELU, List.of(g.input("x", ElementType.FLOAT, -1, 4)));
    assertEquals(List.of(), Taps.candidates(g.output(y, ElementType.FLOAT, -1, 4).build()));
  }
}
