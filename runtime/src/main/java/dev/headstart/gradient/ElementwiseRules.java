package dev.headstart.gradient;

import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/** Rules of operators whose elements have nothing to do with each other. */
final class ElementwiseRules {
  private ElementwiseRules() {}

  static void addTo(RuleTable t) {
    for (String operator :
        List.of("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Sum", "Mean", "Max", "Min", "Where")) {
      t.broadcasting(operator, (n, i) -> Broadcast.ELEMENTWISE);
    }
    t.broadcasting("PRelu", (n, i) -> i == 1 ? Broadcast.TO_OUTPUT : Broadcast.NONE);
    t.broadcasting("com.microsoft.BiasGelu", (n, i) -> Broadcast.ELEMENTWISE);
    t.broadcasting("com.microsoft.FastGelu", (n, i) -> Broadcast.ELEMENTWISE);
    t.stop("CastLike", 1);
    t.stop("Clip", 1, 2); // limits
    t.stop("Dropout", 1, 2); // ratio, training mode
    t.stop("Where", 0);
    t.setting("Pow", i -> i == 1);
    t.setting("Mod", i -> i == 1);
    t.setting("Max", i -> true);
    t.setting("Min", i -> true);

    t.rule("Identity", (n, g) -> n.dY());
    t.rule("Cast", (n, g) -> g.cast(n.dY(), n.type(0)));
    t.rule("CastLike", (n, g) -> g.cast(n.dY(), n.type(0)));
    t.rule("Dropout", ElementwiseRules::dropout); // dY · mask / (1 - ratio)
    arithmetic(t);
    functions(t);
    activations(t);
  }

  private static void arithmetic(RuleTable t) {
    t.rule("Neg", (n, g) -> g.neg(n.dY()));
    t.rule("Abs", (n, g) -> g.mul(n.dY(), g.sign(n.x())));
    t.rule("Add", (n, g) -> n.dY(), (n, g) -> n.dY());
    t.rule("Sub", (n, g) -> n.dY(), (n, g) -> g.neg(n.dY()));
    t.rule("Mul", (n, g) -> g.mul(n.dY(), n.x(1)), (n, g) -> g.mul(n.dY(), n.x(0)));
    t.rule(
        "Div", // dA = dY / B, dB = -dY · Y / B
        (n, g) -> g.div(n.dY(), n.x(1)),
        (n, g) -> g.neg(g.div(g.mul(n.dY(), n.y()), n.x(1))));
    t.rule(
        "Mod", // Y = A - k·B, with k whole: dB = -dY · k
        (n, g) -> n.dY(),
        (n, g) -> g.neg(g.mul(n.dY(), g.div(g.sub(n.x(0), n.y()), n.x(1)))));
    t.rule("Pow", ElementwiseRules::powBase, ElementwiseRules::powExponent);
    t.rule("Reciprocal", (n, g) -> g.neg(g.mul(n.dY(), g.square(n.y()))));
    t.variadic("Sum", (n, i, g) -> n.dY());
    t.variadic("Mean", (n, i, g) -> g.mul(1.0 / n.inputs(), n.dY()));
    t.variadic("Max", ElementwiseRules::extreme); // those that are as large as Y share dY
    t.variadic("Min", ElementwiseRules::extreme);
    t.rule(
        "Where", // dA = C ? dY : 0, dB = C ? 0 : dY
        (n, g) -> null,
        (n, g) -> g.keep(n.x(0), n.dY()),
        (n, g) -> g.where(n.x(0), g.scalar(0), n.dY()));
    t.rule("Clip", ElementwiseRules::clip); // dY where min <= X <= max, that is Y = X
  }

