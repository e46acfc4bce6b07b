package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.INT32;
import static dev.headstart.onnx.ShapeSite.INT64;

import java.util.Arrays;

/** Shape rules for windows that slide over [batch, channels, spatial…], and for resizing. */
final class WindowShapes {
  private WindowShapes() {}

  static void conv(ShapeSite s) {
    s.out(0, s.in(0).type(), conv(s, s.in(0).dims(), s.in(1).dims()));
  }

  static void convInteger(ShapeSite s) {
    s.out(0, INT32, conv(s, s.in(0).dims(), s.in(1).dims()));
  }

  /** QLinearConv(x, scale, zero, w, scale, zero, scale, zero, bias). */
  static void qLinearConv(ShapeSite s) {
    s.out(0, s.in(7).type(), conv(s, s.in(0).dims(), s.in(3).dims()));
  }

  /** Weights are [out channels, in channels / group, kernel…]. */
  private static long[] conv(ShapeSite s, long[] x, long[] w) {
    if (x == null) {
      return null;
    }
    if (x.length < 3 || (w != null && w.length != x.length)) {
      throw s.wrong("takes an input and weights of the same rank, at least 3");
    }
    long group = s.number("group", 1);
    if (w != null
        && Known.isNumber(x[1])
        && Known.isNumber(w[1])
        && (group < 1 || x[1] / group != w[1] || x[1] % group != 0)) {
      throw s.wrong("takes " + w[1] + " channels in each of " + group + " groups, but got " + x[1]);
    }
    long[] kernel = s.numbers("kernel_shape");
    if (kernel == null && w != null) {
      kernel = Arrays.copyOfRange(w, 2, w.length);
    }
    long channels = w == null ? s.fresh() : w[0];
    return slide(s, x, channels, kernel, false);
  }

  static void pool(ShapeSite s) {
    s.requireRank(0, 3);
    long[] x = s.in(0).dims();
    long[] y = x == null ? null : slide(s, x, x[1], s.numbers("kernel_shape"), s.flag("ceil_mode"));
    s.out(0, s.in(0).type(), y);
    s.out(1, INT64, y);
  }

  private static long[] slide(
      ShapeSite s, long[] x, long channels, long[] kernel, boolean ceiling) {
    int spatial = x.length - 2;
    long[] y = s.fresh(x.length);
    y[0] = x[0];
    y[1] = channels;
    if (kernel == null) {
      return y;
    }
    if (kernel.length != spatial) {
      throw s.wrong("has a kernel of rank " + kernel.length + " over " + spatial + " dimensions");
    }
    long[] strides = s.numbers("strides", spatial, 1);
    long[] dilations = s.numbers("dilations", spatial, 1);
    long[] pads = s.numbers("pads", 2 * spatial, 0);
    String auto = s.string("auto_pad", "NOTSET");
    for (int i = 0; i < spatial; i++) {
      long size = x[2 + i];
      if (!Known.isNumber(size) || !Known.isNumber(kernel[i])) {
        // A window that changes nothing keeps even a symbol.
        boolean same = auto.startsWith("SAME") && strides[i] == 1;
        boolean trivial =
            kernel[i] == 1 && strides[i] == 1 && pads[i] == 0 && pads[spatial + i] == 0;
        y[2 + i] = same || trivial ? size : y[2 + i];
        continue;
      }
      if (strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1) {
        throw s.wrong("has a stride, dilation or kernel below 1");
      }
      y[2 + i] =
          steps(
              s,
              size,
              (kernel[i] - 1) * dilations[i] + 1,
              strides[i],
              pads[i],
              pads[spatial + i],
              auto,
              ceiling);
    }
    return y;
  }

  private static long steps(
      ShapeSite s,
      long size,
      long window,
      long stride,
      long begin,
      long end,
      String auto,
      boolean ceiling) {
    if (auto.startsWith("SAME")) {
      return (size + stride - 1) / stride;
    }
    long padded = auto.equals("VALID") ? size : size + begin + end;
    if (padded < window) {
      throw s.wrong("has a window of " + window + " over a dimension of " + padded);
    }
    long steps = (padded - window) / stride + 1;
    // The last window of ceil_mode must begin inside the input or its first padding.
    if (ceiling && (padded - window) % stride != 0) {
      long last = steps * stride;
      return last < size + (auto.equals("VALID") ? 0 : begin) ? steps + 1 : steps;
    }
    return steps;
  }

