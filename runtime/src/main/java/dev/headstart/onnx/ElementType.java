package dev.headstart.onnx;

import dev.headstart.error.BadInputException;

/** The element types of ONNX tensors ({@code TensorProto.DataType}) that Headstart can hold. */
public enum ElementType {
  FLOAT(1, 4),
  UINT8(2, 1),
  INT8(3, 1),
  UINT16(4, 2),
  INT16(5, 2),
  INT32(6, 4),
  INT64(7, 8),
  /** Byte strings of any length; see {@link Tensor} for how it holds them. */
  STRING(8, 0),
  BOOL(9, 1),
  FLOAT16(10, 2),
  DOUBLE(11, 8),
  UINT32(12, 4),
  UINT64(13, 8),
  BFLOAT16(16, 2);

  private static final ElementType[] BY_CODE = new ElementType[17];

  static {
    for (ElementType type : values()) {
      BY_CODE[type.code] = type;
    }
  }

  private final int code;
  private final int bytes;

  ElementType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** The number in {@code onnx.proto}. */
  public int code() {
    return code;
  }

  /** Bytes an element; 0 for {@link #STRING}. */
  public int bytes() {
    return bytes;
  }

  /**
   * The type with this number in {@code onnx.proto}.
   *
   * @throws BadInputException for a number that names no type, or one that Headstart cannot hold
   */
  public static ElementType ofCode(int code) {
    if (!known(code)) {
      throw new BadInputException("tensor element type " + code + " is not supported");
    }
    return BY_CODE[code];
  }

  static boolean known(int code) {
    return code > 0 && code < BY_CODE.length && BY_CODE[code] != null;
  }
}
