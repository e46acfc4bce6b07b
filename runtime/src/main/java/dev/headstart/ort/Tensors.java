package dev.headstart.ort;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collection;

/** {@link Tensor} to ONNX Runtime's own and back, and the checks before native code sees one. */
final class Tensors {
  private Tensors() {}

  /** Wraps a direct buffer without a copy (the tensor must live as long), copies a heap buffer. */
  static OnnxTensor toNative(Tensor tensor) throws OrtException {
    ByteBuffer data = tensor.data();
    if (!data.isDirect()) {
      data = Tensor.allocate(data.remaining()).put(data).flip();
    }
    data.order(ByteOrder.nativeOrder());
    return switch (tensor.type()) {
      case FLOAT -> wrap(data, tensor, OnnxJavaType.FLOAT);
      case DOUBLE -> wrap(data, tensor, OnnxJavaType.DOUBLE);
      case INT8 -> wrap(data, tensor, OnnxJavaType.INT8);
      case UINT8 -> wrap(data, tensor, OnnxJavaType.UINT8);
      case INT16 -> wrap(data, tensor, OnnxJavaType.INT16);
      case INT32 -> wrap(data, tensor, OnnxJavaType.INT32);
      case INT64 -> wrap(data, tensor, OnnxJavaType.INT64);
      case BOOL -> wrap(data, tensor, OnnxJavaType.BOOL);
      case FLOAT16 -> wrap(data, tensor, OnnxJavaType.FLOAT16);
      case BFLOAT16 -> wrap(data, tensor, OnnxJavaType.BFLOAT16);
      default ->
          throw new BadInputException(
              "ONNX Runtime's Java API takes no " + tensor.type() + " tensor");
    };
  }

  private static OnnxTensor wrap(ByteBuffer data, Tensor tensor, OnnxJavaType type)
      throws OrtException {
    return OnnxTensor.createTensor(OrtRuntime.environment(), data, tensor.shape(), type);
  }

  /** A copy in plain memory. */
  static Tensor fromNative(OnnxTensor tensor) {
    var info = tensor.getInfo();
    ElementType type = elementType(info);
    ByteBuffer data = tensor.getByteBuffer();
    return new Tensor(type, info.getShape(), data);
  }

  /** ONNX Runtime numbers its element types otherwise than the file format does. */
  static ElementType elementType(ai.onnxruntime.TensorInfo info) {
    return ElementType.valueOf(
        info.onnxType.name().substring("ONNX_TENSOR_ELEMENT_DATA_TYPE_".length()));
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
