package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * The equation of an Einsum node, and its gradient: dY times the other operands, summed over the
 * labels that the operand has not. That is an Einsum again; along a label that only this operand
 * has, every element gets the same.
 *
 * <p>Grammar: {@code term {"," term} ["->" term]}, a term of letters with at most one {@code ...},
 * which stands for any number of axes that broadcast; spaces do not count. Without an output, it is
 * the ellipsis and the labels that occur once, in the order of the alphabet. Refused: a label twice
 * in one operand (a diagonal). Source: the ONNX operator specification.
 */
record Einsum(List<String> terms, String output) {
  /** Stands for the ellipsis, so that a term is one character a label. */
  private static final char ELLIPSIS = '.';

  static Einsum of(ForwardNode n) {
    String equation = n.string("equation", "").replaceAll("\\s", "").replace("...", ".");
    String[] sides = equation.split("->", -1);
    List<String> terms = List.of(sides[0].split(",", -1));
    for (String term : terms) {
      if (term.chars().distinct().count() != term.length()) {
        throw n.refusal(
            "has the equation '"
                + n.string("equation", "")
                + "' with a label twice in '"
                + term
                + "', expected each at most once in an operand");
      }
    }
    if (sides.length > 2 || terms.size() != n.inputs()) {
      throw n.refusal(
          "has the equation '" + n.string("equation", "") + "' for " + n.inputs() + " operands");
    }
    return new Einsum(terms, sides.length == 2 ? sides[1] : implicit(sides[0]));
  }

  private static String implicit(String terms) {
    StringBuilder output = new StringBuilder(terms.indexOf(ELLIPSIS) < 0 ? "" : ".");
    terms
        .chars()
        .filter(c -> Character.isLetter(c) && terms.indexOf(c) == terms.lastIndexOf(c))
        .sorted()
        .forEach(c -> output.append((char) c));
    return output.toString();
  }

  /** Whether an axis of operand {@code i} can be shorter than the same label's elsewhere. */
  boolean broadcasts(ForwardNode n, int i) {
    return terms.get(i).chars().anyMatch(c -> c == ELLIPSIS || !sameEverywhere(n, i, (char) c));
  }

  private boolean sameEverywhere(ForwardNode n, int i, char label) {
    long own = length(n, i, label);
    for (int j = 0; j < terms.size(); j++) {
      if (j != i && terms.get(j).indexOf(label) >= 0 && (own < 0 || own != length(n, j, label))) {
        return false;
      }
    }
    return true;
  }

  /** The length of a label's axis, or -1. */
  private long length(ForwardNode n, int i, char label) {
    long[] shape = n.shape(i);
    String term = terms.get(i);
    if (shape == null) {
      return -1;
    }
    int at = term.indexOf(label);
    int dots = term.indexOf(ELLIPSIS);
    return shape[dots < 0 || at < dots ? at : shape.length - term.length() + at];
  }

  /** The gradient of operand {@code i}, in the shape that it has once broadcast. */
  Value gradient(ForwardNode n, int i, Algebra g) {
    List<Value> operands = new ArrayList<>(List.of(n.dY()));
    List<String> given = new ArrayList<>(List.of(output));
    for (int j = 0; j < terms.size(); j++) {
      if (j != i) {
        operands.add(n.x(j));
        given.add(terms.get(j));
      }
    }
    String term = terms.get(i);
    String all = String.join(",", given);
    // The operand's axes, after those of an ellipsis that only others have.
    StringBuilder found = new StringBuilder();
    if (term.indexOf(ELLIPSIS) < 0 && all.indexOf(ELLIPSIS) >= 0) {
      found.append(ELLIPSIS);
    }
    List<Long> alone = new ArrayList<>();
    for (int at = 0; at < term.length(); at++) {
      if (all.indexOf(term.charAt(at)) >= 0) {
        found.append(term.charAt(at));
      } else {
        alone.add((long) (found.indexOf(".") < 0 ? at : at - term.length()));
      }
    }
    Value gradient = g.einsum((all + "->" + found).replace(".", "..."), operands);
    if (alone.isEmpty()) {
      return gradient;
    }
    long[] axes = alone.stream().mapToLong(a -> a).toArray();
    return g.expand(g.unsqueeze(gradient, axes), g.shape(n.x(i)));
  }
}
