package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Element type and shape of every tensor of a graph.
 *
 * <p>The nodes are visited once in topological order, each by the rule of its operator ({@link
 * ShapeRules}). Dimensions that are not fixed are symbols, so that equal ones stay equal on their
 * way through the graph, and small integer tensors are computed as far as they are known, so that a
 * shape that the graph puts together from parts (Shape, Gather, Concat, Reshape) is followed. What
 * the model itself says of a tensor ({@code value_info}) fills what the rules leave open; it is not
 * relied on, and the rules win.
 */
public final class ShapeInference {
  /** What exporters write for a dimension that they know nothing of: no name to go by. */
  private static final Set<String> NAMELESS = Set.of("", "?", "None", "none", "unknown", "dynamic");

  private final Map<String, Known> known = new LinkedHashMap<>();
  private final Map<String, ValueInfoProto> carried = new HashMap<>();
  private final Map<String, Long> symbols = new HashMap<>();
  private final Map<Long, String> names = new HashMap<>();
  private int count;

  private ShapeInference(OnnxModel model) {
    GraphProto graph = model.proto().getGraph();
    graph.getValueInfoList().forEach(v -> carried.put(v.getName(), v));
    graph.getOutputList().forEach(v -> carried.put(v.getName(), v));
    graph.getInputList().forEach(v -> carried.put(v.getName(), v));
    graph.getInputList().forEach(i -> known.put(i.getName(), read(i)));
    graph.getInitializerList().forEach(t -> known.put(t.getName(), ConstantShapes.of(t)));
    graph
        .getSparseInitializerList()
        .forEach(
            s ->
                known.put(
                    s.getValues().getName(),
                    Known.of(
                        s.getValues().getDataType(),
                        s.getDimsList().stream().mapToLong(Long::longValue).toArray())));
    int opset = model.opset();
    for (NodeProto node : TopologicalOrder.sort(graph.getNodeList())) {
      visit(node, opset);
    }
  }

  /**
   * Infers all tensors of the model's graph, in graph order; those of graphs inside nodes are not
   * among them. A tensor of which nothing is known is there with a null type and shape.
   *
   * @throws dev.headstart.error.BadInputException if a node contradicts what it reads; it is named
   */
  public static Map<String, TensorInfo> infer(OnnxModel model) {
    ShapeInference inference = of(model);
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    inference.known.keySet().forEach(name -> infos.put(name, inference.info(name)));
    return infos;
  }

  /**
   * The dimensions of every tensor of known rank. A number below 0 stands for one that is not
   * fixed: where two are the same, so are the dimensions, whatever they are at run time.
   *
   * @throws dev.headstart.error.BadInputException as {@link #infer}
   */
  public static Map<String, long[]> dimensions(OnnxModel model) {
    Map<String, long[]> dimensions = new LinkedHashMap<>();
    of(model)
        .known
        .forEach(
            (name, x) -> {
              if (x.ranked()) {
                dimensions.put(name, x.dims().clone());
              }
            });
    return dimensions;
  }

  /** As {@link #infer}, keeping which dimensions are equal. */
  static ShapeInference of(OnnxModel model) {
    return new ShapeInference(model);
  }

  private void visit(NodeProto node, int opset) {
    List<Known> inputs = new ArrayList<>();
    node.getInputList().forEach(i -> inputs.add(known.getOrDefault(i, Known.NOTHING)));
    ShapeSite site = new ShapeSite(node, opset, inputs, this::fresh);
    ShapeRules.Rule rule = ShapeRules.of(node.getDomain(), node.getOpType());
    if (rule != null) {
      rule.apply(site);
    }
    Known[] outputs = site.outputs(count);
    for (int i = 0; i < node.getOutputCount(); i++) {
      String name = node.getOutput(i);
      if (!name.isEmpty()) {
        known.put(name, merge(settled(outputs[i]), carried.get(name)));
      }
    }
  }

