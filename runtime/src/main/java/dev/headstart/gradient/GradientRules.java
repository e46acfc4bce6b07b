package dev.headstart.gradient;

import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The table of gradient rules: for every operator, how the gradient of each input follows from the
 * gradient dY of its output (reverse mode; Y is the output, A, B, … the inputs, · a product of
 * elements or, for matrices, of matrices).
 *
 * <p>Ordered by difficulty. First come the edges where differentiation stops, as data, so that a
 * missing rule is never taken for a zero gradient. A rule gives a gradient in the shape that the
 * input has <em>after broadcasting</em>; {@link Gradients} sums it back to the input's own, so no
 * rule mentions broadcasting. docs/gradients.md shows how to add one.
 *
 * <p>Sources: the ONNX operator specification for what Y is; Giles, "Collected matrix derivative
 * results for forward and reverse mode algorithmic differentiation" (2008) for the matrices.
 */
public final class GradientRules {

  /** The gradient of one input of a node. */
  @FunctionalInterface
  interface Rule {
    Value gradient(ForwardNode n, Algebra g);
  }

  /** The gradients of all inputs of a node at once, null where an input has none. */
  @FunctionalInterface
  interface Joint {
    List<Value> gradients(ForwardNode n, Algebra g);
  }

  /** The gradient of input {@code i} of a node that treats all of its inputs alike. */
  @FunctionalInterface
  interface Each {
    Value gradient(ForwardNode n, int i, Algebra g);
  }

  /** What the table holds of one operator. */
  sealed interface Entry {
    /** A rule for each of the first inputs; further inputs have none. */
    record PerInput(List<Rule> rules) implements Entry {}

    record Variadic(Each rule) implements Entry {}

    record Together(Joint rule) implements Entry {}

    default boolean covers(int input) {
      return !(this instanceof PerInput p) || input < p.rules().size();
    }
  }

  /** Which axes of an input broadcast. */
  enum Broadcast {
    NONE,
    /** All, against the other inputs. */
    ELEMENTWISE,
    /** All, one way, to the shape of the output. */
    TO_OUTPUT,
    /** Those before the last two. */
    LEADING
  }

  @FunctionalInterface
  private interface Broadcasting {
    Broadcast of(ForwardNode n, int input);
  }

  private static final Map<String, Entry> TABLE = new LinkedHashMap<>();
  private static final Map<String, Broadcasting> BROADCASTING = new HashMap<>();
  private static final Map<String, Set<Integer>> STOP_INPUTS = new HashMap<>();

  // ---- Stop edges: the derivative is zero almost everywhere, or the input is no real number

