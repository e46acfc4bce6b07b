package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Collection;
import java.util.List;

/** Cases of {@link NormalisationRules}. */
final class NormalisationCases {
  private NormalisationCases() {}

  static void addTo(List<GradientCase> cases) {
    layers(cases);
    skips(cases);
    batches(cases);
    groups(cases);
    others(cases);
  }

  private static GradientCase of(String operator, String title) {
    return GradientCase.of(operator, title);
  }

  private static void layers(List<GradientCase> cases) {
    String operator = "LayerNormalization";
    cases.add(of(operator, "default axis").by("x", 3, 4).by("scale", 4).by("b", 4).node());
    cases.add(of(operator, "no bias").by("x", 2, 3, 4).by("scale", 4).node());
    for (long axis : new long[] {1, -2}) {
      cases.add(
          of(operator, "axis " + axis)
              .by("x", 2, 3, 2)
              .by("scale", 3, 2)
              .by("b", 3, 2)
              .node(Attribute.axis(axis), Attribute.of("epsilon", 0.1f)));
    }
    cases.add(
        of(operator, "all axes")
            .by("x", 2, 3)
            .by("scale", 2, 3)
            .by("b", 2, 3)
            .node(Attribute.axis(0)));
    cases.add(
        of(operator, "scale and bias broadcast, differently")
            .by("x", 2, 3, 4)
            .by("scale", 4)
            .by("b", 3, 1)
            .node(Attribute.axis(1)));
    cases.add(of(operator, "one scale for all").by("x", 2, 4).by("scale", 1).by("b", 1).node());
    cases.add(
        of(operator, "an export before opset 17")
            .opset(15)
            .by("x", 2, 4)
            .by("scale", 4)
            .by("b", 4)
            .node());
    cases.add(
        of(operator, "statistics named, input only")
            .by("x", 2, 4)
            .given("scale", Tensor.of(new float[] {1, -2, 0, 3}, 4))
            .graph(
                (g, in) ->
                    g.nodes(Operator.LAYER_NORMALIZATION, List.of(in.get("x"), in.get("scale")), 3)
                        .subList(0, 1)));
    cases.add(
        of("SimplifiedLayerNormalization", "default axis")
            .by("x", 2, 3, 4)
            .by("scale", 4)
            .node(Attribute.of("epsilon", 0.01f)));
    cases.add(
        of("SimplifiedLayerNormalization", "axis 1")
            .by("x", 2, 3, 2)
            .by("scale", 3, 2)
            .node(Attribute.axis(1)));
  }

  private static void skips(List<GradientCase> cases) {
    String operator = "com.microsoft.SkipLayerNormalization";
    cases.add(skip("with bias").by("beta", 4).by("bias", 4));
    cases.add(skip("without bias").by("beta", 4));
    cases.add(skip("without beta"));
    cases.add(
        of(operator, "and its sum")
            .by("x", 2, 3, 4)
            .by("skip", 2, 3, 4)
            .by("gamma", 4)
            .graph(
                (g, in) -> {
                  List<Value> y =
                      g.append(
                          Operator.MS_SKIP_LAYER_NORMALIZATION,
                          List.copyOf(in.values()),
                          List.of("y", "", "", "sum"),
                          Attribute.of("epsilon", 0.01f));
                  return List.of(y.get(0), y.get(3));
                }));
  }

  private static GradientCase skip(String title) {
    return of("com.microsoft.SkipLayerNormalization", title)
        .by("x", 2, 3, 4)
        .by("skip", 2, 3, 4)
        .by("gamma", 4)
        .graph(
            (g, in) ->
                List.of(
                    g.node(
                        Operator.MS_SKIP_LAYER_NORMALIZATION,
                        List.copyOf(in.values()),
                        Attribute.of("epsilon", 0.01f))));
  }

