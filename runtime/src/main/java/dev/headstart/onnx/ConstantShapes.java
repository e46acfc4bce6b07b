package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.FLOAT;
import static dev.headstart.onnx.ShapeSite.INT64;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.Arrays;

/** Shape rules for constants, and for shapes that become data. */
final class ConstantShapes {
  private ConstantShapes() {}

  /** What is known of a constant: everything, if it is small and of integers or floats. */
  static Known of(TensorProto tensor) {
    long[] dims = tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
    int type = tensor.getDataType();
    boolean number = Folding.isFollowed(type) || type == FLOAT;
    if (!number || elements(dims) > Folding.MOST || !TensorProtos.isPlain(tensor)) {
      return Known.of(type, dims);
    }
    Tensor data = TensorProtos.read(tensor);
    if (type == FLOAT) {
      return new Known(type, dims, null, data.floats());
    }
    long[] numbers = new long[(int) data.elements()];
    Arrays.setAll(
        numbers,
        i ->
            switch (data.type()) {
              case INT64 -> Known.number(data.data().getLong(8 * i));
              case INT32 -> data.data().getInt(4 * i);
              default -> data.data().get(i);
            });
    return new Known(type, dims, numbers, null);
  }

  /** The product of the dimensions, or more than {@link Folding#MOST}. */
  private static long elements(long[] dims) {
    long product = 1;
    for (long dim : dims) {
      if (!Known.isNumber(dim) || dim < 0 || dim > Folding.MOST) {
        return Long.MAX_VALUE;
      }
      product = Math.min(product * dim, Folding.MOST + 1);
    }
    return product;
  }

  /** As many times the number as the dimensions say; null for too many or an open number. */
  static long[] filled(long[] dims, long number) {
    if (elements(dims) > Folding.MOST) {
      return null;
    }
    long[] numbers = new long[(int) elements(dims)];
    Arrays.fill(numbers, number);
    return numbers;
  }

  static void constant(ShapeSite s) {
    AttributeProto value = s.attribute("value");
    if (value != null) {
      s.out(0, of(value.getT()));
    } else if (s.attribute("value_float") != null) {
      float[] floats = {s.attribute("value_float").getF()};
      s.out(0, new Known(FLOAT, new long[0], null, floats));
    } else if (s.attribute("value_floats") != null) {
      s.out(0, FLOAT, s.attribute("value_floats").getFloatsCount());
    } else if (s.attribute("value_int") != null) {
      s.out(0, new Known(INT64, new long[0], new long[] {s.number("value_int", 0)}, null));
    } else if (s.attribute("value_ints") != null) {
      long[] numbers = s.numbers("value_ints");
      s.out(0, new Known(INT64, new long[] {numbers.length}, numbers, null));
    } else if (s.attribute("value_string") != null) {
      s.out(0, TensorProto.DataType.STRING_VALUE);
    } else if (s.attribute("value_strings") != null) {
      s.out(0, TensorProto.DataType.STRING_VALUE, s.attribute("value_strings").getStringsCount());
    }
  }

  /** The value is one element, float 0 where it is left out. */
  static void constantOfShape(ShapeSite s) {
    AttributeProto attribute = s.attribute("value");
    Known value = attribute == null ? Known.of(FLOAT, 1) : of(attribute.getT());
    long[] dims = s.in(0).numbers();
    if (dims == null) {
      long[] rank = s.in(0).dims();
      boolean counted =
          rank != null && rank.length == 1 && Known.isNumber(rank[0]) && rank[0] <= 64;
      s.out(0, value.type(), counted ? s.fresh((int) rank[0]) : null);
      return;
    }
    for (long dim : dims) {
      if (Known.isNumber(dim) && dim < 0) {
        throw s.wrong("asks for the shape " + Arrays.toString(dims));
      }
    }
    boolean single = value.numbers() != null && value.numbers().length == 1;
    long[] numbers = single ? filled(dims, value.numbers()[0]) : null;
    s.out(0, new Known(value.type(), dims, numbers, null));
  }

  /** The dimensions as data; from opset 15 on a part of them. */
  static void shape(ShapeSite s) {
    long[] x = s.in(0).dims();
    if (x == null) {
      s.out(0, INT64, s.fresh());
      return;
    }
    int start = clamp(s.number("start", 0), x.length);
    int end = clamp(s.number("end", x.length), x.length);
    long[] part = start < end ? Arrays.copyOfRange(x, start, end) : new long[0];
    s.out(0, new Known(INT64, new long[] {part.length}, part, null));
  }

  private static int clamp(long axis, int rank) {
    return (int) Math.max(0, Math.min(axis < 0 ? axis + rank : axis, rank));
  }

  static void size(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] numbers = x == null ? null : new long[] {s.product(x)};
    s.out(0, new Known(INT64, new long[0], numbers, null));
  }

  static void range(ShapeSite s) {
    long[] start = s.in(0).numbers();
    long[] limit = s.in(1).numbers();
    long[] step = s.in(2).numbers();
    for (long[] value : new long[][] {start, limit, step}) {
      if (value == null || value.length != 1) {
        s.out(0, s.in(0).type(), s.fresh());
        return;
      }
    }
    if (start[0] == 0 && step[0] == 1 && !Known.isNumber(limit[0])) {
      s.out(0, s.in(0).type(), limit[0]);
      return;
    }
    boolean fixed = Known.isNumber(start[0]) && Known.isNumber(limit[0]) && Known.isNumber(step[0]);
    if (!fixed || Math.abs(start[0]) > 1L << 40 || Math.abs(limit[0]) > 1L << 40) {
      s.out(0, s.in(0).type(), s.fresh());
      return;
    }
    if (step[0] == 0) {
      throw s.wrong("has the step 0");
    }
    double count = Math.max(0, Math.ceil((limit[0] - start[0]) / (double) step[0]));
    long[] numbers = null;
    if (count <= Folding.MOST) {
      numbers = new long[(int) count];
      Arrays.setAll(numbers, i -> start[0] + i * step[0]);
    }
    s.out(0, new Known(s.in(0).type(), new long[] {(long) count}, numbers, null));
  }

  static void eyeLike(ShapeSite s) {
    s.out(0, (int) s.number("dtype", s.in(0).type()), s.in(0).dims());
  }

  static void random(ShapeSite s) {
    s.out(0, (int) s.number("dtype", FLOAT), s.numbers("shape"));
  }
}
