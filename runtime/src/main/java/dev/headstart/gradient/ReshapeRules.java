package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules of operators that move elements and leave each as it is: the gradient goes the way back.
 */
final class ReshapeRules {
  private ReshapeRules() {}

  static void addTo(RuleTable t) {
    t.stop("Reshape", 1);
    t.stop("Squeeze", 1);
    t.stop("Unsqueeze", 1);

    t.rule("Reshape", ReshapeRules::likeInput);
    t.rule("Flatten", ReshapeRules::likeInput);
    t.rule("Squeeze", ReshapeRules::likeInput);
    t.rule("Unsqueeze", ReshapeRules::likeInput);
    t.rule("Transpose", ReshapeRules::transpose); // by the inverse permutation
    t.joint("Concat", ReshapeRules::concat); // cut into the parts again
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
}
