package dev.headstart.onnx;

import java.util.List;

/**
 * The equation of an Einsum node: a character for each axis of an operand and of the output.
 *
 * <p>Grammar: {@code term {"," term} ["->" term]}, a term of letters with at most one {@code ...},
 * which stands for any number of axes that broadcast; spaces do not count. Without an output, it is
 * the ellipsis and the labels that occur once, in the order of the alphabet. Source: the ONNX
 * operator specification.
 *
 * @param terms the operands' labels, with {@link #ELLIPSIS} for the three dots
 * @param output the output's
 */
public record EinsumEquation(List<String> terms, String output) {
  /** Stands for any number of axes. */
  public static final char ELLIPSIS = '.';

  /** Null for a text that is no equation. */
  public static EinsumEquation parse(String text) {
    String plain = text.replaceAll("\\s", "").replace("...", ".");
    if (!plain.matches(
        "[a-zA-Z]*\\.?[a-zA-Z]*(,[a-zA-Z]*\\.?[a-zA-Z]*)*(->[a-zA-Z]*\\.?[a-zA-Z]*)?")) {
      return null;
    }
    String[] sides = plain.split("->", -1);
    List<String> terms = List.of(sides[0].split(",", -1));
    return new EinsumEquation(terms, sides.length == 2 ? sides[1] : implicit(sides[0]));
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

  /**
   * The axis of operand {@code i}, which has {@code rank} axes, that a label names first; or -1.
   */
  public int axis(int i, char label, int rank) {
    String term = terms.get(i);
    int at = term.indexOf(label);
    int dots = term.indexOf(ELLIPSIS);
    return dots < 0 || at < dots ? at : rank - term.length() + at;
  }

  /** Whether operand {@code i} has an ellipsis. */
  public boolean hasEllipsis(int i) {
    return terms.get(i).indexOf(ELLIPSIS) >= 0;
  }

  /** As an Einsum node has it. */
  @Override
  public String toString() {
    return (String.join(",", terms) + "->" + output).replace(".", "...");
  }
}
