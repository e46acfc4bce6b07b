package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.BOOL;
import static dev.headstart.onnx.ShapeSite.INT32;
import static dev.headstart.onnx.ShapeSite.INT64;

/**
 * Arithmetic on the small integer tensors in which a graph computes shapes. A symbol stays a symbol
 * where the operation leaves it as it is (times 1, plus 0); otherwise it becomes a fresh one.
 */
final class Folding {
  /** More elements than this are weights, not shapes. */
  static final int MOST = 1024;

  private Folding() {}

  /** Whether elements of this type are followed. */
  static boolean isFollowed(int type) {
    return type == INT64 || type == INT32 || type == BOOL;
  }

  /** The elements after a change of type; null where they are not known. */
  static long[] cast(Known x, int to) {
    if (!isFollowed(to)) {
      return null;
    }
    if (x.numbers() == null || to != BOOL) {
      return x.numbers();
    }
    long[] result = x.numbers().clone();
    for (int i = 0; i < result.length; i++) {
      if (!Known.isNumber(result[i])) {
        return null;
      }
      result[i] = result[i] == 0 ? 0 : 1;
    }
    return result;
  }

  /** The elements of a node over two or more inputs; null where they are not known. */
  static long[] arithmetic(ShapeSite s, String operator) {
    long[] result = s.in(0).numbers();
    for (int i = 1; i < s.inputCount() && result != null; i++) {
      long[] other = s.in(i).numbers();
      int size = other == null ? 0 : size(result, other);
      if (size == 0) {
        return null;
      }
      long[] next = new long[size];
      for (int j = 0; j < size; j++) {
        Long value = arithmetic(s, operator, at(result, j), at(other, j));
        if (value == null) {
          return null;
        }
        next[j] =
            Known.isNumber(at(result, j)) && Known.isNumber(at(other, j))
                ? Known.number(value)
                : value;
      }
      result = next;
    }
    return result;
  }

  /** The common size where one is a scalar or both are as long; 0 for other broadcasts. */
  private static int size(long[] a, long[] b) {
    return a.length == b.length || b.length == 1 ? a.length : a.length == 1 ? b.length : 0;
  }

  private static long at(long[] values, int i) {
    return values[values.length == 1 ? 0 : i];
  }

  /** Null for what is not a number and cannot be one dimension either. */
  private static Long arithmetic(ShapeSite s, String operator, long a, long b) {
    if (!Known.isNumber(a) || !Known.isNumber(b)) {
      return symbolic(s, operator, a, b);
    }
    return switch (operator) {
      case "Add", "Sum" -> a + b;
      case "Sub" -> a - b;
      case "Mul" -> a * b;
      case "Div" -> b == 0 ? null : (Long) (a / b);
      case "Mod" -> b == 0 || s.flag("fmod") ? null : (Long) Math.floorMod(a, b);
      case "Min" -> Math.min(a, b);
      case "Max" -> Math.max(a, b);
      case "Equal" -> truth(a == b);
      case "Greater" -> truth(a > b);
      case "GreaterOrEqual" -> truth(a >= b);
      case "Less" -> truth(a < b);
      case "LessOrEqual" -> truth(a <= b);
      case "And" -> truth(a != 0 && b != 0);
      case "Or" -> truth(a != 0 || b != 0);
      default -> null;
    };
  }

  private static Long symbolic(ShapeSite s, String operator, long a, long b) {
    return switch (operator) {
      case "Add", "Sum" -> a == 0 ? (Long) b : b == 0 ? (Long) a : (Long) s.fresh();
      case "Sub" -> b == 0 ? (Long) a : a == b ? (Long) 0L : (Long) s.fresh();
      case "Mul" -> a == 1 ? (Long) b : b == 1 ? (Long) a : (Long) s.fresh();
      case "Div" -> b == 1 ? (Long) a : (Long) s.fresh();
      case "Mod" -> s.fresh();
      case "Min", "Max" -> a == b ? (Long) a : (Long) s.fresh();
      // A dimension is never negative: the comparison with Reshape's -1 is decided.
      case "Equal" -> a == b ? (Long) 1L : isNegative(a) || isNegative(b) ? (Long) 0L : null;
      default -> null;
    };
  }

  private static boolean isNegative(long a) {
    return Known.isNumber(a) && a < 0;
  }

  private static long truth(boolean holds) {
    return holds ? 1 : 0;
  }

  /** The elements of Where; null where they are not known. */
  static long[] where(ShapeSite s) {
    long[] condition = s.in(0).numbers();
    long[] a = s.in(1).numbers();
    long[] b = s.in(2).numbers();
    if (condition == null || a == null || b == null) {
      return null;
    }
    int size = Math.max(condition.length, Math.max(a.length, b.length));
    for (long[] values : new long[][] {condition, a, b}) {
      if (values.length != 1 && values.length != size) {
        return null;
      }
    }
    long[] result = new long[size];
    for (int i = 0; i < size; i++) {
      result[i] = at(condition, i) != 0 ? at(a, i) : at(b, i);
    }
    return result;
  }
}