  private static void batches(List<GradientCase> cases) {
    Tensor mean = Tensor.of(new float[] {0.3f, -1, 0.5f}, 3);
    Tensor variance = Tensor.of(new float[] {0.5f, 2, 1}, 3);
    for (int opset : new int[] {13, 14, 17}) {
      cases.add(
          of("BatchNormalization", "frozen, opset " + opset)
              .opset(opset)
              .by("x", 2, 3, 2, 2)
              .by("scale", 3)
              .by("b", 3)
              .given("mean", mean)
              .given("var", variance)
              .node(Attribute.of("epsilon", 0.01f)));
    }
    cases.add(
        of("BatchNormalization", "frozen, of a matrix")
            .by("x", 4, 3)
            .by("scale", 3)
            .by("b", 3)
            .given("mean", mean)
            .given("var", variance)
            .node());
    cases.add(
        of("BatchNormalization", "frozen, input only")
            .by("x", 2, 3, 2)
            .given("scale", variance)
            .given("b", mean)
            .given("mean", mean)
            .given("var", variance)
            .node());
    for (long[] shape : new long[][] {{5, 3}, {2, 3, 2, 2}}) {
      cases.add(
          of("BatchNormalization", "training mode, rank " + shape.length)
              .by("x", shape)
              .by("scale", 3)
              .by("b", 3)
              .given("mean", mean)
              .given("var", variance)
              .graph((g, in) -> training(g, in.values(), Operator.BATCH_NORMALIZATION, 3)));
      cases.add(
          of("com.microsoft.BatchNormInternal", "rank " + shape.length)
              .by("x", shape)
              .by("scale", 3)
              .by("b", 3)
              .given("mean", mean)
              .given("var", variance)
              .graph((g, in) -> training(g, in.values(), Operator.MS_BATCH_NORM_INTERNAL, 5)));
    }
  }

  private static List<Value> training(
      GraphBuilder g, Collection<Value> inputs, Operator operator, int outputs) {
    return g.nodes(
            operator,
            List.copyOf(inputs),
            outputs,
            Attribute.of("training_mode", 1),
            Attribute.of("epsilon", 0.01f))
        .subList(0, 1);
  }

  private static void groups(List<GradientCase> cases) {
    cases.add(of("InstanceNormalization", "1-D").by("x", 2, 3, 4).by("scale", 3).by("b", 3).node());
    cases.add(
        of("InstanceNormalization", "2-D")
            .by("x", 2, 2, 3, 2)
            .by("scale", 2)
            .by("b", 2)
            .node(Attribute.of("epsilon", 0.1f)));
    cases.add(
        of("GroupNormalization", "scale for each group, opset 18")
            .opset(18)
            .by("x", 2, 4, 2, 2)
            .by("scale", 2)
            .by("b", 2)
            .node(Attribute.of("num_groups", 2)));
    for (long groups : new long[] {1, 2, 4}) {
      cases.add(
          of("GroupNormalization", "scale for each channel, opset 21, groups " + groups)
              .opset(21)
              .by("x", 2, 4, 3)
              .by("scale", 4)
              .by("b", 4)
              .node(Attribute.of("num_groups", groups), Attribute.of("epsilon", 0.01f)));
    }
  }

  private static void others(List<GradientCase> cases) {
    cases.add(of("MeanVarianceNormalization", "default axes").by("x", 2, 2, 2, 3).node());
    cases.add(
        of("MeanVarianceNormalization", "chosen axes")
            .by("x", 2, 2, 4)
            .node(Attribute.of("axes", new long[] {-1})));
    for (long p : new long[] {1, 2}) {
      for (long axis : new long[] {-1, 1, 0}) {
        cases.add(
            of("LpNormalization", "p " + p + ", axis " + axis)
                .awayFromZero()
                .by("x", 2, 3, 2)
                .node(Attribute.axis(axis), Attribute.of("p", p)));
      }
    }
    for (long size : new long[] {1, 3, 5}) {
      cases.add(
          of("LRN", "size " + size)
              .by("x", 2, 4, 2, 2)
              .node(
                  Attribute.of("size", size),
                  Attribute.of("alpha", 0.5f),
                  Attribute.of("beta", 0.6f),
                  Attribute.of("bias", 1.5f)));
    }
  }
}
