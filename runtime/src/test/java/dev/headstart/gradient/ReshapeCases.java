package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static dev.headstart.gradient.GradientCase.ints;
import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link ReshapeRules}. */
final class ReshapeCases {
  private ReshapeCases() {}

  static void addTo(List<GradientCase> cases) {
    splits(cases);
    repeats(cases);
    pads(cases);
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

  private static void splits(List<GradientCase> cases) {
    cases.add(of("Split", "equal parts").opset(13).by("x", 4, 2).nodes(2));
    cases.add(of("Split", "equal parts, opset 11").opset(11).by("x", 4, 2).nodes(2));
    cases.add(
        of("Split", "sizes as an attribute, opset 11")
            .opset(11)
            .by("x", 2, 6)
            .nodes(3, Attribute.axis(-1), ints("split", 1, 3, 2)));
    cases.add(
        of("Split", "sizes as an input")
            .by("x", 2, 6)
            .given("sizes", Tensor.vector(1, 3, 2))
            .nodes(3, Attribute.axis(1)));
    cases.add(
        of("Split", "a number of parts, the last one smaller")
            .opset(18)
            .by("x", 2, 5)
            .nodes(3, Attribute.axis(1), Attribute.of("num_outputs", 3)));
    for (int used = 0; used < 3; used++) {
      int part = used;
      cases.add(
          of("Split", "only part " + part + " is used")
              .by("x", 2, 6)
              .graph(
                  (g, in) ->
                      append(g, "Split", List.of(in.get("x")), 3, Attribute.axis(1))
                          .subList(part, part + 1)));
    }
  }

  private static void repeats(List<GradientCase> cases) {
    for (long[] shape : new long[][] {{3, 4}, {2, 3, 4}, {1, 1}, {2, 1, 1, 4}, {3, 1}, {4}, {1}}) {
      cases.add(
          of("Expand", "to " + Arrays.toString(shape))
              .by("x", 3, shape.length == 1 || shape[shape.length - 1] == 1 ? 2 : 1)
              .given("shape", Tensor.vector(shape))
              .graph(
                  (g, in) ->
                      shape.length == 1 && shape[0] == 4
                          ? List.of(
                              append(
                                  g,
                                  "Expand",
                                  List.of(
                                      append(
                                          g,
                                          "ReduceSum",
                                          List.of(in.get("x")),
                                          Attribute.of("keepdims", 0)),
                                      in.get("shape"))))
                          : List.of(append(g, "Expand", List.copyOf(in.values())))));
    }
    for (long[] repeats : new long[][] {{1, 1, 1}, {2, 1, 3}, {3, 2, 2}}) {
      cases.add(
          of("Tile", Arrays.toString(repeats))
              .by("x", 2, 1, 3)
              .given("repeats", Tensor.vector(repeats))
              .node());
    }
    cases.add(of("Tile", "vector").opset(11).by("x", 3).given("repeats", Tensor.vector(4)).node());
  }

  private static void pads(List<GradientCase> cases) {
    for (int opset : new int[] {11, 13, 18}) {
      cases.add(pad("constant", opset, 0, 1, 2, 0).node());
    }
    cases.add(pad("constant", 13, 0, 0, 0, 0).node());
    cases.add(pad("constant", 13, -1, 2, 1, -2).node());
    cases.add(pad("constant", 13, -1, -1, 0, -1).node(Attribute.of("mode", "constant")));
    cases.add(pad("constant", 13, 1, 1, 1, 1).given("value", Tensor.scalar(1.5f)).node());
    cases.add(
        of("Pad", "constant, of some axes, opset 18")
            .opset(18)
            .by("x", 3, 4, 2)
            .given("pads", Tensor.vector(1, 2, -1, 0))
            .given("value", Tensor.scalar(-1))
            .given("axes", Tensor.vector(-2, 0))
            .node());
    for (String mode : List.of("edge", "reflect")) {
      for (int opset : new int[] {11, 18}) {
        cases.add(pad(mode, opset, 2, 1, 1, 3).node(Attribute.of("mode", mode)));
      }
      cases.add(
          of("Pad", mode + ", of one axis")
              .opset(18)
              .by("x", 3, 4, 2)
              .given("pads", Tensor.vector(1, 2))
              .graph(
                  (g, in) ->
                      List.of(
                          append(
                              g,
                              "Pad",
                              List.of(
                                  in.get("x"),
                                  in.get("pads"),
                                  g.absent(),
                                  g.constant(Tensor.vector(1))),
                              Attribute.of("mode", mode)))));
    }
    cases.add(pad("wrap", 19, 2, 1, 1, 3).node(Attribute.of("mode", "wrap")));
  }

  private static GradientCase pad(String mode, int opset, long... pads) {
    return of("Pad", mode + " " + Arrays.toString(pads) + ", opset " + opset)
        .opset(opset)
        .by("x", 3, 4)
        .given("pads", Tensor.vector(pads));
  }
}
