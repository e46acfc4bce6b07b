package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.FLOAT;
import static dev.headstart.onnx.ShapeSite.INT64;

import java.util.Arrays;

/** Shape rules for what takes axes away. */
final class ReductionShapes {
  private ReductionShapes() {}

  /** Axes are an attribute or, from opset 13 (ReduceSum) or 18 (the others) on, an input. */
  static void reduce(ShapeSite s) {
    Known x = s.in(0);
    boolean keep = s.number("keepdims", 1) != 0;
    long[] axes = s.has(1) ? s.in(1).numbers() : s.numbers("axes");
    if (x.dims() == null) {
      s.out(0, x.type(), (long[]) null);
    } else if (s.has(1) && axes == null) {
      // Which axes is decided at run time; how many may be known.
      Known given = s.in(1);
      boolean counted = given.fixed() && given.dims().length == 1;
      int rank = x.dims().length - (counted ? (int) Math.min(given.dims()[0], 1 << 16) : 0);
      s.out(
          0,
          x.type(),
          keep ? s.fresh(x.dims().length) : counted && rank >= 0 ? s.fresh(rank) : null);
    } else if (axes == null || axes.length == 0) {
      if (s.flag("noop_with_empty_axes")) {
        s.out(0, new Known(x.type(), x.dims(), x.numbers(), null));
        return;
      }
      boolean[] all = new boolean[x.dims().length];
      Arrays.fill(all, true);
      s.out(0, new Known(x.type(), without(x.dims(), all, keep), product(s, x), null));
    } else {
      boolean[] marked = s.marked(axes, x.dims().length);
      long[] numbers = x.dims().length == 1 ? product(s, x) : null;
      s.out(0, new Known(x.type(), without(x.dims(), marked, keep), numbers, null));
    }
  }

  private static long[] product(ShapeSite s, Known x) {
    if (!s.isOperator("ReduceProd") || x.numbers() == null) {
      return null;
    }
    for (long number : x.numbers()) {
      if (Known.isNumber(number) && number < 0) {
        return null;
      }
    }
    return new long[] {s.product(x.numbers())};
  }

  private static long[] without(long[] dims, boolean[] marked, boolean keep) {
    long[] result = new long[dims.length];
    int rank = 0;
    for (int i = 0; i < dims.length; i++) {
      if (!marked[i]) {
        result[rank++] = dims[i];
      } else if (keep) {
        result[rank++] = 1;
      }
    }
    return Arrays.copyOf(result, rank);
  }

  static void arg(ShapeSite s) {
    long[] dims = s.in(0).dims();
    if (dims == null) {
      s.out(0, INT64, (long[]) null);
      return;
    }
    boolean[] marked = s.marked(new long[] {s.number("axis", 0)}, dims.length);
    s.out(0, INT64, without(dims, marked, s.number("keepdims", 1) != 0));
  }

  static void topK(ShapeSite s) {
    long[] dims = s.in(0).dims();
    if (dims != null) {
      long[] k = s.in(1).numbers();
      dims = dims.clone();
      dims[s.axis(s.number("axis", -1), dims.length)] =
          k != null && k.length == 1 ? k[0] : s.fresh();
    }
    s.out(0, s.in(0).type(), dims);
    s.out(1, INT64, dims);
  }

  /** Scores [N, C, d…] and labels [N, d…] to a scalar, or with reduction none to [N, d…]. */
  static void loss(ShapeSite s) {
    int type = s.in(0).type() == 0 ? FLOAT : s.in(0).type();
    if (s.string("reduction", "mean").equals("none")) {
      s.out(0, type, s.in(1).dims());
    } else {
      s.out(0, type);
    }
    s.out(1, type, s.in(0).dims());
  }
}
