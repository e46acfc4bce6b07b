package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static dev.headstart.gradient.GradientCase.ints;
import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Cases of {@link ReductionRules}. */
final class ReductionCases {
  private ReductionCases() {}

  static void addTo(List<GradientCase> cases) {
    others(cases);
    running(cases);
    largest(cases);
    for (long keep : new long[] {0, 1}) {
      Attribute keepdims = Attribute.of("keepdims", keep);
      for (String operator : List.of("ReduceSum", "ReduceMean")) {
        cases.add(of(operator, "all, keepdims " + keep).by("x", 2, 3, 2).node(keepdims));
        for (long[] axes : new long[][] {{1}, {-1}, {0, 2}, {-3, 1}}) {
          String title = Arrays.toString(axes) + ", keepdims " + keep;
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

  private static void others(List<GradientCase> cases) {
    for (String operator :
        List.of(
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceSumSquare")) {
      for (long keep : new long[] {0, 1}) {
        Attribute keepdims = Attribute.of("keepdims", keep);
        cases.add(positive(operator, "all, keepdims " + keep, 17).node(keepdims));
        cases.add(positive(operator, "all, keepdims " + keep, 18).node(keepdims));
        for (long[] axes : new long[][] {{1}, {-1}, {0, 2}, {-3, 1}}) {
          String title = Arrays.toString(axes) + ", keepdims " + keep;
          for (int opset : new int[] {11, 13}) {
            cases.add(positive(operator, title, opset).node(keepdims, ints("axes", axes)));
          }
          cases.add(
              positive(operator, title, 18).given("axes", Tensor.vector(axes)).node(keepdims));
        }
        cases.add(
            positive(operator, "no axes, all, keepdims " + keep, 18)
                .given("axes", Tensor.vector())
                .node(keepdims));
        cases.add(
            positive(operator, "no axes, no reduction, keepdims " + keep, 18)
                .given("axes", Tensor.vector())
                .node(keepdims, Attribute.of("noop_with_empty_axes", 1)));
      }
    }
    for (String operator : List.of("ReduceMax", "ReduceProd", "ReduceL1", "ReduceLogSumExp")) {
      cases.add(
          of(operator, "of both signs")
              .range(-2, 2.2f)
              .distinct()
              .by("x", 2, 6)
              .node(ints("axes", 1)));
    }
    for (long zeros = 1; zeros <= 2; zeros++) {
      Tensor mask = Tensor.of(new float[] {0, 1, zeros == 1 ? 1 : 0, 1}, 4);
      cases.add(
          of("ReduceProd", "with zeros: " + zeros)
              .range(0.5f, 2)
              .by("x", 3, 4)
              .given("mask", mask)
              .by("y", 3, 4)
              .graph(
                  (g, in) -> {
                    // x - x is 0 and yet depends on x; its derivative is by way of the mask
                    Value masked = append(g, "Mul", List.of(in.get("x"), in.get("mask")));
                    Value difference = append(g, "Sub", List.of(in.get("y"), in.get("y")));
                    Value sum = append(g, "Add", List.of(masked, difference));
                    return List.of(append(g, "ReduceProd", List.of(sum), ints("axes", -1)));
                  }));
    }
  }

  private static GradientCase positive(String operator, String title, int opset) {
    return of(operator, title + ", opset " + opset)
        .opset(opset)
        .range(0.5f, 2)
        .distinct()
        .by("x", 2, 3, 2);
  }

  private static void running(List<GradientCase> cases) {
    for (int flags = 0; flags < 4; flags++) {
      for (long axis : new long[] {0, 2, -2}) {
        cases.add(
            of("CumSum", "axis " + axis + ", flags " + flags)
                .opset(flags == 3 ? 11 : 14)
                .by("x", 2, 3, 4)
                .given("axis", Tensor.vector(axis).reshape())
                .node(Attribute.of("exclusive", flags & 1), Attribute.of("reverse", flags >> 1)));
      }
    }
    cases.add(
        of("CumSum", "axis as a vector of one").by("x", 5).given("axis", Tensor.vector(0)).node());
  }

  private static void largest(List<GradientCase> cases) {
    for (long largest : new long[] {0, 1}) {
      for (long axis : new long[] {0, 1, -1}) {
        cases.add(
            of("TopK", "axis " + axis + ", largest " + largest)
                .opset(11)
                .distinct()
                .by("x", 3, 4, 2)
                .given("k", Tensor.vector(2))
                .graph(
                    (g, in) ->
                        values(g, in, Attribute.axis(axis), Attribute.of("largest", largest))));
      }
    }
    cases.add(
        of("TopK", "not sorted")
            .distinct()
            .by("x", 3, 5)
            .given("k", Tensor.vector(3))
            .graph((g, in) -> values(g, in, Attribute.of("sorted", 0))));
  }

  private static List<Value> values(
      GraphBuilder g, Map<String, Value> in, Attribute... attributes) {
    return append(g, "TopK", List.copyOf(in.values()), 2, attributes).subList(0, 1);
  }
}
