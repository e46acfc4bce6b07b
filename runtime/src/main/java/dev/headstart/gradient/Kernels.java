package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.List;

/**
 * Which nodes carry out a derivative that may have a kernel of its own. The rules say what is
 * meant; an implementation says with what: ONNX Runtime's training operators, or, for natives
 * without them, standard operators. dY has the shape of the forward node's output.
 */
public interface Kernels {

  /** dY · [y &gt; 0]. */
  Value reluGrad(Value dY, Value y);

  /** dY · (x &gt; 0 ? 1 : alpha). */
  Value leakyReluGrad(Value dY, Value x, float alpha);

  /** dY · y · (1 - y). */
  Value sigmoidGrad(Value dY, Value y);

  /** dY · (1 - y²). */
  Value tanhGrad(Value dY, Value y);

  /** dY · (Φ(x) + x·φ(x)), with the normal distribution Φ and its density φ. */
  Value geluGrad(Value dY, Value x);

  /**
   * dY · (½(1 + t) + ½x·(1 - t²)·u'), with t = tanh(u), u = √(2/π)·(x + 0.044715·x³): Gelu
   * approximated by tanh.
   */
  Value tanhGeluGrad(Value dY, Value x);

  /** dY · s·(1 + alpha·x·(1 - s)), with s = sigmoid(alpha·x): the gradient of x·s. */
  Value quickGeluGrad(Value dY, Value x, float alpha);

  /**
   * A tensor of shape {@code shape} (an int64 vector) that is 0 but where {@code indices} point
   * along {@code axis}: there it is the sum of dY at all indices that point there. What Gather does
   * backwards.
   *
   * @param indices int32 or int64 of any rank, less than 0 from the axis' end; others out of range
   *     are refused. dY has their dimensions in the place of the axis
   * @param axis less than 0 from the last
   */
  Value gatherGrad(Value shape, Value indices, Value dY, long axis);

  /**
   * A tensor of shape {@code shape} (an int64 vector) that is dY at the elements that Slice takes,
   * and 0 at the others.
   *
   * @param ranges starts, ends, and as far as the forward node has them axes and steps
   */
  Value sliceGrad(Value dY, Value shape, List<Value> ranges);

  /** y · (dY - Σ dY·y), the sum along {@code axis}. */
  Value softmaxGrad(Value dY, Value y, long axis);

  /** dY - exp(y) · Σ dY, the sum along {@code axis}. */
  Value logSoftmaxGrad(Value dY, Value y, long axis);

  /** dY · mask / (1 - ratio); {@code ratio} and {@code trainingMode} are scalars. */
  Value dropoutGrad(Value dY, Value mask, Value ratio, Value trainingMode);

  /**
   * dLoss · (softmax - onehot(labels)), weighted and averaged as the forward operator's attributes
   * say; classes on axis 1.
   *
   * @param weights class weights, or null
   * @param ignoreIndex a label that does not count, or null
   */
  Value softmaxCrossEntropyGrad(
      Value dLoss,
      Value logProbabilities,
      Value labels,
      Value weights,
      String reduction,
      Long ignoreIndex);

  /**
   * The gradients of Y = Conv(X, W) + B: dX is the transposed convolution of dY with W, dW the
   * convolution of X with dY, strides and dilations exchanged, dB the sum of dY.
   *
   * @param x of known rank, [batch, channels, spatial…]; at least one sample
   * @param w [output channels, channels / group, kernel…]
   * @param xShape as much as is known of x's dimensions, -1 for the others; null for nothing
   * @param wanted of the three, which are needed
   * @return dX, dW and dB, null where not needed
   */
  List<Value> convGrad(
      Value dY, Value x, Value w, long[] xShape, Window window, long group, boolean[] wanted);

  /**
   * A tensor of zeros in the shape of x, with every element of dY added at the place that {@code
   * indices} (int64, shaped as dY) names, counted in the whole of x in row-major order.
   */
  Value scatterSum(Value dY, Value indices, Value x);

  /**
   * The gradients of Y = (X - mean) · invStd · scale + bias, where mean and invStd are X's own over
   * all axes from {@code axis} on, and scale has their dimensions.
   *
   * @return dX, dScale, dBias
   */
  List<Value> layerNormalizationGrad(
      Value dY, Value x, Value scale, Value mean, Value invStd, long axis);

  /**
   * The gradients of Y = (X - mean) · invStd · scale + bias, where mean and invStd (a value for
   * each channel, axis 1) are X's own over all other axes, epsilon added to the variance.
   *
   * @return dX, dScale, dBias
   */
  List<Value> batchNormalizationGrad(
      Value dY, Value x, Value scale, Value mean, Value invStd, float epsilon);

  /** A · B over the last two axes, the others broadcast, each transposed on request. */
  Value matMul(Value a, boolean transposeA, Value b, boolean transposeB);

  /**
   * The axes of {@code to} (an int64 vector) to sum over so that a tensor of shape {@code from} can
   * be reshaped to shape {@code to}, which broadcasts to it.
   */
  Value broadcastAxes(Value to, Value from);
}
