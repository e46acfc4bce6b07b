package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * How a window slides over the spatial axes, with {@code auto_pad} resolved to explicit pads.
 *
 * @param kernel its size; null where it is not known (a convolution has it from its weights)
 * @param strides from one place to the next
 * @param dilations between the elements that it takes in
 * @param pads zeros before the first element of each axis, then those after the last
 * @param beyond whether it may reach past the last zeros ({@code ceil_mode})
 */
record Window(long[] kernel, long[] strides, long[] dilations, long[] pads, boolean beyond) {

  /**
   * The window of a pooling operator, or of a convolution over input 0 with weights in input 1.
   *
   * @throws dev.headstart.error.BadInputException if attributes and ranks do not fit, or if
   *     auto_pad asks for sizes that are not known
   */
  static Window of(ForwardNode n) {
    int rank = n.rank(0) - 2;
    long[] kernel = kernel(n, rank);
    long[] strides = list(n, "strides", rank, 1);
    long[] dilations = list(n, "dilations", rank, 1);
    long[] pads = list(n, "pads", 2 * rank, 0);
    String auto = n.string("auto_pad", "NOTSET");
    if (auto.equals("VALID")) {
      Arrays.fill(pads, 0);
    } else if (auto.startsWith("SAME")) {
      requireKernel(n, kernel);
      for (int i = 0; i < rank; i++) {
        long size = strides[i] == 1 ? 1 : requireSize(n, i);
        long windows = (size + strides[i] - 1) / strides[i];
        long total = (windows - 1) * strides[i] + extent(kernel[i], dilations[i]) - size;
        split(Math.max(0, total), auto.equals("SAME_UPPER"), pads, i);
      }
    }
    return new Window(kernel, strides, dilations, pads, n.integer("ceil_mode", 0) != 0);
  }

  /**
   * Of Y = ConvTranspose(X, W), X input 0 and W input 1: the window of the convolution that leads
   * from Y's shape to X's. ONNX Runtime refuses outputs that such a convolution would see more of.
   *
   * @throws dev.headstart.error.BadInputException as {@link #of}
   */
  static Window transposed(ForwardNode n) {
    int rank = n.rank(0) - 2;
    long[] kernel = kernel(n, rank);
    long[] strides = list(n, "strides", rank, 1);
    long[] dilations = list(n, "dilations", rank, 1);
    long[] pads = list(n, "pads", 2 * rank, 0);
    long[] extra = list(n, "output_padding", rank, 0);
    long[] shape = n.integers("output_shape");
    String auto = n.string("auto_pad", "NOTSET");
    if (shape != null && shape.length != 0) {
      if (shape.length != rank && shape.length != rank + 2) {
        throw n.refusal("expected an output_shape of " + rank + " numbers, got " + shape.length);
      }
      requireKernel(n, kernel);
      for (int i = 0; i < rank; i++) {
        long full =
            (requireSize(n, i) - 1) * strides[i] + extra[i] + extent(kernel[i], dilations[i]);
        long total = full - shape[shape.length - rank + i];
        split(Math.max(0, total), auto.equals("SAME_UPPER"), pads, i);
      }
    } else if (auto.equals("VALID")) {
      Arrays.fill(pads, 0);
    } else if (auto.startsWith("SAME")) {
      requireKernel(n, kernel);
      for (int i = 0; i < rank; i++) {
        long total = extra[i] + extent(kernel[i], dilations[i]) - strides[i];
        if (total < 0) {
          throw n.refusal(
              "has no pads that make the output as large as auto_pad "
                  + auto
                  + " says: a stride of "
                  + strides[i]
                  + " skips more than its kernel covers. Give it output_padding and explicit pads");
        }
        split(total, auto.equals("SAME_UPPER"), pads, i);
      }
    }
    return new Window(kernel, strides, dilations, pads, false);
  }

  private static long extent(long kernel, long dilation) {
    return (kernel - 1) * dilation + 1;
  }

  /** The odd one goes to the end for SAME_UPPER, else to the beginning. */
  private static void split(long total, boolean upper, long[] pads, int axis) {
    long half = total / 2;
    pads[axis] = upper ? half : total - half;
    pads[pads.length / 2 + axis] = total - pads[axis];
  }

  private static long[] kernel(ForwardNode n, int rank) {
    if (rank < 1) {
      throw n.refusal(
          "expected a tensor [batch, channels, spatial…], got one of rank " + (rank + 2));
    }
    if (n.integers("kernel_shape") != null) {
      return list(n, "kernel_shape", rank, 1);
    }
    long[] weights = n.has(1) ? n.shape(1) : null;
    if (weights == null) {
      return null;
    }
    if (weights.length != rank + 2) {
      throw n.refusal(
          "expected weights of rank " + (rank + 2) + " as its input has, got " + weights.length);
    }
    long[] kernel = Arrays.copyOfRange(weights, 2, weights.length);
    return Arrays.stream(kernel).allMatch(k -> k > 0) ? kernel : null;
  }

