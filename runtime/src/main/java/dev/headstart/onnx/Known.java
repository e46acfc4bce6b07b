package dev.headstart.onnx;

/**
 * What shape inference knows of one tensor.
 *
 * <p>A dimension is a number or a symbol: {@link #isNumber}. Two dimensions with the same symbol
 * are the same number, whatever it is at run time. A symbol is a long far below any number.
 *
 * @param type {@code TensorProto.DataType}; 0 for unknown
 * @param dims dimensions; null where the rank is unknown
 * @param numbers the elements of a small tensor of integers, row-major, where something is known of
 *     them: shapes computed in the graph; numbers or symbols; else null
 * @param floats the elements of a small constant tensor of floats; else null
 */
record Known(int type, long[] dims, long[] numbers, float[] floats) {
  static final Known NOTHING = new Known(0, null, null, null);
  private static final long FIRST_SYMBOL = Long.MIN_VALUE;
  private static final long LAST_SYMBOL = Long.MIN_VALUE / 2;

  static Known of(int type, long... dims) {
    return new Known(type, dims, null, null);
  }

  static long symbol(int number) {
    return FIRST_SYMBOL + number;
  }

  /** A number out of the file or computed from it, kept out of the range of symbols. */
  static long number(long value) {
    return Math.max(value, LAST_SYMBOL + 1);
  }

  static boolean isNumber(long dim) {
    return dim > LAST_SYMBOL;
  }

  boolean ranked() {
    return dims != null;
  }

  /** Whether every dimension is a number. */
  boolean fixed() {
    if (dims == null) {
      return false;
    }
    for (long dim : dims) {
      if (!isNumber(dim)) {
        return false;
      }
    }
    return true;
  }
}
