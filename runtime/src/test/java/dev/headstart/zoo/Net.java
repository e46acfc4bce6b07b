package dev.headstart.zoo;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import com.google.protobuf.ByteString;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A graph that is written the way exporters write one: any operator, shapes put together by
 * operators, constants as Constant nodes, and what changed from opset to opset in the form of the
 * graph's own. Tensors are their names.
 */
final class Net {
  final int opset;
  final Random random;
  private final float dropout;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("main_graph");
  private final List<String> cuts = new ArrayList<>();

  Net(int opset, long seed, float dropout) {
    this.opset = opset;
    this.random = new Random(seed);
    this.dropout = dropout;
  }

  /** An input; the first axis is {@code batch}, another that is not fixed {@code sequence}. */
  String input(String name, ElementType type, long... shape) {
    TypeProto.Tensor.Builder tensor =
        graph.addInputBuilder().setName(name).getTypeBuilder().getTensorTypeBuilder();
    tensor.setElemType(type.code());
    for (int i = 0; i < shape.length; i++) {
      var dim = tensor.getShapeBuilder().addDimBuilder();
      if (shape[i] >= 0) {
        dim.setDimValue(shape[i]);
      } else {
        dim.setDimParam(i == 0 ? "batch" : "sequence");
      }
    }
    return name;
  }