  private static long[] list(ForwardNode n, String name, int count, long otherwise) {
    long[] values = n.integers(name);
    if (values == null || values.length == 0) {
      values = new long[count];
      Arrays.fill(values, otherwise);
    }
    long least = name.contains("pad") ? 0 : 1;
    if (values.length != count || Arrays.stream(values).anyMatch(v -> v < least || v > 1 << 30)) {
      throw n.refusal(
          "expected "
              + count
              + " "
              + name
              + " of at least "
              + least
              + ", got "
              + Arrays.toString(values));
    }
    return values;
  }

  private static void requireKernel(ForwardNode n, long[] kernel) {
    if (kernel == null) {
      throw n.refusal(
          "needs the size of its kernel to work out its pads: add kernel_shape, or write explicit"
              + " pads in place of auto_pad and output_shape");
    }
  }

  private static long requireSize(ForwardNode n, int axis) {
    long size = n.shape(0)[2 + axis];
    if (size < 1) {
      throw n.refusal(
          "needs the size of axis "
              + (2 + axis)
              + " of its input to work out its pads: fix that size in the model, or write explicit"
              + " pads in place of auto_pad and output_shape");
    }
    return size;
  }

  /** How many axes it slides over. */
  int rank() {
    return strides.length;
  }

  /** Whether it never leaves the tensor. */
  boolean inside() {
    return !beyond && Arrays.stream(pads).allMatch(p -> p == 0);
  }

  /** A window over one axis as one over two, the first of which has one element. */
  Window flat() {
    return new Window(
        kernel == null ? null : new long[] {1, kernel[0]},
        new long[] {1, strides[0]},
        new long[] {1, dilations[0]},
        new long[] {0, pads[0], 0, pads[1]},
        beyond);
  }

  /** The same window with the pads of both ends exchanged or otherwise set. */
  Window padded(long... newPads) {
    return new Window(kernel, strides, dilations, newPads, beyond);
  }

  /**
   * Whether the transpose of a convolution with this window is one too: it goes one element at a
   * time, and its zeros reach no further than itself.
   */
  boolean reversible() {
    boolean fits = kernel != null && !beyond && Arrays.stream(strides).allMatch(s -> s == 1);
    for (int i = 0; fits && i < pads.length; i++) {
      fits = pads[i] < extent(kernel[i % rank()], dilations[i % rank()]);
    }
    return fits;
  }

  /** The window of that convolution; its weights are these back to front. */
  Window reversed() {
    long[] reversed = new long[pads.length];
    for (int i = 0; i < pads.length; i++) {
      reversed[i] = extent(kernel[i % rank()], dilations[i % rank()]) - 1 - pads[i];
    }
    return padded(reversed);
  }

  /** Attributes of a Conv with this window. */
  Attribute[] attributes(long group) {
    return new Attribute[] {
      Attribute.of("strides", strides),
      Attribute.of("dilations", dilations),
      Attribute.of("pads", pads),
      Attribute.of("group", group)
    };
  }

  /** Conv(x, w). */
  Value conv(Algebra g, Value x, Value w, long group) {
    return g.node(Operator.CONV, List.of(x, w), attributes(group));
  }

  /**
   * The transpose of {@link #conv} as a map of x: every element of {@code v}, times the weights,
   * goes back to the elements of x that its window saw. Without pads, and with as much as the
   * window may have left over at the end, then cut to x's size: so no size need be known before.
   *
   * @param v in the shape of conv(x, w)
   * @param x in whose spatial shape the result is
   * @param xShape as far as it is known, or null
   */
  Value spread(Algebra g, Value v, Value w, long group, Value x, long[] xShape) {
    long[] leftOver = Arrays.stream(strides).map(s -> s - 1).toArray();
    Value full =
        g.node(
            Operator.CONV_TRANSPOSE,
            List.of(v, w),
            Attribute.of("strides", strides),
            Attribute.of("dilations", dilations),
            Attribute.of("output_padding", leftOver),
            Attribute.of("group", group));
    if (inside() && Arrays.stream(strides).allMatch(s -> s == 1)) {
      return full;
    }
    Value starts = g.vector(Arrays.copyOf(pads, rank()));
    return g.slice(full, starts, g.add(starts, g.spatial(x, xShape)), axes(g));
  }

  private Value axes(Algebra g) {
    return g.vector(LongStream.range(2, 2 + rank()).toArray());
  }
}
