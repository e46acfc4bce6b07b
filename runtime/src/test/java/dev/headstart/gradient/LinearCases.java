package dev.headstart.gradient;

import static dev.headstart.gradient.GradientCase.of;

import dev.headstart.onnx.Attribute;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link LinearRules}. */
final class LinearCases {
  private LinearCases() {}

  static void addTo(List<GradientCase> cases) {
    einsums(cases);
    fused(cases);
    for (int flags = 0; flags < 4; flags++) {
      boolean transA = (flags & 1) != 0;
      boolean transB = (flags & 2) != 0;
      long[] a = transA ? new long[] {4, 2} : new long[] {2, 4};
      long[] b = transB ? new long[] {3, 4} : new long[] {4, 3};
      Attribute[] attributes = {
        Attribute.of("transA", transA ? 1 : 0), Attribute.of("transB", transB ? 1 : 0)
      };
      cases.add(of("Gemm", "flags " + flags).by("a", a).by("b", b).node(attributes));
      cases.add(of("Gemm", "with C, " + flags).by("a", a).by("b", b).by("c", 3).node(attributes));
      cases.add(
          of("Gemm", "alpha and beta, " + flags)
              .by("a", a)
              .by("b", b)
              .by("c", 2, 3)
              .node(
                  attributes[0],
                  attributes[1],
                  Attribute.of("alpha", 0.7f),
                  Attribute.of("beta", -1.3f)));
    }
    for (long[] c : new long[][] {{}, {1}, {1, 3}, {2, 1}, {1, 1}}) {
      cases.add(
          of("Gemm", "C " + Arrays.toString(c)).by("a", 2, 4).by("b", 4, 3).by("c", c).node());
    }
    cases.add(of("Gemm", "one row").by("a", 1, 4).by("b", 4, 3).by("c", 1, 3).node());
    cases.add(
        of("Gemm", "beta 0").by("a", 2, 4).by("b", 4, 3).by("c", 3).node(Attribute.of("beta", 0f)));
    long[][][] products = {
      {{2, 3}, {3, 4}},
      {{3}, {3}},
      {{3}, {3, 4}},
      {{2, 3}, {3}},
      {{5, 2, 3}, {3, 4}},
      {{2, 2, 2, 3}, {3, 2}},
      {{2, 3}, {5, 3, 2}},
      {{4, 2, 3}, {4, 3, 2}},
      {{1, 2, 3}, {4, 3, 2}},
      {{4, 1, 2, 3}, {2, 3, 2}},
      {{2, 1, 2, 3}, {1, 3, 3, 2}},
      {{3}, {2, 3, 2}},
      {{2, 2, 3}, {3}},
    };
    for (long[][] shapes : products) {
      cases.add(
          of("MatMul", Arrays.deepToString(shapes)).by("a", shapes[0]).by("b", shapes[1]).node());
    }
  }

  private static void einsums(List<GradientCase> cases) {
    einsum(cases, "ij,jk->ik", new long[] {2, 3}, new long[] {3, 4});
    einsum(cases, "ij,jk", new long[] {2, 3}, new long[] {3, 4});
    einsum(cases, "bhqd, bhkd -> bhqk", new long[] {2, 2, 3, 4}, new long[] {2, 2, 5, 4});
    einsum(cases, "bhqk,bkhd->bqhd", new long[] {2, 3, 2, 4}, new long[] {2, 4, 3, 2});
    einsum(cases, "bij,bj->bi", new long[] {2, 3, 4}, new long[] {2, 4});
    einsum(cases, "i,j->ij", new long[] {2}, new long[] {3});
    einsum(cases, "i,i->", new long[] {4}, new long[] {4});
    einsum(cases, "i,i", new long[] {4}, new long[] {4});
    einsum(cases, "ij,ij->ij", new long[] {2, 3}, new long[] {2, 3});
    einsum(cases, "ij->ji", new long[] {2, 3});
    einsum(cases, "ba", new long[] {2, 3});
    einsum(cases, "ij->i", new long[] {2, 3});
    einsum(cases, "ijk->j", new long[] {2, 3, 4});
    einsum(cases, "ij->", new long[] {2, 3});
    einsum(cases, "ij,k->j", new long[] {2, 3}, new long[] {4});
    einsum(cases, "aB,BC->aC", new long[] {2, 3}, new long[] {3, 4});
    einsum(cases, "i,ij,j->", new long[] {2}, new long[] {2, 3}, new long[] {3});
    einsum(cases, "ab,bc,cd->ad", new long[] {2, 3}, new long[] {3, 2}, new long[] {2, 4});
    einsum(cases, "...ij,...jk->...ik", new long[] {2, 2, 3}, new long[] {2, 3, 4});
    einsum(cases, "...ij,...jk->...ik", new long[] {4, 1, 2, 3}, new long[] {1, 2, 3, 2});
    einsum(cases, "...ij,...jk->...ik", new long[] {1, 2, 3}, new long[] {5, 3, 2});
    einsum(cases, "...ij,jk->...ik", new long[] {2, 5, 2, 3}, new long[] {3, 4});
    einsum(cases, "...i,i->...", new long[] {2, 3, 4}, new long[] {4});
    einsum(cases, "...ij->...ji", new long[] {2, 3, 4});
    einsum(cases, "...ij", new long[] {2, 3, 4});
    einsum(cases, "i...->...", new long[] {2, 3, 4});
    einsum(cases, "i...,j->...j", new long[] {2, 3}, new long[] {4});
    einsum(cases, "bij,bjk->bik", new long[] {1, 2, 3}, new long[] {4, 3, 2});
    einsum(cases, "ij,ij->ij", new long[] {1, 3}, new long[] {2, 1});
  }

  private static void einsum(List<GradientCase> cases, String equation, long[]... shapes) {
    for (int opset : new int[] {12, 13}) {
      GradientCase einsum =
          of("Einsum", equation + " " + Arrays.deepToString(shapes) + ", opset " + opset)
              .opset(opset);
      for (int i = 0; i < shapes.length; i++) {
        einsum.by("x" + i, shapes[i]);
      }
      cases.add(einsum.node(Attribute.of("equation", equation)));
    }
  }

  private static void fused(List<GradientCase> cases) {
    for (int flags = 0; flags < 4; flags++) {
      boolean transA = (flags & 1) != 0;
      boolean transB = (flags & 2) != 0;
      long[][][] products = {
        {
          transA ? new long[] {4, 2} : new long[] {2, 4},
          transB ? new long[] {3, 4} : new long[] {4, 3}
        },
        {
          transA ? new long[] {5, 4, 2} : new long[] {5, 2, 4},
          transB ? new long[] {3, 4} : new long[] {4, 3}
        },
        {
          transA ? new long[] {2, 1, 4, 2} : new long[] {2, 1, 2, 4},
          transB ? new long[] {3, 3, 4} : new long[] {3, 4, 3}
        },
      };
      for (long[][] shapes : products) {
        cases.add(
            of("com.microsoft.FusedMatMul", Arrays.deepToString(shapes) + ", flags " + flags)
                .by("a", shapes[0])
                .by("b", shapes[1])
                .node(
                    Attribute.of("transA", transA ? 1 : 0),
                    Attribute.of("transB", transB ? 1 : 0),
                    Attribute.of("alpha", 0.125f + flags)));
      }
    }
  }
}
