package dev.headstart.gradient;

import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Rules of operators that move elements and leave each as it is: the gradient goes the way back.
 */
final class ReshapeRules {
  private ReshapeRules() {}

  static void addTo(RuleTable t) {
    t.broadcasting("Expand", (n, i) -> Broadcast.TO_OUTPUT);
    t.stop("Expand", 1); // shape
    t.stop("Pad", 1, 3); // pads, axes
    t.stop("Reshape", 1);
    t.stop("Split", 1); // sizes
    t.stop("Squeeze", 1);
    t.stop("Tile", 1); // repeats
    t.stop("Unsqueeze", 1);

    t.rule("Reshape", ReshapeRules::likeInput);
    t.rule("Flatten", ReshapeRules::likeInput);
    t.rule("Squeeze", ReshapeRules::likeInput);
    t.rule("Unsqueeze", ReshapeRules::likeInput);
    t.rule("Transpose", ReshapeRules::transpose); // by the inverse permutation
    t.joint("Concat", ReshapeRules::concat); // cut into the parts again
    t.rule("Split", ReshapeRules::split); // the parts put together again
    t.rule("Expand", (n, g) -> n.dY()); // summed back, as all that broadcasts
    t.rule("Tile", ReshapeRules::tile); // summed over the copies
    t.rule("Pad", ReshapeRules::pad); // none for a padding value that is trained
  }

  private static Value likeInput(ForwardNode n, Algebra g) {
    return g.reshapeLike(n.dY(), n.x(), n.shape(0));
  }

  private static Value transpose(ForwardNode n, Algebra g) {
    long[] permutation = n.integers("perm");
    if (permutation == null) {
      return g.reversed(n.dY());
    }
    long[] inverse = new long[permutation.length];
    for (int i = 0; i < permutation.length; i++) {
      inverse[(int) permutation[i]] = i;
    }
    return g.transpose(n.dY(), inverse);
  }

  private static List<Value> concat(ForwardNode n, Algebra g) {
    long axis = n.integer("axis", 0);
    List<Value> sizes = new ArrayList<>();
    for (int i = 0; i < n.inputs(); i++) {
      sizes.add(g.gather(g.shape(n.x(i)), g.vector(axis), 0));
    }
    return g.split(n.dY(), g.concat(sizes, 0), n.inputs(), axis);
  }

  /** With zeros for a part that nothing depends on. */
  private static Value split(ForwardNode n, Algebra g) {
    List<Value> parts = new ArrayList<>();
    for (int i = 0; i < n.outputs(); i++) {
      parts.add(n.dY(i) != null ? n.dY(i) : g.zeros(g.shape(n.y(i))));
    }
    return g.concat(parts, n.integer("axis", 0));
  }

  /** dY as [repeats0, dim0, repeats1, dim1, …], summed over every other axis. */
  private static Value tile(ForwardNode n, Algebra g) {
    if (n.rank(0) == 0) {
      return n.dY();
    }
    Value pairs = g.concat(List.of(g.unsqueeze(n.x(1), 1), g.unsqueeze(g.shape(n.x()), 1)), 1);
    long[] copies = LongStream.range(0, n.rank(0)).map(axis -> 2 * axis).toArray();
    return g.sum(g.reshape(n.dY(), g.reshape(pairs, -1)), g.vector(copies), false);
  }

  /**
   * Padded by as much less. A mode that repeats elements does so with their positions too, which
   * tells where each element of dY came from.
   */
  private static Value pad(ForwardNode n, Algebra g) {
    Value axes = n.has(3) ? n.x(3) : null;
    String mode = n.string("mode", "constant");
    return mode.equals("constant")
        ? g.pad(n.dY(), g.neg(n.x(1)), axes, mode)
        : SelectionRules.putBack(n, g.pad(g.positions(n.x()), n.x(1), axes, mode), g);
  }
}