  private static final Set<String> STOP_OPERATORS =
      Set.of(
          "And",
          "ArgMax",
          "ArgMin",
          "BitShift",
          "Ceil",
          "Constant",
          "ConstantOfShape",
          "Equal",
          "EyeLike",
          "Floor",
          "Greater",
          "GreaterOrEqual",
          "IsInf",
          "IsNaN",
          "Less",
          "LessOrEqual",
          "Multinomial",
          "NonZero",
          "Not",
          "OneHot",
          "Or",
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

  static {
    stop("Dropout", 1, 2); // ratio, training mode
    stop("Reshape", 1);
    stop("Squeeze", 1);
    stop("Unsqueeze", 1);
    stop("ReduceSum", 1);
    stop("ReduceMean", 1);
    stop("Where", 0);
    stop("SoftmaxCrossEntropyLoss", 1); // labels
  }

  // ---- Inputs that broadcast

  static {
    for (String operator : List.of("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Where")) {
      broadcasting(operator, (n, i) -> Broadcast.ELEMENTWISE);
    }
    broadcasting("Gemm", (n, i) -> i == 2 ? Broadcast.TO_OUTPUT : Broadcast.NONE);
    // Against one matrix B, the leading axes of A are but more rows.
    broadcasting("MatMul", (n, i) -> n.rank(1) == 2 ? Broadcast.NONE : Broadcast.LEADING);
  }

  // ---- Elementwise

  static {
    rule("Identity", (n, g) -> n.dY());
    rule("Cast", (n, g) -> g.cast(n.dY(), n.type(0)));
    rule("Dropout", GradientRules::dropout); // dY · mask / (1 - ratio)
    rule("Neg", (n, g) -> g.neg(n.dY()));
    rule("Abs", (n, g) -> g.mul(n.dY(), g.sign(n.x())));
    rule("Exp", (n, g) -> g.mul(n.dY(), n.y()));
    rule("Log", (n, g) -> g.div(n.dY(), n.x()));
    rule("Sqrt", (n, g) -> g.div(g.mul(0.5, n.dY()), n.y()));
    rule("Relu", (n, g) -> g.kernels().reluGrad(n.dY(), n.y()));
    rule("LeakyRelu", (n, g) -> g.kernels().leakyReluGrad(n.dY(), n.x(), n.real("alpha", 0.01f)));
    rule("Sigmoid", (n, g) -> g.kernels().sigmoidGrad(n.dY(), n.y()));
    rule("Tanh", (n, g) -> g.kernels().tanhGrad(n.dY(), n.y()));
    rule("Softplus", (n, g) -> g.mul(n.dY(), g.sigmoid(n.x())));
    rule("Add", (n, g) -> n.dY(), (n, g) -> n.dY());
    rule("Sub", (n, g) -> n.dY(), (n, g) -> g.neg(n.dY()));
    rule("Mul", (n, g) -> g.mul(n.dY(), n.x(1)), (n, g) -> g.mul(n.dY(), n.x(0)));
    rule(
        "Div", // dA = dY / B, dB = -dY · Y / B
        (n, g) -> g.div(n.dY(), n.x(1)),
        (n, g) -> g.neg(g.div(g.mul(n.dY(), n.y()), n.x(1))));
    rule("Pow", GradientRules::pow); // dA = dY · B · A^(B-1); none for an exponent that is trained
    variadic("Sum", (n, i, g) -> n.dY());
    rule(
        "Where", // dA = C ? dY : 0, dB = C ? 0 : dY
        (n, g) -> null,
        (n, g) -> g.where(n.x(0), n.dY(), g.scalar(0)),
        (n, g) -> g.where(n.x(0), g.scalar(0), n.dY()));
  }

  // ---- Reductions

  static {
    rule("ReduceSum", GradientRules::spread);
    rule(
        "ReduceMean", // the sum's, divided by how many elements make one
        (n, g) -> g.mul(spread(n, g), g.div(g.size(n.y()), g.size(n.x()))));
  }

  // ---- Shape operators: the gradient goes back into the shape of the input

  static {
    rule("Reshape", GradientRules::likeInput);
    rule("Flatten", GradientRules::likeInput);
    rule("Squeeze", GradientRules::likeInput);
    rule("Unsqueeze", GradientRules::likeInput);
    rule("Transpose", GradientRules::transpose); // by the inverse permutation
    joint("Concat", GradientRules::concat); // cut into the parts again
  }

  // ---- Matrices

  static {
    rule("Gemm", GradientRules::gemmA, GradientRules::gemmB, GradientRules::gemmC);
    rule("MatMul", GradientRules::matMulA, GradientRules::matMulB);
  }

  // ---- Normalisations

  static {
    rule("Softmax", (n, g) -> g.kernels().softmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
    rule("LogSoftmax", (n, g) -> g.kernels().logSoftmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
  }

  // ---- Fused losses

  static {
    rule("SoftmaxCrossEntropyLoss", GradientRules::softmaxCrossEntropy);
  }

  private GradientRules() {}

  /** The operators that have a rule, in the table's order; one of another domain after its name. */
  public static Set<String> operators() {
    return Collections.unmodifiableSet(TABLE.keySet());
  }

  /** The operator's entry, or null. */
  static Entry entry(String operator) {
    return TABLE.get(operator);
  }

  /** Whether differentiation ends at this input, so that nothing behind it gets a gradient. */
  static boolean stops(String operator, int input) {
    return STOP_OPERATORS.contains(operator)
        || STOP_INPUTS.getOrDefault(operator, Set.of()).contains(input);
  }

  /** How an input of a node broadcasts. */
  static Broadcast broadcast(String operator, ForwardNode n, int input) {
    Broadcasting broadcasting = BROADCASTING.get(operator);
    return broadcasting == null ? Broadcast.NONE : broadcasting.of(n, input);
  }

  private static void stop(String operator, Integer... inputs) {
    STOP_INPUTS.put(operator, Set.of(inputs));
  }

  private static void broadcasting(String operator, Broadcasting broadcasting) {
    BROADCASTING.put(operator, broadcasting);
  }

  private static void rule(String operator, Rule... rules) {
    TABLE.put(operator, new Entry.PerInput(List.of(rules)));
  }

  private static void variadic(String operator, Each rule) {
    TABLE.put(operator, new Entry.Variadic(rule));
  }

  private static void joint(String operator, Joint rule) {
    TABLE.put(operator, new Entry.Together(rule));
  }

  // ---- Rules of more than a line

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

  // Y = alpha · A' · B' + beta · C, where A' is A or Aᵀ and B' is B or Bᵀ

  private static boolean transA(ForwardNode n) {
    return n.integer("transA", 0) != 0;
  }

  private static boolean transB(ForwardNode n) {
    return n.integer("transB", 0) != 0;
  }

  /** dA' = alpha · dY · B'ᵀ. */
  private static Value gemmA(ForwardNode n, Algebra g) {
    float alpha = n.real("alpha", 1);
    return transA(n)
        ? g.gemm(n.x(1), transB(n), n.dY(), true, alpha)
        : g.gemm(n.dY(), false, n.x(1), !transB(n), alpha);
  }

  /** dB' = alpha · A'ᵀ · dY. */
  private static Value gemmB(ForwardNode n, Algebra g) {
    float alpha = n.real("alpha", 1);
    return transB(n)
        ? g.gemm(n.dY(), true, n.x(0), transA(n), alpha)
        : g.gemm(n.x(0), !transA(n), n.dY(), false, alpha);
  }

  /** dC = beta · dY. */
  private static Value gemmC(ForwardNode n, Algebra g) {
    return g.mul(n.real("beta", 1), n.dY());
  }

  /** dA = dY · Bᵀ. A vector is a row before the product and no axis after it. */
  private static Value matMulA(ForwardNode n, Algebra g) {
    if (n.rank(0) == 1) {
      return g.squeeze(g.kernels().matMul(outputMatrix(n, g), false, matrix(n, 1, g), true), -2);
    }
    return n.rank(0) == 2 && n.rank(1) == 2
        ? g.gemm(n.dY(), false, n.x(1), true, 1)
        : g.kernels().matMul(outputMatrix(n, g), false, matrix(n, 1, g), true);
  }

  /** dB = Aᵀ · dY. A vector is a column before the product and no axis after it. */
  private static Value matMulB(ForwardNode n, Algebra g) {
    if (n.rank(1) == 1) {
      return g.squeeze(g.kernels().matMul(matrix(n, 0, g), true, outputMatrix(n, g), false), -1);
    }
    return n.rank(1) == 2
        ? g.gemm(rows(n.x(0), n, 0, g), true, rows(n.dY(), n, 1, g), false, 1)
        : g.kernels().matMul(matrix(n, 0, g), true, outputMatrix(n, g), false);
  }

  /** A or dY as one matrix, against the one matrix B, whose columns axis {@code i} counts. */
  private static Value rows(Value a, ForwardNode n, int axis, Algebra g) {
    return n.rank(0) == 2
        ? a
        : g.reshape(a, g.concat(List.of(g.vector(-1), column(n, axis, g)), 0));
  }

  private static Value column(ForwardNode n, int axis, Algebra g) {
    long columns = n.shape(1)[axis];
    return columns > 0 ? g.vector(columns) : g.gather(g.shape(n.x(1)), g.vector(axis), 0);
  }

  private static Value matrix(ForwardNode n, int i, Algebra g) {
    return n.rank(i) == 1 ? g.unsqueeze(n.x(i), i == 0 ? 0 : 1) : n.x(i);
  }

  private static Value outputMatrix(ForwardNode n, Algebra g) {
    Value dY = n.rank(1) == 1 ? g.unsqueeze(n.dY(), -1) : n.dY();
    return n.rank(0) == 1 ? g.unsqueeze(dY, -2) : dY;
  }

  /** Through the loss, dX = dY · (softmax - onehot), and through the log-probabilities. */
  private static Value softmaxCrossEntropy(ForwardNode n, Algebra g) {
    List<Value> terms = new ArrayList<>();
    if (n.dY(0) != null) {
      long ignored = n.integer("ignore_index", Long.MIN_VALUE);
      terms.add(
          g.kernels()
              .softmaxCrossEntropyGrad(
                  n.dY(0),
                  n.y(1),
                  n.x(1),
                  n.has(2) ? n.x(2) : null,
                  n.string("reduction", "mean"),
                  ignored == Long.MIN_VALUE ? null : ignored));
    }
    if (n.dY(1) != null) {
      terms.add(g.kernels().logSoftmaxGrad(n.dY(1), n.y(1), 1));
    }
    return g.sum(terms);
  }
}
