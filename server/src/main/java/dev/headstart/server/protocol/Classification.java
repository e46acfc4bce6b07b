package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The protocol's classification extension: the greatest values of an output as {@code
 * "value:index[:label]"}, floats with six decimals, in descending order. Of equal values the lower
 * index comes first; what is not a number comes last.
 */
final class Classification {

  private Classification() {}

  /**
   * Classifies an output.
   *
   * @param output its name
   * @param values any numbers
   * @param k classes wanted
   * @param batched whether the first dimension counts samples; all others count as one
   * @param labels by index; used if there is one for every index
   * @return BYTES [samples, min(k, classes)], without the first dimension where there is none
   * @throws BadInputException if the output holds no numbers
   */
  static Tensor of(String output, Tensor values, int k, boolean batched, List<String> labels) {
    if (values.type() == ElementType.STRING || values.type() == ElementType.BOOL) {
      throw new BadInputException(
          "output '"
              + Names.shown(output)
              + "' is "
              + Datatype.of(values.type())
              + " and cannot be classified: parameter 'classification' needs numbers");
    }
    boolean rows = batched && values.shape().length > 0;
    int samples = rows ? Math.toIntExact(values.shape()[0]) : 1;
    int classes = samples == 0 ? 0 : Math.toIntExact(values.elements() / samples);
    int wanted = Math.min(k, classes);
    boolean named = labels.size() == classes;
    List<byte[]> lines = new ArrayList<>(samples * wanted);
    ByteBuffer data = values.data();
    for (int sample = 0; sample < samples; sample++) {
      int first = sample * classes;
      for (int index : greatest(data, values.type(), first, classes, wanted)) {
        String line = text(data, values.type(), first + index) + ":" + index;
        lines.add((named ? line + ":" + labels.get(index) : line).getBytes(StandardCharsets.UTF_8));
      }
    }
    return Tensor.strings(lines, rows ? new long[] {samples, wanted} : new long[] {wanted});
  }

  /** The indices of the greatest values, the greatest first. */
  private static List<Integer> greatest(
      ByteBuffer data, ElementType type, int first, int classes, int wanted) {
    if (wanted == 0) {
      return List.of();
    }
    Comparator<Integer> best =
        (a, b) -> {
          int order = compare(data, type, first + b, first + a);
          return order != 0 ? order : Integer.compare(a, b);
        };
    PriorityQueue<Integer> kept = new PriorityQueue<>(wanted, best.reversed());
    for (int index = 0; index < classes; index++) {
      if (kept.size() < wanted) {
        kept.add(index);
      } else if (best.compare(index, kept.element()) < 0) {
        kept.remove();
        kept.add(index);
      }
    }
    return kept.stream().sorted(best).toList();
  }

  private static int compare(ByteBuffer data, ElementType type, int a, int b) {
    return switch (type) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> {
        double left = real(data, type, a);
        double right = real(data, type, b);
        // 0.0 and -0.0 are equal here, and NaN is less than everything.
        yield Double.isNaN(left) || Double.isNaN(right)
            ? Boolean.compare(Double.isNaN(right), Double.isNaN(left))
            : left < right ? -1 : left > right ? 1 : 0;
      }
      case UINT64 -> Long.compareUnsigned(data.getLong(8 * a), data.getLong(8 * b));
      default -> Long.compare(integer(data, type, a), integer(data, type, b));
    };
  }

  private static String text(ByteBuffer data, ElementType type, int index) {
    return switch (type) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> {
        double value = real(data, type, index);
        yield Double.isNaN(value)
            ? "nan"
            : Double.isInfinite(value)
                ? value > 0 ? "inf" : "-inf"
                : new BigDecimal(value).setScale(6, RoundingMode.HALF_EVEN).toPlainString();
      }
      case UINT64 -> Long.toUnsignedString(data.getLong(8 * index));
      default -> Long.toString(integer(data, type, index));
    };
  }

  private static double real(ByteBuffer data, ElementType type, int index) {
    return switch (type) {
      case FLOAT -> data.getFloat(4 * index);
      case DOUBLE -> data.getDouble(8 * index);
      case BFLOAT16 -> Float.intBitsToFloat(data.getShort(2 * index) << 16);
      default -> half(data.getShort(2 * index));
    };
  }

  /** IEEE 754 binary16; {@code Float.float16ToFloat} comes with Java 20. */
  private static float half(short bits) {
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    float magnitude =
        switch (exponent) {
          case 0 -> fraction * 0x1p-24f;
          case 0x1f -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
          default -> Math.scalb(1 + fraction * 0x1p-10f, exponent - 15);
        };
    return bits < 0 ? -magnitude : magnitude;
  }

  private static long integer(ByteBuffer data, ElementType type, int index) {
    return switch (type) {
      case INT8 -> data.get(index);
      case UINT8 -> Byte.toUnsignedLong(data.get(index));
      case INT16 -> data.getShort(2 * index);
      case UINT16 -> Short.toUnsignedLong(data.getShort(2 * index));
      case INT32 -> data.getInt(4 * index);
      case UINT32 -> Integer.toUnsignedLong(data.getInt(4 * index));
      default -> data.getLong(8 * index);
    };
  }
}
