package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An ONNX model as data; immutable. */
public final class OnnxModel {
  private final ModelProto proto;

  private OnnxModel(ModelProto proto) {
    this.proto = proto;
  }

  /** Wraps a model that this process built itself; nothing is checked. */
  public static OnnxModel of(ModelProto proto) {
    return new OnnxModel(proto);
  }

  /** The file's own representation. */
  public ModelProto proto() {
    return proto;
  }

  /** The file's bytes, weights inside. */
  public byte[] toBytes() {
    return proto.toByteArray();
  }

  /** The version of ONNX's own operators. */
  public int opset() {
    return proto.getOpsetImportList().stream()
        .filter(o -> o.getDomain().isEmpty() || o.getDomain().equals("ai.onnx"))
        .mapToInt(o -> (int) o.getVersion())
        .findFirst()
        .orElse(0);
  }

  /** The inputs that a caller must feed, in graph order: initializers are left out. */
  public List<TensorInfo> inputs() {
    var initializers =
        proto.getGraph().getInitializerList().stream()
            .map(TensorProto::getName)
            .collect(java.util.stream.Collectors.toSet());
    return proto.getGraph().getInputList().stream()
        .filter(i -> !initializers.contains(i.getName()))
        .map(OnnxModel::info)
        .toList();
  }

  /** The outputs in graph order. */
  public List<TensorInfo> outputs() {
    return proto.getGraph().getOutputList().stream().map(OnnxModel::info).toList();
  }

  /** The weights and constants by name, in graph order. */
  public Map<String, Tensor> initializers() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    proto
        .getGraph()
        .getInitializerList()
        .forEach(t -> tensors.put(t.getName(), TensorProtos.read(t)));
    return tensors;
  }

  /** The model's metadata. */
  public Map<String, String> metadata() {
    Map<String, String> entries = new LinkedHashMap<>();
    proto.getMetadataPropsList().forEach(e -> entries.put(e.getKey(), e.getValue()));
    return entries;
  }

  static TensorInfo info(ValueInfoProto value) {
    var tensor = value.getType().getTensorType();
    ElementType type = tensor.getElemType() == 0 ? null : ElementType.ofCode(tensor.getElemType());
    long[] shape =
        tensor.hasShape()
            ? tensor.getShape().getDimList().stream()
                .mapToLong(d -> d.hasDimValue() ? d.getDimValue() : -1)
                .toArray()
            : null;
    return new TensorInfo(value.getName(), type, shape);
  }
}
