package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.gradient.GradientCase.Known;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of the table against central differences. Another seed: {@code -Dheadstart.seed=N}. */
class GradientRulesTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261101);

  @BeforeAll
  static void needsTrainingKernels() {
    Training.require();
    System.out.println("GradientRulesTest: headstart.seed=" + SEED);
  }

  private static GradientCase of(String operator, String title) {
    return GradientCase.of(operator, title);
  }

  private static Attribute ints(String name, long... values) {
    return Attribute.of(name, values);
  }

  private static Tensor bools(boolean... values) {
    Tensor tensor = Tensor.zeros(ElementType.BOOL, values.length);
    var data = tensor.data();
    for (boolean value : values) {
      data.put((byte) (value ? 1 : 0));
    }
    return tensor;
  }

  private static Tensor bool(boolean value) {
    return bools(value).reshape();
  }

  static Stream<GradientCase> cases() {
    List<GradientCase> cases = new ArrayList<>();
    elementwise(cases);
    reductions(cases);
    shapes(cases);
    matrices(cases);
    normalisationsAndLosses(cases);
    chains(cases);
    WindowCases.addTo(cases);
    NormalisationCases.addTo(cases);
    return cases.stream();
  }

  private static void elementwise(List<GradientCase> cases) {
    for (String operator : List.of("Identity", "Neg", "Exp", "Sigmoid", "Tanh", "Softplus")) {
      cases.add(of(operator, "matrix").by("x", 3, 4).node());
      cases.add(of(operator, "scalar").by("x").node());
      cases.add(of(operator, "4-D").by("x", 2, 1, 3, 2).node());
    }
    for (String operator : List.of("Relu", "Abs")) {
      cases.add(of(operator, "matrix").awayFromZero().by("x", 3, 4).node());
    }
    for (String operator : List.of("Log", "Sqrt")) {
      cases.add(of(operator, "positive").range(0.5f, 3).by("x", 3, 4).node());
    }
    for (float alpha : new float[] {0.01f, 0, 0.5f, 1.5f, -0.3f}) {
      cases.add(
          of("LeakyRelu", "alpha " + alpha)
              .awayFromZero()
              .by("x", 3, 4)
              .node(Attribute.of("alpha", alpha)));
    }
    cases.add(of("LeakyRelu", "default alpha").awayFromZero().by("x", 12).node());
    cases.add(
        of("Cast", "float to float")
            .by("x", 3, 2)
            .node(Attribute.of("to", ElementType.FLOAT.code())));
    cases.add(
        of("Cast", "by way of double")
            .by("x", 3, 2)
            .graph(
                (g, in) -> {
                  Value wide =
                      g.node(
                          Operator.CAST,
                          List.of(in.get("x")),
                          Attribute.of("to", ElementType.DOUBLE.code()));
                  Value exp = g.node(Operator.EXP, List.of(wide));
                  return List.of(
                      g.node(
                          Operator.CAST,
                          List.of(exp),
                          Attribute.of("to", ElementType.FLOAT.code())));
                }));
    for (String operator : List.of("Add", "Sub", "Mul", "Div")) {
      binary(cases, operator, 2, 3);
      binary(cases, operator, 3);
      binary(cases, operator);
      binary(cases, operator, 1, 3);
      binary(cases, operator, 2, 1);
      binary(cases, operator, 1, 1);
      binary(cases, operator, 4, 2, 3);
      binary(cases, operator, 4, 1, 3);
      binary(cases, operator, 1, 2, 1);
      cases.add(
          of(operator, "both ways")
              .awayFromZero()
              .range(0.5f, 2)
              .by("a", 2, 1, 3)
              .by("b", 4, 1)
              .node());
    }
    cases.add(
        of("Mul", "of a tensor by itself")
            .by("x", 2, 3)
            .graph((g, in) -> List.of(g.node(Operator.MUL, List.of(in.get("x"), in.get("x"))))));
    for (float exponent : new float[] {2, 1, 0, 3, 0.5f, -1.5f}) {
      cases.add(
          of("Pow", "exponent " + exponent)
              .range(0.5f, 2)
              .by("x", 2, 3)
              .given("b", Tensor.scalar(exponent))
              .node());
    }
    cases.add(
        of("Pow", "negative base, exponents of int64, broadcast")
            .awayFromZero()
            .by("x", 2, 3)
            .given("b", Tensor.of(new long[] {3, 2, 0}, 3))
            .node());
    cases.add(
        of("Pow", "exponents broadcast the base")
            .range(0.5f, 2)
            .by("x", 3)
            .given("b", Tensor.of(new float[] {3, 2, 0, 1, 1.5f, -1}, 2, 3))
            .node());
    cases.add(of("Sum", "of one").by("a", 2, 3).node());
    cases.add(of("Sum", "of two").by("a", 2, 3).by("b", 3).node());
    cases.add(of("Sum", "of three, broadcast").by("a", 2, 1).by("b").by("c", 4, 1, 3).node());
    Tensor condition = bools(true, false, true);
    cases.add(
        of("Where", "full")
            .by("a", 2, 3)
            .by("b", 2, 3)
            .given("c", condition)
            .graph((g, in) -> List.of(where(g, in.get("c"), in.get("a"), in.get("b")))));
    cases.add(
        of("Where", "broadcast")
            .by("a", 2, 1)
            .by("b")
            .given("c", condition)
            .graph((g, in) -> List.of(where(g, in.get("c"), in.get("a"), in.get("b")))));
    cases.add(
        of("Dropout", "inference mode")
            .by("x", 3, 4)
            .given("ratio", Tensor.scalar(0.5f))
            .graph(
                (g, in) ->
                    List.of(
                        g.node(
                            Operator.DROPOUT,
                            List.of(in.get("x"), in.get("ratio"), g.constant(bool(false)))))));
    cases.add(of("Dropout", "without options").by("x", 3, 4).node());
    for (float ratio : new float[] {0, 0.3f, 0.9f}) {
      cases.add(
          of("Dropout", "training mode, ratio " + ratio)
              .by("x", 4, 5)
              .stateful()
              .graph(
                  (g, in) ->
                      List.of(
                          g.node(
                              Operator.DROPOUT,
                              List.of(
                                  in.get("x"),
                                  g.constant(Tensor.scalar(ratio)),
                                  g.constant(bool(true))),
                              Attribute.of("seed", 7)))));
    }
    cases.add(
        of("Dropout", "training mode, ratio by default, mask named")
            .by("x", 4, 5)
            .stateful()
            .graph(
                (g, in) ->
                    g.nodes(
                            Operator.DROPOUT,
                            List.of(in.get("x"), g.absent(), g.constant(bool(true))),
                            2,
                            Attribute.of("seed", 7))
                        .subList(0, 1)));
  }

  private static Value where(dev.headstart.onnx.GraphBuilder g, Value condition, Value a, Value b) {
    return g.node(Operator.WHERE, List.of(condition, a, b));
  }

  private static void binary(List<GradientCase> cases, String operator, long... shape) {
    String title = java.util.Arrays.toString(shape);
    cases.add(
        of(operator, "[2, 3] with " + title).range(0.5f, 2).by("a", 2, 3).by("b", shape).node());
    cases.add(
        of(operator, title + " with [2, 3]").range(0.5f, 2).by("a", shape).by("b", 2, 3).node());
  }

  private static void reductions(List<GradientCase> cases) {
    for (long keep : new long[] {0, 1}) {
      Attribute keepdims = Attribute.of("keepdims", keep);
      for (String operator : List.of("ReduceSum", "ReduceMean")) {
        cases.add(of(operator, "all, keepdims " + keep).by("x", 2, 3, 2).node(keepdims));
        for (long[] axes : new long[][] {{1}, {-1}, {0, 2}, {-3, 1}}) {
          String title = java.util.Arrays.toString(axes) + ", keepdims " + keep;
          if (operator.equals("ReduceMean")) {
            cases.add(
                of(operator, title + ", opset 13")
                    .opset(13)
                    .by("x", 2, 3, 2)
                    .node(keepdims, ints("axes", axes)));
          }
          cases.add(
              of(operator, title + ", opset 18")
                  .opset(18)
                  .by("x", 2, 3, 2)
                  .given("axes", Tensor.vector(axes))
                  .node(keepdims));
        }
        cases.add(
            of(operator, "no axes, no reduction, keepdims " + keep)
                .opset(18)
                .by("x", 2, 3)
                .given("axes", Tensor.vector())
                .node(keepdims, Attribute.of("noop_with_empty_axes", 1)));
      }
    }
  }

  private static void shapes(List<GradientCase> cases) {
    cases.add(
        of("Reshape", "with -1 and 0")
            .by("x", 2, 3, 4)
            .given("shape", Tensor.vector(0, -1, 2))
            .node());
    cases.add(of("Reshape", "to a scalar").by("x", 1, 1).given("shape", Tensor.vector()).node());
    for (long axis : new long[] {0, 1, 2, -1, 3}) {
      cases.add(of("Flatten", "axis " + axis).by("x", 2, 3, 4).node(Attribute.axis(axis)));
    }
    cases.add(of("Flatten", "default axis").by("x", 2, 3, 2).node());
    cases.add(of("Squeeze", "all").by("x", 1, 3, 1, 2).node());
    cases.add(of("Squeeze", "axes").by("x", 1, 3, 1).given("axes", Tensor.vector(-1)).node());
    cases.add(of("Unsqueeze", "axes").by("x", 3, 2).given("axes", Tensor.vector(0, -1)).node());
    cases.add(of("Transpose", "reversed").by("x", 2, 3, 4).node());
    cases.add(of("Transpose", "cycle").by("x", 2, 3, 4).node(ints("perm", 1, 2, 0)));
    cases.add(of("Concat", "first axis").by("a", 2, 3).by("b", 1, 3).node(Attribute.axis(0)));
    cases.add(
        of("Concat", "last axis, three")
            .by("a", 2, 3)
            .by("b", 2, 1)
            .by("c", 2, 2)
            .node(Attribute.axis(-1)));
    cases.add(
        of("Concat", "a tensor with itself")
            .by("a", 2, 3)
            .graph(
                (g, in) ->
                    List.of(
                        g.node(
                            Operator.CONCAT,
                            List.of(in.get("a"), in.get("a")),
                            Attribute.axis(1)))));
  }

  private static void matrices(List<GradientCase> cases) {
    for (int flags = 0; flags < 4; flags++) {
      boolean transA = (flags & 1) != 0;
      boolean transB = (flags & 2) != 0;
      long[] a = transA ? new long[] {4, 2} : new long[] {2, 4};
      long[] b = transB ? new long[] {3, 4} : new long[] {4, 3};
      Attribute[] attributes = {
        Attribute.of("transA", transA ? 1 : 0), Attribute.of("transB", transB ? 1 : 0)
      };
      cases.add(of("Gemm", "flags " + flags).by("a", a).by("b", b).node(attributes));
      cases.add(of("Gemm", "with C, " + flags).by("a", a).by("b", b).by("c", 3).node(attributes));
      cases.add(
          of("Gemm", "alpha and beta, " + flags)
              .by("a", a)
              .by("b", b)
              .by("c", 2, 3)
              .node(
                  attributes[0],
                  attributes[1],
                  Attribute.of("alpha", 0.7f),
                  Attribute.of("beta", -1.3f)));
    }
    for (long[] c : new long[][] {{}, {1}, {1, 3}, {2, 1}, {1, 1}}) {
      cases.add(
          of("Gemm", "C " + java.util.Arrays.toString(c))
              .by("a", 2, 4)
              .by("b", 4, 3)
              .by("c", c)
              .node());
    }
    cases.add(of("Gemm", "one row").by("a", 1, 4).by("b", 4, 3).by("c", 1, 3).node());
    cases.add(
        of("Gemm", "beta 0").by("a", 2, 4).by("b", 4, 3).by("c", 3).node(Attribute.of("beta", 0f)));
    long[][][] products = {
      {{2, 3}, {3, 4}},
      {{3}, {3}},
      {{3}, {3, 4}},
      {{2, 3}, {3}},
      {{5, 2, 3}, {3, 4}},
      {{2, 2, 2, 3}, {3, 2}},
      {{2, 3}, {5, 3, 2}},
      {{4, 2, 3}, {4, 3, 2}},
      {{1, 2, 3}, {4, 3, 2}},
      {{4, 1, 2, 3}, {2, 3, 2}},
      {{2, 1, 2, 3}, {1, 3, 3, 2}},
      {{3}, {2, 3, 2}},
      {{2, 2, 3}, {3}},
    };
    for (long[][] shapes : products) {
      cases.add(
          of("MatMul", java.util.Arrays.deepToString(shapes))
              .by("a", shapes[0])
              .by("b", shapes[1])
              .node());
    }
  }

  private static void normalisationsAndLosses(List<GradientCase> cases) {
    for (String operator : List.of("Softmax", "LogSoftmax")) {
      cases.add(of(operator, "default axis").by("x", 3, 4).node());
      for (long axis : new long[] {0, 1, 2, -2, -3}) {
        cases.add(of(operator, "axis " + axis).by("x", 2, 3, 4).node(Attribute.axis(axis)));
      }
      cases.add(of(operator, "opset 13").opset(13).by("x", 2, 3).node());
    }
    Tensor labels = Tensor.of(new long[] {2, 0, 1, 2, -100}, 5);
    Tensor weights = Tensor.of(new float[] {0.5f, 2, 1.25f}, 3);
    for (String reduction : List.of("mean", "sum", "none")) {
      for (boolean weighted : new boolean[] {false, true}) {
        for (boolean ignoring : new boolean[] {false, true}) {
          cases.add(
              of(
                      "SoftmaxCrossEntropyLoss",
                      reduction + (weighted ? ", weights" : "") + (ignoring ? ", ignored" : ""))
                  .by("x", ignoring ? 5 : 4, 3)
                  .given("labels", ignoring ? labels : Tensor.of(new long[] {2, 0, 1, 2}, 4))
                  .given("weights", weights)
                  .graph(
                      (g, in) -> {
                        List<Value> inputs = new ArrayList<>(in.values());
                        if (!weighted) {
                          inputs.remove(2);
                        }
                        List<Attribute> attributes = new ArrayList<>();
                        attributes.add(Attribute.of("reduction", reduction));
                        if (ignoring) {
                          attributes.add(Attribute.of("ignore_index", -100));
                        }
                        return List.of(
                            g.node(
                                Operator.SOFTMAX_CROSS_ENTROPY_LOSS,
                                inputs,
                                attributes.toArray(Attribute[]::new)));
                      }));
        }
      }
    }
    cases.add(
        of("SoftmaxCrossEntropyLoss", "through loss and log-probabilities")
            .by("x", 4, 3)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 4))
            .graph(
                (g, in) ->
                    g.nodes(Operator.SOFTMAX_CROSS_ENTROPY_LOSS, List.copyOf(in.values()), 2)));
    cases.add(
        of("SoftmaxCrossEntropyLoss", "through log-probabilities only")
            .by("x", 4, 3)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 4))
            .graph(
                (g, in) ->
                    g.nodes(Operator.SOFTMAX_CROSS_ENTROPY_LOSS, List.copyOf(in.values()), 2)
                        .subList(1, 2)));
    cases.add(
        of("SoftmaxCrossEntropyLoss", "a label a position")
            .by("x", 2, 3, 2)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 2, 2))
            .node());
  }

  /** Several uses of one tensor, paths that join, tensors nothing depends on. */
  private static void chains(List<GradientCase> cases) {
    cases.add(
        of("Mul", "x · sigmoid(x) + x")
            .by("x", 3, 2)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value swish =
                      g.node(Operator.MUL, List.of(x, g.node(Operator.SIGMOID, List.of(x))));
                  return List.of(g.node(Operator.ADD, List.of(swish, x)), swish);
                }));
    cases.add(
        of("Mul", "by a constant of another path, with a stop edge")
            .range(0.5f, 2)
            .by("x", 3, 2)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value shape = g.node(Operator.SHAPE, List.of(x));
                  Value flat = g.node(Operator.RESHAPE, List.of(x, g.constant(Tensor.vector(-1))));
                  Value back = g.node(Operator.RESHAPE, List.of(flat, shape));
                  return List.of(g.node(Operator.MUL, List.of(back, back)));
                }));
    cases.add(
        of("MatMul", "two layers with a shared weight")
            .by("x", 2, 3)
            .by("w", 3, 3)
            .by("b", 3)
            .graph(
                (g, in) -> {
                  Value h = in.get("x");
                  for (int i = 0; i < 2; i++) {
                    h = g.node(Operator.MAT_MUL, List.of(h, in.get("w")));
                    h =
                        g.node(
                            Operator.TANH, List.of(g.node(Operator.ADD, List.of(h, in.get("b")))));
                  }
                  return List.of(g.node(Operator.SOFTMAX, List.of(h)));
                }));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithCentralDifferences(GradientCase gradientCase) {
    for (Known known : Known.values()) {
      if (gradientCase.isRefused(known)) {
        assertThrows(BadInputException.class, () -> gradientCase.error(SEED, known));
        continue;
      }
      double error = gradientCase.error(SEED, known);
      assertTrue(
          error < 3e-3, gradientCase + ", known " + known + ": off by " + error + ", seed " + SEED);
    }
  }

  @Test
  void everyRowHasACase() {
    Set<String> missing = new HashSet<>(GradientRules.operators());
    cases().forEach(c -> missing.remove(c.operator));
    assertEquals(Set.of(), missing, "rows of GradientRules without a case here");
  }
}
