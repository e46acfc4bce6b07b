package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.append;
import static dev.headstart.gradient.GradientCase.ints;
import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.List;
import java.util.Map;

/**
 * Several operators together: tensors used twice, paths that join, forms as exporters write them.
 */
final class ChainCases {
  private ChainCases() {}

  static void addTo(List<GradientCase> cases) {
    exported(cases);
    attention(cases);
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

  /** Activations and normalisations in the parts that exporters write them in. */
  private static void exported(List<GradientCase> cases) {
    cases.add(
        of("Erf", "Gelu as Div, Erf, Add, Mul, Mul")
            .range(-3, 3)
            .by("x", 3, 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value erf =
                      append(
                          g, "Erf", List.of(append(g, "Div", List.of(x, number(g, 1.41421354)))));
                  Value twice =
                      append(g, "Mul", List.of(x, append(g, "Add", List.of(erf, number(g, 1)))));
                  return List.of(append(g, "Mul", List.of(twice, number(g, 0.5))));
                }));
    cases.add(
        of("Tanh", "Gelu as Pow, Mul, Add, Tanh")
            .range(-3, 3)
            .by("x", 3, 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value cube = append(g, "Pow", List.of(x, number(g, 3)));
                  Value inner =
                      append(
                          g,
                          "Add",
                          List.of(x, append(g, "Mul", List.of(cube, number(g, 0.044715)))));
                  Value tanh =
                      append(
                          g,
                          "Tanh",
                          List.of(append(g, "Mul", List.of(inner, number(g, 0.7978846)))));
                  Value half = append(g, "Mul", List.of(x, number(g, 0.5)));
                  return List.of(
                      append(
                          g, "Mul", List.of(half, append(g, "Add", List.of(tanh, number(g, 1))))));
                }));
    cases.add(
        of("Clip", "hard swish as Add, Clip, Mul, Div")
            .opset(11)
            .range(-5, 5)
            .awayFrom(-3, 3)
            .by("x", 3, 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value moved = append(g, "Add", List.of(x, number(g, 3)));
                  Value clipped = append(g, "Clip", List.of(moved, number(g, 0), number(g, 6)));
                  Value product = append(g, "Mul", List.of(x, clipped));
                  return List.of(append(g, "Div", List.of(product, number(g, 6))));
                }));
    cases.add(
        of("Mul", "Mish as Softplus, Tanh, Mul")
            .by("x", 3, 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value tanh = append(g, "Tanh", List.of(append(g, "Softplus", List.of(x))));
                  return List.of(append(g, "Mul", List.of(x, tanh)));
                }));
    for (int opset : new int[] {11, 13, 17}) {
      cases.add(
          of("ReduceMean", "layer norm as ReduceMean, Sub, Pow, Sqrt, Div, opset " + opset)
              .opset(opset)
              .by("x", 2, 3, 4)
              .by("scale", 4)
              .by("bias", 4)
              .graph(ChainCases::layerNorm));
    }
    cases.add(
        of("ReduceMean", "root mean square norm as Mul, ReduceMean, Sqrt, Reciprocal")
            .by("x", 3, 4)
            .by("scale", 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value squares = append(g, "Mul", List.of(x, x));
                  Value mean = append(g, "ReduceMean", List.of(squares), ints("axes", -1));
                  Value root =
                      append(g, "Sqrt", List.of(append(g, "Add", List.of(mean, number(g, 1e-5)))));
                  Value scaled =
                      append(g, "Mul", List.of(x, append(g, "Reciprocal", List.of(root))));
                  return List.of(append(g, "Mul", List.of(scaled, in.get("scale"))));
                }));
    cases.add(
        of("ReduceL2", "unit vectors as ReduceL2, Clip, Expand, Div")
            .by("x", 3, 4)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value length = append(g, "ReduceL2", List.of(x), ints("axes", 1));
                  Value some = append(g, "Clip", List.of(length, number(g, 1e-12)));
                  Value wide = append(g, "Expand", List.of(some, append(g, "Shape", List.of(x))));
                  return List.of(append(g, "Div", List.of(x, wide)));
                }));
    cases.add(
        of("ReduceSum", "mean of the tokens under a mask")
            .by("x", 2, 3, 4)
            .given("mask", Tensor.of(new long[] {1, 1, 0, 1, 0, 0}, 2, 3))
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value axis = g.constant(Tensor.vector(-1));
                  Value one = g.constant(Tensor.vector(1));
                  Value open = append(g, "Unsqueeze", List.of(in.get("mask"), axis));
                  Value wide = append(g, "Expand", List.of(open, append(g, "Shape", List.of(x))));
                  Value mask =
                      append(
                          g, "Cast", List.of(wide), Attribute.of("to", ElementType.FLOAT.code()));
                  Value sum =
                      append(
                          g,
                          "ReduceSum",
                          List.of(append(g, "Mul", List.of(x, mask)), one),
                          Attribute.of("keepdims", 0));
                  Value count =
                      append(g, "ReduceSum", List.of(mask, one), Attribute.of("keepdims", 0));
                  return List.of(
                      append(
                          g,
                          "Div",
                          List.of(sum, append(g, "Clip", List.of(count, number(g, 1e-9))))));
                }));
  }

  private static List<Value> layerNorm(GraphBuilder g, Map<String, Value> in) {
    Value x = in.get("x");
    Value centred =
        append(g, "Sub", List.of(x, append(g, "ReduceMean", List.of(x), ints("axes", -1))));
    Value squares = append(g, "Pow", List.of(centred, number(g, 2)));
    Value variance = append(g, "ReduceMean", List.of(squares), ints("axes", -1));
    Value deviation =
        append(g, "Sqrt", List.of(append(g, "Add", List.of(variance, number(g, 1e-5)))));
    Value scaled =
        append(g, "Mul", List.of(append(g, "Div", List.of(centred, deviation)), in.get("scale")));
    return List.of(append(g, "Add", List.of(scaled, in.get("bias"))));
  }

  private static void attention(List<GradientCase> cases) {
    cases.add(
        of("Gather", "the class token of a transformer, and the words' embedding")
            .by("words", 6, 4)
            .by("positions", 5, 4)
            .by("w", 4, 3)
            .given("ids", Tensor.of(new long[] {0, 5, 5, 1, 2, 0}, 2, 3))
            .graph(
                (g, in) -> {
                  Value ids = in.get("ids");
                  Value embedded = append(g, "Gather", List.of(in.get("words"), ids));
                  Value shape = append(g, "Shape", List.of(ids));
                  Value count = append(g, "Gather", List.of(shape, g.constant(Tensor.vector(1))));
                  Value zero = g.constant(Tensor.vector(0));
                  Value places =
                      append(g, "Slice", List.of(in.get("positions"), zero, count, zero));
                  Value x = append(g, "Add", List.of(embedded, places));
                  Value token =
                      append(
                          g,
                          "Gather",
                          List.of(x, g.constant(Tensor.vector(0).reshape())),
                          Attribute.axis(1));
                  return List.of(
                      append(g, "Tanh", List.of(append(g, "MatMul", List.of(token, in.get("w"))))));
                }));
    cases.add(
        of("Split", "attention from one projection, its heads by Reshape and Transpose")
            .by("x", 2, 3, 4)
            .by("w", 4, 12)
            .given("mask", Tensor.of(new float[] {0, 0, -1e4f, 0, 0, 0}, 2, 1, 1, 3))
            .graph(
                (g, in) -> {
                  Value qkv = append(g, "MatMul", List.of(in.get("x"), in.get("w")));
                  List<Value> heads =
                      append(g, "Split", List.of(qkv), 3, Attribute.axis(-1)).stream()
                          .map(
                              part ->
                                  append(
                                      g,
                                      "Reshape",
                                      List.of(part, g.constant(Tensor.vector(0, 0, 2, -1)))))
                          .map(
                              part ->
                                  append(g, "Transpose", List.of(part), ints("perm", 0, 2, 1, 3)))
                          .toList();
                  Value keys =
                      append(g, "Transpose", List.of(heads.get(1)), ints("perm", 0, 1, 3, 2));
                  Value scores =
                      append(
                          g,
                          "Mul",
                          List.of(
                              append(g, "MatMul", List.of(heads.get(0), keys)),
                              number(g, 0.70710678)));
                  Value weights =
                      append(
                          g,
                          "Softmax",
                          List.of(append(g, "Add", List.of(scores, in.get("mask")))),
                          Attribute.axis(-1));
                  Value mixed =
                      append(
                          g,
                          "Transpose",
                          List.of(append(g, "MatMul", List.of(weights, heads.get(2)))),
                          ints("perm", 0, 2, 1, 3));
                  return List.of(
                      append(g, "Reshape", List.of(mixed, g.constant(Tensor.vector(0, 0, -1)))));
                }));
    cases.add(
        of("Einsum", "attention by Einsum")
            .by("q", 2, 3, 2, 4)
            .by("k", 2, 3, 2, 4)
            .by("v", 2, 3, 2, 4)
            .graph(
                (g, in) -> {
                  Value scores =
                      append(
                          g,
                          "Einsum",
                          List.of(in.get("q"), in.get("k")),
                          Attribute.of("equation", "bqhd,bkhd->bhqk"));
                  Value weights = append(g, "Softmax", List.of(scores), Attribute.axis(-1));
                  return List.of(
                      append(
                          g,
                          "Einsum",
                          List.of(weights, in.get("v")),
                          Attribute.of("equation", "bhqk,bkhd->bqhd")));
                }));
    cases.add(
        of("Slice", "a window moved round by Slice and Concat, as in Swin")
            .by("x", 2, 5, 3)
            .graph(
                (g, in) -> {
                  Value x = in.get("x");
                  Value one = g.constant(Tensor.vector(1));
                  Value two = g.constant(Tensor.vector(2));
                  Value zero = g.constant(Tensor.vector(0));
                  Value end = g.constant(Tensor.vector(Long.MAX_VALUE));
                  Value tail = append(g, "Slice", List.of(x, two, end, one));
                  Value head = append(g, "Slice", List.of(x, zero, two, one));
                  Value rolled = append(g, "Concat", List.of(tail, head), Attribute.axis(1));
                  return List.of(append(g, "Mul", List.of(rolled, x)));
                }));
  }

  private static Value number(GraphBuilder g, double value) {
    return g.constant(Tensor.scalar((float) value));
  }
}
