package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * Rules of operators that slide a window, over [batch, channels, spatial…]: convolutions, pooling,
 * resizing.
 *
 * <p>Conv is linear in X and in W; ConvTranspose is its transpose as a map of X ({@link
 * Window#spread}), so the gradient of either is the other. A mean or a norm over a window is a
 * convolution of each channel with ones.
 *
 * <p>Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
 */
final class WindowRules {
  private WindowRules() {}

  static void addTo(RuleTable t) {
    t.stop("Resize", 1, 2, 3); // region, scales, sizes

    t.joint("Conv", WindowRules::conv);
    t.rule(
        "ConvTranspose",
        WindowRules::convTransposeX,
        WindowRules::convTransposeW,
        (n, g) -> g.sum(n.dY(), allButChannels(n, g), false));
    t.rule("MaxPool", WindowRules::maxPool);
    t.rule("AveragePool", WindowRules::averagePool);
    t.rule("LpPool", WindowRules::lpPool);
    t.rule("GlobalAveragePool", WindowRules::globalAveragePool);
    t.rule("GlobalMaxPool", WindowRules::globalMaxPool);
    t.rule("GlobalLpPool", (n, g) -> lp(n, g, v -> v));
    t.rule("Resize", WindowRules::resize); // by the transposed matrix of each axis
    t.rule("DepthToSpace", WindowRules::depthToSpace);
    t.rule(
        "SpaceToDepth", (n, g) -> g.node(Operator.DEPTH_TO_SPACE, List.of(n.dY()), blocksize(n)));
  }

  /** All axes but 1. */
  static Value allButChannels(ForwardNode n, Algebra g) {
    return g.vector(LongStream.range(0, n.rank(0)).filter(axis -> axis != 1).toArray());
  }

  private static long group(ForwardNode n) {
    long group = n.integer("group", 1);
    if (group < 1 || n.rank(1) != n.rank(0)) {
      throw n.refusal(
          "expected at least one group, and weights of rank "
              + n.rank(0)
              + " as the input has; got "
              + group
              + " groups and weights of rank "
              + n.rank(1));
    }
    if (n.shape(0)[0] == 0) {
      throw n.refusal("expected at least one sample in a batch, got a batch of 0");
    }
    return group;
  }

  private static List<Value> conv(ForwardNode n, Algebra g) {
    Window window = Window.of(n);
    boolean[] wanted = {n.wants(0), n.wants(1), n.wants(2)};
    return g.kernels().convGrad(n.dY(), n.x(0), n.x(1), n.shape(0), window, group(n), wanted);
  }

  // Y = ConvTranspose(X, W) + B

  /** dX = Conv(dY, W). */
  private static Value convTransposeX(ForwardNode n, Algebra g) {
    return Window.transposed(n).conv(g, n.dY(), n.x(1), group(n));
  }

  /** The dW of Conv, whose input is dY here, and whose output's gradient is X. */
  private static Value convTransposeW(ForwardNode n, Algebra g) {
    boolean[] wanted = {false, true, false};
    return g.kernels()
        .convGrad(n.x(0), n.dY(), n.x(1), null, Window.transposed(n), group(n), wanted)
        .get(1);
  }

  /** dY goes to where the maximum came from. */
  private static Value maxPool(ForwardNode n, Algebra g) {
    if (n.integer("storage_order", 0) != 0) {
      throw n.refusal("expected its indices in row-major order (storage_order 0)");
    }
    return g.kernels().scatterSum(n.dY(), n.y(1), n.x());
  }

  /**
   * dX = Σ dY / count over the windows that saw X. What a window counts at an edge depends on
   * count_include_pad, ceil_mode and the operator's version; the operator itself is asked: over a
   * tensor of ones it gives seen / count, where seen is a convolution of ones.
   */
  private static Value averagePool(ForwardNode n, Algebra g) {
    Window window = pooling(n);
    if (window.inside()) {
      double count = LongStream.of(window.kernel()).reduce(1, (a, b) -> a * b);
      return spread(n, window, n.dY(), 1 / count, g);
    }
    Value spatial = g.spatial(n.x(), n.shape(0));
    Value one = g.constant(filled(1, new long[n.rank(0)]));
    Value ones = g.expand(one, g.concat(List.of(g.vector(1, 1), spatial), 0));
    Value mean = g.node(Operator.AVERAGE_POOL, List.of(ones), n.attributes());
    long[] wide = window.pads().clone();
    for (int i = 0; i < window.rank(); i++) {
      wide[window.rank() + i] += window.strides()[i] - 1; // the window that ceil_mode may add
    }
    Value seen = window.padded(wide).conv(g, ones, ones(window, 1, g), 1);
    long[] axes = LongStream.range(2, n.rank(0)).toArray();
    Value sizes = g.spatial(n.dY(), n.outputShape(0));
    seen = g.slice(seen, g.vector(new long[axes.length]), sizes, g.vector(axes));
    Value share = g.div(mean, g.max(seen, g.scalar(1)));
    return spread(n, window, g.mul(n.dY(), share), 1, g);
  }

  private static Window pooling(ForwardNode n) {
    Window window = Window.of(n);
    if (window.kernel() == null) {
      throw n.refusal("expected the attribute kernel_shape");
    }
    return window;
  }

  /** Each channel of {@code v} by itself, {@code weight} times, back to where its window was. */
  private static Value spread(ForwardNode n, Window window, Value v, double weight, Algebra g) {
    Value shape = g.concat(List.of(g.vector(-1, 1), g.spatial(n.y(), n.outputShape(0))), 0);
    Value channels = g.reshape(v, shape);
    Value back = window.spread(g, channels, ones(window, weight, g), 1, n.x(), n.shape(0));
    return g.reshapeLike(back, n.x(), n.shape(0));
  }

  private static Value ones(Window window, double value, Algebra g) {
    return g.constant(
        filled(
            value,
            LongStream.concat(LongStream.of(1, 1), LongStream.of(window.kernel())).toArray()));
  }

  /** A tensor of one value; a dimension of 0 stands for 1. */
  private static Tensor filled(double value, long[] shape) {
    long[] dims = Arrays.stream(shape).map(d -> Math.max(1, d)).toArray();
    float[] values = new float[(int) Tensor.elements(dims)];
    Arrays.fill(values, (float) value);
    return Tensor.of(values, dims);
  }

  private static Value lpPool(ForwardNode n, Algebra g) {
    Window window = pooling(n);
    return lp(n, g, v -> spread(n, window, v, 1, g));
  }

  /** Y = (Σ |X|^p)^(1/p): dX = sign(X) · |X|^(p-1) · Σ dY · Y^(1-p), and 0 where Y is 0. */
  private static Value lp(ForwardNode n, Algebra g, Function<Value, Value> toInput) {
    long p = n.integer("p", 2);
    if (p < 1) {
      throw n.refusal("expected a norm of order 1 or more, got p = " + p);
    }
    if (p == 1) {
      return g.mul(g.sign(n.x()), toInput.apply(n.dY()));
    }
    Value divisor = p == 2 ? n.y() : g.pow(n.y(), g.scalar(p - 1));
    Value zero = g.equal(divisor, g.scalar(0));
    Value ratio = g.where(zero, g.scalar(0), g.div(n.dY(), g.where(zero, g.scalar(1), divisor)));
    Value slope = p == 2 ? n.x() : g.mul(g.sign(n.x()), g.pow(g.abs(n.x()), g.scalar(p - 1)));
    return g.mul(slope, toInput.apply(ratio));
  }

  /** dX = dY / count, everywhere. */
  private static Value globalAveragePool(ForwardNode n, Algebra g) {
    Value share = g.mul(n.dY(), g.div(g.size(n.y()), g.size(n.x())));
    return g.expand(share, g.shape(n.x()));
  }

  /** dY to the maximum, in equal parts where several elements are the maximum. */
  private static Value globalMaxPool(ForwardNode n, Algebra g) {
    Value hit = g.cast(g.equal(n.x(), n.y()), n.type(0));
    Value axes = g.vector(LongStream.range(2, n.rank(0)).toArray());
    return g.mul(hit, g.div(n.dY(), g.sum(hit, axes, true)));
  }

  /** Y = X times a matrix along each axis, so dX = dY times the transposed ones. */
  private static Value resize(ForwardNode n, Algebra g) {
    Value gradient = n.dY();
    for (Interpolation.Axis axis : Interpolation.of(n)) {
      gradient = along(gradient, axis, n.rank(0), g);
    }
    return gradient;
  }

  /** A product of {@code v} with a matrix [out, in] along an axis of length out. */
  private static Value along(Value v, Interpolation.Axis axis, int rank, Algebra g) {
    Value matrix = g.constant(axis.matrix());
    if (axis.axis() == rank - 1) {
      return g.kernels().matMul(v, false, matrix, false);
    }
    if (axis.axis() == rank - 2) {
      return g.kernels().matMul(matrix, true, v, false);
    }
    long[] exchange = LongStream.range(0, rank).toArray();
    exchange[axis.axis()] = rank - 1;
    exchange[rank - 1] = axis.axis();
    return g.transpose(
        g.kernels().matMul(g.transpose(v, exchange), false, matrix, false), exchange);
  }

  private static Attribute blocksize(ForwardNode n) {
    return Attribute.of("blocksize", n.integer("blocksize", 1));
  }

  /** SpaceToDepth(dY), where mode is CRD with the order of channels that this mode has. */
  private static Value depthToSpace(ForwardNode n, Algebra g) {
    Value dX = g.node(Operator.SPACE_TO_DEPTH, List.of(n.dY()), blocksize(n));
    if (!n.string("mode", "DCR").equals("CRD")) {
      return dX;
    }
    long block = n.integer("blocksize", 1);
    Value blocks =
        g.concat(List.of(g.vector(0, block * block, -1), g.spatial(n.x(), n.shape(0))), 0);
    Value byChannel = g.transpose(g.reshape(dX, blocks), 0, 2, 1, 3, 4);
    return g.reshapeLike(byChannel, n.x(), n.shape(0));
  }
}
