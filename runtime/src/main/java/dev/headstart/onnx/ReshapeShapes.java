package dev.headstart.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Shape rules for what keeps the elements and changes how they are counted. */
final class ReshapeShapes {
  private ReshapeShapes() {}

  /** 0 copies a dimension (unless allowzero), one -1 takes what is left. */
  static void reshape(ShapeSite s) {
    Known x = s.in(0);
    long[] target = s.in(1).numbers();
    if (target == null) {
      long[] rank = s.in(1).dims();
      boolean counted =
          rank != null && rank.length == 1 && Known.isNumber(rank[0]) && rank[0] <= 64;
      s.out(0, x.type(), counted ? s.fresh((int) rank[0]) : null);
      return;
    }
    long[] dims = target.clone();
    int open = -1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == 0 && !s.flag("allowzero")) {
        if (x.dims() != null && i >= x.dims().length) {
          throw s.wrong("copies dimension " + i + " of a tensor of rank " + x.dims().length);
        }
        dims[i] = x.dims() == null ? s.fresh() : x.dims()[i];
      } else if (dims[i] == -1 && open < 0) {
        open = i;
      } else if (Known.isNumber(dims[i]) && dims[i] < 0) {
        throw s.wrong("asks for the shape " + Arrays.toString(target));
      }
    }
    if (open >= 0) {
      dims[open] = x.dims() == null ? s.fresh() : left(s, x.dims(), dims, open);
    }
    long[] whole = x.dims();
    if (whole != null && x.fixed() && Known.of(0, dims).fixed()) {
      if (s.product(whole) != s.product(dims)) {
        throw s.wrong(
            "reshapes " + Arrays.toString(whole) + " to " + Arrays.toString(dims) + " elements");
      }
    }
    s.out(0, new Known(x.type(), dims, x.numbers(), null));
  }

  /** What is left for the open dimension once equal dimensions of both sides are struck out. */
  private static long left(ShapeSite s, long[] from, long[] to, int open) {
    List<Long> rest = new ArrayList<>();
    for (long dim : from) {
      rest.add(dim);
    }
    long divisor = 1;
    for (int i = 0; i < to.length; i++) {
      if (i == open || rest.remove(Long.valueOf(to[i]))) {
        continue;
      }
      if (!Known.isNumber(to[i])) {
        return s.fresh();
      }
      divisor = s.product(divisor, to[i]);
    }
    long product = s.product(rest.stream().mapToLong(Long::longValue).toArray());
    if (divisor == 1) {
      return product;
    }
    if (!Known.isNumber(product) || divisor == 0) {
      return s.fresh();
    }
    if (product % divisor != 0) {
      throw s.wrong(
          "reshapes " + product + " elements into parts of " + divisor + ", which does not divide");
    }
    return product / divisor;
  }

  static void flatten(ShapeSite s) {
    long[] x = s.in(0).dims();
    if (x == null) {
      s.out(0, s.in(0).type(), s.fresh(2));
      return;
    }
    int axis = s.gap(s.number("axis", 1), x.length);
    s.out(
        0,
        new Known(
            s.in(0).type(),
            new long[] {
              s.product(Arrays.copyOf(x, axis)), s.product(Arrays.copyOfRange(x, axis, x.length))
            },
            s.in(0).numbers(),
            null));
  }

  static void transpose(ShapeSite s) {
    long[] x = s.in(0).dims();
    if (x == null) {
      long[] perm = s.numbers("perm");
      s.out(0, s.in(0).type(), perm == null ? null : s.fresh(perm.length));
      return;
    }
    long[] perm = s.numbers("perm");
    if (perm == null) {
      perm = new long[x.length];
      Arrays.setAll(perm, i -> x.length - 1 - i);
    }
    if (perm.length != x.length) {
      throw s.wrong("permutes " + perm.length + " of " + x.length + " dimensions");
    }
    s.marked(perm, x.length);
    long[] y = new long[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = x[s.axis(perm[i], x.length)];
    }
    s.out(0, s.in(0).type(), y);
  }

  /** Axes are an attribute until opset 12, then an input. */
  static void squeeze(ShapeSite s) {
    Known x = s.in(0);
    long[] axes = s.has(1) ? s.in(1).numbers() : s.numbers("axes");
    boolean all = !s.has(1) && axes == null;
    // Without axes the 1s go, and a symbol may be 1.
    if (x.dims() == null || (all && !x.fixed()) || (!all && axes == null)) {
      s.out(0, x.type(), (long[]) null);
      return;
    }
    boolean[] marked = new boolean[x.dims().length];
    if (all) {
      for (int i = 0; i < marked.length; i++) {
        marked[i] = x.dims()[i] == 1;
      }
    } else {
      marked = s.marked(axes, marked.length);
    }
    long[] y = new long[marked.length];
    int rank = 0;
    for (int i = 0; i < marked.length; i++) {
      if (!marked[i]) {
        y[rank++] = x.dims()[i];
      } else if (Known.isNumber(x.dims()[i]) && x.dims()[i] != 1) {
        throw s.wrong("squeezes axis " + i + ", which has " + x.dims()[i] + " elements");
      }
    }
    s.out(0, new Known(x.type(), Arrays.copyOf(y, rank), x.numbers(), null));
  }

  /** Axes count in the result. */
  static void unsqueeze(ShapeSite s) {
    Known x = s.in(0);
    long[] axes = s.has(1) ? s.in(1).numbers() : s.numbers("axes");
    if (x.dims() == null || axes == null) {
      s.out(0, x.type(), (long[]) null);
      return;
    }
    boolean[] added = s.marked(axes, x.dims().length + axes.length);
    long[] y = new long[added.length];
    int from = 0;
    for (int i = 0; i < y.length; i++) {
      y[i] = added[i] ? 1 : x.dims()[from++];
    }
    s.out(0, new Known(x.type(), y, x.numbers(), null));
  }

  static void expand(ShapeSite s) {
    Known x = s.in(0);
    long[] target = s.in(1).numbers();
    long[] dims = target == null ? null : s.broadcast(x.dims(), target);
    Known shape = s.in(1);
    if (target == null && x.dims() != null && shape.fixed() && shape.dims().length == 1) {
      dims = s.fresh((int) Math.max(x.dims().length, Math.min(shape.dims()[0], 1 << 16)));
    }
    long[] numbers = null;
    if (dims != null && x.numbers() != null && x.numbers().length == 1) {
      numbers = ConstantShapes.filled(dims, x.numbers()[0]);
    }
    s.out(0, new Known(x.type(), dims, numbers, null));
  }

  static void tile(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] repeats = s.in(1).numbers();
    if (x == null || repeats == null) {
      s.out(0, s.in(0).type(), x == null ? null : s.fresh(x.length));
      return;
    }
    if (repeats.length != x.length) {
      throw s.wrong("has " + repeats.length + " repeats for rank " + x.length);
    }
    long[] y = new long[x.length];
    Arrays.setAll(y, i -> s.product(x[i], repeats[i]));
    s.out(0, s.in(0).type(), y);
  }
}
