package dev.headstart.onnx;

import static dev.headstart.onnx.HostileModels.node;
import static dev.headstart.onnx.HostileModels.value;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One operator at a time: the rule's shapes against those that ONNX Runtime makes. */
class ShapeRulesTest {
  private static final Tensor IMAGE = ramp(2, 4, 9, 7);
  private static final Tensor TEXT = ramp(2, 5, 6);

  /** A node over tensors that are fed (x0, x1, …) and constants (anything else by name). */
  private record Case(
      int opset, NodeProto node, List<Tensor> feeds, Map<String, Tensor> constants) {

    Case constant(String name, Tensor tensor) {
      Map<String, Tensor> more = new LinkedHashMap<>(constants);
      more.put(name, tensor);
      NodeProto.Builder changed = node.toBuilder();
      if (!name.isEmpty()) {
        changed.addInput(name);
      }
      return new Case(opset, changed.build(), feeds, more);
    }

    Case constant(String name, long... values) {
      return constant(name, Tensor.vector(values));
    }

    /** An optional input that is left out. */
    Case absent() {
      return new Case(opset, node.toBuilder().addInput("").build(), feeds, constants);
    }

    Case with(Attribute attribute) {
      return new Case(
          opset, node.toBuilder().addAttribute(attribute.proto()).build(), feeds, constants);
    }

    Case with(String name, long... values) {
      return with(Attribute.of(name, values));
    }

    Case outputs(int count) {
      NodeProto.Builder changed = node.toBuilder();
      for (int i = 1; i < count; i++) {
        changed.addOutput("y" + i);
      }
      return new Case(opset, changed.build(), feeds, constants);
    }

    Case opset(int version) {
      return new Case(version, node, feeds, constants);
    }

    Case microsoft() {
      return new Case(opset, node.toBuilder().setDomain("com.microsoft").build(), feeds, constants);
    }

    /**
     * @param open whether the first dimension of what is fed is left open
     */
    OnnxModel model(boolean open) {
      GraphProto.Builder graph = GraphProto.newBuilder().setName("case").addNode(node);
      for (int i = 0; i < feeds.size(); i++) {
        var input = value("x" + i, feeds.get(i).type().code(), feeds.get(i).shape());
        if (open && feeds.get(i).shape().length > 0) {
          input
              .getTypeBuilder()
              .getTensorTypeBuilder()
              .getShapeBuilder()
              .getDimBuilder(0)
              .setDimParam("n");
        }
        graph.addInput(input);
      }
      constants.forEach((name, tensor) -> graph.addInitializer(TensorProtos.write(name, tensor)));
      node.getOutputList().stream()
          .filter(o -> !o.isEmpty())
          .forEach(o -> graph.addOutputBuilder().setName(o));
      ModelProto.Builder model = ModelProto.newBuilder().setIrVersion(8).setGraph(graph);
      model.addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset));
      model.addOpsetImport(
          OperatorSetIdProto.newBuilder().setDomain("com.microsoft").setVersion(1));
      return OnnxModel.read(model.build().toByteArray(), "case");
    }

    @Override
    public String toString() {
      return node.getOpType() + " " + opset + " " + feeds;
    }
  }

  private static Case of(String operator, Tensor... feeds) {
    NodeProto.Builder node = node(operator, "y");
    for (int i = 0; i < feeds.length; i++) {
      node.addInput("x" + i);
    }
    return new Case(17, node.build(), List.of(feeds), Map.of());
  }

  private static Tensor ramp(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 13 + 1) / 16f;
    }
    return Tensor.of(values, shape);
  }

  private static Tensor bytes(ElementType type, long... shape) {
    return Tensor.zeros(type, shape);
  }

  private static Tensor index(long... shape) {
    return Tensor.zeros(ElementType.INT64, shape);
  }

  private static Attribute text(String name, String value) {
    return Attribute.of(name, value);
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (String operator :
        ("Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh Elu Erf Exp Floor"
                + " HardSigmoid HardSwish Hardmax Identity LeakyRelu Log LogSoftmax"
                + " LpNormalization Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh"
                + " Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Trilu IsInf IsNaN"
                + " Dropout Transpose Flatten Shape Size NonZero ReduceSum ReduceMean ReduceL2"
                + " ReduceMax ReduceProd ReduceLogSumExp ArgMax ArgMin")
            .split(" ")) {
      cases.add(of(operator, TEXT));
    }
    cases.add(of("Gelu", TEXT).opset(20));
    cases.add(of("Mish", TEXT).opset(18));
    cases.add(of("Dropout", TEXT).outputs(2));
    cases.add(of("Not", bytes(ElementType.BOOL, 3, 2)));
    cases.add(of("CumSum", TEXT).constant("axis", 1));
    for (String operator : "Add Sub Mul Div Pow Min Max Sum Mean Mod".split(" ")) {
      Case pair = of(operator, TEXT, ramp(5, 1));
      cases.add(operator.equals("Mod") ? pair.with(Attribute.of("fmod", 1)) : pair);
    }
    cases.add(of("Max", TEXT, ramp(2, 1, 1), ramp(6)));
    for (String operator : "Equal Greater GreaterOrEqual Less LessOrEqual".split(" ")) {
      cases.add(of(operator, TEXT, ramp(1, 5, 1)));
    }
    cases.add(of("And", bytes(ElementType.BOOL, 3, 1), bytes(ElementType.BOOL, 4)));
    cases.add(of("Where", bytes(ElementType.BOOL, 5, 1), TEXT, ramp(6)));
    cases.add(of("PRelu", TEXT, ramp(6)));
    Case batchNormalization = of("BatchNormalization", IMAGE);
    for (String name : List.of("scale", "b", "mean", "variance")) {
      batchNormalization = batchNormalization.constant(name, ramp(4));
    }
    cases.add(batchNormalization);
    cases.add(batchNormalization.with(Attribute.of("training_mode", 1)).outputs(3));
    cases.add(of("InstanceNormalization", IMAGE).constant("s", ramp(4)).constant("b", ramp(4)));
    cases.add(of("LayerNormalization", TEXT).constant("s", ramp(6)).outputs(3));
    cases.add(
        of("LayerNormalization", TEXT)
            .constant("s", ramp(5, 6))
            .with(Attribute.axis(1))
            .outputs(3));
    cases.add(of("LRN", IMAGE).with(Attribute.of("size", 3)));
    // Element types
    cases.add(of("Cast", TEXT).with(Attribute.of("to", 7)));
    cases.add(of("CastLike", TEXT, index(1)));
    Tensor scale = Tensor.scalar(.1f);
    cases.add(of("QuantizeLinear", TEXT).constant("s", scale));
    cases.add(
        of("QuantizeLinear", TEXT).constant("s", scale).constant("z", bytes(ElementType.INT8)));
    cases.add(of("DequantizeLinear", bytes(ElementType.UINT8, 3, 4)).constant("s", scale));
    cases.add(of("DynamicQuantizeLinear", TEXT).outputs(3));
    // Reductions
    cases.add(of("ReduceSum", TEXT).constant("axes", -1, 0));
    cases.add(of("ReduceSum", TEXT).constant("axes", 1).with(Attribute.of("keepdims", 0)));
    cases.add(of("ReduceSum", TEXT).with(Attribute.of("noop_with_empty_axes", 1)));
    cases.add(of("ReduceMean", IMAGE).with("axes", 2, 3).with(Attribute.of("keepdims", 0)));
    cases.add(of("ReduceMean", IMAGE).opset(18).constant("axes", 2, 3));
    cases.add(of("ArgMax", TEXT).with(Attribute.axis(-1)).with(Attribute.of("keepdims", 0)));
    cases.add(of("TopK", TEXT).constant("k", 3).outputs(2));
    cases.add(of("SoftmaxCrossEntropyLoss", ramp(3, 4), index(3)).outputs(2));
    cases.add(of("SoftmaxCrossEntropyLoss", ramp(3, 4), index(3)).with(text("reduction", "none")));
    // Linear algebra
    cases.add(of("MatMul", TEXT, ramp(6, 3)));
    cases.add(of("MatMul", TEXT, ramp(6)));
    cases.add(of("MatMul", ramp(6), ramp(4, 6, 2)));
    cases.add(of("MatMul", ramp(6), ramp(6)));
    cases.add(of("MatMul", ramp(3, 1, 2, 6), ramp(4, 6, 5)));
    cases.add(of("Gemm", ramp(3, 4), ramp(4, 2), ramp(2)));
    cases.add(
        of("Gemm", ramp(4, 3), ramp(2, 4))
            .with(Attribute.of("transA", 1))
            .with(Attribute.of("transB", 1)));
    cases.add(
        of("MatMulInteger", bytes(ElementType.UINT8, 2, 3, 4), bytes(ElementType.INT8, 4, 5)));
    cases.add(of("FusedMatMul", TEXT, TEXT).with(Attribute.of("transB", 1)).microsoft());
    cases.add(of("FastGelu", TEXT).microsoft());
    cases.add(of("QuickGelu", TEXT).microsoft());
    cases.add(of("SkipLayerNormalization", TEXT, TEXT).constant("g", ramp(6)).microsoft());
    for (String direction : List.of("forward", "bidirectional")) {
      int n = direction.equals("forward") ? 1 : 2;
      cases.add(
          of("LSTM", TEXT)
              .constant("w", ramp(n, 12, 6))
              .constant("r", ramp(n, 12, 3))
              .with(Attribute.of("hidden_size", 3))
              .with(text("direction", direction))
              .outputs(3));
    }
    cases.add(
        of("GRU", TEXT)
            .constant("w", ramp(1, 9, 6))
            .constant("r", ramp(1, 9, 3))
            .with(Attribute.of("hidden_size", 3))
            .outputs(2));
    for (String operator : List.of("BiasGelu", "FastGelu")) {
      cases.add(of(operator, TEXT, ramp(6)).microsoft());
    }
    cases.add(of("Einsum", TEXT, TEXT).with(text("equation", "bij,bkj->bik")));
    cases.add(of("Einsum", TEXT, ramp(6, 3)).with(text("equation", " ...i, ij -> ...j")));
    cases.add(
        of("Einsum", ramp(3, 1, 2, 6), ramp(1, 4, 6, 5)).with(text("equation", "...ij,...jk")));
    cases.add(of("Einsum", ramp(2, 3), ramp(4)).with(text("equation", "ba,c")));
    cases.add(of("Einsum", ramp(4, 4)).with(text("equation", "ii->i")));
    cases.add(of("Einsum", TEXT).with(text("equation", "ijk->")));
    cases.add(
        of("Compress", TEXT).constant("c", bytes(ElementType.BOOL, 5)).with(Attribute.axis(-2)));
    cases.add(of("Compress", TEXT).constant("c", bytes(ElementType.BOOL, 9)));
    addWindows(cases);
    addSelections(cases);
    return cases.stream();
  }

  private static void addWindows(List<Case> cases) {
    Case conv = of("Conv", IMAGE).constant("w", ramp(6, 4, 3, 3));
    cases.add(conv);
    cases.add(conv.with("pads", 1, 0, 2, 1).with("strides", 2, 3));
    cases.add(conv.with("dilations", 2, 2));
    cases.add(conv.with(text("auto_pad", "SAME_UPPER")).with("strides", 2, 2));
    cases.add(conv.with(text("auto_pad", "VALID")));
    cases.add(of("Conv", IMAGE).constant("w", ramp(4, 1, 5, 5)).with(Attribute.of("group", 4)));
    cases.add(of("Conv", TEXT).constant("w", ramp(3, 5, 2)).with("pads", 1, 1));
    cases.add(
        of("ConvInteger", bytes(ElementType.UINT8, 1, 2, 5, 5))
            .constant("w", bytes(ElementType.UINT8, 3, 2, 3, 3)));
    Case transposed = of("ConvTranspose", IMAGE).constant("w", ramp(4, 3, 3, 3));
    cases.add(transposed);
    cases.add(transposed.with("strides", 2, 2).with("pads", 1, 1, 1, 1));
    cases.add(transposed.with("strides", 2, 2).with("output_padding", 1, 1));
    cases.add(transposed.with("strides", 2, 2).with("output_shape", 18, 14));
    for (String pool : List.of("MaxPool", "AveragePool", "LpPool")) {
      Case window = of(pool, IMAGE).with("kernel_shape", 3, 2);
      cases.add(window);
      cases.add(window.with("strides", 2, 2).with("pads", 1, 0, 1, 1));
    }
    for (long size = 4; size < 12; size++) {
      Case window =
          of("MaxPool", ramp(1, 1, size, size + 1))
              .with("kernel_shape", 3, 2)
              .with("strides", 2, 3)
              .with(Attribute.of("ceil_mode", 1));
      cases.add(window);
      cases.add(window.with("pads", 1, 1, 1, 1));
      cases.add(
          of("AveragePool", ramp(1, 1, size, size))
              .with("kernel_shape", 2, 3)
              .with("strides", 3, 2)
              .with("pads", 1, 1, 1, 1)
              .with(Attribute.of("ceil_mode", 1)));
    }
    cases.add(of("MaxPool", IMAGE).with("kernel_shape", 3, 3).outputs(2));
    cases.add(of("GlobalAveragePool", IMAGE));
    cases.add(of("GlobalMaxPool", TEXT));
    Tensor scales = Tensor.of(new float[] {1, 1, 2.5f, .6f}, 4);
    cases.add(of("Resize", IMAGE).absent().constant("scales", scales));
    cases.add(of("Resize", IMAGE).absent().absent().constant("sizes", 2, 4, 5, 6));
    cases.add(of("Resize", IMAGE).opset(10).constant("scales", scales));
    cases.add(
        of("Resize", IMAGE).opset(18).absent().absent().constant("sizes", 5, 6).with("axes", 2, 3));
    cases.add(
        of("Upsample", IMAGE).opset(9).constant("scales", Tensor.of(new float[] {1, 1, 2, 3}, 4)));
    cases.add(of("DepthToSpace", IMAGE).with(Attribute.of("blocksize", 2)));
    cases.add(of("SpaceToDepth", ramp(1, 2, 6, 4)).with(Attribute.of("blocksize", 2)));
    cases.add(of("Pad", IMAGE).constant("pads", 0, 1, -2, 0, 0, 0, 3, 1));
    cases.add(of("Pad", IMAGE).opset(10).with("pads", 0, 1, 2, 0, 0, 0, 3, 1));
    cases.add(
        of("Pad", IMAGE).opset(18).constant("pads", 1, 2, 3, 4).absent().constant("axes", 3, 1));
  }

  private static void addSelections(List<Case> cases) {
    cases.add(of("Reshape", TEXT).constant("shape", 0, -1));
    cases.add(of("Reshape", TEXT).constant("shape", -1, 5, 0));
    cases.add(of("Reshape", TEXT).constant("shape", 6, 10));
    cases.add(of("Flatten", TEXT).with(Attribute.axis(-1)));
    cases.add(of("Flatten", TEXT).with(Attribute.axis(0)));
    cases.add(of("Transpose", TEXT).with("perm", 1, 2, 0));
    cases.add(of("Squeeze", ramp(2, 1, 3, 1)).constant("axes", -1, 1));
    cases.add(of("Squeeze", ramp(2, 1, 3, 1)).opset(11).with("axes", 1));
    cases.add(of("Unsqueeze", TEXT).constant("axes", 0, -1));
    cases.add(of("Unsqueeze", TEXT).opset(11).with("axes", 1, 3));
    cases.add(of("Expand", ramp(2, 1, 6)).constant("shape", 3, 1, 5, 1));
    cases.add(of("Tile", TEXT).constant("repeats", 1, 2, 3));
    cases.add(of("Concat", TEXT, ramp(2, 5, 1)).with(Attribute.axis(-1)));
    cases.add(of("Concat", TEXT, TEXT, TEXT).with(Attribute.axis(0)));
    cases.add(of("Split", TEXT).with(Attribute.axis(2)).outputs(3));
    cases.add(of("Split", TEXT).constant("split", 1, 4).with(Attribute.axis(1)).outputs(2));
    cases.add(
        of("Split", TEXT)
            .opset(18)
            .with(Attribute.axis(1))
            .with(Attribute.of("num_outputs", 3))
            .outputs(3));
    cases.add(of("Slice", TEXT).constant("s", 1, -4).constant("e", 9, -1).constant("a", 1, 2));
    cases.add(of("Slice", TEXT).constant("s", 0, 1).constant("e", 1, 2));
    cases.add(
        of("Slice", TEXT)
            .constant("s", -1, 4)
            .constant("e", Long.MIN_VALUE, 0)
            .constant("a", 1, 2)
            .constant("t", -1, -3));
    cases.add(of("Slice", TEXT).opset(9).with("starts", 1).with("ends", 1000).with("axes", 1));
    cases.add(of("Gather", TEXT, index(3, 2)).with(Attribute.axis(1)));
    cases.add(of("Gather", TEXT, index()));
    cases.add(of("GatherElements", TEXT, index(2, 3, 6)).with(Attribute.axis(1)));
    cases.add(of("GatherND", TEXT, index(4, 2)));
    cases.add(of("GatherND", TEXT, index(2, 1)).with(Attribute.of("batch_dims", 1)));
    cases.add(of("ScatterElements", TEXT, index(2, 1, 6), ramp(2, 1, 6)));
    cases.add(of("ScatterND", TEXT, index(1, 1), ramp(1, 5, 6)));
    cases.add(
        of("OneHot", index(2, 3)).constant("d", 4).constant("v", Tensor.of(new float[] {0, 1}, 2)));
    cases.add(
        of("OneHot", index(2, 3))
            .constant("d", 4)
            .constant("v", Tensor.of(new float[] {0, 1}, 2))
            .with(Attribute.axis(1)));
    cases.add(of("Shape", TEXT).with(Attribute.of("start", -2)).with(Attribute.of("end", 3)));
    cases.add(of("ConstantOfShape").constant("s", 2, 0, 3));
    cases.add(
        of("Range")
            .constant("a", Tensor.of(new long[] {1}))
            .constant("b", Tensor.of(new long[] {10}))
            .constant("c", Tensor.of(new long[] {4})));
    cases.add(
        of("Range")
            .constant("a", Tensor.scalar(1))
            .constant("b", Tensor.scalar(10))
            .constant("c", Tensor.scalar(4)));
    cases.add(of("EyeLike", ramp(3, 4)).with(Attribute.of("dtype", 7)));
    cases.add(of("RandomUniform").with("shape", 2, 3));
    cases.add(of("RandomNormalLike", TEXT));
    cases.add(of("Constant").with(Attribute.of("value_float", 2f)));
    cases.add(of("Constant").with("value_ints", 1, 2, 3));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithWhatRuns(Case test) {
    OnnxModel model = test.model(false);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (int i = 0; i < test.feeds.size(); i++) {
      feeds.put("x" + i, test.feeds.get(i));
    }
    Map<String, Tensor> run = Runs.run(model, feeds);
    Map<String, TensorInfo> fixed = ShapeInference.infer(model);
    Map<String, TensorInfo> open = ShapeInference.infer(test.model(true));
    run.forEach(
        (name, tensor) -> {
          TensorInfo info = fixed.get(name);
          assertEquals(tensor.type(), info.type(), name);
          // What depends on the data is not known before; all else is, to the number.
          if (Arrays.stream(info.shape()).allMatch(d -> d >= 0)) {
            assertArrayEquals(tensor.shape(), info.shape(), name);
          } else {
            assertTrue(
                List.of("NonZero", "Range", "Compress").contains(test.node.getOpType()),
                info.toString());
          }
          assertCompatible(tensor, open.get(name));
        });
  }

  private static void assertCompatible(Tensor tensor, TensorInfo info) {
    if (info.shape() == null) {
      return;
    }
    assertEquals(tensor.shape().length, info.shape().length, info.toString());
    for (int i = 0; i < info.shape().length; i++) {
      assertTrue(
          info.shape()[i] < 0 || info.shape()[i] == tensor.shape()[i], info + " but " + tensor);
    }
  }

  /** What a graph computes from its own shapes is followed through open dimensions. */
  @Test
  void followsShapesThatTheGraphComputes() {
    GraphBuilder g = new GraphBuilder("shapes", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, -1, 384);
    Value shape = g.node(Operator.SHAPE, List.of(x));
    Value zero = g.constant(Tensor.of(new long[] {0}));
    Value batch = g.node(Operator.GATHER, List.of(shape, zero));
    Value batchRow = g.node(Operator.UNSQUEEZE, List.of(batch, g.constant(Tensor.vector(0))));
    Value target =
        g.node(
            Operator.CONCAT,
            List.of(batchRow, g.constant(Tensor.vector(-1, 12, 32))),
            Attribute.axis(0));
    Value heads = g.named("heads", Operator.RESHAPE, List.of(x, target));
    Value back =
        g.named("back", Operator.RESHAPE, List.of(heads, g.constant(Tensor.vector(0, 0, -1))));
    Value sum = g.named("sum", Operator.ADD, List.of(back, x));
    g.named("row", Operator.RESHAPE, List.of(sum, g.constant(Tensor.vector(-1, 384))));
    Map<String, TensorInfo> infos = ShapeInference.infer(g.build());
    assertArrayEquals(new long[] {-1, -1, 12, 32}, infos.get("heads").shape());
    assertArrayEquals(new long[] {-1, -1, 384}, infos.get("back").shape());
    assertArrayEquals(new long[] {-1, -1, 384}, infos.get("sum").shape());
    assertArrayEquals(new long[] {-1, 384}, infos.get("row").shape());
  }

  /** No rule, no answer; what the model says of the tensor counts then. */
  @Test
  void leavesUnknownOperatorsOpen() {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .addInput(value("x", 1, 2, 3))
            .addNode(node("Frobnicate", "a", "x"))
            .addNode(node("Frobnicate", "b", "x"))
            .addNode(node("Relu", "c", "b"))
            .addValueInfo(value("b", 1, 2, 7))
            .addOutput(value("c", 1));
    Map<String, TensorInfo> infos =
        ShapeInference.infer(OnnxModel.read(HostileModels.model(graph).build().toByteArray(), "m"));
    assertNull(infos.get("a").type());
    assertNull(infos.get("a").shape());
    assertArrayEquals(new long[] {2, 7}, infos.get("c").shape());
  }

  static Stream<Case> contradictions() {
    return Stream.of(
        of("Add", ramp(3), ramp(4)),
        of("MatMul", ramp(2, 3), ramp(4, 2)),
        of("Gemm", ramp(2, 3, 1), ramp(4, 2)),
        of("Concat", ramp(2, 3), ramp(3, 2)).with(Attribute.axis(0)),
        of("Concat", ramp(2, 3), ramp(2, 3)).with(Attribute.axis(5)),
        of("Transpose", TEXT).with("perm", 0, 0, 1),
        of("Reshape", TEXT).constant("s", 7, -1),
        of("Reshape", TEXT).constant("s", 7),
        of("Reshape", TEXT).constant("s", -2, 3),
        of("Squeeze", TEXT).constant("a", 1),
        of("Conv", IMAGE).constant("w", ramp(6, 3, 3, 3)),
        of("Conv", IMAGE).constant("w", ramp(6, 4, 3, 3)).with("strides", 0, 1),
        of("Conv", IMAGE).constant("w", ramp(6, 4, 10, 3)),
        of("MaxPool", IMAGE).with("kernel_shape", 3),
        of("Pad", TEXT).constant("p", 0, 0, 1),
        of("Pad", TEXT).constant("p", 0, 0, -9, 0, 0, 0),
        of("Tile", TEXT).constant("r", 1, 2),
        of("Slice", TEXT).constant("s", 1).constant("e", 1).constant("a", 1).constant("t", 0),
        of("Split", TEXT).constant("n", 1, 2, 3).outputs(2),
        of("ConstantOfShape").constant("s", -2),
        of("ConstantOfShape").constant("s", new long[] {-1L << 60}));
  }

  @ParameterizedTest
  @MethodSource("contradictions")
  void namesTheNodeThatContradictsItsInputs(Case test) {
    String message =
        assertThrows(BadInputException.class, () -> ShapeInference.infer(test.model(false)))
            .getMessage();
    assertTrue(message.startsWith("the node 'n.y' (" + test.node.getOpType() + ") "), message);
  }

  @Test
  void typesThatHaveNoTensorStayUnknown() {
    GraphProto.Builder graph = GraphProto.newBuilder().addInput(value("x", 17, 2));
    graph.addNode(node("Identity", "y", "x")).addOutput(value("y", 17, 2));
    graph.addNode(
        node("Constant", "c")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("value")
                    .setT(TensorProto.newBuilder().setDataType(8).addDims(0))));
    Map<String, TensorInfo> infos =
        ShapeInference.infer(OnnxModel.read(HostileModels.model(graph).build().toByteArray(), "m"));
    assertNull(infos.get("y").type());
    assertArrayEquals(new long[] {2}, infos.get("y").shape());
    assertEquals(ElementType.STRING, infos.get("c").type());
  }
}
