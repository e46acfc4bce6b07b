package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models at which ONNX Runtime's gradient kernels read or write out of bounds, or are silently
 * wrong. A failure here may well be the end of the JVM.
 */
class GradientTrapsTest {
  @BeforeAll
  static void needsTraining() {
    Training.require();
  }

  /**
   * The gradient of the sum of one node's output by all of its inputs, of which ranks are known.
   */
  private static OnnxGradient of(Operator operator, List<Tensor> inputs, Attribute... attributes) {
    GraphBuilder graph = new GraphBuilder("trap", 17);
    Map<String, Tensor> feed = new LinkedHashMap<>();
    Map<String, TensorInfo> shapes = new HashMap<>();
    List<Value> values = new ArrayList<>();
    for (Tensor input : inputs) {
      String name = "in" + values.size();
      feed.put(name, input);
      long[] unknown = new long[input.shape().length];
      Arrays.fill(unknown, -1);
      shapes.put(name, new TensorInfo(name, input.type(), unknown));
      values.add(graph.input(name, input.type(), unknown));
    }
    Value y = graph.node(operator, values, attributes);
    Value one = graph.constant(Tensor.scalar(1));
    Value seed = graph.node(Operator.EXPAND, List.of(one, graph.node(Operator.SHAPE, List.of(y))));
    Map<String, Value> gradients =
        Gradients.of(
            graph, shapes, GradientCase.unrelated(shapes), Map.of(y.name(), seed), feed.keySet());
    gradients.forEach(
        (name, value) ->
            graph.output(
                graph.named("d" + name, Operator.IDENTITY, List.of(value)),
                ElementType.FLOAT,
                null));
    return new OnnxGradient(graph, feed);
  }

  private record OnnxGradient(GraphBuilder graph, Map<String, Tensor> feed) {
    Map<String, Tensor> run(int times) {
      try (var session = InferenceSession.open(graph.build(), SessionSettings.cpu(2))) {
        for (int i = 1; i < times; i++) {
          session.run(feed);
        }
        return session.run(feed);
      }
    }

    List<String> operators() {
      return graph.proto().getNodeList().stream().map(n -> n.getOpType()).toList();
    }
  }

  private static Tensor random(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    Random random = new Random(5);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return Tensor.of(values, shape);
  }

  private static Attribute ints(String name, long... values) {
    return Attribute.of(name, values);
  }

  /** Both kernels take dX's shape from value_info, and end the JVM without it. */
  @Test
  void poolsDoWithoutKernelsThatTrustTheFile() {
    Tensor x = random(3, 4, 9, 7);
    OnnxGradient max = of(Operator.MAX_POOL, List.of(x), ints("kernel_shape", 3, 2));
    OnnxGradient mean =
        of(Operator.AVERAGE_POOL, List.of(x), ints("kernel_shape", 3, 2), ints("pads", 1, 1, 1, 0));
    for (OnnxGradient gradient : List.of(max, mean)) {
      assertFalse(gradient.operators().contains("MaxPoolGrad"));
      assertFalse(gradient.operators().contains("AveragePoolGrad"));
      assertArrayEquals(x.shape(), gradient.run(3).get("din0").shape());
    }
  }

