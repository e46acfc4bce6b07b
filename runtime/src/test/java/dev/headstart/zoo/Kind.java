package dev.headstart.zoo;

import static dev.headstart.zoo.Net.in;
import static dev.headstart.zoo.Net.ints;

import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The kinds of networks: one or two blocks of each, and a classifier of 10 classes. */
public enum Kind {
  RESNET(32) {
    @Override
    String body(Net n, String x) {
      x = n.relu(n.batchNorm("bn1", n.conv("conv1", x, 3, 8, 7, 2, 1), 8));
      x = n.maxPool(x, 3, 2, 1, 0);
      x = block(n, "layer1.0", x, 8, 8, 1);
      x = n.cut(x);
      x = block(n, "layer2.0", x, 8, 16, 2);
      return n.gemm("fc", n.pooled(x), 16, 10);
    }

    /** Each block is cut inside: the skip is live too. */
    private String block(Net n, String name, String x, long from, long to, long stride) {
      String y = n.conv(name + ".conv1", x, from, to, 3, stride, 1);
      y = n.cut(n.relu(n.batchNorm(name + ".bn1", y, to)));
      y = n.batchNorm(name + ".bn2", n.conv(name + ".conv2", y, to, to, 3, 1, 1), to);
      if (stride != 1) {
        String down = n.conv(name + ".downsample.0", x, from, to, 1, stride, 1);
        x = n.batchNorm(name + ".downsample.1", down, to);
      }
      return n.relu(n.op("Add", in(y, x)));
    }
  },

  DENSENET(32) {
    @Override
    String body(Net n, String x) {
      x = n.relu(n.batchNorm("norm0", n.conv("conv0", x, 3, 8, 3, 2, 1), 8));
      x = n.maxPool(x, 3, 2, 1, 0);
      x = dense(n, "block1", x, 8);
      x = n.relu(n.batchNorm("transition.norm", x, 16));
      x = n.averagePool(n.conv("transition.conv", x, 16, 8, 1, 1, 1), 2, 2, 0, 0);
      x = dense(n, "block2", n.cut(x), 8);
      x = n.relu(n.batchNorm("norm5", x, 16));
      return n.gemm("classifier", n.pooled(x), 16, 10);
    }

    private String dense(Net n, String name, String x, long width) {
      List<String> all = new ArrayList<>(List.of(x));
      for (int layer = 0; layer < 2; layer++) {
        String part = name + ".layer" + layer;
        long from = width + 4L * layer;
        String y = n.concat(1, all.toArray(String[]::new));
        y =
            n.conv(
                part + ".conv1", n.relu(n.batchNorm(part + ".norm1", y, from)), from, 8, 1, 1, 1);
        y = n.relu(n.batchNorm(part + ".norm2", y, 8));
        y = n.conv(part + ".conv2", y, 8, 4, 3, 1, 1);
        all.add(layer == 0 ? n.cut(y) : y);
      }
      return n.concat(1, all.toArray(String[]::new));
    }
  },

  SQUEEZENET(32) {
    @Override
    String body(Net n, String x) {
      x = n.relu(n.conv("features.0", x, true, new long[] {8, 3, 3, 3}, ints("strides", 2, 2)));
      x = n.maxPool(x, 3, 2, 0, 1);
      x = n.cut(fire(n, "features.3", x, 8, 4, 8));
      x = fire(n, "features.4", x, 16, 4, 8);
      x = n.dropout(n.cut(n.maxPool(x, 3, 2, 0, 1)));
      x = n.relu(n.conv("classifier.1", x, true, 16, 10, 1, 1, 1));
      return n.op("Flatten", in(n.op("GlobalAveragePool", in(x))), Attribute.axis(1));
    }

    private String fire(Net n, String name, String x, long from, long squeezed, long to) {
      String s = n.relu(n.conv(name + ".squeeze", x, true, from, squeezed, 1, 1, 1));
      if (name.endsWith("4")) {
        n.cut(s);
      }
      return n.concat(
          1,
          n.relu(n.conv(name + ".expand1x1", s, true, squeezed, to, 1, 1, 1)),
          n.relu(n.conv(name + ".expand3x3", s, true, squeezed, to, 3, 1, 1)));
    }
  },

