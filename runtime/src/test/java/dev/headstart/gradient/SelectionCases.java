package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static dev.headstart.gradient.GradientCase.bools;
import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.List;

/** Cases of {@link SelectionRules}. */
final class SelectionCases {
  private SelectionCases() {}

  static void addTo(List<GradientCase> cases) {
    gathers(cases);
    slices(cases);
    scatters(cases);
    others(cases);
  }

  private static Tensor indices(long[] shape, long... values) {
    return Tensor.of(values, shape);
  }

  private static void gathers(List<GradientCase> cases) {
    for (long axis : new long[] {0, 1, 2, -1, -3}) {
      for (int opset : new int[] {11, 13}) {
        cases.add(
            of("Gather", "twice the same, from the end, axis " + axis + ", opset " + opset)
                .opset(opset)
                .by("x", 3, 2, 4)
                .given("indices", indices(new long[] {2, 2}, 1, 0, -1, 1))
                .node(Attribute.axis(axis)));
      }
      cases.add(
          of("Gather", "one, axis " + axis)
              .by("x", 3, 2, 4)
              .given("index", Tensor.vector(-2).reshape())
              .node(Attribute.axis(axis)));
    }
    cases.add(
        of("Gather", "embedding of int32")
            .by("words", 7, 3)
            .given("ids", int32(new long[] {2, 4}, 0, 6, 6, 3, 1, -1, 0, 0))
            .node());
    cases.add(
        of("Gather", "none at all")
            .by("x", 3, 2)
            .by("y", 2)
            .given("indices", indices(new long[] {0}))
            .graph(
                (g, in) -> {
                  Value none = append(g, "Gather", List.of(in.get("x"), in.get("indices")));
                  Value row =
                      append(g, "Unsqueeze", List.of(in.get("y"), g.constant(Tensor.vector(0))));
                  return List.of(append(g, "Concat", List.of(none, row), Attribute.axis(0)));
                }));
    for (long axis : new long[] {0, 1, -1}) {
      cases.add(
          of("GatherElements", "axis " + axis)
              .opset(11)
              .by("x", 3, 4)
              .given("indices", indices(new long[] {2, 3}, 0, 2, -1, 1, 1, 0))
              .node(Attribute.axis(axis)));
    }
    cases.add(
        of("GatherND", "elements")
            .opset(11)
            .by("x", 3, 4)
            .given("indices", indices(new long[] {4, 2}, 0, 1, 2, -1, 0, 1, -3, 0))
            .node());
    cases.add(
        of("GatherND", "rows")
            .by("x", 3, 4)
            .given("indices", indices(new long[] {2, 2, 1}, 2, 0, -1, 2))
            .node());
    cases.add(
        of("GatherND", "in a batch")
            .opset(12)
            .by("x", 2, 3, 2)
            .given("indices", indices(new long[] {2, 2, 1}, 1, 1, -1, 0))
            .node(Attribute.of("batch_dims", 1)));
  }

  private static Tensor int32(long[] shape, int... values) {
    Tensor tensor = Tensor.zeros(ElementType.INT32, shape);
    tensor.data().asIntBuffer().put(values);
    return tensor;
  }

  private static void slices(List<GradientCase> cases) {
    slice(cases, "from the front", new long[] {1}, new long[] {3});
    slice(cases, "two axes", new long[] {0, 1}, new long[] {2, -1});
    slice(cases, "axes", new long[] {1, 0}, new long[] {3, 2}, new long[] {-1, 0});
    slice(cases, "to the end", new long[] {-2}, new long[] {Long.MAX_VALUE}, new long[] {1});
    slice(cases, "past the end", new long[] {1}, new long[] {100}, new long[] {2});
    long[] last = {2};
    slice(cases, "step 2", new long[] {0}, new long[] {5}, last, new long[] {2});
    slice(cases, "step 3", new long[] {1}, new long[] {100}, last, new long[] {3});
    slice(cases, "step 7", new long[] {1}, new long[] {100}, last, new long[] {7});
    slice(cases, "reversed", new long[] {-1}, new long[] {-100}, last, new long[] {-1});
    slice(cases, "step -2", new long[] {4}, new long[] {0}, last, new long[] {-2});
    slice(
        cases,
        "step -2 past the front",
        new long[] {100},
        new long[] {-100},
        last,
        new long[] {-2});
    slice(
        cases,
        "all axes, mixed",
        new long[] {-1, 2, 0},
        new long[] {Long.MIN_VALUE, 0, 4},
        new long[] {0, 1, 2},
        new long[] {-1, -1, 2});
    for (long step : new long[] {1, 2, -1, -2}) {
      cases.add(
          of("Slice", "constant step " + step)
              .by("x", 3, 5)
              .graph(
                  (g, in) ->
                      List.of(
                          append(
                              g,
                              "Slice",
                              List.of(
                                  in.get("x"),
                                  g.constant(Tensor.vector(step > 0 ? 1 : 100)),
                                  g.constant(
                                      Tensor.vector(step > 0 ? Long.MAX_VALUE : Long.MIN_VALUE)),
                                  g.constant(Tensor.vector(-1)),
                                  g.constant(Tensor.vector(step)))))));
    }
    cases.add(
        of("Slice", "of int32")
            .by("x", 2, 3, 5)
            .given("starts", int32(new long[] {2}, 1, -1))
            .given("ends", int32(new long[] {2}, 3, Integer.MIN_VALUE))
            .given("axes", int32(new long[] {2}, -1, 1))
            .given("steps", int32(new long[] {2}, 1, -2))
            .node());
    cases.add(
        of("Slice", "steps without axes")
            .by("x", 4, 3)
            .given("starts", Tensor.vector(0, 2))
            .given("ends", Tensor.vector(4, 0))
            .given("steps", Tensor.vector(3, -1))
            .graph(
                (g, in) ->
                    List.of(
                        append(
                            g,
                            "Slice",
                            List.of(
                                in.get("x"),
                                in.get("starts"),
                                in.get("ends"),
                                g.absent(),
                                in.get("steps"))))));
    cases.add(
        of("Slice", "nothing is left")
            .by("x", 3, 2)
            .by("y", 1, 2)
            .given("starts", Tensor.vector(2))
            .given("ends", Tensor.vector(1))
            .graph(
                (g, in) -> {
                  Value none =
                      append(g, "Slice", List.of(in.get("x"), in.get("starts"), in.get("ends")));
                  return List.of(
                      append(g, "Concat", List.of(none, in.get("y")), Attribute.axis(0)));
                }));
    cases.add(
        of("Slice", "the first half, by Shape at run time")
            .by("x", 2, 6)
            .graph(
                (g, in) -> {
                  Value shape = append(g, "Shape", List.of(in.get("x")));
                  Value width = append(g, "Gather", List.of(shape, g.constant(Tensor.vector(1))));
                  Value half = append(g, "Div", List.of(width, g.constant(Tensor.vector(2))));
                  Value zero = g.constant(Tensor.vector(0));
                  Value one = g.constant(Tensor.vector(1));
                  return List.of(append(g, "Slice", List.of(in.get("x"), zero, half, one)));
                }));
  }

