package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link WindowRules}. */
final class WindowCases {
  private WindowCases() {}

  static void addTo(List<GradientCase> cases) {
    convolutions(cases);
    transposedConvolutions(cases);
    pools(cases);
    resizes(cases);
    blocks(cases);
  }

  private static GradientCase of(String operator, String title) {
    return GradientCase.of(operator, title).range(-1, 1);
  }

  private static Attribute ints(String name, long... values) {
    return Attribute.of(name, values);
  }

  private static Attribute auto(String how) {
    return Attribute.of("auto_pad", how);
  }

  private static Attribute group(long group) {
    return Attribute.of("group", group);
  }

  private static void convolutions(List<GradientCase> cases) {
    cases.add(conv("1-D").by("x", 2, 3, 5).by("w", 4, 3, 3).node());
    cases.add(
        conv("1-D, groups, stride, uneven pads, dilation, bias")
            .by("x", 2, 4, 7)
            .by("w", 6, 2, 2)
            .by("b", 6)
            .node(group(2), ints("strides", 2), ints("pads", 1, 2), ints("dilations", 2)));
    cases.add(conv("1-D, depthwise").by("x", 2, 4, 5).by("w", 4, 1, 3).by("b", 4).node(group(4)));
    cases.add(
        conv("1-D, SAME_LOWER")
            .by("x", 1, 2, 5)
            .by("w", 2, 2, 4)
            .node(auto("SAME_LOWER"))
            .needsSizes());
    cases.add(conv("2-D").by("x", 2, 2, 4, 3).by("w", 3, 2, 2, 3).by("b", 3).node());
    cases.add(conv("1 by 1").by("x", 2, 3, 3, 2).by("w", 4, 3, 1, 1).by("b", 4).node());
    cases.add(
        conv("1 by 1, stride").by("x", 2, 3, 5, 4).by("w", 2, 3, 1, 1).node(ints("strides", 2, 3)));
    cases.add(
        conv("uneven pads, strides, dilations")
            .by("x", 1, 2, 5, 6)
            .by("w", 2, 2, 3, 2)
            .by("b", 2)
            .node(
                ints("pads", 1, 0, 2, 3),
                ints("strides", 2, 1),
                ints("dilations", 1, 2),
                ints("kernel_shape", 3, 2)));
    cases.add(conv("groups").by("x", 2, 4, 3, 4).by("w", 6, 2, 2, 2).by("b", 6).node(group(2)));
    cases.add(
        conv("depthwise, stride, pads")
            .by("x", 2, 3, 5, 4)
            .by("w", 3, 1, 3, 3)
            .by("b", 3)
            .node(group(3), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1)));
    cases.add(
        conv("depthwise, two for each channel")
            .by("x", 1, 2, 4, 4)
            .by("w", 4, 1, 2, 2)
            .node(group(2)));
    cases.add(
        conv("depthwise, two for each channel, odd pads, dilation")
            .by("x", 2, 3, 5, 4)
            .by("w", 6, 1, 2, 3)
            .by("b", 6)
            .node(
                group(3),
                ints("pads", 1, 0, 2, 1),
                ints("dilations", 2, 1),
                ints("kernel_shape", 2, 3)));
    cases.add(
        conv("depthwise, pads beyond the kernel")
            .by("x", 1, 2, 3, 3)
            .by("w", 2, 1, 2, 1)
            .node(group(2), ints("pads", 2, 0, 1, 1), ints("kernel_shape", 2, 1)));
    cases.add(conv("depthwise, one pixel").by("x", 2, 3, 2, 2).by("w", 3, 1, 1, 1).node(group(3)));
    cases.add(
        conv("1-D, depthwise, pads")
            .by("x", 2, 3, 4)
            .by("w", 3, 1, 3)
            .node(group(3), ints("pads", 1, 1)));
    cases.add(conv("one sample, one pixel").by("x", 1, 1, 1, 1).by("w", 1, 1, 1, 1).node());
    cases.add(
        conv("weights only")
            .given("x", Tensor.of(new float[] {1, -2, 3, 4, 5, -6, 7, 8, 9}, 1, 1, 3, 3))
            .by("w", 2, 1, 2, 2)
            .graph((g, in) -> List.of(g.node(Operator.CONV, List.of(in.get("x"), in.get("w"))))));
    cases.add(
        conv("bias only")
            .given("x", Tensor.of(new float[] {1, 2, 3, 4}, 1, 1, 2, 2))
            .given("w", Tensor.of(new float[] {1, 2}, 2, 1, 1, 1))
            .by("b", 2)
            .graph(
                (g, in) ->
                    List.of(
                        g.node(Operator.CONV, List.of(in.get("x"), in.get("w"), in.get("b"))))));
    for (String how : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      GradientCase strided =
          conv(how + ", strides, even kernel")
              .by("x", 1, 2, 5, 6)
              .by("w", 2, 2, 4, 3)
              .node(auto(how), ints("strides", 2, 3), ints("kernel_shape", 4, 3));
      cases.add(how.equals("VALID") ? strided : strided.needsSizes());
      cases.add(
          conv(how + ", stride 1")
              .by("x", 1, 2, 5, 6)
              .by("w", 2, 2, 2, 3)
              .node(auto(how), ints("kernel_shape", 2, 3)));
      cases.add(
          conv(how + ", groups, stride larger than the kernel")
              .by("x", 1, 2, 7, 5)
              .by("w", 2, 1, 2, 1)
              .node(auto(how), group(2), ints("strides", 3, 2), ints("kernel_shape", 2, 1)));
      if (!how.equals("VALID")) {
        cases.get(cases.size() - 1).needsSizes();
      }
    }
    cases.add(
        conv("3-D, pads, strides")
            .by("x", 1, 2, 3, 4, 3)
            .by("w", 2, 2, 2, 2, 2)
            .by("b", 2)
            .node(ints("pads", 1, 0, 0, 0, 1, 1), ints("strides", 1, 2, 1)));
    cases.add(
        conv("3-D, groups, pads, strides, dilations")
            .by("x", 2, 4, 4, 3, 3)
            .by("w", 2, 2, 2, 2, 1)
            .by("b", 2)
            .node(
                group(2),
                ints("pads", 1, 0, 0, 2, 1, 1),
                ints("strides", 3, 2, 2),
                ints("dilations", 2, 1, 1)));
    cases.add(
        conv("3-D, depthwise, input only")
            .by("x", 1, 3, 2, 3, 2)
            .given("w", Tensor.of(new float[] {1, -2, 3, 4, .5f, 1.5f}, 3, 1, 1, 2, 1))
            .node(group(3)));
    cases.add(
        conv("two after another, a kink between")
            .by("x", 1, 2, 4, 4)
            .by("v", 3, 2, 3, 3)
            .by("w", 2, 3, 1, 1)
            .graph(
                (g, in) -> {
                  Value h =
                      g.node(
                          Operator.CONV,
                          List.of(in.get("x"), in.get("v")),
                          ints("pads", 1, 1, 1, 1));
                  h = g.node(Operator.TANH, List.of(h));
                  return List.of(g.node(Operator.CONV, List.of(h, in.get("w"))));
                }));
  }

  private static GradientCase conv(String title) {
    return of("Conv", title);
  }

  private static void transposedConvolutions(List<GradientCase> cases) {
    cases.add(back("1-D, groups").by("x", 2, 4, 3).by("w", 4, 2, 3).by("b", 4).node(group(2)));
    cases.add(back("2-D").by("x", 2, 2, 3, 2).by("w", 2, 3, 2, 3).by("b", 3).node());
    cases.add(
        back("strides, uneven pads, dilations, output_padding")
            .by("x", 1, 2, 3, 3)
            .by("w", 2, 2, 3, 2)
            .by("b", 2)
            .node(
                ints("strides", 3, 2),
                ints("pads", 1, 0, 2, 1),
                ints("dilations", 1, 2),
                ints("output_padding", 2, 1)));
    cases.add(
        back("groups, stride larger than the kernel")
            .by("x", 2, 4, 2, 3)
            .by("w", 4, 3, 2, 1)
            .by("b", 6)
            .node(group(2), ints("strides", 3, 2)));
    cases.add(back("depthwise").by("x", 1, 3, 3, 2).by("w", 3, 1, 2, 2).node(group(3)));
    cases.add(
        back("3-D, groups, strides, pads")
            .by("x", 1, 2, 2, 3, 2)
            .by("w", 2, 2, 2, 3, 2)
            .by("b", 4)
            .node(group(2), ints("strides", 2, 1, 1), ints("pads", 0, 1, 0, 1, 0, 1)));
    for (String how : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      cases.add(
          back(how)
              .by("x", 1, 2, 3, 3)
              .by("w", 2, 2, 3, 4)
              .node(auto(how), ints("strides", 2, 1), ints("kernel_shape", 3, 4)));
    }
    for (String how : List.of("NOTSET", "SAME_UPPER", "SAME_LOWER")) {
      cases.add(
          back("output_shape, " + how)
              .by("x", 1, 2, 3, 3)
              .by("w", 2, 2, 3, 4)
              .needsSizes()
              .node(
                  auto(how),
                  ints("strides", 2, 2),
                  ints("output_shape", 6, 7),
                  ints("kernel_shape", 3, 4)));
    }
  }

  private static GradientCase back(String title) {
    return of("ConvTranspose", title);
  }

  private static void pools(List<GradientCase> cases) {
    for (String operator : List.of("MaxPool", "AveragePool", "LpPool")) {
      boolean max = operator.equals("MaxPool");
      // LpPool-18 and AveragePool-19 have what MaxPool has since opset 10.
      int opset = operator.equals("LpPool") ? 18 : 19;
      cases.add(pool(operator, "1-D", 17).by("x", 2, 2, 5).node(ints("kernel_shape", 2)));
      cases.add(
          pool(operator, "1-D, stride, pads", 17)
              .by("x", 1, 2, 7)
              .node(ints("kernel_shape", 3), ints("strides", 2), ints("pads", 2, 1)));
      cases.add(
          pool(operator, "2-D", 17)
              .by("x", 2, 2, 4, 4)
              .node(ints("kernel_shape", 2, 2), ints("strides", 2, 2)));
      cases.add(
          pool(operator, "overlapping, uneven pads", 17)
              .by("x", 1, 2, 5, 4)
              .node(ints("kernel_shape", 3, 2), ints("strides", 2, 1), ints("pads", 1, 0, 2, 1)));
      cases.add(
          pool(operator, "rows and columns left over", 17)
              .by("x", 1, 1, 6, 5)
              .node(ints("kernel_shape", 2, 2), ints("strides", 3, 2)));
      cases.add(
          pool(operator, "3-D, overlapping", 17)
              .by("x", 1, 2, 3, 3, 4)
              .node(ints("kernel_shape", 2, 2, 3), ints("strides", 1, 1, 1)));
      cases.add(
          pool(operator, "3-D, pads, strides", 17)
              .by("x", 1, 2, 3, 4, 3)
              .node(
                  ints("kernel_shape", 2, 2, 2),
                  ints("strides", 2, 2, 1),
                  ints("pads", 1, 0, 0, 0, 1, 1)));
      for (String how : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
        cases.add(
            pool(operator, how + ", stride 1", 17)
                .by("x", 1, 2, 4, 3)
                .node(auto(how), ints("kernel_shape", 2, 3)));
        GradientCase strided =
            pool(operator, how + ", strides", 17)
                .by("x", 1, 1, 6, 7)
                .node(auto(how), ints("kernel_shape", 3, 4), ints("strides", 2, 3));
        cases.add(max || how.equals("VALID") ? strided : strided.needsSizes());
      }
      cases.add(
          pool(operator, "ceil_mode", max ? 17 : opset)
              .by("x", 1, 2, 5, 6)
              .node(
                  ints("kernel_shape", 2, 3), ints("strides", 2, 2), Attribute.of("ceil_mode", 1)));
      cases.add(
          pool(operator, "ceil_mode, pads", max ? 17 : opset)
              .by("x", 1, 1, 6, 7)
              .node(
                  ints("kernel_shape", 3, 3),
                  ints("strides", 3, 2),
                  ints("pads", 1, 1, 0, 1),
                  Attribute.of("ceil_mode", 1)));
      cases.add(
          pool(operator, "dilations, pads", max ? 17 : opset)
              .by("x", 1, 1, 6, 7)
              .node(
                  ints("kernel_shape", 2, 3),
                  ints("strides", 2, 1),
                  ints("dilations", 2, 2),
                  ints("pads", 1, 0, 1, 1)));
    }
    for (int opset : new int[] {13, 19}) {
      for (long ceil : new long[] {0, 1}) {
        cases.add(
            pool("AveragePool", "zeros count, ceil_mode " + ceil + ", opset " + opset, opset)
                .by("x", 1, 2, 6, 5)
                .node(
                    ints("kernel_shape", 3, 2),
                    ints("strides", 2, 2),
                    ints("pads", 1, 1, 0, 0),
                    Attribute.of("count_include_pad", 1),
                    Attribute.of("ceil_mode", ceil)));
      }
    }
    for (long p : new long[] {1, 3}) {
      cases.add(
          pool("LpPool", "p " + p, 18)
              .awayFromZero()
              .by("x", 1, 2, 4, 5)
              .node(ints("kernel_shape", 2, 2), ints("strides", 1, 2), Attribute.of("p", p)));
    }
    cases.add(
        pool("MaxPool", "indices named, several samples", 13)
            .by("x", 3, 2, 4, 3)
            .graph(
                (g, in) ->
                    g.nodes(Operator.MAX_POOL, List.of(in.get("x")), 2, ints("kernel_shape", 2, 2))
                        .subList(0, 1)));
    for (String operator : List.of("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")) {
      cases.add(pool(operator, "1-D", 17).by("x", 2, 3, 4).node());
      cases.add(pool(operator, "2-D", 17).by("x", 2, 3, 3, 4).node());
      cases.add(pool(operator, "3-D", 17).by("x", 1, 2, 2, 3, 2).node());
    }
    for (long p : new long[] {1, 3}) {
      cases.add(
          pool("GlobalLpPool", "p " + p, 17)
              .awayFromZero()
              .by("x", 2, 2, 3, 2)
              .node(Attribute.of("p", p)));
    }
  }

  private static GradientCase pool(String operator, String title, int opset) {
    GradientCase c = of(operator, title).opset(opset);
    return operator.endsWith("MaxPool") ? c.range(-3, 3).distinct() : c;
  }

  private static void resizes(List<GradientCase> cases) {
    List<String> coordinates =
        List.of(
            "half_pixel",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
            "half_pixel_symmetric");
    float[][] scales = {{1, 1, 2, 3}, {1, 1, 0.6f, 1.7f}, {1, 1, 1, 0.3f}};
    for (String how : coordinates) {
      for (String mode : List.of("nearest", "linear", "cubic")) {
        for (float[] scale : scales) {
          cases.add(
              of("Resize", mode + ", " + how + ", scales " + Arrays.toString(scale))
                  .opset(19)
                  .needsSizes()
                  .by("x", 2, 1, 5, 4)
                  .graph(
                      (g, in) ->
                          List.of(
                              g.node(
                                  Operator.RESIZE,
                                  List.of(in.get("x"), g.absent(), g.constant(Tensor.of(scale, 4))),
                                  Attribute.of("mode", mode),
                                  Attribute.of("coordinate_transformation_mode", how)))));
        }
        cases.add(
            of("Resize", mode + ", " + how + ", sizes")
                .opset(19)
                .needsSizes()
                .by("x", 2, 2, 4, 3)
                .graph(
                    (g, in) ->
                        List.of(
                            g.node(
                                Operator.RESIZE,
                                List.of(
                                    in.get("x"),
                                    g.absent(),
                                    g.absent(),
                                    g.constant(Tensor.vector(2, 2, 7, 5))),
                                Attribute.of("mode", mode),
                                Attribute.of("coordinate_transformation_mode", how)))));
      }
    }
    for (String rounding : List.of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")) {
      cases.add(
          of("Resize", rounding)
              .needsSizes()
              .by("x", 1, 2, 4, 5)
              .graph(
                  (g, in) ->
                      List.of(
                          g.node(
                              Operator.RESIZE,
                              List.of(
                                  in.get("x"),
                                  g.absent(),
                                  g.constant(Tensor.of(new float[] {1, 1, 2, 0.5f}, 4))),
                              Attribute.of("mode", "nearest"),
                              Attribute.of("nearest_mode", rounding)))));
    }
    cases.add(
        of("Resize", "cubic, nothing from outside, another coefficient")
            .needsSizes()
            .by("x", 1, 1, 4, 3)
            .graph(
                (g, in) ->
                    List.of(
                        g.node(
                            Operator.RESIZE,
                            List.of(
                                in.get("x"),
                                g.absent(),
                                g.constant(Tensor.of(new float[] {1, 1, 1.5f, 2}, 4))),
                            Attribute.of("mode", "cubic"),
                            Attribute.of("cubic_coeff_a", -0.5f),
                            Attribute.of("exclude_outside", 1)))));
    cases.add(
        of("Resize", "trilinear")
            .needsSizes()
            .by("x", 1, 2, 2, 3, 2)
            .graph(
                (g, in) ->
                    List.of(
                        g.node(
                            Operator.RESIZE,
                            List.of(
                                in.get("x"),
                                g.absent(),
                                g.constant(Tensor.of(new float[] {1, 1, 1.5f, 2, 2}, 5))),
                            Attribute.of("mode", "linear")))));
    cases.add(
        of("Resize", "chosen axes, one from the end")
            .opset(18)
            .needsSizes()
            .by("x", 1, 2, 3, 2)
            .graph(
                (g, in) ->
                    List.of(
                        g.node(
                            Operator.RESIZE,
                            List.of(
                                in.get("x"),
                                g.absent(),
                                g.constant(Tensor.of(new float[] {2, 1.5f}, 2))),
                            Attribute.of("mode", "nearest"),
                            ints("axes", -1, 2)))));
  }

  private static void blocks(List<GradientCase> cases) {
    for (String mode : List.of("DCR", "CRD")) {
      cases.add(
          of("DepthToSpace", mode)
              .by("x", 2, 12, 2, 3)
              .node(Attribute.of("blocksize", 2), Attribute.of("mode", mode)));
    }
    cases.add(of("DepthToSpace", "3 by 3").by("x", 1, 9, 1, 2).node(Attribute.of("blocksize", 3)));
    cases.add(of("SpaceToDepth", "2 by 2").by("x", 2, 3, 4, 2).node(Attribute.of("blocksize", 2)));
    cases.add(of("SpaceToDepth", "3 by 3").by("x", 1, 2, 3, 6).node(Attribute.of("blocksize", 3)));
  }
}
