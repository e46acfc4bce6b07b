package dev.headstart.onnx;

import static dev.headstart.onnx.HostileModels.node;
import static dev.headstart.onnx.HostileModels.value;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import dev.headstart.error.BadInputException;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The same numbers before and after, by ONNX Runtime. */
class OpsetUpgradeTest {

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 17, 18, 20})
  void theTextModelKeepsItsResults(int version) {
    OnnxModel model = Runs.bundled(Runs.MINILM);
    OnnxModel upgraded = OpsetUpgrade.to(model, version);
    assertEquals(version, upgraded.opset());
    Map<String, Tensor> feeds = Runs.inputs(model, 2, 6, 4);
    assertEquals(Runs.run(model, feeds), Runs.run(upgraded, feeds));
  }

  static Stream<Case> cases() {
    return Stream.of(
        new Case(11, 13, node("Softmax", "y", "x").addAttribute(Attribute.axis(1).proto())),
        new Case(11, 13, node("Softmax", "y", "x").addAttribute(Attribute.axis(2).proto())),
        new Case(11, 13, node("Softmax", "y", "x").addAttribute(Attribute.axis(-2).proto())),
        new Case(11, 13, node("LogSoftmax", "y", "x")),
        new Case(9, 13, node("Hardmax", "y", "x").addAttribute(Attribute.axis(0).proto())),
        new Case(11, 13, node("Unsqueeze", "y", "x").addAttribute(axes(0, 2))),
        new Case(11, 13, node("ReduceSum", "y", "x").addAttribute(axes(1))),
        new Case(11, 13, node("ReduceSum", "y", "x")),
        new Case(11, 18, node("ReduceMean", "y", "x").addAttribute(axes(-1))),
        new Case(
            11,
            18,
            node("Split", "y", "x")
                .addOutput("rest")
                .addAttribute(Attribute.axis(2).proto())
                .addAttribute(Attribute.of("split", new long[] {1, 3}).proto())),
        new Case(
            11,
            18,
            node("Split", "y", "x").addOutput("rest").addAttribute(Attribute.axis(2).proto())),
        new Case(
            9,
            13,
            node("Slice", "y", "x")
                .addAttribute(Attribute.of("starts", new long[] {1, 0}).proto())
                .addAttribute(Attribute.of("ends", new long[] {3, -1}).proto())
                .addAttribute(Attribute.of("axes", new long[] {1, 2}).proto())),
        new Case(
            8,
            13,
            node("Clip", "y", "x")
                .addAttribute(Attribute.of("min", -0.5f).proto())
                .addAttribute(Attribute.of("max", 0.25f).proto())),
        new Case(10, 13, node("Clip", "y", "x").addAttribute(Attribute.of("max", 0.25f).proto())),
        new Case(
            10,
            13,
            node("Pad", "y", "x")
                .addAttribute(Attribute.of("pads", new long[] {0, 1, 2, 0, 0, 1}).proto())
                .addAttribute(Attribute.of("value", 1.5f).proto())),
        new Case(
            9,
            13,
            node("TopK", "y", "x").addOutput("i").addAttribute(Attribute.of("k", 2).proto())),
        new Case(
            10, 13, node("Dropout", "y", "x").addAttribute(Attribute.of("ratio", .3f).proto())),
        new Case(8, 20, node("Upsample", "y", "x").addAttribute(scales(1, 2, 1.5f))),
        new Case(
            9,
            13,
            node("Gather", "g", "x", "i0").addAttribute(Attribute.axis(1).proto()),
            node("Scatter", "y", "x", "at", "g").addAttribute(Attribute.axis(1).proto())),
        new Case(7, 20, node("Relu", "r", "x"), node("Add", "y", "r", "x")));
  }

  private static AttributeProto axes(long... axes) {
    return Attribute.of("axes", axes).proto();
  }

  private static AttributeProto scales(float... values) {
    AttributeProto.Builder scales =
        AttributeProto.newBuilder().setName("scales").setType(AttributeProto.AttributeType.FLOATS);
    for (float value : values) {
      scales.addFloats(value);
    }
    return scales.build();
  }

  record Case(int from, int to, NodeProto.Builder... nodes) {
    /** x [2, 3, 4] → y, in opset {@code from}. */
    OnnxModel model() {
      GraphProto.Builder graph = GraphProto.newBuilder().setName("case");
      graph.addInput(value("x", 1, 2, 3, 4));
      graph.addInitializer(TensorProtos.write("i0", Tensor.of(new long[] {0}, 1)));
      graph.addInitializer(
          TensorProtos.write("at", Tensor.of(new long[] {2, 1, 0, 2, 1, 1, 0, 2}, 2, 1, 4)));
      for (NodeProto.Builder node : nodes) {
        graph.addNode(node);
      }
      graph.addOutputBuilder().setName("y");
      ModelProto.Builder model =
          ModelProto.newBuilder()
              .setIrVersion(5)
              .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(from))
              .setGraph(graph);
      return OnnxModel.read(model.build().toByteArray(), "case");
    }

    @Override
    public String toString() {
      return nodes[nodes.length - 1].getOpType() + " " + from + " to " + to;
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void operatorsKeepTheirMeaning(Case test) {
    OnnxModel model = test.model();
    OnnxModel upgraded = OpsetUpgrade.to(model, test.to);
    ModelCheck.check(upgraded.proto());
    Map<String, Tensor> feeds = Runs.inputs(model, 2, 0, 8);
    assertEquals(Runs.run(model, feeds), Runs.run(upgraded, feeds));
  }

  @Test
  void inGraphsInsideNodesToo() {
    OnnxModel model = OnnxModel.read(HostileModels.withIf("skip").toByteArray(), "if");
    Map<String, Tensor> feeds = Map.of("x", Tensor.of(new float[] {1, 2}, 2));
    assertEquals(Runs.run(model, feeds), Runs.run(OpsetUpgrade.to(model, 20), feeds));
  }

  @Test
  void refusesWhatItCannotKeep() {
    refused(new Case(8, 13, node("Scan", "y", "x")), "the node 'n.y' (Scan) took another meaning");
    refused(new Case(11, 13, node("Frobnicate", "y", "x")), "'n.y' (Frobnicate) is of an operator");
    OnnxModel model = new Case(13, 20, node("Relu", "y", "x")).model();
    assertSame(model, OpsetUpgrade.to(model, 11));
    assertThrows(BadInputException.class, () -> OpsetUpgrade.to(model, 21));
  }

  private static void refused(Case test, String message) {
    OnnxModel model = test.model();
    String actual =
        assertThrows(BadInputException.class, () -> OpsetUpgrade.to(model, test.to)).getMessage();
    assertTrue(actual.contains(message), actual);
  }
}
