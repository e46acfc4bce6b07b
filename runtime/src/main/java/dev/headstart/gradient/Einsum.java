package dev.headstart.gradient;

import static dev.headstart.onnx.EinsumEquation.ELLIPSIS;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.EinsumEquation;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The gradient of Einsum: dY times the other operands, summed over the labels that the operand has
 * not. That is an Einsum again; along a label that only this operand has, every element gets the
 * same. Refused: a label twice in one operand (a diagonal).
 */
final class Einsum {
  private final ForwardNode n;
  private final EinsumEquation equation;

  private Einsum(ForwardNode n, EinsumEquation equation) {
    this.n = n;
    this.equation = equation;
  }

  static Einsum of(ForwardNode n) {
    EinsumEquation equation = EinsumEquation.parse(n.string("equation", ""));
    if (equation == null || equation.terms().size() != n.inputs()) {
      throw refusal(n, "a term for each of its " + n.inputs() + " operands");
    }
    if (equation.terms().stream().anyMatch(t -> t.chars().distinct().count() < t.length())) {
      throw refusal(n, "each label at most once in an operand");
    }
    // ONNX Runtime ends the process where they do not.
    long counts =
        IntStream.range(0, n.inputs())
            .filter(equation::hasEllipsis)
            .map(i -> n.rank(i) - equation.terms().get(i).length())
            .distinct()
            .count();
    if (counts > 1) {
      throw refusal(n, "that all ellipses stand for the same number of axes");
    }
    return new Einsum(n, equation);
  }

  private static BadInputException refusal(ForwardNode n, String expected) {
    return n.refusal(
        "is not known for the equation '" + n.string("equation", "") + "'; expected " + expected);
  }

  /** Whether an axis of operand {@code i} can be shorter than the same label's elsewhere. */
  boolean broadcasts(int i) {
    return equation.toString().indexOf(ELLIPSIS) >= 0
        || equation.terms().get(i).chars().anyMatch(c -> !isSameEverywhere(i, (char) c));
  }

  private boolean isSameEverywhere(int i, char label) {
    long own = length(i, label);
    return IntStream.range(0, n.inputs())
        .filter(j -> j != i && equation.terms().get(j).indexOf(label) >= 0)
        .allMatch(j -> own >= 0 && own == length(j, label));
  }

  /** The length of a label's axis, or -1. */
  private long length(int i, char label) {
    long[] shape = n.shape(i);
    return shape == null ? -1 : shape[equation.axis(i, label, shape.length)];
  }

  /** The gradient of operand {@code i}, in the shape that it has once broadcast. */
  Value gradient(int i, Algebra g) {
    List<Value> operands = new ArrayList<>(List.of(n.dY()));
    List<String> terms = new ArrayList<>(List.of(equation.output()));
    for (int j = 0; j < n.inputs(); j++) {
      if (j != i) {
        operands.add(n.x(j));
        terms.add(equation.terms().get(j));
      }
    }
    String term = equation.terms().get(i);
    String others = String.join(",", terms);
    StringBuilder found = new StringBuilder();
    // Axes of an ellipsis that only the others have are summed by the driver.
    if (!equation.hasEllipsis(i) && others.indexOf(ELLIPSIS) >= 0) {
      found.append(ELLIPSIS);
    }
    List<Integer> alone = new ArrayList<>();
    for (int at = 0; at < term.length(); at++) {
      if (others.indexOf(term.charAt(at)) >= 0) {
        found.append(term.charAt(at));
      } else {
        alone.add(found.indexOf(".") < 0 ? at : at - term.length());
      }
    }
    Value gradient = g.einsum(new EinsumEquation(terms, found.toString()).toString(), operands);
    if (alone.isEmpty()) {
      return gradient;
    }
    long[] axes = alone.stream().mapToLong(axis -> axis).toArray();
    return g.expand(g.unsqueeze(gradient, axes), g.shape(n.x(i)));
  }
}
