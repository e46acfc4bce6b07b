package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.FLOAT;
import static dev.headstart.onnx.ShapeSite.INT32;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.LongStream;

/** Shape rules for products of matrices, attention and recurrent layers. */
final class LinearShapes {
  private LinearShapes() {}

  static void matMul(ShapeSite s) {
    s.out(0, s.type(0, 1), product(s, s.in(0).dims(), s.in(1).dims()));
  }

  static void matMulInteger(ShapeSite s) {
    s.out(0, INT32, product(s, s.in(0).dims(), s.in(1).dims()));
  }

  /** QLinearMatMul(a, scale, zero, b, scale, zero, scale, zero). */
  static void qLinearMatMul(ShapeSite s) {
    s.out(0, s.in(7).type(), product(s, s.in(0).dims(), s.in(3).dims()));
  }

  /** ms.DynamicQuantizeMatMul and ms.MatMulIntegerToFloat: the result is of the scales' type. */
  static void matMulToFloat(ShapeSite s) {
    s.out(0, s.in(2).type(), product(s, s.in(0).dims(), s.in(1).dims()));
  }

  /** numpy.matmul: batch dimensions broadcast, vectors are taken as matrices and back. */
  private static long[] product(ShapeSite s, long[] a, long[] b) {
    if (a == null || b == null) {
      return null;
    }
    if (a.length == 0 || b.length == 0) {
      throw s.wrong("cannot multiply a scalar as a matrix");
    }
    long[] left = a.length == 1 ? new long[] {1, a[0]} : a;
    long[] right = b.length == 1 ? new long[] {b[0], 1} : b;
    agree(s, left[left.length - 1], right[right.length - 2]);
    long[] batch =
        s.broadcast(Arrays.copyOf(left, left.length - 2), Arrays.copyOf(right, right.length - 2));
    long[] result = Arrays.copyOf(batch, batch.length + 2);
    int rank = batch.length;
    if (a.length > 1) {
      result[rank++] = left[left.length - 2];
    }
    if (b.length > 1) {
      result[rank++] = right[right.length - 1];
    }
    return Arrays.copyOf(result, rank);
  }

  private static void agree(ShapeSite s, long a, long b) {
    if (a != b && Known.isNumber(a) && Known.isNumber(b)) {
      throw s.wrong("multiplies matrices that do not fit: " + a + " columns, " + b + " rows");
    }
  }

  static void gemm(ShapeSite s) {
    long[] a = s.in(0).dims();
    long[] b = s.in(1).dims();
    for (long[] dims : new long[][] {a, b}) {
      if (dims != null && dims.length != 2) {
        throw s.wrong("takes matrices, but got a tensor of rank " + dims.length);
      }
    }
    int inner = s.flag("transA") ? 1 : 0;
    int outer = s.flag("transB") ? 0 : 1;
    if (a != null && b != null) {
      agree(s, a[1 - inner], b[1 - outer]);
    }
    long[] result = s.fresh(2);
    if (a != null) {
      result[0] = a[inner];
    }
    if (b != null) {
      result[1] = b[outer];
    }
    s.out(0, s.type(0, 1), result);
  }

  /** Labels that are in the output, each as long as the longest axis of that label. */
  static void einsum(ShapeSite s) {
    EinsumEquation equation = EinsumEquation.parse(s.string("equation", ""));
    if (equation == null || equation.terms().size() != s.inputCount()) {
      throw s.wrong("has the equation '" + s.string("equation", "") + "'");
    }
    long[] broadcast = null;
    Map<Character, Long> lengths = new HashMap<>();
    for (int i = 0; i < s.inputCount(); i++) {
      long[] dims = s.in(i).dims();
      String term = equation.terms().get(i);
      int spread =
          dims == null ? 0 : dims.length - term.length() + (equation.hasEllipsis(i) ? 1 : 0);
      if (spread < 0 || (spread > 0 && !equation.hasEllipsis(i))) {
        throw s.wrong("has the labels '" + term + "' for a tensor of rank " + dims.length);
      }
      for (char label : term.toCharArray()) {
        if (label != EinsumEquation.ELLIPSIS) {
          long own = dims == null ? s.fresh() : dims[equation.axis(i, label, dims.length)];
          lengths.merge(label, own, s::broadcast);
        } else if (dims != null) {
          int from = term.indexOf(label);
          long[] axes = Arrays.copyOfRange(dims, from, from + spread);
          if (broadcast != null && broadcast.length != spread) {
            throw s.wrong("has ellipses for " + broadcast.length + " and " + spread + " axes");
          }
          broadcast = broadcast == null ? axes : s.broadcast(broadcast, axes);
        }
      }
    }
    String output = equation.output();
    if (output.indexOf(EinsumEquation.ELLIPSIS) >= 0 && broadcast == null) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    LongStream.Builder result = LongStream.builder();
    for (char label : output.toCharArray()) {
      if (label == EinsumEquation.ELLIPSIS) {
        Arrays.stream(broadcast).forEach(result);
      } else if (lengths.containsKey(label)) {
        result.add(lengths.get(label));
      } else {
        throw s.wrong("has the label '" + label + "' in its output only");
      }
    }
    s.out(0, s.in(0).type(), result.build().toArray());
  }

