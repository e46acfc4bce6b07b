package dev.headstart.gradient;

import dev.headstart.onnx.Value;

/** Rules of operators that make several elements one. */
final class ReductionRules {
  private ReductionRules() {}

  static void addTo(RuleTable t) {
    t.stop("ReduceSum", 1);
    t.stop("ReduceMean", 1);

    t.rule("ReduceSum", ReductionRules::spread);
    t.rule(
        "ReduceMean", // the sum's, divided by how many elements make one
        (n, g) -> g.mul(spread(n, g), g.div(g.size(n.y()), g.size(n.x()))));
  }

  /** dY with the reduced axes put back, repeated along them. */
  private static Value spread(ForwardNode n, Algebra g) {
    Value dY = n.dY();
    long[] axes = n.integers("axes");
    if (n.integer("keepdims", 1) == 0) {
      if (axes != null) {
        dY = g.unsqueeze(dY, axes);
      } else if (n.has(1)) {
        dY = g.unsqueeze(dY, n.x(1));
      }
    }
    return g.expand(dY, g.shape(n.x()));
  }
}
