package dev.headstart.gradient;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Derivatives by ONNX Runtime's training operators (domain com.microsoft, version 1), which only a
 * training-enabled native has.
 *
 * <p>Source: {@code orttraining/core/graph/training_op_defs.cc} of ONNX Runtime.
 */
final class OrtTrainingKernels implements Kernels {
  private final GraphBuilder graph;

  OrtTrainingKernels(GraphBuilder graph) {
    this.graph = graph;
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
