package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.List;

/**
 * Several operators together: tensors used twice, paths that join, forms as exporters write them.
 */
final class ChainCases {
  private ChainCases() {}

  static void addTo(List<GradientCase> cases) {
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
}