  static void fusedMatMul(ShapeSite s) {
    if (s.flag("transBatchA") || s.flag("transBatchB")) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    long[] a = transposed(s.in(0).dims(), s.flag("transA"));
    long[] b = transposed(s.in(1).dims(), s.flag("transB"));
    s.out(0, s.in(0).type(), product(s, a, b));
  }

  private static long[] transposed(long[] dims, boolean transpose) {
    if (dims == null || dims.length < 2 || !transpose) {
      return dims;
    }
    long[] result = dims.clone();
    result[dims.length - 1] = dims[dims.length - 2];
    result[dims.length - 2] = dims[dims.length - 1];
    return result;
  }

  /** ms.MatMulNBits(A, packed B){K, N}. */
  static void matMulNBits(ShapeSite s) {
    long[] a = s.in(0).dims();
    if (a != null && a.length > 0) {
      a = a.clone();
      a[a.length - 1] = s.number("N", 0);
    }
    s.out(0, s.in(0).type(), a);
  }

  /** ms.Attention(input [batch, sequence, hidden], weights, bias [3 × hidden of v]). */
  static void attention(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] bias = s.in(2).dims();
    int type = s.isOperator("QAttention") ? s.in(3).type() : s.in(0).type();
    if (x == null || x.length != 3) {
      s.out(0, type, (long[]) null);
      return;
    }
    long[] sizes = s.numbers("qkv_hidden_sizes");
    long hidden = s.fresh();
    if (sizes != null && sizes.length == 3) {
      hidden = sizes[2];
    } else if (bias != null && bias.length == 1 && Known.isNumber(bias[0])) {
      hidden = bias[0] / 3;
    }
    s.out(0, type, x[0], x[1], hidden);
  }

  /** ms.MultiHeadAttention(query [batch, sequence, hidden], key, value [batch, kv, v hidden]). */
  static void multiHeadAttention(ShapeSite s) {
    long[] query = s.in(0).dims();
    long[] value = s.in(2).dims();
    boolean plain = query != null && query.length == 3 && value != null && value.length == 3;
    s.out(0, s.in(0).type(), plain ? new long[] {query[0], query[1], value[2]} : null);
  }

  /** ms.EmbedLayerNormalization(input ids [batch, sequence], segment ids, words [n, hidden], …). */
  static void embedLayerNormalization(ShapeSite s) {
    long[] ids = s.in(0).dims();
    long[] words = s.in(2).dims();
    boolean plain = ids != null && ids.length == 2 && words != null && words.length == 2;
    long[] dims = plain ? new long[] {ids[0], ids[1], words[1]} : null;
    s.out(0, s.in(2).type(), dims);
    s.out(1, INT32, plain ? new long[] {ids[0]} : null);
    s.out(2, s.in(2).type(), dims);
  }

  /** X [steps, batch, in] (layout 0) to Y [steps, directions, batch, hidden], Y_h, Y_c. */
  static void recurrent(ShapeSite s) {
    long[] x = s.in(0).dims();
    long hidden = s.number("hidden_size", 0) > 0 ? s.number("hidden_size", 0) : s.fresh();
    long directions = s.string("direction", "forward").equals("bidirectional") ? 2 : 1;
    int type = s.in(0).type() == 0 ? FLOAT : s.in(0).type();
    boolean batchFirst = s.flag("layout");
    boolean known = x != null && x.length == 3;
    long steps = known ? x[batchFirst ? 1 : 0] : s.fresh();
    long batch = known ? x[batchFirst ? 0 : 1] : s.fresh();
    if (batchFirst) {
      s.out(0, type, batch, steps, directions, hidden);
    } else {
      s.out(0, type, steps, directions, batch, hidden);
    }
    for (int i = 1; i <= 2; i++) {
      if (batchFirst) {
        s.out(i, type, batch, directions, hidden);
      } else {
        s.out(i, type, directions, batch, hidden);
      }
    }
  }
}
