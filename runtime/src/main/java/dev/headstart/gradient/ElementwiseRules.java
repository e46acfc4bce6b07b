package dev.headstart.gradient;

import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Value;
import java.util.List;

/** Rules of operators whose elements have nothing to do with each other. */
final class ElementwiseRules {
  private ElementwiseRules() {}

  static void addTo(RuleTable t) {
    for (String operator : List.of("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Where")) {
      t.broadcasting(operator, (n, i) -> Broadcast.ELEMENTWISE);
    }
    t.stop("Dropout", 1, 2); // ratio, training mode
    t.stop("Where", 0);

    t.rule("Identity", (n, g) -> n.dY());
    t.rule("Cast", (n, g) -> g.cast(n.dY(), n.type(0)));
    t.rule("Dropout", ElementwiseRules::dropout); // dY · mask / (1 - ratio)
    t.rule("Neg", (n, g) -> g.neg(n.dY()));
    t.rule("Abs", (n, g) -> g.mul(n.dY(), g.sign(n.x())));
    t.rule("Exp", (n, g) -> g.mul(n.dY(), n.y()));
    t.rule("Log", (n, g) -> g.div(n.dY(), n.x()));
    t.rule("Sqrt", (n, g) -> g.div(g.mul(0.5, n.dY()), n.y()));
    t.rule("Relu", (n, g) -> g.kernels().reluGrad(n.dY(), n.y()));
    t.rule("LeakyRelu", (n, g) -> g.kernels().leakyReluGrad(n.dY(), n.x(), n.real("alpha", 0.01f)));
    t.rule("Sigmoid", (n, g) -> g.kernels().sigmoidGrad(n.dY(), n.y()));
    t.rule("Tanh", (n, g) -> g.kernels().tanhGrad(n.dY(), n.y()));
    t.rule("Softplus", (n, g) -> g.mul(n.dY(), g.sigmoid(n.x())));
    t.rule("Add", (n, g) -> n.dY(), (n, g) -> n.dY());
    t.rule("Sub", (n, g) -> n.dY(), (n, g) -> g.neg(n.dY()));
    t.rule("Mul", (n, g) -> g.mul(n.dY(), n.x(1)), (n, g) -> g.mul(n.dY(), n.x(0)));
    t.rule(
        "Div", // dA = dY / B, dB = -dY · Y / B
        (n, g) -> g.div(n.dY(), n.x(1)),
        (n, g) -> g.neg(g.div(g.mul(n.dY(), n.y()), n.x(1))));
    t.rule(
        "Pow",
        ElementwiseRules::pow); // dA = dY · B · A^(B-1); none for an exponent that is trained
    t.variadic("Sum", (n, i, g) -> n.dY());
    t.rule(
        "Where", // dA = C ? dY : 0, dB = C ? 0 : dY
        (n, g) -> null,
        (n, g) -> g.where(n.x(0), n.dY(), g.scalar(0)),
        (n, g) -> g.where(n.x(0), g.scalar(0), n.dY()));
  }

  /** Outside of training mode it is the identity. */
  private static Value dropout(ForwardNode n, Algebra g) {
    if (n.isFalse(2)) {
      return n.dY();
    }
    Value ratio = n.has(1) ? n.x(1) : g.scalar(0.5);
    return g.kernels().dropoutGrad(n.dY(), n.y(1), ratio, n.x(2));
  }

  /** With exponent 1 in place of -1 where B is 0: the factor B makes the product 0, and not NaN. */
  private static Value pow(ForwardNode n, Algebra g) {
    Value b = n.type(1) == ElementType.FLOAT ? n.x(1) : g.cast(n.x(1), ElementType.FLOAT);
    Value lower = g.where(g.equal(b, g.scalar(0)), g.scalar(1), g.sub(b, g.scalar(1)));
    return g.mul(n.dY(), g.mul(b, g.pow(n.x(0), lower)));
  }
}