  /** A window without a largest element has an index that is none. */
  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY})
  void maxPoolOfNoNumbers(float value) {
    float[] values = new float[2 * 3 * 4 * 4];
    Arrays.fill(values, value);
    OnnxGradient gradient =
        of(
            Operator.MAX_POOL,
            List.of(Tensor.of(values, 2, 3, 4, 4)),
            ints("kernel_shape", 2, 2),
            ints("strides", 2, 2));
    try {
      assertEquals(96, gradient.run(2).get("din0").elements());
    } catch (BadInputException e) {
      assertTrue(e.getMessage().contains("GatherElementsGrad"), e.getMessage());
    }
  }

  /** ConvGrad clears all of dX for each group, from the group's own beginning on. */
  @Test
  void groupedConvolutionsOfOneAndThreeDimensions() {
    Attribute groups = Attribute.of("group", 8);
    Map<String, Tensor> line =
        of(Operator.CONV, List.of(random(4, 16, 257), random(8, 2, 3)), groups).run(20);
    Map<String, Tensor> space =
        of(Operator.CONV, List.of(random(2, 16, 9, 11, 7), random(16, 2, 3, 2, 1)), groups).run(20);
    for (Map<String, Tensor> gradients : List.of(line, space)) {
      assertTrue(gradients.values().stream().allMatch(Tensor::finite));
    }
  }

  /** The kernel counts as if there were no pads, and would write past the columns it made. */
  @ParameterizedTest
  @ValueSource(strings = {"SAME_UPPER", "SAME_LOWER"})
  void autoPadIsWrittenOut(String how) {
    OnnxGradient gradient =
        of(
            Operator.CONV,
            List.of(random(2, 3, 31, 17), random(4, 3, 5, 3)),
            Attribute.of("auto_pad", how),
            ints("kernel_shape", 5, 3));
    var kernel =
        gradient.graph().proto().getNodeList().stream()
            .filter(n -> n.getOpType().equals("ConvGrad"))
            .findFirst()
            .orElseThrow();
    assertTrue(
        kernel.getAttributeList().stream()
            .anyMatch(
                a ->
                    a.getName().equals("pads") && a.getIntsList().equals(List.of(2L, 1L, 2L, 1L))));
    assertTrue(kernel.getAttributeList().stream().noneMatch(a -> a.getName().equals("auto_pad")));
    gradient.run(20);
  }

  /** The kernel reads as many scales as there are normalised elements. */
  @Test
  void layerNormalizationOfAScaleThatBroadcasts() {
    Map<String, Tensor> gradients =
        of(Operator.LAYER_NORMALIZATION, List.of(random(64, 512), random(1), random(512))).run(20);
    assertArrayEquals(new long[] {1}, gradients.get("din1").shape());
    assertArrayEquals(new long[] {512}, gradients.get("din2").shape());
  }

  private record Malformed(String title, Operator operator, List<Tensor> inputs, Attribute... a) {
    @Override
    public String toString() {
      return title;
    }
  }

  static Stream<Malformed> malformed() {
    Tensor x = random(1, 2, 5, 5);
    Tensor w = random(2, 2, 3, 3);
    Tensor c = random(2);
    return Stream.of(
        new Malformed("no spatial axis", Operator.CONV, List.of(random(2, 2), random(2, 2))),
        new Malformed("weights of another rank", Operator.CONV, List.of(x, random(2, 2, 3))),
        new Malformed("no group", Operator.CONV, List.of(x, w), Attribute.of("group", 0)),
        new Malformed("groups below 0", Operator.CONV, List.of(x, w), Attribute.of("group", -1)),
        new Malformed("too few strides", Operator.CONV, List.of(x, w), ints("strides", 1)),
        new Malformed("stride 0", Operator.CONV, List.of(x, w), ints("strides", 1, 0)),
        new Malformed("dilation 0", Operator.CONV, List.of(x, w), ints("dilations", 0, 1)),
        new Malformed("negative pads", Operator.CONV, List.of(x, w), ints("pads", 0, -1, 0, 0)),
        new Malformed("too many pads", Operator.CONV, List.of(x, w), ints("pads", 0, 0, 0, 0, 1)),
        new Malformed(
            "huge pads", Operator.CONV, List.of(x, w), ints("pads", 0, Long.MAX_VALUE, 0, 0)),
        new Malformed(
            "a kernel of another rank", Operator.CONV, List.of(x, w), ints("kernel_shape", 3)),
        new Malformed(
            "SAME without a kernel",
            Operator.CONV,
            List.of(x, w),
            Attribute.of("auto_pad", "SAME_UPPER")),
        new Malformed(
            "output_shape of another rank",
            Operator.CONV_TRANSPOSE,
            List.of(x, w),
            ints("output_shape", 5)),
        new Malformed("no kernel", Operator.AVERAGE_POOL, List.of(x)),
        new Malformed(
            "column-major indices",
            Operator.MAX_POOL,
            List.of(x),
            ints("kernel_shape", 2, 2),
            Attribute.of("storage_order", 1)),
        new Malformed(
            "an axis that is none", Operator.LAYER_NORMALIZATION, List.of(x, c), Attribute.axis(7)),
        new Malformed("no groups", Operator.GROUP_NORMALIZATION, List.of(x, c, c)),
        new Malformed("no size", Operator.LRN, List.of(x)),
        new Malformed("p 3", Operator.LP_NORMALIZATION, List.of(x), Attribute.of("p", 3)));
  }

  @ParameterizedTest
  @MethodSource
  void malformed(Malformed m) {
    BadInputException e =
        assertThrows(BadInputException.class, () -> of(m.operator(), m.inputs(), m.a()));
    assertTrue(e.getMessage().contains(m.operator().type()), e.getMessage());
  }
}
