package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static dev.headstart.gradient.GradientCase.bool;
import static dev.headstart.gradient.GradientCase.bools;
import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link ElementwiseRules}. */
final class ElementwiseCases {
  private ElementwiseCases() {}

  static void addTo(List<GradientCase> cases) {
    functions(cases);
    activations(cases);
    gelus(cases);
    shared(cases);
    limits(cases);
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

  private static Value where(GraphBuilder g, Value condition, Value a, Value b) {
    return g.node(Operator.WHERE, List.of(condition, a, b));
  }

  private static void binary(List<GradientCase> cases, String operator, long... shape) {
    String title = Arrays.toString(shape);
    cases.add(
        of(operator, "[2, 3] with " + title).range(0.5f, 2).by("a", 2, 3).by("b", shape).node());
    cases.add(
        of(operator, title + " with [2, 3]").range(0.5f, 2).by("a", shape).by("b", 2, 3).node());
  }

  private static void functions(List<GradientCase> cases) {
    for (String operator :
        List.of("Erf", "Sin", "Cos", "Atan", "Sinh", "Cosh", "Asinh", "Softsign", "Mish")) {
      cases.add(of(operator, "matrix").awayFromZero().opset(18).by("x", 3, 4).node());
      cases.add(of(operator, "scalar").awayFromZero().opset(20).by("x").node());
    }
    cases.add(of("Tan", "between its poles").range(-1, 1).by("x", 3, 4).node());
    for (String operator : List.of("Asin", "Acos", "Atanh")) {
      cases.add(of(operator, "within -1 and 1").range(-0.8f, 0.8f).by("x", 3, 4).node());
    }
    cases.add(of("Acosh", "above 1").range(1.3f, 3).by("x", 3, 4).node());
    cases.add(of("Reciprocal", "positive").range(0.5f, 2).by("x", 3, 4).node());
    cases.add(of("Reciprocal", "negative").range(-2, -0.5f).by("x", 4).node());
    cases.add(
        of("CastLike", "double to float")
            .by("x", 2, 3)
            .given("like", Tensor.scalar(0))
            .graph(
                (g, in) -> {
                  Attribute wide = Attribute.of("to", ElementType.DOUBLE.code());
                  Value exp =
                      append(g, "Exp", List.of(append(g, "Cast", List.of(in.get("x")), wide)));
                  return List.of(append(g, "CastLike", List.of(exp, in.get("like"))));
                }));
    cases.add(
        of("Dropout", "opset 11, ratio as an attribute, not training")
            .opset(11)
            .by("x", 3, 4)
            .node(Attribute.of("ratio", 0.4f)));
    cases.add(
        of("Dropout", "opset 12, ratio as an input, not training")
            .opset(12)
            .by("x", 3, 4)
            .given("ratio", Tensor.scalar(0.4f))
            .node());
  }

  private static void activations(List<GradientCase> cases) {
    for (String operator : List.of("Elu", "Selu", "HardSigmoid", "HardSwish", "Celu")) {
      cases.add(
          of(operator, "by default")
              .opset(14)
              .awayFrom(0, 3, -3, 2.5f, -2.5f)
              .range(-5, 5)
              .by("x", 3, 5)
              .node());
    }
    for (float alpha : new float[] {0.3f, 1, 2.5f}) {
      Attribute attribute = Attribute.of("alpha", alpha);
      cases.add(of("Elu", "alpha " + alpha).opset(11).awayFromZero().by("x", 2, 7).node(attribute));
      cases.add(
          of("Celu", "alpha " + alpha).opset(12).awayFromZero().by("x", 2, 7).node(attribute));
      cases.add(
          of("ThresholdedRelu", "alpha " + alpha).awayFrom(alpha).by("x", 2, 7).node(attribute));
      cases.add(
          of("Selu", "alpha " + alpha)
              .awayFromZero()
              .by("x", 2, 7)
              .node(attribute, Attribute.of("gamma", 0.7f)));
      cases.add(
          of("HardSigmoid", "alpha " + alpha)
              .awayFrom(-0.4f / alpha, 0.6f / alpha)
              .by("x", 2, 7)
              .node(attribute, Attribute.of("beta", 0.4f)));
    }
    cases.add(of("ThresholdedRelu", "by default").awayFrom(1).by("x", 2, 7).node());
    cases.add(of("Shrink", "by default").awayFrom(0.5f, -0.5f).by("x", 2, 7).node());
    cases.add(
        of("Shrink", "with a bias")
            .awayFrom(0.8f, -0.8f)
            .by("x", 2, 7)
            .node(Attribute.of("lambd", 0.8f), Attribute.of("bias", 0.3f)));
    for (long[] slope : new long[][] {{}, {1}, {4}, {3, 1}, {3, 4}, {1, 1, 1}, {2, 1, 4}}) {
      cases.add(
          of("PRelu", "slope " + Arrays.toString(slope))
              .awayFromZero()
              .by("x", 2, 3, 4)
              .by("slope", slope)
              .node());
    }
    cases.add(
        of("PRelu", "a slope a channel, opset 11")
            .opset(11)
            .awayFromZero()
            .by("x", 2, 3, 2, 2)
            .by("slope", 3, 1, 1)
            .node());
  }

  private static void gelus(List<GradientCase> cases) {
    cases.add(of("Gelu", "exact").opset(20).range(-4, 4).by("x", 3, 5).node());
    for (String approximate : List.of("none", "tanh")) {
      cases.add(
          of("Gelu", approximate)
              .opset(20)
              .range(-4, 4)
              .by("x", 2, 3, 2)
              .node(Attribute.of("approximate", approximate)));
    }
    cases.add(of("com.microsoft.Gelu", "exact").range(-4, 4).by("x", 3, 5).node());
    cases.add(of("com.microsoft.QuickGelu", "by default").range(-4, 4).by("x", 3, 5).node());
    for (float alpha : new float[] {1, -0.5f}) {
      cases.add(
          of("com.microsoft.QuickGelu", "alpha " + alpha)
              .by("x", 3, 5)
              .node(Attribute.of("alpha", alpha)));
    }
    cases.add(of("com.microsoft.FastGelu", "without a bias").range(-4, 4).by("x", 3, 5).node());
    for (String operator : List.of("FastGelu", "BiasGelu")) {
      cases.add(of("com.microsoft." + operator, "matrix").by("x", 3, 5).by("bias", 5).node());
      cases.add(of("com.microsoft." + operator, "text").by("x", 2, 3, 4).by("bias", 4).node());
    }
  }

  private static void shared(List<GradientCase> cases) {
    for (String operator : List.of("Max", "Min", "Mean")) {
      cases.add(of(operator, "of one").distinct().by("a", 2, 3).node());
      cases.add(of(operator, "of two").distinct().by("a", 2, 3).by("b", 2, 3).node());
      cases.add(of(operator, "with a scalar").distinct().by("a", 2, 3).by("b").node());
      cases.add(
          of(operator, "of three, broadcast")
              .opset(11)
              .distinct()
              .by("a", 2, 1)
              .by("b", 3)
              .by("c", 4, 1, 3)
              .node());
      cases.add(
          of(operator, "of four").distinct().by("a", 4).by("b", 4).by("c", 4).by("d", 1).node());
    }
    cases.add(
        of("Mod", "both sides")
            .range(2.2f, 2.8f)
            .by("a", 2, 3)
            .by("b", 2, 1)
            .graph(
                (g, in) -> {
                  // 4a, from 8.8 to 11.2, over b + 1.55, from 3.75 to 4.35: twice, and a rest
                  Value a = append(g, "Mul", List.of(in.get("a"), g.constant(Tensor.scalar(4))));
                  Value b =
                      append(g, "Add", List.of(in.get("b"), g.constant(Tensor.scalar(1.55f))));
                  return List.of(
                      append(g, "Mod", List.of(append(g, "Neg", List.of(a)), b), fmod()),
                      append(g, "Mod", List.of(a, b), fmod()));
                }));
    cases.add(of("Pow", "trained exponent").range(0.5f, 2).by("a", 2, 3).by("b", 2, 3).node());
    cases.add(of("Pow", "trained exponent, a scalar").range(0.5f, 2).by("a", 2, 3).by("b").node());
    cases.add(
        of("Pow", "trained exponent, broadcast").range(0.5f, 2).by("a", 3).by("b", 2, 1).node());
  }

  private static Attribute fmod() {
    return Attribute.of("fmod", 1);
  }

  private static void limits(List<GradientCase> cases) {
    Tensor low = Tensor.scalar(-0.7f);
    Tensor high = Tensor.scalar(1.1f);
    for (int opset : new int[] {11, 12, 13}) {
      cases.add(
          of("Clip", "both limits, opset " + opset)
              .opset(opset)
              .awayFrom(-0.7f, 1.1f)
              .by("x", 3, 4)
              .given("low", low)
              .given("high", high)
              .node());
    }
    cases.add(of("Clip", "no limits").by("x", 3, 4).node());
    cases.add(of("Clip", "from below").awayFrom(-0.7f).by("x", 3, 4).given("low", low).node());
    cases.add(
        of("Clip", "from above")
            .awayFrom(1.1f)
            .by("x", 3, 4)
            .given("high", high)
            .graph(
                (g, in) ->
                    List.of(append(g, "Clip", List.of(in.get("x"), g.absent(), in.get("high"))))));
  }
}