  private static void slice(List<GradientCase> cases, String title, long[]... ranges) {
    for (int opset : new int[] {11, 13}) {
      GradientCase slice = of("Slice", title + ", opset " + opset).opset(opset).by("x", 2, 3, 5);
      for (int i = 0; i < ranges.length; i++) {
        slice.given("range" + i, Tensor.vector(ranges[i]));
      }
      cases.add(slice.node());
    }
  }

  private static void scatters(List<GradientCase> cases) {
    for (String reduction : List.of("none", "add")) {
      Attribute attribute = Attribute.of("reduction", reduction);
      for (long axis : new long[] {0, 1, -1}) {
        cases.add(
            scatter(
                of("ScatterElements", reduction + ", axis " + axis)
                    .opset(16)
                    .by("data", 3, 4)
                    .by("updates", 2, 3),
                indices(new long[] {2, 3}, 0, 2, -1, 1, 0, -2),
                attribute,
                Attribute.axis(axis)));
      }
      cases.add(
          scatter(
              of("ScatterND", reduction).opset(16).by("data", 3, 4).by("updates", 2, 4),
              indices(new long[] {2, 1}, 2, -3),
              attribute));
      cases.add(
          scatter(
              of("ScatterND", reduction + ", elements").opset(16).by("data", 3, 4).by("updates", 3),
              indices(new long[] {3, 2}, 2, 0, 0, -1, 1, 1),
              attribute));
    }
    cases.add(
        scatter(
            of("ScatterElements", "add, twice the same").opset(16).by("data", 4).by("updates", 3),
            indices(new long[] {3}, 1, 1, -1),
            Attribute.of("reduction", "add")));
    cases.add(
        scatter(
            of("ScatterND", "add, twice the same").opset(16).by("data", 4).by("updates", 3),
            indices(new long[] {3, 1}, 1, 1, -1),
            Attribute.of("reduction", "add")));
    cases.add(
        scatter(
            of("ScatterElements", "opset 11").opset(11).by("data", 4).by("updates", 2),
            indices(new long[] {2}, 3, 0)));
    cases.add(
        scatter(
            of("ScatterND", "opset 11").opset(11).by("data", 4).by("updates", 2),
            indices(new long[] {2, 1}, 3, 0)));
  }

  private static GradientCase scatter(
      GradientCase scatter, Tensor indices, Attribute... attributes) {
    return scatter
        .given("indices", indices)
        .graph(
            (g, in) ->
                List.of(
                    append(
                        g,
                        scatter.operator,
                        List.of(in.get("data"), in.get("indices"), in.get("updates")),
                        attributes)));
  }

  private static void others(List<GradientCase> cases) {
    cases.add(
        of("Compress", "flat")
            .by("x", 2, 3)
            .given("condition", bools(true, false, true, true))
            .node());
    for (long axis : new long[] {0, -2}) {
      cases.add(
          of("Compress", "axis " + axis)
              .opset(11)
              .by("x", 3, 2)
              .given("condition", bools(false, true, true))
              .node(Attribute.axis(axis)));
    }
    for (long upper : new long[] {0, 1}) {
      cases.add(of("Trilu", "upper " + upper).by("x", 2, 3, 4).node(Attribute.of("upper", upper)));
      for (long k : new long[] {-1, 1, 5}) {
        cases.add(
            of("Trilu", "upper " + upper + ", diagonal " + k)
                .by("x", 4, 3)
                .given("k", Tensor.vector(k).reshape())
                .node(Attribute.of("upper", upper)));
      }
    }
    cases.add(of("Trilu", "by default").by("x", 3, 3).node());
    cases.add(
        of("ReverseSequence", "time first")
            .opset(11)
            .by("x", 4, 2, 2)
            .given("lengths", Tensor.vector(3, 1))
            .node());
    cases.add(
        of("ReverseSequence", "batch first")
            .by("x", 2, 4)
            .given("lengths", Tensor.vector(4, 2))
            .node(Attribute.of("batch_axis", 0), Attribute.of("time_axis", 1)));
  }
}
