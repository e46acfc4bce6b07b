package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.gradient.Algebra;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import java.util.List;
import java.util.Map;

/**
 * What training makes small. Every loss is a float32 scalar, the mean over a batch, as PyTorch's
 * class of the same meaning defines it with {@code reduction="mean"}.
 */
public enum Loss implements Objective {
  /**
   * Cross entropy of logits x [batch, k] against {@code labels}, int64 [batch], each from 0 to k-1:
   * the caller must see to that, as ONNX Runtime 1.28 fails at a label of k or more but leaves a
   * sample with label -1 out without a word. With class weights w (all 1 without) and smoothing e,
   * over samples n with label y: (1-e) · Σ -w[y] · logp[n,y] / Σ w[y] + e/k · Σ Σ -w[c] · logp[n,c]
   * / Σ w[y]. Source: {@code torch.nn.CrossEntropyLoss}.
   */
  CE("labels") {
    @Override
    Added add(GraphBuilder graph, TensorInfo output, float[] weights, float smoothing) {
      Algebra g = new Algebra(graph);
      long[] shape = output.shape();
      Value logits = graph.value(output.name());
      Value labels = graph.input(input(), ElementType.INT64, shape[0]);
      Value classWeights =
          weights == null ? null : graph.constant(Tensor.of(weights, weights.length));
      List<Value> inputs =
          weights == null ? List.of(logits, labels) : List.of(logits, labels, classWeights);
      String name = lossName(graph);
      boolean smooth = smoothing != 0;
      List<Value> outputs =
          graph.append(
              Operator.SOFTMAX_CROSS_ENTROPY_LOSS,
              inputs,
              List.of(smooth ? graph.fresh("likelihood") : name, graph.fresh("logp")),
              Attribute.of("reduction", "mean"));
      Value likelihood = outputs.get(0);
      Value total = weights == null ? null : g.sum(g.gather(classWeights, labels, 0));
      if (!smooth) {
        return new Added(likelihood, Map.of(name, g.scalar(1)), total);
      }
      // The second term is Σ logp · row, with a row of k (or one number) that is constant in x.
      Value logp = outputs.get(1);
      Value scale = g.scalar(-smoothing / shape[1]);
      Value row =
          weights == null ? g.div(scale, g.size(labels)) : g.div(g.mul(scale, classWeights), total);
      Value share = g.scalar(1 - smoothing);
      Value loss =
          graph.named(
              name, Operator.ADD, List.of(g.mul(share, likelihood), g.sum(g.mul(logp, row))));
      return new Added(
          loss, Map.of(likelihood.name(), share, logp.name(), g.expand(row, g.shape(logp))), total);
    }
  },

  /**
   * Binary cross entropy of logits x against {@code target} t, float32 in x's shape, each from 0 to
   * 1; with positive weights p [k] (all 1 without), over the last axis: the mean of (1-t) · x + (1
   * + (p-1) · t) · softplus(-x), which no x makes overflow. Its gradient is (sigmoid(x) - t) / N
   * for p = 1. Source: {@code torch.nn.BCEWithLogitsLoss}.
   */
  BCE("target") {
    @Override
    Added add(GraphBuilder graph, TensorInfo output, float[] weights, float smoothing) {
      Algebra g = new Algebra(graph);
      Value x = graph.value(output.name());
      Value t = target(graph, output);
      Value negative = g.sub(g.scalar(1), t);
      Value softplus = g.softplus(g.neg(x));
      Value gradient;
      if (weights == null) {
        gradient = g.sub(g.sigmoid(x), t);
      } else {
        float[] excess = new float[weights.length];
        for (int i = 0; i < excess.length; i++) {
          excess[i] = weights[i] - 1;
        }
        Value factor =
            g.add(g.scalar(1), g.mul(graph.constant(Tensor.of(excess, excess.length)), t));
        softplus = g.mul(factor, softplus);
        gradient = g.sub(negative, g.mul(factor, g.sigmoid(g.neg(x))));
      }
      return new Added(
          mean(graph, g.add(g.mul(negative, x), softplus)),
          Map.of(x.name(), g.div(gradient, g.size(x))),
          null);
    }
  },

