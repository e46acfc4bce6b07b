package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;

/** {@link Tensor} to {@code TensorProto} and back; but not strings, which no weights are. */
final class TensorProtos {
  private TensorProtos() {}

  /**
   * @throws BadInputException for a tensor of strings
   */
  static TensorProto write(String name, Tensor tensor) {
    requirePlain(tensor.type(), name);
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(tensor.type().code())
            .setRawData(ByteString.copyFrom(tensor.data()));
    for (long dim : tensor.shape()) {
      proto.addDims(dim);
    }
    return proto.build();
  }

  /** Whether this can be read: not strings, complex, 8-bit float or 4-bit integer. */
  static boolean isPlain(TensorProto proto) {
    return ElementType.known(proto.getDataType())
        && proto.getDataType() != ElementType.STRING.code();
  }

  /** The same tensor with its data raw; strings and the like stay as they are. */
  static TensorProto raw(TensorProto proto) {
    return proto.hasRawData() || !isPlain(proto) ? proto : write(proto.getName(), read(proto));
  }

  /**
   * Reads raw or typed data.
   *
   * @throws BadInputException if there is not as much of it as type and shape ask for, or it is a
   *     tensor of strings
   */
  static Tensor read(TensorProto proto) {
    ElementType type = ElementType.ofCode(proto.getDataType());
    requirePlain(type, proto.getName());
    long[] shape = proto.getDimsList().stream().mapToLong(Long::longValue).toArray();
    // Nothing is allocated before it is known to be there.
    TensorCheck.check(proto, "the tensor " + Names.quote(proto.getName()));
    if (proto.hasRawData()) {
      return new Tensor(type, shape, proto.getRawData().asReadOnlyByteBuffer());
    }
    ByteBuffer data = Tensor.allocate(Tensor.elements(shape) * type.bytes());
    switch (type) {
      case FLOAT -> proto.getFloatDataList().forEach(data::putFloat);
      case INT64 -> proto.getInt64DataList().forEach(data::putLong);
      case DOUBLE -> proto.getDoubleDataList().forEach(data::putDouble);
      case INT32 -> proto.getInt32DataList().forEach(data::putInt);
      case INT16, UINT16, FLOAT16, BFLOAT16 ->
          proto.getInt32DataList().forEach(v -> data.putShort(v.shortValue()));
      case INT8, UINT8, BOOL -> proto.getInt32DataList().forEach(v -> data.put(v.byteValue()));
      case UINT32 -> proto.getUint64DataList().forEach(v -> data.putInt(v.intValue()));
      case UINT64 -> proto.getUint64DataList().forEach(data::putLong);
      case STRING -> {}
    }
    return new Tensor(type, shape, data.flip());
  }

  private static void requirePlain(ElementType type, String name) {
    if (type == ElementType.STRING) {
      throw new BadInputException(
          "the tensor " + Names.quote(name) + " holds strings; expected numbers");
    }
  }
}