  /** Elements are only of use with the dimensions that they fill. */
  private static Known settled(Known x) {
    if (x.numbers() == null && x.floats() == null) {
      return x;
    }
    long elements = x.fixed() ? 1 : -1;
    for (int i = 0; elements > 0 && i < x.dims().length; i++) {
      elements = Math.min(Folding.MOST + 1, elements * Math.min(Folding.MOST + 1, x.dims()[i]));
    }
    int count = x.numbers() != null ? x.numbers().length : x.floats().length;
    boolean followed = x.numbers() == null || Folding.isFollowed(x.type());
    return elements == count && followed ? x : Known.of(x.type(), x.dims());
  }

  private Known merge(Known inferred, ValueInfoProto value) {
    if (value == null) {
      return inferred;
    }
    Known said = read(value);
    int type = inferred.type() != 0 ? inferred.type() : said.type();
    long[] dims = inferred.dims();
    if (dims == null) {
      dims = said.dims();
    } else if (said.dims() != null && said.dims().length == dims.length) {
      dims = dims.clone();
      for (int i = 0; i < dims.length; i++) {
        if (!Known.isNumber(dims[i]) && Known.isNumber(said.dims()[i])) {
          dims[i] = said.dims()[i];
        }
      }
    }
    return new Known(type, dims, inferred.numbers(), inferred.floats());
  }

  private Known read(ValueInfoProto value) {
    if (!value.getType().hasTensorType()) {
      return Known.NOTHING;
    }
    TypeProto.Tensor tensor = value.getType().getTensorType();
    if (!tensor.hasShape()) {
      return new Known(tensor.getElemType(), null, null, null);
    }
    List<TensorShapeProto.Dimension> dims = tensor.getShape().getDimList();
    return Known.of(tensor.getElemType(), dims.stream().mapToLong(this::read).toArray());
  }

  private long read(TensorShapeProto.Dimension dim) {
    if (dim.hasDimValue() && dim.getDimValue() >= 0) {
      return dim.getDimValue();
    }
    if (NAMELESS.contains(dim.getDimParam())) {
      return fresh();
    }
    return symbols.computeIfAbsent(
        dim.getDimParam(),
        name -> {
          long symbol = fresh();
          names.put(symbol, name);
          return symbol;
        });
  }

  private long fresh() {
    return Known.symbol(count++);
  }

  /** What is known of a tensor. */
  Known known(String name) {
    return known.getOrDefault(name, Known.NOTHING);
  }

  /** What is known of a tensor, with -1 for every symbol. */
  TensorInfo info(String name) {
    Known x = known(name);
    long[] shape = x.dims() == null ? null : x.dims().clone();
    for (int i = 0; shape != null && i < shape.length; i++) {
      shape[i] = Known.isNumber(shape[i]) ? shape[i] : -1;
    }
    return new TensorInfo(
        name, ElementType.known(x.type()) ? ElementType.ofCode(x.type()) : null, shape);
  }

  /**
   * A tensor as a graph declares it. Only a symbol that the model itself named keeps its name: ONNX
   * Runtime plans memory by names, so two dimensions under one name must be equal.
   */
  ValueInfoProto declaration(String name) {
    Known x = known(name);
    ValueInfoProto.Builder value = ValueInfoProto.newBuilder().setName(name);
    if (x.type() == 0) {
      ValueInfoProto said = carried.get(name);
      return said == null ? value.build() : said;
    }
    TypeProto.Tensor.Builder tensor = TypeProto.Tensor.newBuilder().setElemType(x.type());
    if (x.dims() != null) {
      TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
      for (long dim : x.dims()) {
        TensorShapeProto.Dimension.Builder entry = shape.addDimBuilder();
        if (Known.isNumber(dim)) {
          entry.setDimValue(dim);
        } else if (names.containsKey(dim)) {
          entry.setDimParam(names.get(dim));
        }
      }
      tensor.setShape(shape);
    }
    return value.setType(TypeProto.newBuilder().setTensorType(tensor)).build();
  }
}
