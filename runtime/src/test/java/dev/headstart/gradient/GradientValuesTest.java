package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Gradients where a difference cannot tell: at kinks and ties, past stop edges, and what is
 * refused. Wrong input to a kernel ends in an exception, and not the process.
 */
class GradientValuesTest {
  @BeforeAll
  static void needsTrainingKernels() {
    Training.require();
  }

  /** The gradients of the sum of a node's elements by each of its inputs. */
  private static List<float[]> gradients(
      int opset, String operator, List<Tensor> inputs, Attribute... attributes) {
    GraphBuilder graph = new GraphBuilder("values", opset);
    List<Value> values = new ArrayList<>();
    for (Tensor input : inputs) {
      values.add(graph.initializer("x" + values.size(), input));
    }
    Value y = append(graph, operator, values, attributes);
    Algebra g = new Algebra(graph);
    Value seed = g.expand(g.scalar(1), g.shape(y));
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).type() == ElementType.FLOAT) {
        wanted.add("x" + i);
      }
    }
    Map<String, Value> gradients = Gradients.of(graph, Map.of(y.name(), seed), wanted);
    if (gradients.isEmpty()) {
      return List.of();
    }
    gradients.values().forEach(v -> graph.output(v, ElementType.FLOAT, (long[]) null));
    try (InferenceSession session = InferenceSession.open(graph.build(), SessionSettings.cpu(1))) {
      Map<String, Tensor> results = session.run(Map.of());
      return gradients.values().stream().map(v -> results.get(v.name()).floats()).toList();
    }
  }

  /** The gradients of Σ (a + b), whose first axes have these names. */
  private static void sumOfNamed(
      String nameA, String nameB, long sizeA, long sizeB, boolean atRunTime) {
    GraphBuilder graph = new GraphBuilder("named", 17);
    Value a = graph.input("a", ElementType.FLOAT, -1, 2);
    Value b = graph.input("b", ElementType.FLOAT, -1, 2);
    for (int i = 0; i < 2; i++) {
      graph
          .proto()
          .getInputBuilder(i)
          .getTypeBuilder()
          .getTensorTypeBuilder()
          .getShapeBuilder()
          .getDimBuilder(0)
          .setDimParam(i == 0 ? nameA : nameB);
    }
    Algebra g = new Algebra(graph);
    Value y = g.add(a, b);
    Value seed = g.expand(g.scalar(1), g.shape(y));
    Map<String, Value> gradients = Gradients.of(graph, Map.of(y.name(), seed), List.of("a", "b"));
    gradients.values().forEach(v -> graph.output(v, ElementType.FLOAT, (long[]) null));
    assertEquals(
        atRunTime,
        graph.proto().getNodeList().stream()
            .anyMatch(n -> n.getOpType().equals("BroadcastGradientArgs")));
    Map<String, Tensor> feed =
        Map.of(
            "a",
            Tensor.zeros(ElementType.FLOAT, sizeA, 2),
            "b",
            Tensor.zeros(ElementType.FLOAT, sizeB, 2));
    try (InferenceSession session = InferenceSession.open(graph.build(), SessionSettings.cpu(1))) {
      Map<String, Tensor> results = session.run(feed);
      long rows = Math.max(sizeA, sizeB);
      for (String name : List.of("a", "b")) {
        long own = name.equals("a") ? sizeA : sizeB;
        Tensor gradient = results.get(gradients.get(name).name());
        assertArrayEquals(new long[] {own, 2}, gradient.shape());
        for (float value : gradient.floats()) {
          assertEquals((float) rows / own, value);
        }
      }
    }
  }

  @Test
  void axesOfOneNameAreEqualAndOthersMayBroadcast() {
    sumOfNamed("batch", "batch", 3, 3, false);
    sumOfNamed("batch", "batch", 1, 1, false);
    sumOfNamed("batch", "other", 3, 3, true);
    sumOfNamed("batch", "other", 3, 1, true);
    sumOfNamed("batch", "other", 1, 3, true);
  }

  @Test
  void squares() {
    Tensor two = Tensor.of(new float[] {2}, 1, 1);
    assertArrayEquals(
        floats(-6, 0, 1), gradients(18, "Pow", List.of(vector(-3, 0, 0.5f), two)).get(0));
  }

  private static float[] gradient(String operator, float[] x, Attribute... attributes) {
    return gradients(18, operator, List.of(vector(x)), attributes).get(0);
  }

  private static Tensor vector(float... values) {
    return Tensor.of(values, values.length);
  }

  private static float[] floats(float... values) {
    return values;
  }

  @Test
  void limitsAreInside() {
    List<float[]> gradients =
        gradients(
            18,
            "Clip",
            List.of(vector(-1, -0.7f, 0, 1.1f, 2), Tensor.scalar(-0.7f), Tensor.scalar(1.1f)));
    assertEquals(1, gradients.size(), "limits have no gradient");
    assertArrayEquals(floats(0, 1, 1, 1, 0), gradients.get(0));
  }

  @ParameterizedTest
  @CsvSource({
    "Relu, 0",
    "Abs, 0",
    "Elu, 1",
    "Celu, 1",
    "Softsign, 1",
    "ThresholdedRelu, 0",
    "Shrink, 0",
    "HardSwish, 0.5",
    "Erf, 1.1283792",
    "Mish, 0.6",
    "Sqrt, Infinity",
  })
  void atZero(String operator, float expected) {
    assertArrayEquals(floats(expected), gradient(operator, floats(0)), 1e-6f);
  }

  @Test
  void activationsAreFlatWhereTheyAreConstant() {
    assertArrayEquals(floats(0, 0, 1, 1), gradient("HardSwish", floats(-4, -3, 3, 4)), 1e-6f);
    assertArrayEquals(floats(0, 0, 0, 0), gradient("HardSigmoid", floats(-4, -2.5f, 2.5f, 4)));
    assertArrayEquals(floats(0, 1), gradient("ThresholdedRelu", floats(1, 1.01f)));
  }

  @Test
  void largeNumbersDoNotOverflow() {
    float[] large = {-100, 100};
    assertArrayEquals(floats(0, 1), gradient("Mish", large), 1e-6f);
    assertArrayEquals(floats(0, 1), gradient("Elu", large), 1e-6f);
    assertArrayEquals(floats(0, 1), gradient("Softplus", large), 1e-6f);
    assertArrayEquals(floats(0, 1), gradient("ReduceLogSumExp", large), 1e-6f);
    List<float[]> gelu =
        gradients(20, "Gelu", List.of(vector(large)), Attribute.of("approximate", "tanh"));
    assertArrayEquals(floats(0, 1), gelu.get(0), 1e-6f);
  }

  @ParameterizedTest
  @CsvSource({"Max", "Min"})
  void tiesShare(String operator) {
    List<float[]> two = gradients(18, operator, List.of(vector(1, 1), Tensor.scalar(1)));
    assertArrayEquals(floats(0.5f, 0.5f), two.get(0));
    assertArrayEquals(floats(1), two.get(1));
    List<float[]> three = gradients(18, operator, List.of(vector(4), vector(4), vector(4)));
    three.forEach(gradient -> assertArrayEquals(floats(1 / 3f), gradient, 1e-6f));
    assertArrayEquals(floats(0.5f, 0.5f), gradient("Reduce" + operator, floats(2, 2)));
  }

  @Test
  void productsWithZeros() {
    assertArrayEquals(floats(0, 8, 0), gradient("ReduceProd", floats(2, 0, 4)));
    assertArrayEquals(floats(0, 0, 0), gradient("ReduceProd", floats(0, 0, 4)));
  }

  @Test
  void aVectorOfZerosHasNoDirection() {
    assertArrayEquals(floats(0, 0), gradient("ReduceL2", floats(0, 0)));
    assertArrayEquals(floats(0, 0), gradient("ReduceL1", floats(0, 0)));
  }

  @Test
  void powersOfZeroAndOfNegativeNumbers() {
    List<float[]> gradients = gradients(18, "Pow", List.of(vector(0, -2, 0), vector(2, 2, 0)));
    assertArrayEquals(floats(0, -4, 0), gradients.get(0));
    assertArrayEquals(floats(0, 0, 0), gradients.get(1));
  }

  @Test
  void nothingBehindAStopEdge() {
    assertEquals(List.of(), gradients(18, "IsNaN", List.of(vector(1))));
    assertEquals(List.of(), gradients(18, "QuantizeLinear", List.of(vector(1), vector(2))));
    assertEquals(List.of(), gradients(18, "Hardmax", List.of(vector(1))));
    Tensor bytes = Tensor.zeros(ElementType.INT8, 3);
    assertEquals(List.of(), gradients(18, "DequantizeLinear", List.of(bytes, Tensor.scalar(2))));
  }

  @Test
  void whatARuleDoesNotCoverIsNamed() {
    Tensor matrix = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
    assertMessage("ii->i", "Einsum", List.of(matrix), Attribute.of("equation", "ii->i"));
    assertMessage(
        "ellipses",
        "Einsum",
        List.of(matrix, Tensor.of(new float[4], 1, 2, 2)),
        Attribute.of("equation", "...ij,...jk->...ik"));
    assertMessage(
        "reduction 'mul'",
        "ScatterElements",
        List.of(vector(1, 2), Tensor.vector(0), vector(3)),
        Attribute.of("reduction", "mul"));
    assertMessage(
        "reduction 'max'",
        "ScatterND",
        List.of(vector(1, 2), Tensor.vector(0).reshape(1, 1), vector(3)),
        Attribute.of("reduction", "max"));
    assertMessage("input 2", "Pad", List.of(matrix, Tensor.vector(0, 1, 0, 0), Tensor.scalar(1)));
    assertMessage("Det", "Det", List.of(matrix));
  }

  private static void assertMessage(
      String expected, String operator, List<Tensor> inputs, Attribute... attributes) {
    HeadstartException e =
        assertThrows(
            BadInputException.class, () -> gradients(18, operator, inputs, attributes), operator);
    assertTrue(e.getMessage().contains(operator), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  /** Alone, without the forward node that would have refused it. */
  @ParameterizedTest
  @CsvSource({
    "3, 0",
    "-4, 0",
    "9223372036854775807, 0",
    "-9223372036854775808, 1",
    "0, 2",
    "0, -3"
  })
  void gatherGradRefusesWrongIndices(long index, long axis) {
    GraphBuilder graph = new GraphBuilder("gather", 18);
    Algebra g = new Algebra(graph);
    Value dY = graph.constant(Tensor.of(new float[] {1, 2}, 1, 2));
    refused(graph, g.kernels().gatherGrad(g.vector(3, 2), g.vector(index), dY, axis));
  }

  @ParameterizedTest
  @CsvSource({"0, 2, 5, 1", "0, 2, -3, 1", "0, 2, 0, 0"})
  void sliceGradRefusesWrongRanges(long start, long end, long axis, long step) {
    GraphBuilder graph = new GraphBuilder("slice", 18);
    Algebra g = new Algebra(graph);
    Value dY = graph.constant(Tensor.of(new float[] {1, 2}, 2));
    List<Value> ranges = List.of(g.vector(start), g.vector(end), g.vector(axis), g.vector(step));
    refused(graph, g.kernels().sliceGrad(dY, g.vector(3), ranges));
  }

  private static void refused(GraphBuilder graph, Value result) {
    graph.output(result, ElementType.FLOAT, (long[]) null);
    assertThrows(
        HeadstartException.class,
        () -> {
          try (InferenceSession session =
              InferenceSession.open(graph.build(), SessionSettings.cpu(1))) {
            session.run(Map.of());
          }
        });
  }
}
