package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Derivatives by ONNX Runtime's training operators (domain com.microsoft, version 1), which only a
 * training-enabled native has.
 *
 * <p>Source: {@code orttraining/core/graph/training_op_defs.cc} of ONNX Runtime.
 */
final class OrtTrainingKernels implements Kernels {
  private final GraphBuilder graph;
  private final Algebra g;

  OrtTrainingKernels(GraphBuilder graph) {
    this.graph = graph;
    this.g = new Algebra(graph, this);
  }

  @Override
  public Value reluGrad(Value dY, Value y) {
    return graph.node(Operator.MS_RELU_GRAD, List.of(dY, y));
  }

  /** The kernel looks at the sign of its second input, so x serves for a negative alpha too. */
  @Override
  public Value leakyReluGrad(Value dY, Value x, float alpha) {
    return graph.node(Operator.MS_LEAKY_RELU_GRAD, List.of(dY, x), Attribute.of("alpha", alpha));
  }

  @Override
  public Value sigmoidGrad(Value dY, Value y) {
    return graph.node(Operator.MS_SIGMOID_GRAD, List.of(dY, y));
  }

  @Override
  public Value tanhGrad(Value dY, Value y) {
    return graph.node(Operator.MS_TANH_GRAD, List.of(dY, y));
  }

  @Override
  public Value geluGrad(Value dY, Value x) {
    return graph.node(Operator.MS_GELU_GRAD, List.of(dY, x));
  }

  @Override
  public Value tanhGeluGrad(Value dY, Value x) {
    return graph.node(Operator.MS_FAST_GELU_GRAD, List.of(dY, x));
  }

  @Override
  public Value quickGeluGrad(Value dY, Value x, float alpha) {
    return graph.node(Operator.MS_QUICK_GELU_GRAD, List.of(dY, x), Attribute.of("alpha", alpha));
  }

  @Override
  public Value gatherGrad(Value shape, Value indices, Value dY, long axis) {
    return graph.node(Operator.MS_GATHER_GRAD, List.of(shape, indices, dY), Attribute.axis(axis));
  }

  @Override
  public Value sliceGrad(Value dY, Value shape, List<Value> ranges) {
    List<Value> inputs = new ArrayList<>(List.of(dY, shape));
    inputs.addAll(ranges);
    return graph.node(Operator.MS_SLICE_GRAD, inputs);
  }

  @Override
  public Value softmaxGrad(Value dY, Value y, long axis) {
    return graph.node(Operator.MS_SOFTMAX_GRAD_13, List.of(dY, y), Attribute.axis(axis));
  }

  @Override
  public Value logSoftmaxGrad(Value dY, Value y, long axis) {
    return graph.node(Operator.MS_LOG_SOFTMAX_GRAD_13, List.of(dY, y), Attribute.axis(axis));
  }

  @Override
  public Value dropoutGrad(Value dY, Value mask, Value ratio, Value trainingMode) {
    return graph.node(Operator.MS_DROPOUT_GRAD, List.of(dY, mask, ratio, trainingMode));
  }

  @Override
  public Value softmaxCrossEntropyGrad(
      Value dLoss,
      Value logProbabilities,
      Value labels,
      Value weights,
      String reduction,
      Long ignoreIndex) {
    List<Value> inputs = new ArrayList<>(List.of(dLoss, logProbabilities, labels));
    if (weights != null) {
      inputs.add(weights);
    }
    List<Attribute> attributes = new ArrayList<>(List.of(Attribute.of("reduction", reduction)));
    if (ignoreIndex != null) {
      attributes.add(Attribute.of("ignore_index", ignoreIndex));
    }
    return graph.node(
        Operator.MS_SOFTMAX_CROSS_ENTROPY_LOSS_GRAD, inputs, attributes.toArray(Attribute[]::new));
  }

