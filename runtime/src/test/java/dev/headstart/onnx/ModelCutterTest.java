package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelCutterTest {
  private static final long SEED = Long.getLong("headstart.seed", 3);

  /**
   * For every tensor of both models: the joined model has the very nodes and weights of the
   * original, so it computes the same. Where the cut leaves constants with the back, they are found
   * again.
   */
  @ParameterizedTest
  @ValueSource(strings = {Runs.EFFICIENTNET, Runs.MINILM})
  void everyCutJoinsToTheSameModel(String resource) {
    OnnxModel model = Runs.bundled(resource);
    List<String> cuts = cuts(model);
    assertTrue(cuts.size() >= 94, cuts.size() + " cuts");
    Set<NodeProto> nodes = new HashSet<>(model.proto().getGraph().getNodeList());
    Set<TensorProto> weights = new HashSet<>(model.proto().getGraph().getInitializerList());
    cuts.parallelStream().forEach(tensor -> assertJoins(model, tensor, nodes, weights));
  }

  private static void assertJoins(
      OnnxModel model, String tensor, Set<NodeProto> nodes, Set<TensorProto> weights) {
    CutModels cut = ModelCutter.cut(model, tensor);
    assertParts(model, tensor, cut);
    OnnxModel joined = ModelJoiner.join(cut.front(), cut.back());
    assertEquals(
        nodes, new HashSet<>(joined.proto().getGraph().getNodeList()), "nodes, cut at " + tensor);
    assertEquals(nodes.size(), joined.proto().getGraph().getNodeCount(), tensor);
    assertEquals(
        weights,
        new HashSet<>(joined.proto().getGraph().getInitializerList()),
        "weights, cut at " + tensor);
    assertEquals(names(model.outputs()), names(joined.outputs()));
    assertEquals(new HashSet<>(names(model.inputs())), new HashSet<>(names(joined.inputs())));
    ModelCheck.check(joined.proto());
  }

  private static void assertParts(OnnxModel model, String tensor, CutModels cut) {
    ModelCheck.check(cut.front().proto());
    ModelCheck.check(cut.back().proto());
    assertEquals(tensor, cut.live().get(0).name());
    assertEquals(names(cut.live()), names(cut.back().inputs()));
    assertEquals(names(cut.computed()), names(cut.front().outputs()));
    assertEquals(names(model.outputs()), names(cut.back().outputs()));
    List<String> inputs = names(model.inputs());
    assertTrue(inputs.containsAll(names(cut.passed())), tensor);
    assertTrue(inputs.containsAll(names(cut.front().inputs())), tensor);
    cut.live().forEach(t -> assertTrue(t.type() != null && t.shape() != null, t.toString()));
  }

  @Test
  void frontThenBackRunsLikeTheWholeForEveryCutOfTheImageModel() {
    OnnxModel model = Runs.bundled(Runs.EFFICIENTNET);
    runInParts(model, cuts(model), Runs.inputs(model, 1, 0, SEED));
  }

  @Test
  void frontThenBackRunsLikeTheWholeForTheTextModel() {
    OnnxModel model = Runs.bundled(Runs.MINILM);
    System.out.println("ModelCutterTest: seed " + SEED);
    List<String> shuffled = new ArrayList<>(cuts(model));
    Collections.shuffle(shuffled, new Random(SEED));
    List<String> cuts = new ArrayList<>(shuffled.subList(0, 12));
    for (int layer = 0; layer < 6; layer++) {
      cuts.add("/encoder/layer." + layer + "/attention/output/LayerNorm/Add_1_output_0");
      cuts.add(
          layer < 5
              ? "/encoder/layer." + layer + "/output/LayerNorm/Add_1_output_0"
              : "last_hidden_state");
    }
    runInParts(model, cuts, Runs.inputs(model, 2, 9, SEED));
  }

  private static void runInParts(OnnxModel model, List<String> cuts, Map<String, Tensor> feeds) {
    Map<String, Tensor> whole = Runs.run(model, feeds);
    for (String tensor : cuts) {
      CutModels cut = ModelCutter.cut(model, tensor);
      Map<String, Tensor> between = new HashMap<>(feeds);
      between.putAll(Runs.run(cut.front(), feeds));
      Map<String, Tensor> parts = Runs.run(cut.back(), between);
      whole.forEach((name, value) -> assertEquals(value, parts.get(name), name + " at " + tensor));
    }
  }

  /** In a residual block the skip is live too; the mask in a transformer. */
  @Test
  void whatElseLaterLayersReadIsLive() {
    OnnxModel images = Runs.bundled(Runs.EFFICIENTNET);
    assertEquals(
        List.of(
            "/_blocks.2/_depthwise_conv/Conv_output_0", "/_blocks.1/_project_conv/Conv_output_0"),
        names(ModelCutter.cut(images, "/_blocks.2/_depthwise_conv/Conv_output_0").live()));
    assertEquals(List.of("pooled"), names(ModelCutter.cut(images, "pooled").live()));
    OnnxModel texts = Runs.bundled(Runs.MINILM);
    assertEquals(
        List.of("/encoder/layer.3/output/LayerNorm/Add_1_output_0", "/Mul_output_0"),
        names(ModelCutter.cut(texts, "/encoder/layer.3/output/LayerNorm/Add_1_output_0").live()));
    assertEquals(
        List.of("last_hidden_state"), names(ModelCutter.cut(texts, "last_hidden_state").live()));
    // Beside the words: the other embeddings, which are added to them, and the mask.
    CutModels shallow = ModelCutter.cut(texts, "/embeddings/word_embeddings/Gather_output_0");
    assertEquals(
        List.of(
            "/embeddings/word_embeddings/Gather_output_0",
            "/embeddings/token_type_embeddings/Gather_output_0",
            "/Mul_output_0",
            "/embeddings/position_embeddings/Gather_output_0"),
        names(shallow.live()));
  }

  @Test
  void aCutAtAnInputHandsItOn() {
    OnnxModel model = chain();
    CutModels cut = ModelCutter.cut(model, "x");
    assertEquals(List.of("x"), names(cut.front().outputs()));
    assertEquals(List.of("x", "mask"), names(cut.back().inputs()));
    assertEquals(List.of("mask"), names(cut.passed()));
    Map<String, Tensor> feeds =
        Map.of(
            "x", Tensor.of(new float[] {1, -2}, 1, 2), "mask", Tensor.of(new float[] {3, 4}, 1, 2));
    assertEquals(feeds.get("x"), Runs.run(cut.front(), feeds).get("x"));
    assertEquals(
        Runs.run(model, feeds), Runs.run(ModelJoiner.join(cut.front(), cut.back()), feeds));
  }

  /** An output before the cut is in neither part. */
  @Test
  void outputsThatDoNotDependOnTheCutAreLeftOut() {
    CutModels cut = ModelCutter.cut(chain(), "b");
    assertEquals(List.of("y"), names(cut.back().outputs()));
    assertEquals(List.of("b"), names(cut.front().outputs()));
    CutModels side = ModelCutter.cut(chain(), "side");
    assertEquals(List.of("side"), names(side.back().outputs()));
    assertEquals(0, side.back().proto().getGraph().getNodeCount());
  }

  @Test
  void saysWhatCannotBeCut() {
    OnnxModel model = chain();
    String unknown =
        assertThrows(NotFoundException.class, () -> ModelCutter.cut(model, "sid")).getMessage();
    assertTrue(unknown.contains("did you mean 'side'?"), unknown);
    String constant =
        assertThrows(BadInputException.class, () -> ModelCutter.cut(model, "two")).getMessage();
    assertTrue(constant.contains("'two' is a constant"), constant);
    String dead =
        assertThrows(BadInputException.class, () -> ModelCutter.cut(model, "dead")).getMessage();
    assertTrue(dead.contains("no output of the model depends on the tensor 'dead'"), dead);
  }

  @Test
  void extractsWhatLiesBetween() {
    OnnxModel model = chain();
    OnnxModel part = ModelCutter.extract(model, List.of("a", "mask"), List.of("b"));
    assertEquals(List.of("a", "mask"), names(part.inputs()));
    assertEquals(List.of("b"), names(part.outputs()));
    assertEquals(1, part.proto().getGraph().getNodeCount());
    assertEquals(0, part.initializers().size());
    String missing =
        assertThrows(
                BadInputException.class,
                () -> ModelCutter.extract(model, List.of("a"), List.of("y")))
            .getMessage();
    assertTrue(missing.contains("need the model input 'mask'"), missing);
    assertThrows(
        BadInputException.class,
        () -> ModelCutter.extract(model, List.of("a", "a", "mask"), List.of("y")));
  }

  /** A node with two outputs, one of them given: it still makes the other. */
  @Test
  void aNodeOfWhichOneOutputIsGivenStillMakesTheOther() {
    GraphBuilder g = new GraphBuilder("two", 17);
    Value x = g.input("x", ElementType.FLOAT, 1, 4);
    g.proto()
        .addNode(
            NodeProto.newBuilder()
                .setOpType("Split")
                .addInput("x")
                .addOutput("l")
                .addOutput("r")
                .addAttribute(Attribute.axis(1).proto()));
    g.proto().addNode(NodeProto.newBuilder().setOpType("Exp").addInput("l").addOutput("e"));
    g.proto()
        .addNode(
            NodeProto.newBuilder().setOpType("Add").addInput("e").addInput("r").addOutput("y"));
    g.proto().addOutputBuilder().setName("y");
    OnnxModel model = OnnxModel.read(g.build().toBytes(), "two");
    assertEquals("x", x.name());
    CutModels cut = ModelCutter.cut(model, "l");
    assertEquals(List.of("l", "r"), names(cut.live()));
    OnnxModel part = ModelCutter.extract(model, List.of("x", "l"), List.of("y"));
    ModelCheck.check(part.proto());
    Map<String, Tensor> feeds =
        Map.of("x", Tensor.of(new float[] {1, 2, 3, 4}, 1, 4), "l", Tensor.of(new float[2], 1, 2));
    assertEquals(Tensor.of(new float[] {4, 5}, 1, 2), Runs.run(part, feeds).get("y"));
  }

  /** What a branch of If reads from around it is live like any input. */
  @Test
  void whatGraphsInsideNodesReadIsLive() {
    OnnxModel model = OnnxModel.read(HostileModels.withIf("skip").toByteArray(), "if");
    CutModels cut = ModelCutter.cut(model, "c");
    assertEquals(List.of("c", "skip"), names(cut.live()));
    OnnxModel joined = ModelJoiner.join(cut.front(), cut.back(), Map.of("c", "c", "skip", "skip"));
    assertEquals(names(model.outputs()), names(joined.outputs()));
    assertEquals(1, joined.inputs().size());
    Map<String, Tensor> feeds = Map.of("x", Tensor.of(new float[] {1, -2}, 2));
    assertEquals(Runs.run(model, feeds), Runs.run(joined, feeds));
  }

  /** x → a; b = a + mask; y = b · two; side = exp(a); dead = a · a. */
  private static OnnxModel chain() {
    GraphBuilder g = new GraphBuilder("chain", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, 2);
    Value mask = g.input("mask", ElementType.FLOAT, -1, 2);
    Value two = g.initializer("two", Tensor.scalar(2));
    Value a = g.named("a", Operator.RELU, List.of(x));
    Value b = g.named("b", Operator.ADD, List.of(a, mask));
    Value y = g.named("y", Operator.MUL, List.of(b, two));
    Value side = g.named("side", Operator.EXP, List.of(a));
    g.named("dead", Operator.MUL, List.of(a, a));
    g.output(y, ElementType.FLOAT, -1, 2).output(side, ElementType.FLOAT, -1, 2);
    return OnnxModel.read(g.build().toBytes(), "chain");
  }

  static List<String> cuts(OnnxModel model) {
    Graph graph = Graph.of(model);
    return graph.tensors().stream()
        .filter(t -> !graph.isConstant(t))
        .filter(t -> !graph.dependents(t).isEmpty() || names(model.outputs()).contains(t))
        .toList();
  }

  static List<String> names(List<TensorInfo> tensors) {
    return tensors.stream().map(TensorInfo::name).toList();
  }
}
