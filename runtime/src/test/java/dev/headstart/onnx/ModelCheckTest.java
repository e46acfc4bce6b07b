package dev.headstart.onnx;

import static dev.headstart.onnx.HostileModels.graph;
import static dev.headstart.onnx.HostileModels.model;
import static dev.headstart.onnx.HostileModels.node;
import static dev.headstart.onnx.HostileModels.small;
import static dev.headstart.onnx.HostileModels.value;
import static dev.headstart.onnx.HostileModels.weights;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Broken and hostile files: each is refused with what is wrong with it. */
class ModelCheckTest {
  private static final long SEED = Long.getLong("headstart.seed", 5);

  @Test
  void readsWhatIsInOrder() {
    assertEquals("y", OnnxModel.read(small().build().toByteArray(), "m").outputs().get(0).name());
    OnnxModel.read(HostileModels.withIf("skip").toByteArray(), "m");
  }

  @Test
  void refusesWhatIsNoModel() {
    refused(new byte[0], "m: is empty");
    refused("<html>not found</html>".getBytes(StandardCharsets.UTF_8), "no ONNX model");
    refused(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10}, "no ONNX model");
    refused(ModelProto.newBuilder().setIrVersion(8).build(), "holds no graph");
    byte[] whole = small().build().toByteArray();
    refused(Arrays.copyOf(whole, whole.length - 3), "truncated");
  }

  @Test
  void refusesUnknownVersions() {
    refused(small().clearOpsetImport().build(), "imports no operator set");
    refused(opset("", 99), "is of opset 99, expected 7 to 26");
    refused(opset("", 3), "is of opset 3, expected 7 to 26");
    refused(opset("", -1), "imports version -1");
    refused(opset("ai.onnx.ml", 3), "of the operator domain '', for which the model imports no");
    refused(small().setIrVersion(999).build(), "is of IR version 999, expected 3 to 13");
    refused(small().clearIrVersion().build(), "is of IR version 0");
    refused(
        small()
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx").setVersion(9))
            .build(),
        "twice, in versions 17 and 9");
  }

  private static ModelProto opset(String domain, long version) {
    return small()
        .clearOpsetImport()
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version))
        .build();
  }

  @Test
  void refusesUnknownDomains() {
    ModelProto.Builder model = small();
    model.getGraphBuilder().getNodeBuilder(0).setDomain("evil.corp");
    refused(model.build(), "the node 'n.y' (Relu) is of the unknown operator domain 'evil.corp'");
    model.getGraphBuilder().getNodeBuilder(0).setDomain("com.microsoft");
    refused(model.build(), "'com.microsoft', for which the model imports no opset");
    model.getGraphBuilder().getNodeBuilder(0).setDomain("").setOpType("");
    refused(model.build(), "names no operator");
  }

  @Test
  void refusesGraphsThatDoNotHangTogether() {
    refused(
        with(node("Add", "z", "x", "ghost")),
        "the node 'n.z' (Add) reads the tensor 'ghost', which nothing produces");
    refused(with(node("Exp", "y", "x")), "defines the tensor 'y' twice");
    refused(with(node("Exp", "x", "y")), "defines the tensor 'x' twice");
    ModelProto.Builder output = small();
    output.getGraphBuilder().addOutput(value("ghost", 1, 2));
    refused(output.build(), "nothing produces its output 'ghost'");
    output.getGraphBuilder().setOutput(1, value("y", 1, 2));
    refused(output.build(), "has two outputs 'y'");
    output.getGraphBuilder().clearOutput();
    refused(output.build(), "has no outputs");
    ModelProto.Builder input = small();
    input.getGraphBuilder().addInput(value("x", 1, 2));
    refused(input.build(), "defines the tensor 'x' twice");
    input.getGraphBuilder().setInput(1, value("", 1, 2));
    refused(input.build(), "input without a name");
  }

  private static ModelProto with(NodeProto.Builder node) {
    ModelProto.Builder model = small();
    model.getGraphBuilder().addNode(node);
    return model.build();
  }

  @Test
  void namesTheNodesOfACircle() {
    GraphProto.Builder graph = GraphProto.newBuilder().addInput(value("x", 1, 2));
    graph.addNode(node("Relu", "before", "x"));
    graph.addNode(node("Add", "a", "before", "c"));
    graph.addNode(node("Exp", "b", "a"));
    graph.addNode(node("Neg", "c", "b"));
    graph.addNode(node("Neg", "after", "c")).addOutput(value("after", 1, 2));
    String message = refused(model(graph).build(), "in a circle");
    for (String node : List.of("'n.a' (Add)", "'n.b' (Exp)", "'n.c' (Neg)")) {
      assertTrue(message.contains(node), message);
    }
    assertTrue(!message.contains("after") && !message.contains("before"), message);
  }

  @Test
  void sortsNodesThatAreOutOfOrder() {
    GraphProto.Builder graph = GraphProto.newBuilder().addInput(value("x", 1, 2));
    graph.addNode(node("Neg", "c", "b")).addNode(node("Exp", "b", "a"));
    graph.addNode(node("Relu", "a", "x")).addOutput(value("c", 1, 2));
    OnnxModel model = OnnxModel.read(model(graph).build().toByteArray(), "m");
    assertEquals(
        List.of("Relu", "Exp", "Neg"),
        model.proto().getGraph().getNodeList().stream().map(NodeProto::getOpType).toList());
    Tensor x = Tensor.of(new float[] {0, -1}, 2);
    assertEquals(Tensor.of(new float[] {-1, -1}, 2), Runs.run(model, Map.of("x", x)).get("c"));
  }

  @Test
  void refusesWeightsThatDoNotFitTheirDimensions() {
    refused(initializer(weights("w", 12, 2, 2)), "'w' has dimensions [2, 2] and needs 16 bytes");
    refused(initializer(weights("w", 0, 2, 2)), "needs 4 values, but 0 came");
    refused(initializer(weights("w", 4, -1)), "'w' has the negative dimension -1");
    refused(initializer(weights("w", 4, 1L << 40, 1L << 40)), "whose product overflows");
    refused(initializer(weights("w", 4, 0, 1L << 40, 1L << 40)), "whose product overflows");
    refused(initializer(weights("w", 4, 1L << 60)), "is too large");
    refused(initializer(weights("w", 4, 1L << 50)), "needs " + (1L << 52) + " bytes, but 4 came");
    refused(initializer(weights("w", 4).setDataType(77)), "the unknown element type 77");
    refused(initializer(weights("w", 4).clearDataType()), "the unknown element type 0");
    refused(initializer(weights("w", 4).setDataType(8)), "of strings");
    refused(initializer(weights("w", 4).addFloatData(1)), "its data twice");
    refused(
        initializer(TensorProto.newBuilder().setName("w").setDataType(1).addInt64Data(1)),
        "needs 1 values");
    refused(initializer(weights("", 4)), "an initializer without a name");
    TensorProto.Builder ranked = weights("w", 4);
    for (int i = 0; i < 100; i++) {
      ranked.addDims(1);
    }
    refused(initializer(ranked), "has 100 dimensions, expected at most 64");
    ModelProto.Builder twice = small();
    twice.getGraphBuilder().addInitializer(weights("w", 4)).addInitializer(weights("w", 4));
    refused(twice.build(), "defines the initializer 'w' twice");
    refused(
        with(
            node("Constant", "k")
                .addAttribute(
                    ai.onnx.proto.OnnxMl.AttributeProto.newBuilder()
                        .setName("value")
                        .setT(weights("", 4, 1L << 50)))),
        "the attribute 'value' of the node 'n.k' (Constant)");
  }

  private static ModelProto initializer(TensorProto.Builder tensor) {
    ModelProto.Builder model = small();
    model.getGraphBuilder().addInitializer(tensor);
    return model.build();
  }

  @Test
  void acceptsEveryWayToWriteAWeight() {
    ModelProto.Builder model = small();
    GraphProto.Builder graph = model.getGraphBuilder();
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName("f")
            .setDataType(1)
            .addDims(2)
            .addFloatData(1)
            .addFloatData(2));
    graph.addInitializer(TensorProto.newBuilder().setName("e").setDataType(1).addDims(0));
    graph.addInitializer(
        TensorProto.newBuilder().setName("i").setDataType(3).addDims(1).addInt32Data(-7));
    graph.addInitializer(
        TensorProto.newBuilder().setName("h").setDataType(10).addDims(1).addInt32Data(0x3C00));
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName("s")
            .setDataType(8)
            .addDims(1)
            .addStringData(com.google.protobuf.ByteString.copyFromUtf8("text")));
    graph.addInitializer(weights("n", 2, 3).setDataType(TensorProto.DataType.INT4_VALUE));
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName("c")
            .setDataType(TensorProto.DataType.COMPLEX64_VALUE)
            .addFloatData(1)
            .addFloatData(2));
    OnnxModel read = OnnxModel.read(model.build().toByteArray(), "m");
    assertEquals(List.of("f", "e", "i", "h"), List.copyOf(read.initializers().keySet()));
    assertEquals(Tensor.of(new float[] {1, 2}, 2), read.initializers().get("f"));
    assertEquals(-7, read.initializers().get("i").data().get(0));
    assertEquals(0x3C00, read.initializers().get("h").data().getShort(0));
  }

  @Test
  void refusesImpossibleTypes() {
    ModelProto.Builder model = small();
    model.getGraphBuilder().setInput(0, value("x", 1, -5));
    refused(model.build(), "'x' has the negative dimension -5");
    model.getGraphBuilder().setInput(0, value("x", 1, -1));
    assertEquals(-1, OnnxModel.read(model.build().toByteArray(), "m").inputs().get(0).shape()[0]);
    model.getGraphBuilder().setInput(0, value("x", 1, new long[70]));
    refused(model.build(), "has 70 dimensions");
  }

  @Test
  void looksIntoGraphsInsideNodes() {
    refused(
        HostileModels.withIf("ghost"),
        "the node 'n.e' (Neg) reads the tensor 'ghost', which nothing produces");
    // A branch that reads what comes after the If is a circle through it.
    refused(HostileModels.withIf("y"), "in a circle: 'n.y' (If)");
  }

  @Test
  void refusesGraphsThatAreNestedAbsurdly() {
    GraphProto.Builder graph =
        GraphProto.newBuilder().addNode(node("Relu", "y0", "x")).addOutput(value("y0", 1, 2));
    for (int i = 1; i < 60; i++) {
      graph =
          GraphProto.newBuilder()
              .addNode(node("If", "y" + i, "x").addAttribute(graph("then_branch", graph)))
              .addOutput(value("y" + i, 1, 2));
    }
    refused(model(graph.addInput(value("x", 9))).build(), "too many levels of nesting");
  }

  @Test
  void refusesFunctionsThatNeverEnd() {
    refused(
        functions(function("f", "g"), function("g", "f")),
        "its functions call each other in a circle: 'own:f', 'own:g'");
    FunctionProto.Builder[] doubling = new FunctionProto.Builder[40];
    for (int i = 0; i < doubling.length; i++) {
      String next = "f" + (i + 1);
      doubling[i] = i + 1 < doubling.length ? function("f" + i, next, next) : function("f" + i);
    }
    refused(functions(doubling), "inlining them makes over");
    refused(functions(function("f"), function("f")), "defines the function 'own:f' twice");
  }

  private static FunctionProto.Builder function(String name, String... called) {
    FunctionProto.Builder function =
        FunctionProto.newBuilder().setDomain("own").setName(name).addInput("i").addOutput("o");
    String at = "i";
    for (int i = 0; i < called.length; i++) {
      function.addNode(node(called[i], "t" + i, at).setDomain("own"));
      at = "t" + i;
    }
    return function.addNode(node("Relu", "o", at));
  }

  private static ModelProto functions(FunctionProto.Builder... functions) {
    ModelProto.Builder model = small();
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("own").setVersion(1));
    model.getGraphBuilder().getNodeBuilder(0).setDomain("own").setOpType("f");
    if (Arrays.stream(functions).anyMatch(f -> f.getName().equals("f0"))) {
      model.getGraphBuilder().getNodeBuilder(0).setOpType("f0");
    }
    for (FunctionProto.Builder function : functions) {
      model.addFunctions(function);
    }
    return model.build();
  }

  /** Foreign names do not carry control characters or megabytes into messages. */
  @Test
  void keepsMessagesReadable() {
    String message = refused(with(node("Add", "z", "x", "a\n\u001b[31m" + "b".repeat(9999))), "'a");
    assertTrue(message.length() < 500 && !message.contains("\n") && !message.contains("\u001b"));
  }

  /** A long chain, all out of order: still linear. */
  @Test
  void checksBigModelsInTime() {
    int nodes = 100_000;
    GraphProto.Builder graph = GraphProto.newBuilder().addInput(value("t0", 1, 2));
    for (int i = nodes; i > 0; i--) {
      graph.addNode(node("Relu", "t" + i, "t" + (i - 1)));
    }
    graph.addOutput(value("t" + nodes, 1, 2));
    byte[] bytes = model(graph).build().toByteArray();
    OnnxModel model =
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> OnnxModel.read(bytes, "m"));
    assertEquals("t1", model.proto().getGraph().getNode(0).getOutput(0));
    assertEquals(nodes + 1, ShapeInference.infer(model).size());
  }

  /**
   * Thousands of damaged files: each is read, or refused by the one exception. What is read can be
   * looked into and cut, or is refused there.
   */
  @ParameterizedTest
  @ValueSource(strings = {"image", "if", "text"})
  void survivesDamage(String kind) {
    System.out.println("ModelCheckTest: seed " + SEED);
    Random random = new Random(SEED);
    byte[] whole = seedModel(kind).toByteArray();
    int read = 0;
    int rounds = 1500;
    for (int i = 0; i < rounds; i++) {
      byte[] bytes = damage(whole, random);
      try {
        OnnxModel model = OnnxModel.read(bytes, "m");
        read++;
        ShapeInference.infer(model);
        model.initializers();
        model.inputs();
        for (String tensor : Graph.of(model).tensors()) {
          try {
            CutModels cut = ModelCutter.cut(model, tensor);
            ModelJoiner.join(cut.front(), cut.back());
          } catch (BadInputException refused) {
            assertTrue(!refused.getMessage().isBlank());
          }
        }
      } catch (BadInputException refused) {
        assertTrue(!refused.getMessage().isBlank());
      }
    }
    assertTrue(read > rounds / 50 && read < rounds, read + " of " + rounds + " were read");
  }

  private static byte[] damage(byte[] whole, Random random) {
    byte[] bytes = whole.clone();
    int kind = random.nextInt(10);
    if (kind == 0) {
      return Arrays.copyOf(bytes, random.nextInt(bytes.length));
    }
    for (int hits = 1 + random.nextInt(3); hits > 0; hits--) {
      int at = random.nextInt(bytes.length);
      bytes[at] =
          switch (kind) {
            case 1, 2, 3 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
            case 4, 5, 6 -> (byte) random.nextInt(256);
            case 7 -> (byte) 0xFF;
            default -> (byte) (bytes[at] + random.nextInt(5) - 2);
          };
    }
    return bytes;
  }

  private static ModelProto seedModel(String kind) {
    if (kind.equals("if")) {
      return HostileModels.withIf("skip");
    }
    if (kind.equals("image")) {
      return model(
              GraphProto.newBuilder()
                  .addInput(value("x", 1, 1, 2, 8, 8))
                  .addInitializer(weights("w", 4 * 2 * 9 * 4, 4, 2, 3, 3))
                  .addInitializer(weights("f", 4 * 4 * 3, 4, 3))
                  .addNode(
                      node("Conv", "c", "x", "w")
                          .addAttribute(Attribute.of("pads", new long[] {1, 1, 1, 1}).proto())
                          .addAttribute(Attribute.of("strides", new long[] {2, 2}).proto()))
                  .addNode(
                      node("MaxPool", "p", "c")
                          .addAttribute(Attribute.of("kernel_shape", new long[] {2, 2}).proto()))
                  .addNode(node("GlobalAveragePool", "g", "p"))
                  .addNode(node("Flatten", "l", "g"))
                  .addNode(node("Gemm", "y", "l", "f"))
                  .addOutput(value("y", 1, 1, 3)))
          .build();
    }
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("ids", 7, -1, 5))
            .addInitializer(weights("words", 10 * 6 * 4, 10, 6))
            .addInitializer(numbers("zero", 0))
            .addInitializer(numbers("parts", 2, 3))
            .addInitializer(numbers("one", 1))
            .addNode(node("Gather", "e", "words", "ids"))
            .addNode(node("Shape", "s", "ids"))
            .addNode(node("Slice", "b", "s", "zero", "one"))
            .addNode(
                node("Concat", "t", "b", "zero", "parts").addAttribute(Attribute.axis(0).proto()))
            .addNode(node("Reshape", "r", "e", "t"))
            .addNode(
                node("Transpose", "p", "r")
                    .addAttribute(Attribute.of("perm", new long[] {0, 2, 1, 3}).proto()))
            .addNode(node("ReduceMean", "m", "p"))
            .addNode(node("Split", "u", "p").addOutput("v").addAttribute(Attribute.axis(1).proto()))
            .addNode(node("Sub", "y", "u", "m"))
            .addOutput(value("y", 1));
    return model(graph).build();
  }

  private static TensorProto numbers(String name, long... values) {
    return TensorProtos.write(name, Tensor.vector(values));
  }

  private static String refused(ModelProto model, String message) {
    return refused(model.toByteArray(), message);
  }

  private static String refused(byte[] bytes, String message) {
    String actual =
        assertThrows(BadInputException.class, () -> OnnxModel.read(bytes, "m")).getMessage();
    assertTrue(actual.startsWith("m: ") && actual.contains(message), actual);
    return actual;
  }
}