  private static void functions(RuleTable t) {
    t.rule("Exp", (n, g) -> g.mul(n.dY(), n.y()));
    t.rule("Log", (n, g) -> g.div(n.dY(), n.x()));
    t.rule("Sqrt", (n, g) -> g.div(g.mul(0.5, n.dY()), n.y()));
    t.rule(
        "Erf", // dY · 2/√π · exp(-X²)
        (n, g) -> g.mul(n.dY(), g.mul(2 / Math.sqrt(Math.PI), g.exp(g.neg(g.square(n.x()))))));
    t.rule("Sin", (n, g) -> g.mul(n.dY(), g.cos(n.x())));
    t.rule("Cos", (n, g) -> g.neg(g.mul(n.dY(), g.sin(n.x()))));
    t.rule("Tan", (n, g) -> g.mul(n.dY(), g.add(g.square(n.y()), 1))); // dY · (1 + Y²)
    t.rule("Asin", (n, g) -> g.div(n.dY(), g.sqrt(g.sub(1, g.square(n.x())))));
    t.rule("Acos", (n, g) -> g.neg(g.div(n.dY(), g.sqrt(g.sub(1, g.square(n.x()))))));
    t.rule("Atan", (n, g) -> g.div(n.dY(), g.add(g.square(n.x()), 1)));
    t.rule("Sinh", (n, g) -> g.mul(n.dY(), g.cosh(n.x())));
    t.rule("Cosh", (n, g) -> g.mul(n.dY(), g.sinh(n.x())));
    t.rule("Asinh", (n, g) -> g.div(n.dY(), g.sqrt(g.add(g.square(n.x()), 1))));
    t.rule("Acosh", (n, g) -> g.div(n.dY(), g.sqrt(g.add(g.square(n.x()), -1))));
    t.rule("Atanh", (n, g) -> g.div(n.dY(), g.sub(1, g.square(n.x()))));
  }

  private static void activations(RuleTable t) {
    t.rule("Relu", (n, g) -> g.kernels().reluGrad(n.dY(), n.y()));
    t.rule("LeakyRelu", (n, g) -> g.kernels().leakyReluGrad(n.dY(), n.x(), n.real("alpha", 0.01f)));
    t.rule("Sigmoid", (n, g) -> g.kernels().sigmoidGrad(n.dY(), n.y()));
    t.rule("Tanh", (n, g) -> g.kernels().tanhGrad(n.dY(), n.y()));
    t.rule("Softplus", (n, g) -> g.mul(n.dY(), g.sigmoid(n.x())));
    t.rule(
        "PRelu", // dX = X > 0 ? dY : dY · slope, dSlope = X > 0 ? 0 : dY · X
        (n, g) -> g.where(g.greater(n.x(), 0), n.dY(), g.mul(n.dY(), n.x(1))),
        (n, g) -> g.where(g.greater(n.x(), 0), g.scalar(0), g.mul(n.dY(), n.x())));
    t.rule(
        "ThresholdedRelu",
        (n, g) -> g.keep(g.greater(n.x(), n.real("alpha", 1)), n.dY())); // dY · [X > alpha]
    t.rule(
        "Shrink", // dY · [|X| > lambd]
        (n, g) -> g.keep(g.greater(g.abs(n.x()), n.real("lambd", 0.5f)), n.dY()));
    t.rule(
        "Softsign", // dY / (1 + |X|)²
        (n, g) -> g.div(n.dY(), g.square(g.add(g.abs(n.x()), 1))));
    t.rule(
        "Elu", // X > 0 ? dY : dY · (Y + alpha)
        (n, g) -> positiveOr(n, g, 1, g.add(n.y(), n.real("alpha", 1))));
    t.rule("Selu", ElementwiseRules::selu); // X > 0 ? dY · gamma : dY · (Y + gamma · alpha)
    t.rule(
        "Celu", // X > 0 ? dY : dY · exp(X / alpha)
        (n, g) -> positiveOr(n, g, 1, g.add(g.mul(1.0 / n.real("alpha", 1), n.y()), 1)));
    t.rule(
        "HardSigmoid", // dY · alpha · [0 < Y < 1]
        (n, g) -> g.mul(n.real("alpha", 0.2f), between(n.y(), 0, 1, n.dY(), g)));
    t.rule("HardSwish", ElementwiseRules::hardSwish);
    t.rule("Mish", ElementwiseRules::mish);
    t.rule(
        "Gelu",
        (n, g) ->
            n.string("approximate", "none").equals("tanh")
                ? g.kernels().tanhGeluGrad(n.dY(), n.x())
                : g.kernels().geluGrad(n.dY(), n.x()));
    t.rule("com.microsoft.Gelu", (n, g) -> g.kernels().geluGrad(n.dY(), n.x()));
    t.rule(
        "com.microsoft.QuickGelu",
        (n, g) -> g.kernels().quickGeluGrad(n.dY(), n.x(), n.real("alpha", 1.702f)));
    // Of the sum of both inputs
    t.variadic(
        "com.microsoft.BiasGelu", (n, i, g) -> g.kernels().geluGrad(n.dY(), sumOfInputs(n, g)));
    t.variadic(
        "com.microsoft.FastGelu", (n, i, g) -> g.kernels().tanhGeluGrad(n.dY(), sumOfInputs(n, g)));
  }

