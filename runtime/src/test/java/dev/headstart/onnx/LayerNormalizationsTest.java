package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.headstart.ort.OrtRuntime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerNormalizationsTest {
  private static final long SEED = Long.getLong("headstart.seed", 5);
  private static final float EPSILON = 1e-5f;

  private static long count(OnnxModel model, String operator) {
    return model.proto().getGraph().getNodeList().stream()
        .filter(n -> n.getOpType().equals(operator))
        .count();
  }

  @Test
  void rewritesTheThirteenOfMiniLm() {
    OnnxModel model = Runs.bundled(Runs.MINILM);
    assertEquals(26, count(model, "ReduceMean"));
    assertEquals(13, count(model, "Pow"));
    OnnxModel rewritten = LayerNormalizations.reproducible(model);
    assertEquals(0, count(rewritten, "ReduceMean"));
    assertEquals(0, count(rewritten, "Pow"));
    assertEquals(5 * 13, count(rewritten, "ReduceSum"));
    assertEquals(model.inputs().toString(), rewritten.inputs().toString());
    assertEquals(model.outputs().toString(), rewritten.outputs().toString());
    ModelCheck.check(rewritten.proto());

    // Weights stay, and so does the name and the shape of every output of a normalization.
    var weights = rewritten.initializers();
    weights.keySet().removeIf(name -> name.startsWith("headstart."));
    assertEquals(model.initializers(), weights);
    var before = ShapeInference.infer(model);
    var after = ShapeInference.infer(rewritten);
    for (int i = 0; i < 6; i++) {
      for (String part : new String[] {"attention/output", "output"}) {
        String name = "/encoder/layer." + i + "/" + part + "/LayerNorm/Add_1_output_0";
        name = name.startsWith("/encoder/layer.5/output") ? "last_hidden_state" : name;
        assertArrayEquals(new long[] {-1, -1, 384}, before.get(name).shape());
        assertArrayEquals(new long[] {-1, -1, 384}, after.get(name).shape());
        assertEquals(ElementType.FLOAT, after.get(name).type());
      }
    }
    assertSame(rewritten, LayerNormalizations.reproducible(rewritten));
  }

  @Test
  void leavesAModelWithoutThemUntouched() {
    OnnxModel model = Runs.bundled(Runs.EFFICIENTNET);
    assertSame(model, LayerNormalizations.reproducible(model));
  }

  /**
   * A normalization of x [2, 5, width], nearly.
   *
   * @param flaw what is not as it should be; empty for nothing
   */
  private static OnnxModel model(int opset, int width, String flaw) {
    GraphBuilder g = new GraphBuilder("norm", opset);
    Value x = g.input("x", ElementType.FLOAT, -1, 5, width);
    Value other = g.input("other", ElementType.FLOAT, -1, 5, width);
    float[][] weights = weights(width);
    Value weight = g.initializer("w", Tensor.of(weights[0], width));
    Value bias = g.initializer("b", Tensor.of(weights[1], width));
    if (flaw.equals("bias is not one row")) {
      bias = other;
    }
    Value exponent = g.constant(Tensor.scalar(flaw.equals("exponent is 4") ? 4 : 2));
    Value mean = mean(g, x, flaw.equals("mean is over another axis") ? 1 : -1);
    Value d = g.node(Operator.SUB, List.of(flaw.equals("centres another") ? other : x, mean));
    Value square = g.node(Operator.POW, List.of(flaw.equals("squares another") ? x : d, exponent));
    Value variance = mean(g, square, flaw.equals("variance is over another axis") ? 1 : -1);
    Value epsilon = g.constant(Tensor.scalar(EPSILON));
    Value deviation =
        g.node(Operator.SQRT, List.of(g.node(Operator.ADD, List.of(epsilon, variance))));
    List<Value> quotient =
        flaw.equals("divides the other way") ? List.of(deviation, d) : List.of(d, deviation);
    Value divided = g.node(Operator.DIV, quotient);
    // Factors and terms in another order than PyTorch's.
    Value scaled = g.node(Operator.MUL, List.of(weight, divided));
    Value y = g.named("y", Operator.ADD, List.of(bias, scaled));
    if (flaw.equals("its difference is an output")) {
      g.output(d, ElementType.FLOAT, -1, 5, width);
    }
    return g.output(y, ElementType.FLOAT, -1, 5, width).build();
  }

  private static Value mean(GraphBuilder g, Value x, int axis) {
    return g.opset() < 18
        ? g.node(Operator.REDUCE_MEAN, List.of(x), Attribute.of("axes", new long[] {axis}))
        : g.node(Operator.REDUCE_MEAN, List.of(x, g.constant(Tensor.vector(axis))));
  }

  private static float[][] weights(int width) {
    Random random = new Random(SEED);
    float[][] weights = new float[2][width];
    for (int i = 0; i < width; i++) {
      weights[0][i] = 1 + (float) random.nextGaussian() / 4;
      weights[1][i] = (float) random.nextGaussian();
    }
    return weights;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bias is not one row",
        "exponent is 4",
        "mean is over another axis",
        "variance is over another axis",
        "centres another",
        "squares another",
        "divides the other way"
      })
  void leavesWhatOnlyLooksLikeOne(String flaw) {
    OnnxModel model = model(11, 16, flaw);
    assertSame(model, LayerNormalizations.reproducible(model));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 12, 383})
  void leavesAWidthThatEightDoesNotDivide(int width) {
    OnnxModel model = model(11, width, "");
    assertSame(model, LayerNormalizations.reproducible(model));
  }

  @Test
  void keepsATensorInsideThatAnOutputNeeds() {
    OnnxModel rewritten =
        LayerNormalizations.reproducible(model(11, 16, "its difference is an output"));
    assertEquals(1, count(rewritten, "ReduceMean"));
    var results = Runs.run(rewritten, Runs.inputs(rewritten, 2, 5, SEED));
    assertEquals(List.of("y"), results.keySet().stream().filter("y"::equals).toList());
    assertEquals(2, results.size());
  }

  /** Against the formula in double, and to the bit against the order that the class promises. */
  @ParameterizedTest
  @CsvSource({"11,8", "11,384", "13,16", "17,768", "18,384"})
  void computesALayerNormalization(int opset, int width) {
    System.out.println("seed " + SEED);
    OnnxModel model = model(opset, width, "");
    OnnxModel rewritten = LayerNormalizations.reproducible(model);
    assertEquals(0, count(rewritten, "ReduceMean"));
    ModelCheck.check(rewritten.proto());

    Random random = new Random(SEED);
    List<float[]> rows = new ArrayList<>();
    for (int row = 0; row < 10; row++) {
      float[] x = new float[width];
      // The last row has no variance, the one before it almost none.
      for (int i = 0; i < width; i++) {
        float value = (float) random.nextGaussian();
        x[i] = row == 9 ? 3 : row == 8 ? value * 1e-4f : value * (1 + row) + row;
      }
      rows.add(x);
    }
    float[] all = new float[10 * width];
    for (int row = 0; row < 10; row++) {
      System.arraycopy(rows.get(row), 0, all, row * width, width);
    }
    Tensor x = Tensor.of(all, 2, 5, width);
    float[] y = Runs.run(rewritten, Map.of("x", x, "other", x)).get("y").floats();
    float[][] weights = weights(width);
    for (int row = 0; row < 10; row++) {
      float[] actual = Arrays.copyOfRange(y, row * width, (row + 1) * width);
      double[] expected = naive(rows.get(row), weights[0], weights[1]);
      for (int i = 0; i < width; i++) {
        assertEquals(expected[i], actual[i], 2e-6, "row " + row + ", element " + i);
      }
      if (OrtRuntime.platform().endsWith("x86_64")) {
        assertArrayEquals(inOrder(rows.get(row), weights[0], weights[1]), actual, "row " + row);
      }
    }
  }

  private static double[] naive(float[] x, float[] weight, float[] bias) {
    double mean = 0;
    for (float v : x) {
      mean += v / (double) x.length;
    }
    double variance = 0;
    for (float v : x) {
      variance += (v - mean) * (v - mean) / x.length;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (x[i] - mean) / Math.sqrt(variance + EPSILON) * weight[i] + bias[i];
    }
    return y;
  }

  private static float[] inOrder(float[] x, float[] weight, float[] bias) {
    double sum = 0;
    for (float v : x) {
      sum += v;
    }
    float mean = (float) (sum / x.length);
    float[] lanes = new float[8];
    for (int i = 0; i < x.length; i++) {
      lanes[i % 8] = Math.fma(x[i] - mean, x[i] - mean, lanes[i % 8]);
    }
    for (int half = 4; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        lanes[lane] += lanes[lane + half];
      }
    }
    float inverse = 1 / (float) Math.sqrt(lanes[0] / x.length + EPSILON);
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (float) ((double) ((x[i] - mean) * inverse) * weight[i] + bias[i]);
    }
    return y;
  }
}
