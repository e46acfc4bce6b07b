package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelJoinerTest {
  private static final Tensor X = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);

  /** y = (x + bias) · scores, with inner tensors whose names a head may use as well. */
  private static GraphBuilder front() {
    GraphBuilder g = new GraphBuilder("front", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, 2);
    Value bias = g.initializer("bias", Tensor.of(new float[] {10, 20}, 2));
    Value hidden = g.named("hidden", Operator.ADD, List.of(x, bias));
    Value scores = g.named("scores", Operator.MUL, List.of(hidden, hidden));
    return g.output(scores, ElementType.FLOAT, -1, 2)
        .metadata("from", "front")
        .metadata("kind", "backbone");
  }

  /** scores = f + bias. */
  private static GraphBuilder back(int opset, float bias) {
    GraphBuilder g = new GraphBuilder("back", opset);
    Value f = g.input("f", ElementType.FLOAT, -1, 2);
    Value b = g.initializer("bias", Tensor.of(new float[] {bias, bias}, 2));
    Value hidden = g.named("hidden", Operator.NEG, List.of(f));
    Value scores = g.named("scores", Operator.ADD, List.of(hidden, b));
    return g.output(scores, ElementType.FLOAT, -1, 2).metadata("kind", "head");
  }

  @Test
  void renamesWhatBothUseForDifferentThings() {
    OnnxModel joined =
        ModelJoiner.join(front().build(), back(17, 5).build(), Map.of("f", "scores"));
    ModelCheck.check(joined.proto());
    assertEquals("scores", joined.outputs().get(0).name());
    assertEquals(1, joined.inputs().size());
    assertArrayEquals(
        new float[] {5 - 121, 5 - 22 * 22, 5 - 169, 5 - 24 * 24},
        Runs.run(joined, Map.of("x", X)).get("scores").floats());
    assertEquals(Map.of("from", "front", "kind", "head"), joined.metadata());
  }

  /** Any tensor of the front can feed the back; what is then not needed goes. */
  @Test
  void readsInnerTensors() {
    OnnxModel joined =
        ModelJoiner.join(front().build(), back(17, 5).build(), Map.of("f", "hidden"));
    ModelCheck.check(joined.proto());
    assertEquals(3, joined.proto().getGraph().getNodeCount());
    assertArrayEquals(
        new float[] {-6, -17, -8, -19}, Runs.run(joined, Map.of("x", X)).get("scores").floats());
  }

  @Test
  void whatNothingFeedsIsAnInput() {
    OnnxModel joined = ModelJoiner.join(front().build(), back(17, 5).build(), Map.of());
    assertEquals(List.of("x", "f"), joined.inputs().stream().map(TensorInfo::name).toList());
  }

  /** A back that only hands its input on, under its own or another name. */
  @Test
  void handsOn() {
    GraphBuilder g = new GraphBuilder("pass", 17);
    g.output(g.input("f", ElementType.FLOAT, -1, 2), ElementType.FLOAT, -1, 2);
    OnnxModel joined = ModelJoiner.join(front().build(), g.build(), Map.of("f", "scores"));
    ModelCheck.check(joined.proto());
    assertEquals("f", joined.outputs().get(0).name());
    assertArrayEquals(
        new float[] {121, 484, 169, 576}, Runs.run(joined, Map.of("x", X)).get("f").floats());
  }

  @Test
  void sharesWhatIsAlike() {
    GraphBuilder g = new GraphBuilder("alike", 17);
    Value f = g.input("f", ElementType.FLOAT, -1, 2);
    Value b = g.initializer("bias", Tensor.of(new float[] {10, 20}, 2));
    g.output(g.named("z", Operator.ADD, List.of(f, b)), ElementType.FLOAT, -1, 2);
    OnnxModel joined = ModelJoiner.join(front().build(), g.build(), Map.of("f", "hidden"));
    assertEquals(1, joined.initializers().size());
    assertArrayEquals(
        new float[] {21, 42, 23, 44}, Runs.run(joined, Map.of("x", X)).get("z").floats());
  }

  @Test
  void saysWhatDoesNotFit() {
    OnnxModel front = front().build();
    refused(
        front,
        back(13, 5).build(),
        Map.of("f", "scores"),
        "the first is of version 17, the second of version 13");
    GraphBuilder wide = new GraphBuilder("wide", 17);
    wide.output(
        wide.named("w", Operator.RELU, List.of(wide.input("f", ElementType.FLOAT, -1, 3))),
        ElementType.FLOAT,
        -1,
        3);
    refused(
        front,
        wide.build(),
        Map.of("f", "hidden"),
        "the tensor hidden FLOAT [?, 2] does not fit the second model's input f FLOAT [?, 3]");
    GraphBuilder same = new GraphBuilder("same", 17);
    same.output(
        same.named("x", Operator.RELU, List.of(same.input("f", ElementType.FLOAT, -1, 2))),
        ElementType.FLOAT,
        -1,
        2);
    refused(front, same.build(), Map.of("f", "hidden"), "has the name of an input of the first");
    OnnxModel head = back(17, 5).build();
    String unknown =
        assertThrows(
                NotFoundException.class, () -> ModelJoiner.join(front, head, Map.of("f", "hiden")))
            .getMessage();
    assertTrue(unknown.contains("did you mean 'hidden'?"), unknown);
    assertThrows(
        NotFoundException.class, () -> ModelJoiner.join(front, head, Map.of("g", "hidden")));
  }

  private static void refused(
      OnnxModel front, OnnxModel back, Map<String, String> feeds, String message) {
    String actual =
        assertThrows(BadInputException.class, () -> ModelJoiner.join(front, back, feeds))
            .getMessage();
    assertTrue(actual.contains(message), actual);
  }
}