  /**
   * The kernel reads explicit pads only. Its dX is sound in two dimensions, and in three without
   * groups: with groups it clears the whole of dX for every group, and so writes past its end.
   * Hence one dimension becomes two, and dX of grouped three-dimensional windows is a transposed
   * convolution.
   */
  @Override
  public List<Value> convGrad(
      Value dY, Value x, Value w, long[] xShape, Window window, long group, boolean[] wanted) {
    if (window.rank() == 1) {
      List<Value> flat =
          convGradKernel(
              g.unsqueeze(dY, 2),
              g.unsqueeze(x, 2),
              g.unsqueeze(w, 2),
              window.flat(),
              group,
              wanted);
      return Arrays.asList(
          wanted[0] ? g.squeeze(flat.get(0), 2) : null,
          wanted[1] ? g.squeeze(flat.get(1), 2) : null,
          flat.get(2));
    }
    if (group == 1 || !wanted[0]) {
      return convGradKernel(dY, x, w, window, group, wanted);
    }
    boolean depthwise = xShape != null && xShape[1] == group;
    Value dX;
    if (depthwise && window.reversible()) {
      dX = window.reversed().conv(g, dY, depthwiseTranspose(w, group, window), group);
    } else if (window.rank() == 2) {
      return convGradKernel(dY, x, w, window, group, wanted);
    } else {
      dX = window.spread(g, dY, w, group, x, xShape);
    }
    boolean[] others = {false, wanted[1], wanted[2]};
    if (!wanted[1] && !wanted[2]) {
      return Arrays.asList(dX, null, null);
    }
    List<Value> rest = convGradKernel(dY, x, w, window, group, others);
    return Arrays.asList(dX, rest.get(1), rest.get(2));
  }

  /** Weights [channels · m, 1, kernel…] as [channels, m, kernel…], the kernel back to front. */
  private Value depthwiseTranspose(Value w, long channels, Window window) {
    long[] shape = new long[window.rank() + 2];
    Arrays.fill(shape, 0); // as it is
    shape[0] = channels;
    shape[1] = -1;
    Value regrouped = g.reshape(w, shape);
    return Arrays.stream(window.kernel()).allMatch(k -> k == 1)
        ? regrouped
        : g.backToFront(regrouped, 2, window.rank());
  }

  private List<Value> convGradKernel(
      Value dY, Value x, Value w, Window window, long group, boolean[] wanted) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      names.add(wanted[i] ? graph.fresh("ConvGrad." + "XWB".charAt(i)) : "");
    }
    List<Value> gradients =
        graph.append(
            Operator.MS_CONV_GRAD,
            List.of(dY, x, w),
            names,
            Attribute.of("pads", window.pads()),
            Attribute.of("strides", window.strides()),
            Attribute.of("dilations", window.dilations()),
            Attribute.of("group", group));
    return gradients.stream().map(v -> v.name().isEmpty() ? null : v).toList();
  }

  /** Not by MaxPoolGrad, which takes dX's shape from the file and trusts the indices. */
  @Override
  public Value scatterSum(Value dY, Value indices, Value x) {
    Value size = g.reshape(graph.node(Operator.SIZE, List.of(x)), 1);
    Value flat =
        graph.node(
            Operator.MS_GATHER_ELEMENTS_GRAD,
            List.of(g.reshape(dY, -1), size, g.reshape(indices, -1)),
            Attribute.axis(0));
    return g.reshape(flat, g.shape(x));
  }

  @Override
  public List<Value> layerNormalizationGrad(
      Value dY, Value x, Value scale, Value mean, Value invStd, long axis) {
    return graph.nodes(
        Operator.MS_LAYER_NORMALIZATION_GRAD,
        List.of(dY, x, scale, mean, invStd),
        3,
        Attribute.axis(axis));
  }

  @Override
  public List<Value> batchNormalizationGrad(
      Value dY, Value x, Value scale, Value mean, Value invStd, float epsilon) {
    return graph.nodes(
        Operator.MS_BATCH_NORMALIZATION_GRAD,
        List.of(dY, x, scale, mean, invStd),
        3,
        Attribute.of("epsilon", epsilon));
  }

  @Override
  public Value matMul(Value a, boolean transposeA, Value b, boolean transposeB) {
    return graph.node(
        Operator.MS_FUSED_MAT_MUL,
        List.of(a, b),
        Attribute.of("transA", transposeA ? 1 : 0),
        Attribute.of("transB", transposeB ? 1 : 0));
  }

  @Override
  public Value broadcastAxes(Value to, Value from) {
    return graph.nodes(Operator.MS_BROADCAST_GRADIENT_ARGS, List.of(to, from), 2).get(0);
  }
}