  SHUFFLENET(32) {
    @Override
    String body(Net n, String x) {
      x = n.relu(n.batchNorm("conv1.1", n.conv("conv1.0", x, 3, 8, 3, 2, 1), 8));
      x = n.maxPool(x, 3, 2, 1, 0);
      String left = n.batchNorm("down.l1", n.conv("down.l0", x, 8, 8, 3, 2, 8), 8);
      left = n.relu(n.batchNorm("down.l3", n.conv("down.l2", left, 8, 8, 1, 1, 1), 8));
      x = n.cut(shuffle(n, n.concat(1, left, branch(n, "down.r", x, 2)), 16));
      List<String> halves = n.split(x, 1, 2, 8);
      String right = n.cut(branch(n, "unit", halves.get(1), 1));
      x = n.cut(shuffle(n, n.concat(1, halves.get(0), right), 16));
      // Of the first version: grouped pointwise convolutions
      x = n.relu(n.batchNorm("conv5.1", n.conv("conv5.0", x, 16, 24, 1, 1, 4), 24));
      return n.gemm("fc", n.reduceMean(x, false, 2, 3), 24, 10);
    }

    private String branch(Net n, String name, String x, long stride) {
      String y = n.relu(n.batchNorm(name + "1", n.conv(name + "0", x, 8, 8, 1, 1, 1), 8));
      y = n.batchNorm(name + "3", n.conv(name + "2", y, 8, 8, 3, stride, 8), 8);
      return n.relu(n.batchNorm(name + "5", n.conv(name + "4", y, 8, 8, 1, 1, 1), 8));
    }

    private String shuffle(Net n, String x, long channels) {
      String batch = n.size(x, 0);
      String height = n.size(x, 2);
      String width = n.size(x, 3);
      x = n.reshape(x, batch, 2, channels / 2, height, width);
      return n.reshape(n.transpose(x, 0, 2, 1, 3, 4), batch, -1, height, width);
    }
  },

  VGG(32) {
    @Override
    String body(Net n, String x) {
      x = n.relu(n.conv("features.0", x, true, 3, 8, 3, 1, 1));
      x = n.cut(n.maxPool(n.relu(n.conv("features.2", x, true, 8, 8, 3, 1, 1)), 2, 2, 0, 0));
      x = n.relu(n.conv("features.5", x, true, 8, 12, 3, 1, 1));
      x = n.maxPool(n.relu(n.conv("features.7", x, true, 12, 12, 3, 1, 1)), 2, 2, 0, 0);
      x = n.averagePool(n.cut(x), 2, 2, 0, 0);
      x = n.op("Flatten", in(x), Attribute.axis(1));
      x = n.cut(n.dropout(n.relu(n.gemm("classifier.0", x, 192, 32))));
      x = n.dropout(n.relu(n.gemm("classifier.3", x, 32, 32)));
      return n.gemm("classifier.6", x, 32, 10);
    }
  },

  INCEPTION(32) {
    @Override
    String body(Net n, String x) {
      x = n.cut(stem(n, "stem", normalised(n, x), 3, 8, 3, 2));
      String b1 = stem(n, "mixed.b1", x, 8, 4, 1, 1);
      String b3 = stem(n, "mixed.b3b", stem(n, "mixed.b3a", x, 8, 4, 1, 1), 4, 6, 3, 1);
      String b7 = stem(n, "mixed.b7a", x, 8, 4, 1, 1);
      b7 = n.cut(line(n, "mixed.b7b", b7, 1, 7));
      b7 = line(n, "mixed.b7c", b7, 7, 1);
      String pool = stem(n, "mixed.pool", n.averagePool(x, 3, 1, 1, 1), 8, 2, 1, 1);
      x = n.cut(n.concat(1, b1, b3, b7, pool));
      Attribute[] halving = {ints("kernel_shape", 3, 3), ints("strides", 2, 2)};
      String c = n.conv("reduce.conv", x, false, new long[] {8, 16, 3, 3}, halving);
      x = n.concat(1, n.relu(n.batchNorm("reduce.bn", c, 8)), n.maxPool(x, 3, 2, 0, 0));
      x = n.op("Flatten", in(n.dropout(n.op("GlobalAveragePool", in(x)))), Attribute.axis(1));
      return n.gemm("fc", x, 24, 10);
    }

    /** Other mean and deviation for each channel, as torchvision's {@code transform_input}. */
    private String normalised(Net n, String x) {
      String[] channels = new String[3];
      for (int i = 0; i < channels.length; i++) {
        String c = n.op("Gather", in(x, n.index(i)), Attribute.axis(1));
        c = n.op("Mul", in(n.unsqueeze(c, 1), n.number(0.9f + 0.1f * i)));
        channels[i] = n.op("Add", in(c, n.number(-0.05f * i)));
      }
      return n.concat(1, channels);
    }

    private String stem(Net n, String name, String x, long from, long to, long size, long stride) {
      String y = n.conv(name + ".conv", x, from, to, size, stride, 1);
      return n.relu(n.batchNorm(name + ".bn", y, to));
    }

    private String line(Net n, String name, String x, long high, long wide) {
      long[] weight = {4, 4, high, wide};
      String y =
          n.conv(
              name + ".conv",
              x,
              false,
              weight,
              ints("kernel_shape", high, wide),
              ints("pads", high / 2, wide / 2, high / 2, wide / 2));
      return n.relu(n.batchNorm(name + ".bn", y, 4));
    }
  },

