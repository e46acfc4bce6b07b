package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.BOOL;
import static dev.headstart.onnx.ShapeSite.FLOAT;
import static dev.headstart.onnx.ShapeSite.UINT8;

import ai.onnx.proto.OnnxMl.AttributeProto;

/** Shape rules for what works element by element, with the changes of element type. */
final class ElementwiseShapes {
  private ElementwiseShapes() {}

  /** The first output is like the first input. */
  static void same(ShapeSite s) {
    AttributeProto type = s.attribute("dtype");
    Known x = s.in(0);
    // What Identity passes on is still known; what Abs or Neg makes of it is not.
    if (s.isOperator("Identity")) {
      s.out(0, x);
    } else {
      s.out(0, type == null ? x.type() : (int) type.getI(), x.dims());
    }
  }

  static void predicate(ShapeSite s) {
    s.out(0, BOOL, s.in(0).dims());
  }

  static void dropout(ShapeSite s) {
    same(s);
    // The mask was of the input's type until opset 10.
    s.out(1, s.opset() < 10 ? s.in(0).type() : BOOL, s.in(0).dims());
  }

  static void batchNormalization(ShapeSite s) {
    same(s);
    for (int i = 1; i < s.outputCount(); i++) {
      s.out(i, s.in(3).type(), s.in(3).dims());
    }
  }

  /** Mean and inverse deviation keep the dimensions before the axis, 1 for the others. */
  static void layerNormalization(ShapeSite s) {
    same(s);
    long[] dims = s.in(0).dims();
    if (dims != null) {
      long[] statistics = dims.clone();
      for (int i = s.axis(s.number("axis", -1), dims.length); i < dims.length; i++) {
        statistics[i] = 1;
      }
      dims = statistics;
    }
    int type = (int) s.number("stash_type", FLOAT);
    s.out(1, type, dims);
    s.out(2, type, dims);
  }

  /** All inputs broadcast; the type is that of the first. Small integers are computed. */
  static void arithmetic(ShapeSite s) {
    int type = s.isOperator("Pow") ? s.in(0).type() : s.type(0, 1);
    s.out(0, new Known(type, broadcastAll(s), Folding.arithmetic(s, s.operator()), null));
  }

  static void comparison(ShapeSite s) {
    s.out(0, new Known(BOOL, broadcastAll(s), Folding.arithmetic(s, s.operator()), null));
  }

  static void where(ShapeSite s) {
    s.out(0, new Known(s.in(1).type(), broadcastAll(s), Folding.where(s), null));
  }

  /** ms.QLinearAdd(A, scale, zero, B, scale, zero, …). */
  static void quantizedArithmetic(ShapeSite s) {
    s.out(0, s.in(0).type(), s.broadcast(s.in(0).dims(), s.in(3).dims()));
  }

  private static long[] broadcastAll(ShapeSite s) {
    long[] dims = s.in(0).dims();
    for (int i = 1; i < s.inputCount(); i++) {
      dims = s.broadcast(dims, s.in(i).dims());
    }
    return dims;
  }

  static void cast(ShapeSite s) {
    int to = (int) s.number("to", 0);
    s.out(0, new Known(to, s.in(0).dims(), Folding.cast(s.in(0), to), null));
  }

  static void castLike(ShapeSite s) {
    int to = s.in(1).type();
    s.out(0, new Known(to, s.in(0).dims(), Folding.cast(s.in(0), to), null));
  }

  /** The zero point decides between int8 and uint8. */
  static void quantize(ShapeSite s) {
    int type = (int) s.number("output_dtype", 0);
    if (type == 0) {
      type = s.has(2) ? s.in(2).type() : UINT8;
    }
    s.out(0, type, s.in(0).dims());
  }

  static void dequantize(ShapeSite s) {
    int type = (int) s.number("output_dtype", 0);
    s.out(0, type == 0 ? s.in(1).type() : type, s.in(0).dims());
  }

  static void dynamicQuantize(ShapeSite s) {
    s.out(0, UINT8, s.in(0).dims());
    s.out(1, FLOAT);
    s.out(2, UINT8);
  }
}
