package dev.headstart.advise;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.backbone.BaseModel;
import dev.headstart.head.Tail;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.TensorInfo;
import java.util.Arrays;
import java.util.Map;

/**
 * Multiplications that convolutions and matrix products take for one sample, roughly: dimensions
 * that are free count as a text's usual length.
 *
 * @param whole of the base
 * @param tail of the layers that would train
 */
record Operations(double whole, double tail) {
  /** Of an inference session on two cores of a server, where nothing was measured. */
  static final double A_SECOND = 4e10;

  private static final int FREE = 64;

  static Operations of(BaseModel base, Tail tail) {
    return new Operations(count(base.model()), count(tail.layers()));
  }

  private static double count(OnnxModel model) {
    Map<String, TensorInfo> shapes = ShapeInference.infer(model);
    double sum = 1;
    for (NodeProto node : model.proto().getGraph().getNodeList()) {
      sum += count(node, shapes);
    }
    return sum;
  }

  /** Elements of the output by what each is a sum over: a weight's elements an output channel. */
  private static double count(NodeProto node, Map<String, TensorInfo> shapes) {
    String type = node.getOpType();
    boolean convolves = type.equals("Conv") || type.equals("ConvInteger");
    boolean multiplies = type.startsWith("MatMul") || type.equals("Gemm");
    if (!convolves && !multiplies) {
      return 0;
    }
    double outputs = elements(shapes.get(node.getOutput(0)));
    TensorInfo weight = shapes.get(node.getInput(1));
    if (weight == null || weight.shape() == null || weight.shape().length < 2) {
      return outputs * FREE;
    }
    long[] shape = weight.shape();
    if (convolves) {
      return outputs * elements(weight) / size(shape[0]);
    }
    TensorInfo input = shapes.get(node.getInput(0));
    long[] left = input == null ? null : input.shape();
    return outputs * (left == null || left.length == 0 ? FREE : size(left[left.length - 1]));
  }

  private static double elements(TensorInfo tensor) {
    return tensor == null || tensor.shape() == null
        ? 0
        : size(Arrays.stream(tensor.shape()).skip(1).toArray())
            * (tensor.shape().length == 0 || tensor.shape()[0] < 0 ? 1 : tensor.shape()[0]);
  }

  private static double size(long... shape) {
    return Arrays.stream(shape).mapToDouble(d -> d < 0 ? FREE : d).reduce(1, (a, b) -> a * b);
  }
}