  /**
   * Mean of (x - t)² over all elements; {@code target} t is float32 in x's shape. Its gradient is 2
   * · (x - t) / N. Source: {@code torch.nn.MSELoss}.
   */
  MSE("target") {
    @Override
    Added add(GraphBuilder graph, TensorInfo output, float[] weights, float smoothing) {
      Algebra g = new Algebra(graph);
      Value x = graph.value(output.name());
      Value difference = g.sub(x, target(graph, output));
      return new Added(
          mean(graph, g.mul(difference, difference)),
          Map.of(x.name(), g.mul(difference, g.div(g.scalar(2), g.size(x)))),
          null);
    }
  },

  /**
   * Mean of |x - t| over all elements; {@code target} t is float32 in x's shape. Its gradient is
   * sign(x - t) / N, and 0 where x = t. Source: {@code torch.nn.L1Loss}.
   */
  L1("target") {
    @Override
    Added add(GraphBuilder graph, TensorInfo output, float[] weights, float smoothing) {
      Algebra g = new Algebra(graph);
      Value x = graph.value(output.name());
      Value difference = g.sub(x, target(graph, output));
      return new Added(
          mean(graph, g.abs(difference)),
          Map.of(x.name(), g.div(g.sign(difference), g.size(x))),
          null);
    }
  };

  /** The loss's own name in a graph, where it is free. */
  static final String NAME = "loss";

  private final String input;

  Loss(String input) {
    this.input = input;
  }

  /** The input that it adds to a graph: {@code labels} or {@code target}. */
  public String input() {
    return input;
  }

  /**
   * A loss in a graph.
   *
   * @param loss the scalar
   * @param seeds tensors whose gradients are known from here, by name: where differentiation starts
   * @param total what the mean is divided by, a scalar; null for the number of samples
   */
  record Added(Value loss, Map<String, Value> seeds, Value total) {}

  /**
   * Appends the loss and its input to a graph.
   *
   * @param output the model's output, checked by {@link #check}
   * @param weights for {@link #CE} a weight a class, for {@link #BCE} the weight of each class's
   *     positives; null for none
   * @param smoothing for {@link #CE}; 0 for none
   */
  abstract Added add(GraphBuilder graph, TensorInfo output, float[] weights, float smoothing);

  /**
   * @throws BadInputException if the loss cannot be taken of this output with these options
   */
  void check(TensorInfo output, float[] weights, float smoothing) {
    long[] shape = output.shape();
    if (shape == null) {
      throw new BadInputException(
          "the shape of the output '"
              + output.name()
              + "' is not known and cannot be inferred: declare it in the model");
    }
    if (output.type() != null && output.type() != ElementType.FLOAT) {
      throw new BadInputException(
          "a loss needs an output of float32, '" + output.name() + "' is " + output.type());
    }
    if (this == CE && (shape.length != 2 || shape[1] < 2)) {
      throw new BadInputException(
          "loss ce needs an output [batch, classes] with 2 classes or more, got "
              + output
              + ". For one score a sample use loss bce; for images or sequences pool or flatten"
              + " first");
    }
    if (shape.length < 1) {
      throw new BadInputException("a loss needs an output with a batch axis, got " + output);
    }
    if (weights != null) {
      if (this != CE && this != BCE) {
        throw new BadInputException("weights go with loss ce or bce, not with " + this);
      }
      long classes = shape[shape.length - 1];
      if (weights.length != classes) {
        throw new BadInputException(
            "expected "
                + classes
                + " weights, one a class of "
                + output
                + ", got "
                + weights.length);
      }
      for (float weight : weights) {
        if (!(weight >= 0 && Float.isFinite(weight))) {
          throw new BadInputException("weights must be finite and not negative, got " + weight);
        }
      }
    }
    if (smoothing != 0 && (this != CE || !(smoothing > 0 && smoothing < 1))) {
      throw new BadInputException(
          "label smoothing goes with loss ce and is at least 0 and under 1, got "
              + smoothing
              + " with "
              + this);
    }
  }

  /**
   * The target, made to have the output's very shape: one of another batch size would broadcast,
   * and gradient kernels do not check the shapes that follow.
   */
  Value target(GraphBuilder graph, TensorInfo output) {
    Algebra g = new Algebra(graph);
    Value target = graph.input(input, ElementType.FLOAT, output.shape());
    return g.reshape(target, g.shape(graph.value(output.name())));
  }

  private static Value mean(GraphBuilder graph, Value a) {
    return graph.named(
        lossName(graph), Operator.REDUCE_MEAN, List.of(a), Attribute.of("keepdims", 0));
  }

  private static String lossName(GraphBuilder graph) {
    return graph.has(NAME) ? graph.fresh(NAME) : NAME;
  }

  /** As options write it: ce, bce, mse, l1. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