  MOBILENET_V3(32) {
    @Override
    String body(Net n, String x) {
      x = n.hardSwish(n.batchNorm("features.0.1", n.conv("features.0.0", x, 3, 8, 3, 2, 1), 8));
      x = n.cut(residual(n, "features.1", x, 1));
      x = n.cut(residual(n, "features.2", n.maxPool(x, 2, 2, 0, 0), 2));
      x = n.hardSwish(n.batchNorm("features.3.1", n.conv("features.3.0", x, 8, 16, 1, 1, 1), 16));
      x = n.hardSwish(n.gemm("classifier.0", n.pooled(x), 16, 24));
      return n.gemm("classifier.3", n.dropout(x), 24, 10);
    }

    private String residual(Net n, String name, String x, long which) {
      String y = n.conv(name + ".expand", x, 8, 16, 1, 1, 1);
      y = n.batchNorm(name + ".expand.bn", y, 16);
      y = which == 1 ? n.relu(y) : n.hardSwish(y);
      y = n.conv(name + ".depthwise", y, 16, 16, which == 1 ? 3 : 5, 1, 16);
      y = n.hardSwish(n.batchNorm(name + ".depthwise.bn", y, 16));
      if (which == 2) {
        n.cut(y);
      }
      String s = n.op("GlobalAveragePool", in(y));
      s = n.relu(n.conv(name + ".fc1", s, true, 16, 4, 1, 1, 1));
      s = n.conv(name + ".fc2", s, true, 4, 16, 1, 1, 1);
      s = n.op("HardSigmoid", in(s), Attribute.of("alpha", 1f / 6), Attribute.of("beta", 0.5f));
      y = n.conv(name + ".project", n.op("Mul", in(s, y)), 16, 8, 1, 1, 1);
      return n.op("Add", in(x, n.batchNorm(name + ".project.bn", y, 8)));
    }
  },

  EFFICIENTNET(32) {
    @Override
    String body(Net n, String x) {
      // As TensorFlow pads: one more at the end
      x = n.pad(x, 0, 0, 0, 0, 0, 0, 1, 1);
      x = n.conv("stem.conv", x, false, new long[] {8, 3, 3, 3}, ints("strides", 2, 2));
      x = n.cut(n.clip(n.batchNorm("stem.bn", x, 8), 0, 6));
      String y = n.batchNorm("expand.bn", n.conv("expand.conv", x, 8, 16, 1, 1, 1), 16);
      y = swish(n, y);
      y =
          n.conv(
              "depthwise.conv",
              y,
              false,
              new long[] {16, 1, 5, 5},
              Attribute.of("group", 16),
              ints("kernel_shape", 5, 5),
              ints("pads", 1, 1, 2, 2),
              ints("strides", 2, 2));
      y = n.cut(swish(n, n.batchNorm("depthwise.bn", y, 16)));
      String s = n.reduceMean(y, true, 2, 3);
      s = swish(n, n.conv("se.reduce", s, true, 16, 4, 1, 1, 1));
      s = n.op("Sigmoid", in(n.conv("se.expand", s, true, 4, 16, 1, 1, 1)));
      y = n.op("Mul", in(y, s));
      y = n.batchNorm("project.bn", n.conv("project.conv", y, 16, 8, 1, 1, 1), 8);
      x = n.cut(n.op("Add", in(y, n.averagePool(x, 2, 2, 0, 0))));
      x = swish(n, n.batchNorm("head.bn", n.conv("head.conv", x, 8, 16, 1, 1, 1), 16));
      x = n.squeeze(n.op("GlobalAveragePool", in(x)), 2, 3);
      return n.gemm("classifier", n.dropout(x), 16, 10);
    }

    private String swish(Net n, String x) {
      return n.op("Mul", in(x, n.op("Sigmoid", in(x))));
    }
  },

