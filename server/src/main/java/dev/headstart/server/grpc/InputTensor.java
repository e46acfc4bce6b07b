package dev.headstart.server.grpc;

import com.google.protobuf.ByteString;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.grpc.proto.InferTensorContents;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** A tensor of a request, whose elements came raw or in the field of their type. */
final class InputTensor {

  private InputTensor() {}

  /**
   * Reads an input. Raw bytes are not copied.
   *
   * @param raw its bytes, or null if they are in its contents
   * @throws BadInputException if shape, datatype and elements do not fit, or are over a limit
   */
  static Tensor of(InferInputTensor input, ByteString raw, Limits limits) {
    Datatype datatype = Datatype.of(input.getDatatype(), input.getName());
    long[] shape = new long[input.getShapeCount()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = input.getShape(i);
    }
    Tensor tensor;
    try {
      long elements = Tensor.elements(shape);
      limits.checkElements(elements);
      if (raw != null && input.hasContents()) {
        throw new BadInputException("its data is in raw_input_contents and in its contents");
      }
      ByteBuffer data =
          raw != null
              ? raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN)
              : typed(datatype, input.getContents(), shape, (int) elements);
      tensor = new Tensor(datatype.element(), shape, data);
    } catch (BadInputException e) {
      throw new BadInputException(
          "input '" + Names.shown(input.getName()) + "': " + e.getMessage(), e);
    }
    if (datatype == Datatype.BYTES) {
      checkStrings(input.getName(), tensor, limits);
    }
    return tensor;
  }

  private static void checkStrings(String name, Tensor tensor, Limits limits) {
    for (ByteBuffer rest = tensor.data(); rest.hasRemaining(); ) {
      int length = rest.getInt();
      limits.checkString(name, length);
      rest.position(rest.position() + length);
    }
  }

  private static ByteBuffer typed(
      Datatype datatype, InferTensorContents contents, long[] shape, int elements) {
    Map<String, Integer> counts = counts(contents);
    String field = field(datatype);
    int count = counts.remove(field);
    if (count != elements || counts.values().stream().anyMatch(other -> other > 0)) {
      throw new BadInputException(
          datatype
              + Arrays.toString(shape)
              + " needs "
              + elements
              + " elements in "
              + field
              + ", but it has "
              + count
              + got(counts)
              + (count == 0 ? " and there are no raw_input_contents" : ""));
    }
    int bytes = datatype.element().bytes();
    if (datatype == Datatype.BYTES) {
      return strings(contents);
    }
    ByteBuffer data =
        ByteBuffer.allocate(Math.multiplyExact(elements, bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      switch (datatype) {
        case BOOL -> data.put((byte) (contents.getBoolContents(i) ? 1 : 0));
        case INT8 ->
            data.put((byte) within(contents.getIntContents(i), Byte.MIN_VALUE, Byte.MAX_VALUE, i));
        case INT16 ->
            data.putShort(
                (short) within(contents.getIntContents(i), Short.MIN_VALUE, Short.MAX_VALUE, i));
        case INT32 -> data.putInt(contents.getIntContents(i));
        case INT64 -> data.putLong(contents.getInt64Contents(i));
        case UINT8 -> data.put((byte) within(unsigned(contents, i), 0, 0xff, i));
        case UINT16 -> data.putShort((short) within(unsigned(contents, i), 0, 0xffff, i));
        case UINT32 -> data.putInt(contents.getUintContents(i));
        case UINT64 -> data.putLong(contents.getUint64Contents(i));
        case FP32 -> data.putFloat(contents.getFp32Contents(i));
        case FP64 -> data.putDouble(contents.getFp64Contents(i));
        default -> throw new IllegalStateException(datatype + " has no field");
      }
    }
    return data.flip();
  }

  private static long unsigned(InferTensorContents contents, int i) {
    return Integer.toUnsignedLong(contents.getUintContents(i));
  }

  private static long within(long value, long least, long most, int index) {
    if (value < least || value > most) {
      throw new BadInputException(
          "element " + index + " is " + value + ", expected " + least + " to " + most);
    }
    return value;
  }

  private static ByteBuffer strings(InferTensorContents contents) {
    long bytes = 0;
    for (ByteString value : contents.getBytesContentsList()) {
      bytes += Integer.BYTES + value.size();
    }
    ByteBuffer data = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (ByteString value : contents.getBytesContentsList()) {
      data.putInt(value.size());
      value.copyTo(data);
    }
    return data.flip();
  }

  /** The field that holds elements of a type. */
  private static String field(Datatype datatype) {
    return switch (datatype) {
      case BOOL -> "bool_contents";
      case INT8, INT16, INT32 -> "int_contents";
      case INT64 -> "int64_contents";
      case UINT8, UINT16, UINT32 -> "uint_contents";
      case UINT64 -> "uint64_contents";
      case FP32 -> "fp32_contents";
      case FP64 -> "fp64_contents";
      case BYTES -> "bytes_contents";
      case FP16, BF16 ->
          throw new BadInputException(datatype + " comes in raw_input_contents only");
    };
  }

  private static Map<String, Integer> counts(InferTensorContents contents) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    counts.put("bool_contents", contents.getBoolContentsCount());
    counts.put("int_contents", contents.getIntContentsCount());
    counts.put("int64_contents", contents.getInt64ContentsCount());
    counts.put("uint_contents", contents.getUintContentsCount());
    counts.put("uint64_contents", contents.getUint64ContentsCount());
    counts.put("fp32_contents", contents.getFp32ContentsCount());
    counts.put("fp64_contents", contents.getFp64ContentsCount());
    counts.put("bytes_contents", contents.getBytesContentsCount());
    return counts;
  }

  private static String got(Map<String, Integer> others) {
    StringBuilder text = new StringBuilder();
    others.forEach(
        (field, count) -> {
          if (count > 0) {
            text.append(", and ").append(field).append(" has ").append(count);
          }
        });
    return text.toString();
  }
}
