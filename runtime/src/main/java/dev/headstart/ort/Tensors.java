package dev.headstart.ort;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtUtil;
import ai.onnxruntime.TensorInfo.OnnxTensorType;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** {@link Tensor} to ONNX Runtime's own and back, and the checks before native code sees one. */
final class Tensors {
  /** ONNX Runtime numbers its element types otherwise than the file format does. */
  private static final Map<OnnxTensorType, ElementType> TYPES = new EnumMap<>(OnnxTensorType.class);

  static {
    for (ElementType type : ElementType.values()) {
      TYPES.put(OnnxTensorType.valueOf("ONNX_TENSOR_ELEMENT_DATA_TYPE_" + type), type);
    }
  }

  private Tensors() {}

  /**
   * Wraps a direct buffer without a copy (it must live as long as the tensor), copies a heap buffer
   * and strings.
   *
   * @param name the input's, for messages
   * @param copy what copies a heap buffer to a direct one
   * @throws BadInputException for strings that are not UTF-8, and booleans that are neither 0 nor 1
   */
  static OnnxTensor toNative(String name, Tensor tensor, UnaryOperator<ByteBuffer> copy)
      throws OrtException {
    if (tensor.type() == ElementType.STRING) {
      return OnnxTensor.createTensor(
          OrtRuntime.environment(), Strings.decoded(name, tensor), tensor.shape());
    }
    ByteBuffer data = tensor.data();
    if (tensor.type() == ElementType.BOOL) {
      checkBooleans(name, data);
    }
    if (!data.isDirect()) {
      data = copy.apply(data);
    }
    return OnnxTensor.createTensor(
        OrtRuntime.environment(),
        data.order(ByteOrder.nativeOrder()),
        tensor.shape(),
        javaType(tensor.type()));
  }

  /** A direct copy that lives as long as it is used. */
  static ByteBuffer copy(ByteBuffer heap) {
    return Tensor.allocate(heap.remaining()).put(heap).flip();
  }

  /**
   * The Java API has no name for wide unsigned integers; {@link UnsignedInputs} makes up for it.
   */
  private static OnnxJavaType javaType(ElementType type) {
    return switch (type) {
      case UINT16 -> OnnxJavaType.INT16;
      case UINT32 -> OnnxJavaType.INT32;
      case UINT64 -> OnnxJavaType.INT64;
      default -> OnnxJavaType.valueOf(type.name());
    };
  }

  /** Kernels take a boolean's byte for 0 or 1 without a look. */
  private static void checkBooleans(String name, ByteBuffer data) {
    for (int i = 0; i < data.limit(); i++) {
      if ((data.get(i) & ~1) != 0) {
        throw new BadInputException(
            "element "
                + i
                + " of input '"
                + name
                + "' is "
                + Byte.toUnsignedInt(data.get(i))
                + ", but a BOOL is 0 or 1");
      }
    }
  }

  /** A copy in plain memory. */
  static Tensor fromNative(OnnxTensor tensor) throws OrtException {
    ElementType type = elementType(tensor.getInfo());
    long[] shape = tensor.getInfo().getShape();
    if (tensor.getInfo().getNumElements() == 0) {
      return new Tensor(type, shape, ByteBuffer.allocate(0));
    }
    if (type != ElementType.STRING) {
      return new Tensor(type, shape, tensor.getByteBuffer());
    }
    Object value = tensor.getValue();
    String[] strings =
        value instanceof String scalar ? new String[] {scalar} : OrtUtil.flattenString(value);
    List<byte[]> encoded =
        Arrays.stream(strings).map(s -> s.getBytes(StandardCharsets.UTF_8)).toList();
    return Tensor.strings(encoded, shape);
  }

  /**
   * The file format's word for an element type.
   *
   * @throws BadInputException for one that {@link Tensor} cannot hold
   */
  static ElementType elementType(ai.onnxruntime.TensorInfo info) {
    ElementType type = TYPES.get(info.onnxType);
    if (type == null) {
      throw new BadInputException(
          "tensors of " + info.onnxType + " cannot be held, expected one of " + TYPES.values());
    }
    return type;
  }

  /**
   * @throws BadInputException if the tensor is not what the model declares
   */
  static void check(TensorInfo expected, Tensor given, Collection<String> names) {
    if (given == null) {
      throw new BadInputException(
          "the model's input '" + expected.name() + "' is missing, expected " + names);
    }
    if (expected.type() != null && expected.type() != given.type()) {
      throw new BadInputException("input " + expected + " came as " + given);
    }
    long[] shape = given.shape();
    boolean fits = expected.shape() == null || expected.shape().length == shape.length;
    for (int i = 0; fits && expected.shape() != null && i < shape.length; i++) {
      fits = expected.shape()[i] < 0 || expected.shape()[i] == shape[i];
    }
    if (!fits) {
      throw new BadInputException(
          "input " + expected + " came with shape " + Arrays.toString(shape));
    }
  }
}
