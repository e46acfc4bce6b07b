package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Quantized layers turned back to float32, so that they can be trained: what a whole number q stood
 * for is (q - zero point) · scale, by the ONNX specification of DequantizeLinear. Activations are
 * no longer rounded, so results differ from the quantized model's by its rounding.
 */
public final class Dequantization {

  /**
   * A product of matrices by way of whole numbers: {@code y = Cast(MatMulInteger(quantized x, w)) ·
   * (scale of x · scale of w)}, x quantized by DynamicQuantizeLinear.
   *
   * @param x float32
   * @param name of the weights
   * @param weights float32, as w
   */
  private record Product(String x, String name, Tensor weights, String y) {}

  /**
   * Rows of a quantized table: {@code y = DequantizeLinear(Gather(w, …))}, one scale for all.
   *
   * @param gather the node that takes the rows
   * @param weights float32, as w
   */
  private record Rows(NodeProto gather, Tensor weights, String y) {}

  private final Graph graph;
  private final Map<String, Tensor> constants;

  private Dequantization(OnnxModel model) {
    graph = Graph.of(model);
    constants = model.initializers();
  }

  /**
   * The model with its dynamically quantized matrix products, and its quantized constants, in
   * float32. Outputs keep their names; other quantized operators stay as they are.
   *
   * @return {@code model} itself if it has none
   */
  public static OnnxModel of(OnnxModel model) {
    Dequantization found = new Dequantization(model);
    List<Product> products = new ArrayList<>();
    List<Rows> rows = new ArrayList<>();
    Map<String, Tensor> floats = new LinkedHashMap<>();
    for (NodeProto node : found.graph.nodes()) {
      Product product = found.product(node);
      if (product != null) {
        products.add(product);
      }
      if (node.getOpType().equals("DequantizeLinear")) {
        NodeProto gather = found.made(node.getInput(0), "Gather");
        String whole = gather == null ? node.getInput(0) : gather.getInput(0);
        Tensor real = found.real(whole, node.getInput(1), input(node, 2), axis(node, 1));
        if (real != null && gather == null) {
          floats.put(node.getOutput(0), real);
        } else if (real != null && found.constants.get(node.getInput(1)).elements() == 1) {
          rows.add(new Rows(gather, real, node.getOutput(0)));
        }
      }
    }
    if (products.isEmpty() && rows.isEmpty() && floats.isEmpty()) {
      return model;
    }
    Set<String> replaced = new HashSet<>(floats.keySet());
    products.forEach(product -> replaced.add(product.y));
    rows.forEach(taken -> replaced.add(taken.y));
    GraphBuilder builder = Replacement.without(model, replaced);
    floats.forEach(builder::initializer);
    for (Rows taken : rows) {
      String name = real(taken.gather.getInput(0));
      Value table = builder.initializer(free(builder, name), taken.weights);
      builder.append(
          Operator.GATHER,
          List.of(table, builder.value(taken.gather.getInput(1))),
          List.of(taken.y),
          Attribute.axis(axis(taken.gather, 0)));
    }
    for (Product product : products) {
      Value weights = builder.initializer(free(builder, product.name), product.weights);
      builder.append(
          Operator.MAT_MUL, List.of(builder.value(product.x), weights), List.of(product.y));
    }
    return Replacement.complete(model, builder);
  }

  private static int axis(NodeProto node, int otherwise) {
    return node.getAttributeList().stream()
        .filter(a -> a.getName().equals("axis"))
        .mapToInt(a -> (int) a.getI())
        .findFirst()
        .orElse(otherwise);
  }

  /** Goes from the last node of a product back to its first; null if it is none. */
  private Product product(NodeProto scaled) {
    if (!scaled.getOpType().equals("Mul") || scaled.getInputCount() != 2) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      NodeProto cast = made(scaled.getInput(i), "Cast");
      NodeProto scales = made(scaled.getInput(1 - i), "Mul");
      NodeProto product = cast == null ? null : made(cast.getInput(0), "MatMulInteger");
      if (product != null && scales != null && product.getInputCount() >= 3) {
        return product(scaled, product, scales);
      }
    }
    return null;
  }

  private Product product(NodeProto scaled, NodeProto product, NodeProto scales) {
    NodeProto quantized = made(product.getInput(0), "DynamicQuantizeLinear");
    if (quantized == null
        || !quantized.getOutput(0).equals(product.getInput(0))
        || !quantized.getOutput(2).equals(product.getInput(2))) {
      return null;
    }
    int own = scales.getInput(0).equals(quantized.getOutput(1)) ? 1 : 0;
    if (!scales.getInput(1 - own).equals(quantized.getOutput(1))) {
      return null;
    }
    Tensor weights = real(product.getInput(1), scales.getInput(own), input(product, 3), -1);
    return weights == null
        ? null
        : new Product(
            quantized.getInput(0), real(product.getInput(1)), weights, scaled.getOutput(0));
  }

  /**
   * What a constant stands for.
   *
   * @param zero the zero point, empty for none
   * @return null if one of them is no constant
   */
  private Tensor real(String whole, String scale, String zero, int axis) {
    return !zero.isEmpty() && constants.get(zero) == null
        ? null
        : real(constants.get(whole), constants.get(scale), constants.get(zero), axis);
  }

  private static String input(NodeProto node, int i) {
    return i < node.getInputCount() ? node.getInput(i) : "";
  }

  private static String free(GraphBuilder graph, String name) {
    return graph.has(name) ? graph.fresh(name) : name;
  }

  private static String real(String quantized) {
    return quantized.replaceFirst("_quantized$", "") + ".float";
  }

  private NodeProto made(String tensor, String operator) {
    if (graph.producer(tensor).isEmpty()) {
      return null;
    }
    NodeProto node = graph.nodes().get(graph.producer(tensor).getAsInt());
    return node.getOpType().equals(operator) && node.getDomain().isEmpty() ? node : null;
  }

  /**
   * What whole numbers stand for.
   *
   * @param scale float32, one for all or one for each place along the axis
   * @param zero as {@code whole}, shaped as {@code scale}; null for 0
   * @return null where they are no such constants
   */
  private static Tensor real(Tensor whole, Tensor scale, Tensor zero, int axis) {
    if (whole == null || scale == null || scale.type() != ElementType.FLOAT) {
      return null;
    }
    boolean signed = whole.type() == ElementType.INT8;
    if (!signed && whole.type() != ElementType.UINT8) {
      return null;
    }
    long[] shape = whole.shape();
    int along = axis < 0 ? shape.length + axis : axis;
    long places = scale.elements() == 1 ? 1 : along < shape.length ? shape[along] : -1;
    if (scale.elements() != places
        || (zero != null
            && (zero.type() != whole.type()
                || (zero.elements() != 1 && zero.elements() != places)))) {
      return null;
    }
    long inner = 1;
    for (int i = along + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    float[] scales = scale.floats();
    float[] values = new float[Math.toIntExact(whole.elements())];
    for (int i = 0; i < values.length; i++) {
      int place = places == 1 ? 0 : (int) (i / inner % places);
      int from = zero == null ? 0 : number(zero.data(), zero.elements() == 1 ? 0 : place, signed);
      values[i] = (number(whole.data(), i, signed) - from) * scales[place];
    }
    return Tensor.of(values, shape);
  }

  private static int number(ByteBuffer data, int index, boolean signed) {
    byte value = data.get(data.position() + index);
    return signed ? value : Byte.toUnsignedInt(value);
  }
}
