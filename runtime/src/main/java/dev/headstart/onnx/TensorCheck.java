package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import java.util.List;

/** Whether a {@code TensorProto}'s data is as long as its element type and dimensions say. */
final class TensorCheck {
  /** Bits an element, by {@code TensorProto.DataType}; 0 for no such type, -1 for strings. */
  private static final int[] BITS = {
    0, 32, 8, 8, 16, 16, 32, 64, -1, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8, 2, 2
  };

  private TensorCheck() {}

  /**
   * Checks a tensor whose data lies inside it.
   *
   * @param what what the tensor is, for the message
   * @throws BadInputException if type, dimensions or the length of the data are wrong
   */
  static void check(TensorProto tensor, String what) {
    if (tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      throw new BadInputException(what + " has its data outside the model, which only weights may");
    }
    long elements = elements(tensor, what);
    int bits = bits(tensor, what);
    boolean raw = tensor.hasRawData() && (elements == 0 || !tensor.getRawData().isEmpty());
    long typed =
        (long) tensor.getFloatDataCount()
            + tensor.getInt32DataCount()
            + tensor.getInt64DataCount()
            + tensor.getDoubleDataCount()
            + tensor.getUint64DataCount()
            + tensor.getStringDataCount();
    if (tensor.hasSegment()) {
      throw new BadInputException(what + " is split into segments, which is not supported");
    }
    if (raw && typed > 0) {
      throw new BadInputException(what + " holds its data twice, raw and typed");
    }
    if (raw) {
      if (bits < 0) {
        throw new BadInputException(what + " is of strings, which cannot be raw data");
      }
      long bytes = bytes(elements, bits, what);
      if (tensor.getRawData().size() != bytes) {
        throw wrongLength(tensor, what, bytes + " bytes", tensor.getRawData().size());
      }
      return;
    }
    long expected =
        switch (tensor.getDataType()) {
          case TensorProto.DataType.COMPLEX64_VALUE, TensorProto.DataType.COMPLEX128_VALUE ->
              2 * elements;
          default -> bits > 0 && bits < 8 ? bytes(elements, bits, what) : elements;
        };
    long there = count(tensor);
    if (there != expected || typed != there) {
      throw wrongLength(tensor, what, expected + " values", typed);
    }
  }

  static void check(SparseTensorProto sparse, String what) {
    check(sparse.getValues(), what + " (values)");
    check(sparse.getIndices(), what + " (indices)");
    elements(sparse.getDimsList(), what);
  }

  /**
   * The bytes that a tensor's type and dimensions ask for.
   *
   * @throws BadInputException for an element type without a fixed width, or wrong dimensions
   */
  static long bytes(TensorProto tensor, String what) {
    int bits = bits(tensor, what);
    if (bits < 0) {
      throw new BadInputException(what + " is of strings, which must lie in the model itself");
    }
    return bytes(elements(tensor, what), bits, what);
  }

  private static long bytes(long elements, int bits, String what) {
    if (elements > (Long.MAX_VALUE - 7) / bits) {
      throw new BadInputException(what + " is too large: " + elements + " elements");
    }
    return (elements * bits + 7) / 8;
  }

  private static int bits(TensorProto tensor, String what) {
    int type = tensor.getDataType();
    if (type <= 0 || type >= BITS.length) {
      throw new BadInputException(what + " has the unknown element type " + type);
    }
    return BITS[type];
  }

  private static long elements(TensorProto tensor, String what) {
    return elements(tensor.getDimsList(), what);
  }

  /** Zeros apart, the product must fit: native code multiplies in any order. */
  private static long elements(List<Long> dims, String what) {
    if (dims.size() > ModelCheck.MOST_DIMENSIONS) {
      throw new BadInputException(
          what
              + " has "
              + dims.size()
              + " dimensions, expected at most "
              + ModelCheck.MOST_DIMENSIONS);
    }
    long product = 1;
    boolean empty = false;
    for (long dim : dims) {
      if (dim < 0) {
        throw new BadInputException(what + " has the negative dimension " + dim);
      }
      if (dim == 0) {
        empty = true;
      } else if (product > Long.MAX_VALUE / dim) {
        throw new BadInputException(what + " has dimensions whose product overflows");
      } else {
        product *= dim;
      }
    }
    return empty ? 0 : product;
  }

  /** How many values the field that belongs to the element type holds. */
  private static long count(TensorProto tensor) {
    return switch (tensor.getDataType()) {
      case TensorProto.DataType.FLOAT_VALUE, TensorProto.DataType.COMPLEX64_VALUE ->
          tensor.getFloatDataCount();
      case TensorProto.DataType.DOUBLE_VALUE, TensorProto.DataType.COMPLEX128_VALUE ->
          tensor.getDoubleDataCount();
      case TensorProto.DataType.INT64_VALUE -> tensor.getInt64DataCount();
      case TensorProto.DataType.UINT32_VALUE, TensorProto.DataType.UINT64_VALUE ->
          tensor.getUint64DataCount();
      case TensorProto.DataType.STRING_VALUE -> tensor.getStringDataCount();
      default -> tensor.getInt32DataCount();
    };
  }

  private static BadInputException wrongLength(
      TensorProto tensor, String what, String expected, long came) {
    var dims = tensor.getDimsList();
    return new BadInputException(
        what + " has dimensions " + dims + " and needs " + expected + ", but " + came + " came");
  }
}
