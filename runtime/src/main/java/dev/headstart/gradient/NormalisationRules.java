package dev.headstart.gradient;

import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Rules of softmax, of losses with it, and of layers that take mean and deviation away.
 *
 * <p>The latter have one derivative. With x̂ = (x - mean) / deviation, the statistics x's own over
 * some of its axes, and the mean E over the same axes:
 *
 * <pre>
 *   dx = (dx̂ - E[dx̂] - x̂ · E[dx̂ · x̂]) / deviation
 * </pre>
 *
 * <p>Sources: Ioffe and Szegedy, "Batch Normalization" (2015), section 3; Ba, Kiros and Hinton,
 * "Layer Normalization" (2016); Krizhevsky, Sutskever and Hinton, "ImageNet Classification with
 * Deep Convolutional Neural Networks" (2012), section 3.3, for LRN.
 */
final class NormalisationRules {
  private NormalisationRules() {}

  static void addTo(RuleTable t) {
    t.stop("SoftmaxCrossEntropyLoss", 1); // labels

    t.rule("Softmax", (n, g) -> g.kernels().softmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
    t.rule(
        "LogSoftmax", (n, g) -> g.kernels().logSoftmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
    t.rule("SoftmaxCrossEntropyLoss", NormalisationRules::softmaxCrossEntropy);

    // Scale and bias may be smaller than what they scale; the kernel takes them in full.
    t.broadcasting("LayerNormalization", NormalisationRules::scaleBroadcasts);
    t.joint("LayerNormalization", NormalisationRules::layerNormalization);
    t.broadcasting("SimplifiedLayerNormalization", NormalisationRules::afterX);
    t.joint("SimplifiedLayerNormalization", NormalisationRules::rootMeanSquare);
    t.broadcasting("com.microsoft.SkipLayerNormalization", NormalisationRules::afterX);
    t.joint("com.microsoft.SkipLayerNormalization", NormalisationRules::skipLayerNormalization);
    t.stop("BatchNormalization", 3, 4); // running statistics
    t.joint(
        "BatchNormalization",
        (n, g) -> n.integer("training_mode", 0) == 0 ? frozen(n, g) : ofBatch(n, g));
    t.stop("com.microsoft.BatchNormInternal", 3, 4);
    t.joint(
        "com.microsoft.BatchNormInternal",
        (n, g) ->
            g.kernels()
                .batchNormalizationGrad(
                    n.dY(), n.x(0), n.x(1), n.y(3), n.y(4), n.real("epsilon", 1e-5f)));
    t.joint("InstanceNormalization", NormalisationRules::instanceNormalization);
    t.joint("GroupNormalization", NormalisationRules::groupNormalization);
    t.rule("MeanVarianceNormalization", NormalisationRules::meanVariance);
    t.rule("LpNormalization", NormalisationRules::lpNormalization);
    t.rule("LRN", NormalisationRules::localResponse);
  }

  /** x̂ and 1 / deviation, the statistics over some axes. */
  private record Standard(Value value, Value invStd, Value axes) {

    static Standard of(Value x, Value axes, double epsilon, Algebra g) {
      Value centred = g.sub(x, g.mean(x, axes));
      Value variance = g.mean(g.mul(centred, centred), axes);
      Value invStd = g.div(g.scalar(1), g.sqrt(g.add(variance, g.scalar(epsilon))));
      return new Standard(g.mul(centred, invStd), invStd, axes);
    }

    /** dx, as above. */
    Value gradient(Value d, Algebra g) {
      Value along = g.mul(value, g.mean(g.mul(d, value), axes));
      return g.mul(invStd, g.sub(g.sub(d, g.mean(d, axes)), along));
    }
  }

  private static Value axes(Algebra g, long from, long to) {
    return g.vector(LongStream.range(from, to).toArray());
  }

  /** Values of channels, which are axis 1, so that they broadcast to a tensor of this rank. */
  private static Value perChannel(Value channels, int rank, Algebra g) {
    long[] shape = new long[rank - 1];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    return g.reshape(channels, shape);
  }

  private static int requireRank(ForwardNode n, int least) {
    int rank = n.rank(0);
    if (rank < least) {
      throw n.refusal("expected an input of rank " + least + " or more, got rank " + rank);
    }
    return rank;
  }

  /** The first axis that is normalised, from the front. */
  private static int axis(ForwardNode n) {
    int rank = requireRank(n, 1);
    long axis = n.integer("axis", -1);
    if (axis < -rank || axis >= rank) {
      throw n.refusal("names axis " + axis + " of a tensor of rank " + rank);
    }
    return (int) (axis < 0 ? axis + rank : axis);
  }

  private static Broadcast scaleBroadcasts(ForwardNode n, int i) {
    return i == 0 || isFull(n, i) ? Broadcast.NONE : Broadcast.TO_GRADIENT;
  }

  private static Broadcast afterX(ForwardNode n, int i) {
    return i == 0 ? Broadcast.NONE : Broadcast.TO_GRADIENT;
  }

  /** Whether scale or bias has all the dimensions that are normalised. */
  private static boolean isFull(ForwardNode n, int i) {
    long[] x = n.shape(0);
    long[] scale = n.shape(i);
    if (x == null || scale == null) {
      return false;
    }
    long[] normalised = Arrays.copyOfRange(x, axis(n), x.length);
    return Arrays.equals(normalised, scale) && Arrays.stream(scale).allMatch(d -> d > 0);
  }

  private static List<Value> layerNormalization(ForwardNode n, Algebra g) {
    Value scale = n.x(1);
    int axis = axis(n);
    if (!isFull(n, 1)) {
      Value dimensions =
          g.slice(g.shape(n.x()), g.vector(axis), g.vector(Long.MAX_VALUE), g.vector(0));
      scale = g.expand(scale, dimensions);
    }
    return g.kernels().layerNormalizationGrad(n.dY(), n.x(), scale, n.y(1), n.y(2), axis);
  }

  /** Y = X / rms · scale, rms the root of the mean square: dX = (dX̂ - x̂ · E[dX̂ · x̂]) / rms. */
  private static List<Value> rootMeanSquare(ForwardNode n, Algebra g) {
    Value axes = axes(g, axis(n), n.rank(0));
    Value square = g.mean(g.mul(n.x(), n.x()), axes);
    Value inverse = g.div(g.scalar(1), g.sqrt(g.add(square, g.scalar(n.real("epsilon", 1e-5f)))));
    Value value = g.mul(n.x(), inverse);
    Value d = g.mul(n.dY(), n.x(1));
    Value dX = g.mul(inverse, g.sub(d, g.mul(value, g.mean(g.mul(d, value), axes))));
    return List.of(dX, g.mul(n.dY(), value));
  }

  /**
   * Y = LayerNormalization(S) · gamma + beta over the last axis, where S = input + skip + bias is
   * output 3.
   */
  private static List<Value> skipLayerNormalization(ForwardNode n, Algebra g) {
    List<Value> terms = new ArrayList<>(List.of(n.x(0), n.x(1)));
    if (n.has(4)) {
      terms.add(n.x(4));
    }
    Standard standard = Standard.of(g.sum(terms), g.vector(-1), n.real("epsilon", 1e-12f), g);
    Value dS = n.dY(3);
    Value dGamma = null;
    if (n.dY(0) != null) {
      Value through = standard.gradient(g.mul(n.dY(0), n.x(2)), g);
      dS = dS == null ? through : g.add(dS, through);
      dGamma = g.mul(n.dY(0), standard.value());
    } else {
      dGamma = g.mul(g.scalar(0), standard.value());
    }
    return List.of(dS, dS, dGamma, n.dY(0) == null ? dGamma : n.dY(0), dS);
  }

  /** Y = (X - mean) / deviation · scale + bias with statistics that are given. */
  private static List<Value> frozen(ForwardNode n, Algebra g) {
    int rank = requireRank(n, 2);
    Value invStd = g.div(g.scalar(1), g.sqrt(g.add(n.x(4), g.scalar(n.real("epsilon", 1e-5f)))));
    Value dX = null;
    Value dScale = null;
    Value dBias = null;
    if (n.wants(0)) {
      dX = g.mul(n.dY(), perChannel(g.mul(n.x(1), invStd), rank, g));
    }
    if (n.wants(1)) {
      Value centred = g.sub(n.x(), perChannel(n.x(3), rank, g));
      dScale =
          g.mul(g.sum(g.mul(n.dY(), centred), WindowRules.allButChannels(n, g), false), invStd);
    }
    if (n.wants(2)) {
      dBias = g.sum(n.dY(), WindowRules.allButChannels(n, g), false);
    }
    return Arrays.asList(dX, dScale, dBias, null, null);
  }

  /** With the batch's own statistics, which the operator does not show. */
  private static List<Value> ofBatch(ForwardNode n, Algebra g) {
    int rank = requireRank(n, 2);
    Value axes = WindowRules.allButChannels(n, g);
    Standard standard = Standard.of(n.x(), axes, n.real("epsilon", 1e-5f), g);
    return scaled(n, standard, g.mul(n.dY(), perChannel(n.x(1), rank, g)), g);
  }

  /** Over the spatial axes. */
  private static List<Value> instanceNormalization(ForwardNode n, Algebra g) {
    int rank = requireRank(n, 3);
    Standard standard = Standard.of(n.x(), axes(g, 2, rank), n.real("epsilon", 1e-5f), g);
    return scaled(n, standard, g.mul(n.dY(), perChannel(n.x(1), rank, g)), g);
  }

  private static List<Value> scaled(ForwardNode n, Standard standard, Value d, Algebra g) {
    Value axes = WindowRules.allButChannels(n, g);
    List<Value> gradients = new ArrayList<>();
    gradients.add(n.wants(0) ? standard.gradient(d, g) : null);
    gradients.add(n.wants(1) ? g.sum(g.mul(n.dY(), standard.value()), axes, false) : null);
    gradients.add(n.wants(2) ? g.sum(n.dY(), axes, false) : null);
    gradients.addAll(Arrays.asList(null, null));
    return gradients;
  }

  /** Over groups of channels. Scale and bias are a group's until opset 20, then a channel's. */
  private static List<Value> groupNormalization(ForwardNode n, Algebra g) {
    int rank = requireRank(n, 2);
    long groups = n.integer("num_groups", 0);
    if (groups < 1) {
      throw n.refusal("expected num_groups of at least 1, got " + groups);
    }
    Value byGroup = g.vector(0, groups, -1);
    Value x = g.reshape(n.x(), byGroup);
    Standard standard = Standard.of(x, g.vector(2), n.real("epsilon", 1e-5f), g);
    boolean channels = n.opset() >= 21;
    Value dY = channels ? n.dY() : g.reshape(n.dY(), byGroup);
    Value value = channels ? g.reshapeLike(standard.value(), n.x(), n.shape(0)) : standard.value();
    Value d = g.mul(dY, perChannel(n.x(1), channels ? rank : 3, g));
    Value axes = channels ? WindowRules.allButChannels(n, g) : g.vector(0, 2);
    Value dX = standard.gradient(channels ? g.reshape(d, byGroup) : d, g);
    return List.of(
        g.reshapeLike(dX, n.x(), n.shape(0)),
        g.sum(g.mul(dY, value), axes, false),
        g.sum(dY, axes, false));
  }

  /** The operator adds 1e-9 to the deviation. */
  private static Value meanVariance(ForwardNode n, Algebra g) {
    long[] axes = n.integers("axes");
    Value over = axes == null ? g.vector(0, 2, 3) : g.vector(axes);
    return Standard.of(n.x(), over, 1e-18, g).gradient(n.dY(), g);
  }

  /**
   * Y = X / |X|, the norm along an axis: dX = (dY - n · Σ dY · Y) / |X|, where n is the gradient of
   * the norm, Y for p = 2 and sign(X) for p = 1. Where all of X is 0, so is dX.
   */
  private static Value lpNormalization(ForwardNode n, Algebra g) {
    long p = n.integer("p", 2);
    if (p != 1 && p != 2) {
      throw n.refusal("expected p 1 or 2, got " + p);
    }
    Value axis = g.vector(n.integer("axis", -1));
    Value norm =
        p == 1 ? g.sum(g.abs(n.x()), axis, true) : g.sqrt(g.sum(g.mul(n.x(), n.x()), axis, true));
    Value direction = p == 1 ? g.sign(n.x()) : n.y();
    Value rest = g.sub(n.dY(), g.mul(direction, g.sum(g.mul(n.dY(), n.y()), axis, true)));
    Value zero = g.equal(norm, g.scalar(0));
    return g.where(zero, g.scalar(0), g.div(rest, g.where(zero, g.scalar(1), norm)));
  }

  /**
   * Y = X · D^-beta, D = bias + alpha / size · S, where S is the sum of X² over channels around
   * each: dX = dY · D^-beta - 2 · alpha · beta / size · X · S'(dY · X · D^(-beta-1)), S' the sum
   * over the channels whose windows hold this one.
   */
  private static Value localResponse(ForwardNode n, Algebra g) {
    requireRank(n, 3);
    long size = n.integer("size", 0);
    if (size < 1 || size > 1 << 20) {
      throw n.refusal("expected a size of at least 1, got " + size);
    }
    float alpha = n.real("alpha", 1e-4f);
    float beta = n.real("beta", 0.75f);
    long before = (size - 1) / 2;
    long after = size - 1 - before;
    Value x = n.x();
    Value sum = overChannels(g.mul(x, x), n, before, after, size, g);
    Value d = g.add(g.scalar(n.real("bias", 1)), g.mul(alpha / size, sum));
    Value power = g.mul(n.dY(), g.pow(d, g.scalar(-beta)));
    Value spread = overChannels(g.div(g.mul(power, x), d), n, after, before, size, g);
    return g.sub(power, g.mul(2.0 * alpha * beta / size, g.mul(x, spread)));
  }

  /** The sum over channels from {@code before} before each to {@code after} after it. */
  private static Value overChannels(
      Value x, ForwardNode n, long before, long after, long size, Algebra g) {
    float[] ones = new float[(int) size];
    Arrays.fill(ones, 1);
    Value image = g.unsqueeze(g.reshape(x, 0, 0, -1), 1); // [batch, 1, channels, the rest]
    Value sums =
        g.node(
            Operator.CONV,
            List.of(image, g.constant(Tensor.of(ones, 1, 1, size, 1))),
            Attribute.of("pads", new long[] {before, 0, after, 0}));
    return g.reshapeLike(sums, n.x(), n.shape(0));
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
