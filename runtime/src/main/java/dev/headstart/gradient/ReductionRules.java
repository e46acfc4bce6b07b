package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.List;

/** Rules of operators that make several elements one. */
final class ReductionRules {
  private ReductionRules() {}

  static void addTo(RuleTable t) {
    for (String operator :
        List.of(
            "ReduceSum",
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceSumSquare")) {
      t.stop(operator, 1); // axes
    }
    t.stop("CumSum", 1); // axis
    t.stop("TopK", 1); // K

    t.rule("ReduceSum", (n, g) -> g.expand(spread(n, n.dY(), g), g.shape(n.x())));
    t.rule(
        "ReduceMean", // the sum's, divided by how many elements make one
        (n, g) ->
            g.expand(
                g.mul(spread(n, n.dY(), g), g.div(g.size(n.y()), g.size(n.x()))), g.shape(n.x())));
    t.rule("ReduceMax", ReductionRules::extreme); // elements as large as Y share dY
    t.rule("ReduceMin", ReductionRules::extreme);
    t.rule("ReduceProd", ReductionRules::product);
    t.rule("ReduceL1", (n, g) -> g.mul(spread(n, n.dY(), g), g.sign(n.x()))); // dY · sign(X)
    t.rule("ReduceL2", ReductionRules::length); // dY · X / Y, 0 where Y is 0
    t.rule(
        "ReduceLogSum", // dY / exp(Y)
        (n, g) ->
            g.expand(g.div(spread(n, n.dY(), g), g.exp(spread(n, n.y(), g))), g.shape(n.x())));
    t.rule(
        "ReduceLogSumExp", // dY · exp(X - Y)
        (n, g) -> g.mul(spread(n, n.dY(), g), g.exp(g.sub(n.x(), spread(n, n.y(), g)))));
    t.rule("ReduceSumSquare", (n, g) -> g.mul(spread(n, n.dY(), g), g.mul(2, n.x())));
    t.rule(
        "CumSum", // summed from the other end
        (n, g) ->
            g.cumulativeSum(
                n.dY(), n.x(1), n.integer("exclusive", 0) != 0, n.integer("reverse", 0) == 0));
    t.rule(
        "TopK", // back to where the values came from
        (n, g) ->
            g.scatterElements(g.zeros(g.shape(n.x())), n.y(1), n.dY(), n.integer("axis", -1)));
  }

  /** Y or dY with the reduced axes put back as 1s, so that it broadcasts against X. */
  private static Value spread(ForwardNode n, Value y, Algebra g) {
    if (n.integer("keepdims", 1) != 0) {
      return y;
    }
    long[] axes = n.integers("axes");
    if (axes != null) {
      return g.unsqueeze(y, axes);
    }
    return n.has(1) ? g.unsqueeze(y, n.x(1)) : y;
  }

  /** The sum over the axes that the node reduces, which stay as 1s. */
  private static Value sum(ForwardNode n, Value x, Algebra g) {
    long[] axes = n.integers("axes");
    if (axes == null && !n.has(1)) {
      return n.integer("noop_with_empty_axes", 0) != 0 ? x : g.sum(x);
    }
    Value reduced = axes != null ? g.vector(axes) : n.x(1);
    return g.sum(x, reduced, true, n.integer("noop_with_empty_axes", 0) == 0);
  }

  /** Elements that tie share the gradient in equal parts, as in PyTorch's amax. */
  private static Value extreme(ForwardNode n, Algebra g) {
    Value winners = g.indicator(g.equal(n.x(), spread(n, n.y(), g)));
    return g.mul(spread(n, n.dY(), g), g.div(winners, sum(n, winners, g)));
  }

  /**
   * dX = dY · the product of the other elements. With p, the product of those that are not 0, z = 1
   * where X is 0, and c, the number of zeros: p / X where c = 0; p for the 0 itself where c = 1;
   * else 0. So it is p / (X, or 1 for a 0) wherever z = c.
   */
  private static Value product(ForwardNode n, Algebra g) {
    Value zero = g.equal(n.x(), g.scalar(0));
    Value factors = g.where(zero, g.scalar(1), n.x());
    Value z = g.indicator(zero);
    Value p = g.mul(spread(n, n.dY(), g), spread(n, n.again(factors), g));
    return g.keep(g.equal(z, sum(n, z, g)), g.div(p, factors));
  }

  private static Value length(ForwardNode n, Algebra g) {
    Value y = spread(n, n.y(), g);
    Value divisor = g.where(g.equal(y, g.scalar(0)), g.scalar(1), y);
    return g.mul(spread(n, n.dY(), g), g.div(n.x(), divisor));
  }
}
