package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/** One node as a shape rule sees it: what is known of its inputs, and where the results go. */
final class ShapeSite {
  /** Element types as they stand in the file. */
  static final int FLOAT = 1;

  static final int UINT8 = 2;
  static final int INT8 = 3;
  static final int INT32 = 6;
  static final int INT64 = 7;
  static final int BOOL = 9;

  private final NodeProto node;
  private final int opset;
  private final List<Known> inputs;
  private final LongSupplier symbols;
  private final Known[] outputs;

  ShapeSite(NodeProto node, int opset, List<Known> inputs, LongSupplier symbols) {
    this.node = node;
    this.opset = opset;
    this.inputs = inputs;
    this.symbols = symbols;
    outputs = new Known[node.getOutputCount()];
    Arrays.fill(outputs, Known.NOTHING);
  }

  /**
   * What the rule said, one for each output of the node.
   *
   * @param symbols how many symbols there are so far
   */
  Known[] outputs(int symbols) {
    for (Known output : outputs) {
      if (output.dims() == null) {
        continue;
      }
      if (output.dims().length > ModelCheck.MOST_DIMENSIONS) {
        throw wrong("makes a tensor of rank " + output.dims().length);
      }
      for (long dim : output.dims()) {
        if (dim < 0 && !(dim < Known.symbol(symbols))) {
          throw wrong("makes a tensor with the dimension " + dim);
        }
      }
    }
    return outputs;
  }

  String operator() {
    return node.getOpType();
  }

  boolean isOperator(String operator) {
    return node.getOpType().equals(operator);
  }

  int outputCount() {
    return outputs.length;
  }

  /** The version of ONNX's own operators. */
  int opset() {
    return opset;
  }

  int inputCount() {
    return inputs.size();
  }

  /** Whether the node has this input. */
  boolean has(int input) {
    return input < inputs.size() && !node.getInput(input).isEmpty();
  }

  /** What is known of an input; nothing for one that is left out. */
  Known in(int input) {
    return has(input) ? inputs.get(input) : Known.NOTHING;
  }

  /** The element type of two inputs that share one; 0 where neither is known. */
  int type(int a, int b) {
    return in(a).type() != 0 ? in(a).type() : in(b).type();
  }

  /** A dimension of which nothing is known. */
  long fresh() {
    return symbols.getAsLong();
  }

  /** Dimensions of which nothing but their count is known. */
  long[] fresh(int rank) {
    long[] dims = new long[rank];
    Arrays.setAll(dims, i -> fresh());
    return dims;
  }

  /** Says an output; outputs that the node has not are passed over. */
  void out(int output, int type, long... dims) {
    out(output, new Known(type, dims, null, null));
  }

  void out(int output, Known known) {
    if (output < outputs.length) {
      outputs[output] = known;
    }
  }

  AttributeProto attribute(String name) {
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.getName().equals(name)) {
        return attribute;
      }
    }
    return null;
  }

  long number(String name, long otherwise) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? otherwise : attribute.getI();
  }

  boolean flag(String name) {
    return number(name, 0) != 0;
  }

  String string(String name, String otherwise) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? otherwise : attribute.getS().toStringUtf8();
  }

  /** A list of integers; null where the node has no such attribute. */
  long[] numbers(String name) {
    AttributeProto attribute = attribute(name);
    return attribute == null
        ? null
        : attribute.getIntsList().stream().mapToLong(Known::number).toArray();
  }

  /** A list of integers with one entry for each spatial dimension. */
  long[] numbers(String name, int count, long otherwise) {
    long[] values = numbers(name);
    if (values == null || values.length == 0) {
      values = new long[count];
      Arrays.fill(values, otherwise);
    } else if (values.length != count) {
      throw wrong("has " + values.length + " " + name + ", expected " + count);
    }
    return values;
  }

  /** An axis counted from the front. */
  int axis(long axis, int rank) {
    long counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= rank) {
      throw wrong("names axis " + axis + " of a tensor of rank " + rank);
    }
    return (int) counted;
  }

  /** As {@link #axis}, where the place after the last axis counts too. */
  int gap(long axis, int rank) {
    return axis == rank ? rank : axis(axis, rank);
  }

  boolean[] marked(long[] axes, int rank) {
    boolean[] marked = new boolean[rank];
    for (long axis : axes) {
      if (!Known.isNumber(axis)) {
        throw wrong("has an axis that is not fixed");
      }
      int at = axis(axis, rank);
      if (marked[at]) {
        throw wrong("names axis " + axis + " twice");
      }
      marked[at] = true;
    }
    return marked;
  }

  void requireRank(int input, int least) {
    long[] dims = in(input).dims();
    if (dims != null && dims.length < least) {
      throw wrong(
          "takes a tensor of at least rank "
              + least
              + " as input "
              + input
              + ", but got rank "
              + dims.length);
    }
  }

  /** The two sides of a broadcast dimension. */
  long broadcast(long a, long b) {
    if (a == b || b == 1) {
      return a;
    }
    if (a == 1) {
      return b;
    }
    if (Known.isNumber(a) && Known.isNumber(b)) {
      throw wrong("cannot broadcast a dimension of " + a + " with one of " + b);
    }
    // A number over 1 wins over whatever the symbol is; two different symbols stay open.
    return Known.isNumber(a) ? a : Known.isNumber(b) ? b : fresh();
  }

  /** Numpy's broadcasting of two shapes; null where one is unknown. */
  long[] broadcast(long[] a, long[] b) {
    if (a == null || b == null) {
      return null;
    }
    long[] longer = a.length >= b.length ? a : b;
    long[] shorter = longer == a ? b : a;
    long[] result = longer.clone();
    int shift = longer.length - shorter.length;
    for (int i = 0; i < shorter.length; i++) {
      result[shift + i] = broadcast(longer[shift + i], shorter[i]);
    }
    return result;
  }

  /** The product of dimensions, where each is a number that fits; else a fresh symbol. */
  long product(long... dims) {
    long product = 1;
    for (long dim : dims) {
      if (dim == 0) {
        return 0;
      }
    }
    long symbol = 0;
    for (long dim : dims) {
      if (!Known.isNumber(dim)) {
        if (symbol != 0) {
          return fresh();
        }
        symbol = dim;
      } else if (dim < 0 || product > (1L << 62) / dim) {
        throw wrong("has a negative or too large dimension " + dim);
      } else {
        product *= dim;
      }
    }
    return symbol == 0 ? product : product == 1 ? symbol : fresh();
  }

  /** The node with what is wrong about it. */
  BadInputException wrong(String what) {
    return new BadInputException("the node " + Names.of(node) + " " + what);
  }
}