  CONVNEXT(32) {
    @Override
    String body(Net n, String x) {
      Attribute[] patches = {ints("kernel_shape", 4, 4), ints("strides", 4, 4)};
      x = n.conv("stem.0", x, true, new long[] {12, 3, 4, 4}, patches);
      x = n.cut(block(n, "stages.0", channelNorm(n, "stem.1", x, 12)));
      Attribute[] halves = {ints("kernel_shape", 2, 2), ints("strides", 2, 2)};
      x = channelNorm(n, "down.0", x, 12);
      x = n.conv("down.1", x, true, new long[] {12, 12, 2, 2}, halves);
      x = n.cut(block(n, "stages.1", x));
      return n.gemm("head.fc", n.layerNorm("head.norm", n.pooled(x), 12), 12, 10);
    }

    /** Over axis 1, where no operator of its own fits. */
    private String channelNorm(Net n, String name, String x, long channels) {
      String scale = n.unsqueeze(n.vectorWeight(name + ".weight", 1, 0.1, channels), 1, 2);
      String bias = n.unsqueeze(n.vectorWeight(name + ".bias", 0, 0.1, channels), 1, 2);
      return n.op("Add", in(n.op("Mul", in(scale, n.standardised(x, 1))), bias));
    }

    private String block(Net n, String name, String x) {
      String y = n.conv(name + ".dwconv", x, true, 12, 12, 7, 1, 12);
      y = n.layerNorm(name + ".norm", n.transpose(y, 0, 2, 3, 1), 12);
      y = n.gelu(n.linear(name + ".pwconv1", y, 12, 24));
      if (name.endsWith("1")) {
        n.cut(y);
      }
      y = n.linear(name + ".pwconv2", y, 24, 12);
      y = n.op("Mul", in(n.vectorWeight(name + ".gamma", 0.5, 0.1, 12), y));
      return n.op("Add", in(x, n.transpose(y, 0, 3, 1, 2)));
    }
  },

  VIT(16) {
    @Override
    String body(Net n, String x) {
      Attribute[] patches = {ints("kernel_shape", 4, 4), ints("strides", 4, 4)};
      x = n.conv("patch_embed", x, true, new long[] {16, 3, 4, 4}, patches);
      String batch = n.size(x, 0);
      x = n.transpose(n.reshape(x, batch, 16, -1), 0, 2, 1);
      String token = expanded(n, n.vectorWeight("cls_token", 0, 0.5, 1, 1, 16), batch);
      x = n.concat(1, token, x);
      x = n.op("Add", in(x, n.vectorWeight("pos_embed", 0, 0.2, 1, 17, 16)));
      x = n.cut(block(n, "blocks.0", x));
      x = block(n, "blocks.1", x);
      x = n.layerNorm("norm", x, 16);
      if (n.opset % 2 == 0) {
        x = n.op("Gather", in(x, n.index(0)), Attribute.axis(1));
      } else {
        List<String> first = in(x, n.vector(0), n.vector(1), n.vector(1), n.vector(1));
        x = n.squeeze(n.op("Slice", first), 1);
      }
      return n.gemm("head", x, 16, 10);
    }

    /** {@code expand(batch, -1, -1)}: where the size is -1, the tensor's own. */
    private String expanded(Net n, String x, String batch) {
      String wanted = n.shape(batch, -1, -1);
      String ones =
          n.op(
              "ConstantOfShape",
              in(n.op("Shape", in(wanted))),
              new Attribute(
                  ai.onnx.proto.OnnxMl.AttributeProto.newBuilder()
                      .setName("value")
                      .setType(ai.onnx.proto.OnnxMl.AttributeProto.AttributeType.TENSOR)
                      .setT(
                          ai.onnx.proto.OnnxMl.TensorProto.newBuilder()
                              .setDataType(ElementType.INT64.code())
                              .addDims(1)
                              .addInt64Data(1))
                      .build()));
      String own = n.op("Equal", in(wanted, n.op("Mul", in(ones, n.index(-1)))));
      return n.op("Expand", in(x, n.op("Where", in(own, ones, wanted))));
    }

    private String block(Net n, String name, String x) {
      String y = n.layerNorm(name + ".norm1", x, 16);
      String batch = n.size(y, 0);
      String length = n.size(y, 1);
      y = n.reshape(n.linear(name + ".qkv", y, 16, 48), batch, length, 3, 2, 8);
      y = n.transpose(y, 2, 0, 3, 1, 4);
      String[] qkv = new String[3];
      if (n.opset < 18) {
        for (int i = 0; i < 3; i++) {
          qkv[i] = n.op("Gather", in(y, n.index(i)), Attribute.axis(0));
        }
      } else {
        List<String> parts = n.split(y, 0, 3, 1);
        Arrays.setAll(qkv, i -> n.squeeze(parts.get(i), 0));
      }
      if (name.endsWith("1")) {
        n.cut(qkv[0]);
      }
      String q = n.op("Mul", in(qkv[0], n.number((float) Math.sqrt(1 / 8.0))));
      y = n.op("MatMul", in(q, n.transpose(qkv[1], 0, 1, 3, 2)));
      y = n.op("MatMul", in(n.op("Softmax", in(y), n.lastOfFour()), qkv[2]));
      y = n.reshape(n.transpose(y, 0, 2, 1, 3), batch, length, 16);
      x = n.op("Add", in(x, n.linear(name + ".proj", y, 16, 16)));
      if (name.endsWith("1")) {
        n.cut(x);
      }
      y = n.gelu(n.linear(name + ".fc1", n.layerNorm(name + ".norm2", x, 16), 16, 32));
      return n.op("Add", in(x, n.linear(name + ".fc2", y, 32, 16)));
    }
  },

