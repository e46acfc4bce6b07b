package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rules of operators that take some of the elements, or put elements in the place of others. */
final class SelectionRules {
  private SelectionRules() {}

  static void addTo(RuleTable t) {
    for (String operator :
        List.of("Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND")) {
      t.stop(operator, 1); // indices
    }
    t.stop("Compress", 1); // condition
    t.stop("ReverseSequence", 1); // lengths
    t.stop("Slice", 1, 2, 3, 4); // starts, ends, axes, steps
    t.stop("Trilu", 1); // diagonal

    t.rule( // dY added up where the indices point
        "Gather",
        (n, g) -> g.kernels().gatherGrad(g.shape(n.x()), n.x(1), n.dY(), n.integer("axis", 0)));
    t.rule("Slice", SelectionRules::slice); // dY where it was cut out, 0 around it
    t.rule("GatherElements", SelectionRules::taken);
    t.rule("GatherND", SelectionRules::taken);
    t.rule("Compress", SelectionRules::taken);
    t.rule(
        "ScatterElements", // dData = dY, with 0 where updates replaced it; dUpdates = dY from there
        (n, g) ->
            adds(n) ? n.dY() : g.scatterElements(n.dY(), n.x(1), g.zeros(g.shape(n.x(2))), axis(n)),
        (n, g) -> null,
        (n, g) -> g.gatherElements(n.dY(), n.x(1), axis(n)));
    t.rule(
        "ScatterND", // likewise
        (n, g) -> adds(n) ? n.dY() : g.scatterNd(n.dY(), n.x(1), g.zeros(g.shape(n.x(2)))),
        (n, g) -> null,
        (n, g) -> {
          adds(n);
          return g.gatherNd(n.dY(), n.x(1));
        });
    t.rule("Trilu", (n, g) -> n.again(n.dY())); // the same triangle
    t.rule("ReverseSequence", (n, g) -> n.again(n.dY())); // reversed again
  }

  private static long axis(ForwardNode n) {
    adds(n);
    return n.integer("axis", 0);
  }

  /** Whether updates are added, and do not replace what was there. */
  private static boolean adds(ForwardNode n) {
    return switch (n.string("reduction", "none")) {
      case "none" -> false;
      case "add" -> true;
      default ->
          throw n.refusal(
              "is not known for the reduction '"
                  + n.string("reduction", "none")
                  + "'; expected 'none' or 'add'");
    };
  }

  /** SliceGrad fails for a negative step along the last axis. */
  private static Value slice(ForwardNode n, Algebra g) {
    long[] steps = n.has(4) ? n.constantIntegers(4) : new long[0];
    if (steps == null || Arrays.stream(steps).anyMatch(step -> step < 0)) {
      return taken(n, g);
    }
    List<Value> ranges = new ArrayList<>();
    for (int i = 1; i < n.inputs(); i++) {
      ranges.add(n.has(i) ? n.x(i) : g.absent());
    }
    return g.kernels().sliceGrad(n.dY(), g.shape(n.x()), ranges);
  }

  /** The operator itself, on the elements' positions, tells where each element of dY came from. */
  private static Value taken(ForwardNode n, Algebra g) {
    return putBack(n, n.again(g.positions(n.x())), g);
  }

  /**
   * dY added up at the positions in X (numbered in row-major order) that its elements came from.
   */
  static Value putBack(ForwardNode n, Value positions, Algebra g) {
    Value flat =
        g.kernels().gatherGrad(g.count(n.x()), g.reshape(positions, -1), g.reshape(n.dY(), -1), 0);
    return g.reshapeLike(flat, n.x(), n.shape(0));
  }
}