  /** Outside of training mode it is the identity. */
  private static Value dropout(ForwardNode n, Algebra g) {
    if (n.isFalse(2)) {
      return n.dY();
    }
    Value ratio = n.has(1) ? n.x(1) : g.scalar(0.5);
    return g.kernels().dropoutGrad(n.dY(), n.y(1), ratio, n.x(2));
  }

  /**
   * dA = dY · B · A^(B-1), with exponent 1 in place of -1 where B is 0: the factor B makes the
   * product 0, and not NaN.
   */
  private static Value powBase(ForwardNode n, Algebra g) {
    Tensor exponent = n.constant(1);
    if (exponent != null
        && exponent.type() == ElementType.FLOAT
        && exponent.elements() == 1
        && exponent.data().getFloat(0) == 2) {
      return g.mul(n.dY(), g.mul(2, n.x(0))); // without Pow, which is slow
    }
    Value b = n.type(1) == ElementType.FLOAT ? n.x(1) : g.cast(n.x(1), ElementType.FLOAT);
    Value lower = g.where(g.equal(b, g.scalar(0)), g.scalar(1), g.sub(b, g.scalar(1)));
    return g.mul(n.dY(), g.mul(b, g.pow(n.x(0), lower)));
  }

  /** dB = dY · Y · log(A); 0 for a base that is not positive, which has no real logarithm. */
  private static Value powExponent(ForwardNode n, Algebra g) {
    Value log = g.log(g.where(g.greater(n.x(0), 0), n.x(0), g.scalar(1)));
    return g.mul(n.dY(), g.mul(n.y(), log));
  }

  /** Inputs that tie share the gradient in equal parts, as in PyTorch. */
  private static Value extreme(ForwardNode n, int i, Algebra g) {
    if (n.inputs() == 1) {
      return n.dY();
    }
    List<Value> winners = new ArrayList<>();
    for (int j = 0; j < n.inputs(); j++) {
      winners.add(g.indicator(g.equal(n.x(j), n.y())));
    }
    return g.mul(n.dY(), g.div(winners.get(i), g.sum(winners)));
  }

  private static Value clip(ForwardNode n, Algebra g) {
    // Between its limits, and at them, Clip changes nothing. A product with zeros and ones takes a
    // quarter of the time of Where.
    return n.has(1) || n.has(2) ? g.mul(n.dY(), g.indicator(g.equal(n.x(), n.y()))) : n.dY();
  }

  /** dY times a number where X is positive, and times another tensor elsewhere. */
  private static Value positiveOr(ForwardNode n, Algebra g, double positive, Value otherwise) {
    return g.mul(n.dY(), g.where(g.greater(n.x(), 0), g.scalar(positive), otherwise));
  }

  private static Value selu(ForwardNode n, Algebra g) {
    float alpha = n.real("alpha", 1.67326319217681884765625f);
    float gamma = n.real("gamma", 1.05070102214813232421875f);
    return positiveOr(n, g, gamma, g.add(n.y(), (double) gamma * alpha));
  }

  /** dY where low &lt; a &lt; high, else 0. */
  private static Value between(Value a, double low, double high, Value dY, Algebra g) {
    return g.keep(g.and(g.greater(a, low), g.less(a, high)), dY);
  }

  /** Y = X · h(X), with h = clip(X/6 + ½, 0, 1): dX = dY · (h + X/6 · [|X| &lt; 3]). */
  private static Value hardSwish(ForwardNode n, Algebra g) {
    Value inner = g.add(g.mul(1 / 3.0, n.x()), 0.5);
    Value slope = between(n.x(), -3, 3, inner, g);
    return g.mul(n.dY(), g.add(slope, g.indicator(g.greaterOrEqual(n.x(), g.scalar(3)))));
  }

  /** Y = X · t, with t = tanh(softplus(X)): dX = dY · (t + X · sigmoid(X) · (1 - t²)). */
  private static Value mish(ForwardNode n, Algebra g) {
    Value t = g.tanh(g.softplus(n.x()));
    Value rest = g.mul(g.mul(n.x(), g.sigmoid(n.x())), g.sub(1, g.square(t)));
    return g.mul(n.dY(), g.add(t, rest));
  }

  private static Value sumOfInputs(ForwardNode n, Algebra g) {
    return n.has(1) ? g.add(n.x(0), n.x(1)) : n.x(0);
  }
}
