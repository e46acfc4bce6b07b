package dev.headstart.gradient;

import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.onnx.Value;
import java.util.List;

/** Rules of products of matrices. */
final class LinearRules {
  private LinearRules() {}

  static void addTo(RuleTable t) {
    t.broadcasting("Gemm", (n, i) -> i == 2 ? Broadcast.TO_OUTPUT : Broadcast.NONE);
    // Against one matrix B, the leading axes of A are but more rows.
    t.broadcasting("MatMul", (n, i) -> n.rank(1) == 2 ? Broadcast.NONE : Broadcast.LEADING);

    t.broadcasting("com.microsoft.FusedMatMul", (n, i) -> Broadcast.LEADING);
    t.broadcasting(
        "Einsum", (n, i) -> Einsum.of(n).broadcasts(i) ? Broadcast.TO_GRADIENT : Broadcast.NONE);

    t.rule("Gemm", LinearRules::gemmA, LinearRules::gemmB, LinearRules::gemmC);
    t.rule("MatMul", LinearRules::matMulA, LinearRules::matMulB);
    t.rule("com.microsoft.FusedMatMul", LinearRules::fusedA, LinearRules::fusedB);
    t.variadic("Einsum", (n, i, g) -> Einsum.of(n).gradient(i, g));
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

  // Y = alpha · A' · B', the last two axes of A and B transposed on request

  /** dA' = alpha · dY · B'ᵀ. */
  private static Value fusedA(ForwardNode n, Algebra g) {
    requireMatrices(n);
    return g.mul(
        n.real("alpha", 1),
        transA(n)
            ? g.kernels().matMul(n.x(1), transB(n), n.dY(), true)
            : g.kernels().matMul(n.dY(), false, n.x(1), !transB(n)));
  }

  /** dB' = alpha · A'ᵀ · dY. */
  private static Value fusedB(ForwardNode n, Algebra g) {
    requireMatrices(n);
    return g.mul(
        n.real("alpha", 1),
        transB(n)
            ? g.kernels().matMul(n.dY(), true, n.x(0), transA(n))
            : g.kernels().matMul(n.x(0), !transA(n), n.dY(), false));
  }

  private static void requireMatrices(ForwardNode n) {
    if (n.rank(0) < 2 || n.rank(1) < 2) {
      throw n.refusal("is not known for a vector; expected matrices");
    }
    if (n.integer("transBatchA", 0) != 0 || n.integer("transBatchB", 0) != 0) {
      throw n.refusal("is not known for transBatchA and transBatchB; expected 0");
    }
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
}