  /** Weights are [in channels, out channels / group, kernel…]. */
  static void convTranspose(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] w = s.in(1).dims();
    if (x == null) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    if (x.length < 3 || (w != null && w.length != x.length)) {
      throw s.wrong("takes an input and weights of the same rank, at least 3");
    }
    int spatial = x.length - 2;
    long[] y = s.fresh(x.length);
    y[0] = x[0];
    if (w != null) {
      y[1] = s.product(w[1], s.number("group", 1));
    }
    long[] kernel = s.numbers("kernel_shape");
    if (kernel == null && w != null) {
      kernel = Arrays.copyOfRange(w, 2, w.length);
    }
    long[] strides = s.numbers("strides", spatial, 1);
    long[] dilations = s.numbers("dilations", spatial, 1);
    long[] pads = s.numbers("pads", 2 * spatial, 0);
    long[] extra = s.numbers("output_padding", spatial, 0);
    long[] given = s.numbers("output_shape");
    String auto = s.string("auto_pad", "NOTSET");
    for (int i = 0; i < spatial; i++) {
      if (given != null && given.length >= spatial) {
        y[2 + i] = given[given.length - spatial + i];
      } else if (Known.isNumber(x[2 + i])
          && kernel != null
          && kernel.length == spatial
          && Known.isNumber(kernel[i])) {
        y[2 + i] =
            auto.startsWith("SAME")
                ? x[2 + i] * strides[i]
                : strides[i] * (x[2 + i] - 1)
                    + extra[i]
                    + (kernel[i] - 1) * dilations[i]
                    + 1
                    - (auto.equals("VALID") ? 0 : pads[i] + pads[spatial + i]);
      }
    }
    s.out(0, s.in(0).type(), y);
  }

  static void globalPool(ShapeSite s) {
    s.requireRank(0, 3);
    long[] dims = s.in(0).dims();
    if (dims != null) {
      dims = dims.clone();
      Arrays.fill(dims, 2, dims.length, 1);
    }
    s.out(0, s.in(0).type(), dims);
  }

  /** Sizes win over scales; scales are floor(size × scale). */
  static void resize(ShapeSite s) {
    Known x = s.in(0);
    int scalesAt = s.isOperator("Upsample") || s.opset() < 11 ? 1 : 2;
    long[] dims = x.dims() == null ? null : s.fresh(x.dims().length);
    float[] scales = s.in(scalesAt).floats();
    long[] sizes = s.in(3).numbers();
    long[] axes = s.numbers("axes");
    if (dims != null) {
      if (axes == null) {
        axes = new long[dims.length];
        Arrays.setAll(axes, i -> i);
      } else {
        System.arraycopy(x.dims(), 0, dims, 0, dims.length);
      }
      boolean bySize = sizes != null && sizes.length == axes.length;
      boolean byScale = !s.has(3) && scales != null && scales.length == axes.length;
      boolean stretch = s.string("keep_aspect_ratio_policy", "stretch").equals("stretch");
      for (int i = 0; i < axes.length; i++) {
        int axis = s.axis(axes[i], dims.length);
        long size = x.dims()[axis];
        if (bySize && stretch) {
          dims[axis] = sizes[i];
        } else if (byScale && scales[i] == 1) {
          dims[axis] = size;
        } else if (byScale && Known.isNumber(size)) {
          dims[axis] = (long) Math.floor(size * (double) scales[i]);
        } else {
          dims[axis] = s.fresh();
        }
      }
    }
    s.out(0, x.type(), dims);
  }

  static void depthToSpace(ShapeSite s) {
    blocks(s, true);
  }

  static void spaceToDepth(ShapeSite s) {
    blocks(s, false);
  }

  private static void blocks(ShapeSite s, boolean toSpace) {
    long[] x = s.in(0).dims();
    long block = s.number("blocksize", 0);
    if (x == null) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    if (x.length != 4 || block < 1 || block > 1 << 15) {
      throw s.wrong("takes a tensor of rank 4 and a positive blocksize");
    }
    long[] y = s.fresh(4);
    y[0] = x[0];
    for (int i = 1; i < 4; i++) {
      long factor = i == 1 ? block * block : block;
      if (Known.isNumber(x[i])) {
        y[i] = toSpace == (i == 1) ? x[i] / factor : s.product(x[i], factor);
      }
    }
    s.out(0, s.in(0).type(), y);
  }

  /** Pads are an attribute until opset 10, then an input, from opset 18 for chosen axes. */
  static void pad(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] pads = s.opset() < 11 ? s.numbers("pads") : s.in(1).numbers();
    if (x == null) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    long[] axes = s.in(3).numbers();
    if (pads == null || (s.has(3) && axes == null)) {
      s.out(0, s.in(0).type(), s.fresh(x.length));
      return;
    }
    if (axes == null) {
      axes = new long[x.length];
      Arrays.setAll(axes, i -> i);
    }
    if (pads.length != 2 * axes.length) {
      throw s.wrong("has " + pads.length + " pads for " + axes.length + " axes");
    }
    long[] y = x.clone();
    for (int i = 0; i < axes.length; i++) {
      int axis = s.axis(axes[i], x.length);
      long begin = pads[i];
      long end = pads[axes.length + i];
      if (begin == 0 && end == 0) {
        continue;
      }
      boolean fixed = Known.isNumber(begin) && Known.isNumber(end) && Known.isNumber(x[axis]);
      y[axis] = fixed ? x[axis] + begin + end : s.fresh();
      if (fixed && y[axis] < 0) {
        throw s.wrong("takes away more of axis " + axis + " than there is");
      }
    }
    s.out(0, s.in(0).type(), y);
  }
}