  OnnxModel model(String output, long... shape) {
    var declared = graph.addOutputBuilder().setName("logits");
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Identity")
            .setName("/Identity")
            .addInput(output)
            .addOutput("logits"));
    var tensor = declared.getTypeBuilder().getTensorTypeBuilder();
    tensor.setElemType(ElementType.FLOAT.code());
    tensor.getShapeBuilder().addDimBuilder().setDimParam("batch");
    for (long dim : shape) {
      tensor.getShapeBuilder().addDimBuilder().setDimValue(dim);
    }
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(opset < 15 ? 6 : opset < 20 ? 8 : 10)
            .setProducerName("pytorch")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
            .setGraph(graph)
            .build();
    return OnnxModel.read(model.toByteArray(), "zoo");
  }

  /** Where the network is to be cut: shallow to deep. */
  String cut(String x) {
    cuts.add(x);
    return x;
  }

  List<String> cuts() {
    return List.copyOf(cuts);
  }

  // Nodes

  String op(String type, List<String> inputs, Attribute... attributes) {
    return ops(type, inputs, 1, attributes).get(0);
  }

  List<String> ops(String type, List<String> inputs, int outputs, Attribute... attributes) {
    int number = graph.getNodeCount();
    NodeProto.Builder node =
        graph.addNodeBuilder().setOpType(type).setName("/" + type + "_" + number);
    node.addAllInput(inputs);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < outputs; i++) {
      names.add("/" + type + "_" + number + "_output_" + i);
    }
    node.addAllOutput(names);
    Arrays.stream(attributes).forEach(a -> node.addAttribute(a.proto()));
    return names;
  }

  static List<String> in(String... inputs) {
    return List.of(inputs);
  }

  static Attribute ints(String name, long... values) {
    return Attribute.of(name, values);
  }

  private String constant(TensorProto.Builder value) {
    return op(
        "Constant",
        List.of(),
        new Attribute(
            AttributeProto.newBuilder()
                .setName("value")
                .setType(AttributeProto.AttributeType.TENSOR)
                .setT(value)
                .build()));
  }

  private static TensorProto.Builder proto(Tensor tensor) {
    TensorProto.Builder proto = TensorProto.newBuilder().setDataType(tensor.type().code());
    Arrays.stream(tensor.shape()).forEach(proto::addDims);
    return proto.setRawData(ByteString.copyFrom(tensor.data()));
  }

  /** A Constant node with an int64 vector. */
  String vector(long... values) {
    return constant(proto(Tensor.vector(values)));
  }

  /** A Constant node with an int64 scalar. */
  String index(long value) {
    return constant(proto(Tensor.of(new long[] {value})));
  }

  /** A Constant node with a float scalar. */
  String number(float value) {
    return constant(proto(Tensor.scalar(value)));
  }

  // Weights

  String weight(String name, float[] values, long... shape) {
    graph.addInitializer(proto(Tensor.of(values, shape)).setName(name));
    return name;
  }

  String buffer(String name, Tensor tensor) {
    graph.addInitializer(proto(tensor).setName(name));
    return name;
  }

  private float[] normal(double mean, double deviation, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  /** He's scale: the variance of what goes through a Relu stays. */
  String kernel(String name, long... shape) {
    long fan = Tensor.elements(shape) / shape[0];
    return weight(name, normal(0, Math.sqrt(2.0 / fan), shape), shape);
  }

  /** Glorot's scale, over the last two axes. */
  String matrix(String name, long... shape) {
    long fans = shape[shape.length - 1] + shape[shape.length - 2];
    return weight(name, normal(0, Math.sqrt(2.0 / fans), shape), shape);
  }

  String vectorWeight(String name, double mean, double deviation, long... shape) {
    return weight(name, normal(mean, deviation, shape), shape);
  }

  String positive(String name, long size) {
    float[] values = new float[(int) size];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.8f + 0.4f * random.nextFloat();
    }
    return weight(name, values, size);
  }

  // What changed from opset to opset

  String unsqueeze(String x, long... axes) {
    return opset < 13
        ? op("Unsqueeze", in(x), ints("axes", axes))
        : op("Unsqueeze", in(x, vector(axes)));
  }

  String squeeze(String x, long... axes) {
    return opset < 13
        ? op("Squeeze", in(x), ints("axes", axes))
        : op("Squeeze", in(x, vector(axes)));
  }

  /** Parts of equal size. */
  List<String> split(String x, long axis, int parts, long size) {
    long[] sizes = new long[parts];
    Arrays.fill(sizes, size);
    if (opset < 13) {
      return ops("Split", in(x), parts, Attribute.axis(axis), ints("split", sizes));
    }
    return opset < 18
        ? ops("Split", in(x, vector(sizes)), parts, Attribute.axis(axis))
        : ops("Split", in(x), parts, Attribute.axis(axis), Attribute.of("num_outputs", parts));
  }

  String reduceMean(String x, boolean keep, long... axes) {
    Attribute keepdims = Attribute.of("keepdims", keep ? 1 : 0);
    return opset < 18
        ? op("ReduceMean", in(x), ints("axes", axes), keepdims)
        : op("ReduceMean", in(x, vector(axes)), keepdims);
  }

  String clip(String x, float low, float high) {
    return op("Clip", in(x, number(low), number(high)));
  }

  String dropout(String x) {
    return opset < 12
        ? op("Dropout", in(x), Attribute.of("ratio", dropout))
        : op("Dropout", in(x, number(dropout)));
  }

  String pad(String x, long... pads) {
    return op("Pad", in(x, vector(pads), number(0)), Attribute.of("mode", "constant"));
  }

  /** x · relu6(x + 3) / 6. */
  String hardSwish(String x) {
    if (opset >= 14) {
      return op("HardSwish", in(x));
    }
    return op("Div", in(op("Mul", in(x, clip(op("Add", in(x, number(3))), 0, 6))), number(6)));
  }

  String gelu(String x) {
    if (opset >= 20) {
      return op("Gelu", in(x));
    }
    String erf = op("Erf", in(op("Div", in(x, number((float) Math.sqrt(2))))));
    return op("Mul", in(op("Mul", in(x, op("Add", in(erf, number(1))))), number(0.5f)));
  }

  /** Over the last axis. */
  String layerNorm(String name, String x, long width) {
    String scale = vectorWeight(name + ".weight", 1, 0.1, width);
    String bias = vectorWeight(name + ".bias", 0, 0.1, width);
    if (opset >= 17) {
      return op(
          "LayerNormalization",
          in(x, scale, bias),
          Attribute.axis(-1),
          Attribute.of("epsilon", 1e-5f));
    }
    return op("Add", in(op("Mul", in(standardised(x, -1), scale)), bias));
  }

  /** (x - mean) / sqrt(variance + 1e-5), as it is written without an operator of its own. */
  String standardised(String x, long axis) {
    String centred = op("Sub", in(x, reduceMean(x, true, axis)));
    String variance = reduceMean(op("Pow", in(centred, number(2))), true, axis);
    String deviation = op("Sqrt", in(op("Add", in(variance, number(1e-5f)))));
    return op("Div", in(centred, deviation));
  }

  /** The last axis of a tensor with four: before opset 13 Softmax knows no negative one. */
  Attribute lastOfFour() {
    return Attribute.axis(opset < 13 ? 3 : -1);
  }

  // Layers

  String conv(String name, String x, boolean bias, long[] weight, Attribute... attributes) {
    String kernel = kernel(name + ".weight", weight);
    return bias
        ? op("Conv", in(x, kernel, vectorWeight(name + ".bias", 0, 0.05, weight[0])), attributes)
        : op("Conv", in(x, kernel), attributes);
  }

  /** A square convolution that keeps the size, or halves it at stride 2. */
  String conv(String name, String x, long from, long to, long size, long stride, long groups) {
    return conv(name, x, false, from, to, size, stride, groups);
  }

  String conv(
      String name,
      String x,
      boolean bias,
      long from,
      long to,
      long size,
      long stride,
      long groups) {
    long p = size / 2;
    return conv(
        name,
        x,
        bias,
        new long[] {to, from / groups, size, size},
        ints("dilations", 1, 1),
        Attribute.of("group", groups),
        ints("kernel_shape", size, size),
        ints("pads", p, p, p, p),
        ints("strides", stride, stride));
  }

  String batchNorm(String name, String x, long channels) {
    return op(
        "BatchNormalization",
        in(
            x,
            vectorWeight(name + ".weight", 1, 0.1, channels),
            vectorWeight(name + ".bias", 0, 0.1, channels),
            vectorWeight(name + ".running_mean", 0, 0.1, channels),
            positive(name + ".running_var", channels)),
        Attribute.of("epsilon", 1e-5f),
        Attribute.of("momentum", 0.9f));
  }

  String maxPool(String x, long size, long stride, long pad, long ceil) {
    return op(
        "MaxPool",
        in(x),
        Attribute.of("ceil_mode", ceil),
        ints("kernel_shape", size, size),
        ints("pads", pad, pad, pad, pad),
        ints("strides", stride, stride));
  }

  String averagePool(String x, long size, long stride, long pad, long countPad) {
    return op(
        "AveragePool",
        in(x),
        Attribute.of("count_include_pad", countPad),
        ints("kernel_shape", size, size),
        ints("pads", pad, pad, pad, pad),
        ints("strides", stride, stride));
  }

  String relu(String x) {
    return op("Relu", in(x));
  }

  /** [batch, channels, h, w] to [batch, channels]. */
  String pooled(String x) {
    return opset < 18
        ? op("Flatten", in(op("GlobalAveragePool", in(x))), Attribute.axis(1))
        : reduceMean(x, false, -2, -1);
  }

  /** x · Wᵀ + b of a matrix x. */
  String gemm(String name, String x, long from, long to) {
    return op(
        "Gemm",
        in(x, matrix(name + ".weight", to, from), vectorWeight(name + ".bias", 0, 0.05, to)),
        Attribute.of("alpha", 1f),
        Attribute.of("beta", 1f),
        Attribute.of("transB", 1));
  }

  /** x · W + b along the last axis of a tensor of any rank. */
  String linear(String name, String x, long from, long to) {
    String product = op("MatMul", in(x, matrix(name + ".weight", from, to)));
    return op("Add", in(vectorWeight(name + ".bias", 0, 0.05, to), product));
  }

  /** The size of an axis as a scalar, read at run time. */
  String size(String x, long axis) {
    return op("Gather", in(op("Shape", in(x)), index(axis)), Attribute.axis(0));
  }

  /** A shape put together of scalars: names of tensors, or numbers. */
  String shape(Object... sizes) {
    List<String> parts = new ArrayList<>();
    for (Object size : sizes) {
      parts.add(size instanceof String s ? unsqueeze(s, 0) : vector(((Number) size).longValue()));
    }
    return op("Concat", parts, Attribute.axis(0));
  }

  String reshape(String x, Object... sizes) {
    return op("Reshape", in(x, shape(sizes)));
  }

  String transpose(String x, long... permutation) {
    return op("Transpose", in(x), ints("perm", permutation));
  }

  String concat(long axis, String... parts) {
    return op("Concat", in(parts), Attribute.axis(axis));
  }
}