  BERT(0) {
    @Override
    String body(Net n, String ids) {
      String mask = n.input("attention_mask", ElementType.INT64, -1, -1);
      String types = n.input("token_type_ids", ElementType.INT64, -1, -1);
      long[] positions = new long[32];
      Arrays.setAll(positions, i -> i);
      String all = n.buffer("embeddings.position_ids", Tensor.of(positions, 1, 32));
      String length = n.unsqueeze(n.size(ids, 1), 0);
      String position = n.op("Slice", in(all, n.vector(0), length, n.vector(1), n.vector(1)));
      String x = embedding(n, "embeddings.word", 50, ids);
      x = n.op("Add", in(x, embedding(n, "embeddings.type", 2, types)));
      x = n.op("Add", in(x, embedding(n, "embeddings.position", 32, position)));
      x = n.cut(n.dropout(n.layerNorm("embeddings.norm", x, 16)));

      String m = n.unsqueeze(n.unsqueeze(mask, 1), 2);
      m = n.op("Cast", in(m), Attribute.of("to", ElementType.FLOAT.code()));
      m = n.op("Mul", in(n.op("Sub", in(n.number(1), m)), n.number(-10000)));
      x = layer(n, "layer.0", x, m);
      x = layer(n, "layer.1", x, m);
      x = n.op("Gather", in(x, n.index(0)), Attribute.axis(1));
      x = n.op("Tanh", in(n.gemm("pooler", x, 16, 16)));
      return n.gemm("classifier", n.dropout(x), 16, 10);
    }

    private String embedding(Net n, String name, long rows, String ids) {
      return n.op("Gather", in(n.vectorWeight(name + ".weight", 0, 0.5, rows, 16), ids));
    }

    private String layer(Net n, String name, String x, String mask) {
      String q = heads(n, n.linear(name + ".query", x, 16, 16), 0, 2, 1, 3);
      String k = heads(n, n.linear(name + ".key", x, 16, 16), 0, 2, 3, 1);
      String v = heads(n, n.linear(name + ".value", x, 16, 16), 0, 2, 1, 3);
      if (name.endsWith("1")) {
        n.cut(q);
      }
      String y = n.op("Div", in(n.op("MatMul", in(q, k)), n.number((float) Math.sqrt(8))));
      y = n.op("Softmax", in(n.op("Add", in(y, mask))), n.lastOfFour());
      y = n.transpose(n.op("MatMul", in(n.dropout(y), v)), 0, 2, 1, 3);
      y = n.reshape(y, n.size(y, 0), n.size(y, 1), 16);
      y = n.dropout(n.linear(name + ".output", y, 16, 16));
      x = n.layerNorm(name + ".norm1", n.op("Add", in(y, x)), 16);
      y = n.gelu(n.linear(name + ".intermediate", x, 16, 32));
      if (name.endsWith("1")) {
        n.cut(y);
      }
      y = n.linear(name + ".dense", y, 32, 16);
      return n.layerNorm(name + ".norm2", n.op("Add", in(y, x)), 16);
    }

    private String heads(Net n, String x, long... permutation) {
      return n.transpose(n.reshape(x, n.size(x, 0), n.size(x, 1), 2, 8), permutation);
    }
  };

  /** Height and width of the images; 0 for texts. */
  private final int size;

  Kind(int size) {
    this.size = size;
  }

  abstract String body(Net n, String x);

  /**
   * A network of this kind.
   *
   * @param opset 11 to 22
   * @param dropout ratio of its Dropout nodes, where the kind has any
   */
  public ZooNet network(int opset, long seed, float dropout) {
    Net net = new Net(opset, seed, dropout);
    String x =
        size == 0
            ? net.input("input_ids", ElementType.INT64, -1, -1)
            : net.input("pixels", ElementType.FLOAT, -1, 3, size, size);
    return new ZooNet(net.model(body(net, x), 10), net.cuts());
  }
}
