package dev.headstart.gradient;

import java.util.Set;

/**
 * The table of gradient rules: for every operator, how the gradient of each input follows from the
 * gradient dY of its output (reverse mode; Y is the output, A, B, … the inputs, · a product of
 * elements or, for matrices, of matrices).
 *
 * <p>Here are the operators at which differentiation stops, as data, so that a missing rule is
 * never taken for a zero gradient; the rules are in families, one class each. A rule gives a
 * gradient in the shape that the input has <em>after broadcasting</em>; {@link Gradients} sums it
 * back to the input's own, so no rule mentions broadcasting. docs/gradients.md shows how to add
 * one.
 *
 * <p>Sources: the ONNX operator specification for what Y is; Giles, "Collected matrix derivative
 * results for forward and reverse mode algorithmic differentiation" (2008) for the matrices.
 */
public final class GradientRules {

  /** The derivative is zero almost everywhere, or the output is no real number. */
  private static final Set<String> STOP_OPERATORS =
      Set.of(
          "And",
          "ArgMax",
          "ArgMin",
          "Bernoulli",
          "BitShift",
          "BitwiseAnd",
          "BitwiseNot",
          "BitwiseOr",
          "BitwiseXor",
          "Ceil",
          "Constant",
          "ConstantOfShape",
          "DequantizeLinear", // of frozen integers
          "DynamicQuantizeLinear",
          "Equal",
          "EyeLike",
          "Floor",
          "Greater",
          "GreaterOrEqual",
          "Hardmax",
          "IsInf",
          "IsNaN",
          "Less",
          "LessOrEqual",
          "Multinomial",
          "NonZero",
          "Not",
          "OneHot",
          "Or",
          "QuantizeLinear",
          "RandomNormal",
          "RandomNormalLike",
          "RandomUniform",
          "RandomUniformLike",
          "Range",
          "Round",
          "Shape",
          "Sign",
          "Size",
          "Xor");

  private static final RuleTable TABLE = new RuleTable();

  static {
    ElementwiseRules.addTo(TABLE);
    ReductionRules.addTo(TABLE);
    ReshapeRules.addTo(TABLE);
    SelectionRules.addTo(TABLE);
    LinearRules.addTo(TABLE);
    NormalisationRules.addTo(TABLE);
    WindowRules.addTo(TABLE);
  }

  private GradientRules() {}

  /** The operators that have a rule, in the table's order; one of another domain after its name. */
  public static Set<String> operators() {
    return TABLE.operators();
  }

  /** The operators that give no gradient to any input. */
  static Set<String> stopOperators() {
    return STOP_OPERATORS;
  }

  /** The operator's entry, or null. */
  static RuleTable.Entry entry(String operator) {
    return TABLE.entry(operator);
  }

  /** Whether differentiation ends at this input, so that nothing behind it gets a gradient. */
  static boolean stops(String operator, int input) {
    return STOP_OPERATORS.contains(operator) || TABLE.stops(operator, input);
  }

  /** Whether a constant at this input is a setting, and not a parameter to train. */
  static boolean isSetting(String operator, int input) {
    return TABLE.isSetting(operator, input);
  }

  /** How an input of a node broadcasts. */
  static RuleTable.Broadcast broadcast(String operator, ForwardNode n, int input) {
    return TABLE.broadcast(operator, n, input);
  }
}
