package dev.headstart.onnx;

import static dev.headstart.onnx.ShapeSite.INT64;

import ai.onnx.proto.OnnxMl.AttributeProto;
import java.util.Arrays;
import java.util.stream.LongStream;

/** Shape rules for putting tensors together and taking parts out of them. */
final class SelectionShapes {
  private SelectionShapes() {}

  static void concat(ShapeSite s) {
    long[] dims = null;
    for (int i = 0; i < s.inputCount() && dims == null; i++) {
      dims = s.in(i).dims();
    }
    if (dims == null) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    int axis = s.axis(s.number("axis", 1), dims.length);
    dims = dims.clone();
    long sum = 0;
    boolean counted = true;
    long[] numbers = dims.length == 1 ? new long[0] : null;
    for (int i = 0; i < s.inputCount(); i++) {
      long[] part = s.in(i).dims();
      if (part != null && part.length != dims.length) {
        throw s.wrong("puts tensors of rank " + dims.length + " and " + part.length + " together");
      }
      counted &= part != null && Known.isNumber(part[axis]);
      sum += counted ? part[axis] : 0;
      for (int j = 0; part != null && j < dims.length; j++) {
        if (j == axis || !Known.isNumber(part[j]) || part[j] == dims[j]) {
          continue;
        }
        if (Known.isNumber(dims[j])) {
          throw s.wrong("puts together dimensions of " + dims[j] + " and " + part[j]);
        }
        dims[j] = part[j];
      }
      long[] more = s.in(i).numbers();
      numbers =
          numbers == null || more == null || numbers.length + more.length > Folding.MOST
              ? null
              : LongStream.concat(Arrays.stream(numbers), Arrays.stream(more)).toArray();
    }
    dims[axis] = counted ? sum : s.fresh();
    s.out(0, new Known(s.in(0).type(), dims, numbers, null));
  }

  /** The parts' sizes are an attribute until opset 12, then an input; else all alike. */
  static void split(ShapeSite s) {
    Known x = s.in(0);
    long[] sizes = s.has(1) ? s.in(1).numbers() : s.numbers("split");
    int parts = s.outputCount();
    if (x.dims() == null || parts == 0) {
      for (int i = 0; i < parts; i++) {
        s.out(i, x.type(), (long[]) null);
      }
      return;
    }
    int axis = s.axis(s.number("axis", 0), x.dims().length);
    long whole = x.dims()[axis];
    if (sizes == null && !s.has(1) && Known.isNumber(whole)) {
      long each = (whole + parts - 1) / parts;
      sizes = new long[parts];
      Arrays.fill(sizes, each);
      sizes[parts - 1] = whole - each * (parts - 1);
    }
    if (sizes != null && sizes.length != parts) {
      throw s.wrong("names " + sizes.length + " parts but has " + parts + " outputs");
    }
    long at = 0;
    for (int i = 0; i < parts; i++) {
      long[] dims = x.dims().clone();
      dims[axis] = sizes == null ? s.fresh() : sizes[i];
      long[] numbers = null;
      if (sizes != null && x.numbers() != null && Known.isNumber(sizes[i]) && sizes[i] >= 0) {
        long end = at + sizes[i];
        if (dims.length == 1 && at >= 0 && end <= x.numbers().length) {
          numbers = Arrays.copyOfRange(x.numbers(), (int) at, (int) end);
        }
        at = end;
      } else {
        at = -1L << 40;
      }
      s.out(i, new Known(x.type(), dims, numbers, null));
    }
  }

  /** Slice(data, starts, ends, axes?, steps?), as attributes until opset 9. */
  static void slice(ShapeSite s) {
    Known x = s.in(0);
    if (x.dims() == null) {
      s.out(0, x.type(), (long[]) null);
      return;
    }
    boolean attributes = s.opset() < 10;
    long[] starts = attributes ? s.numbers("starts") : s.in(1).numbers();
    long[] ends = attributes ? s.numbers("ends") : s.in(2).numbers();
    long[] axes = attributes ? s.numbers("axes") : s.in(3).numbers();
    long[] steps = attributes ? null : s.in(4).numbers();
    boolean open = starts == null || ends == null || (s.has(3) && axes == null);
    if (open && axes == null) {
      s.out(0, x.type(), s.fresh(x.dims().length));
      return;
    }
    if (axes == null) {
      axes = LongStream.range(0, starts.length).toArray();
    }
    if (!open && (starts.length != axes.length || ends.length != axes.length)) {
      throw s.wrong("has starts, ends and axes of different lengths");
    }
    long[] dims = x.dims().clone();
    long[] numbers = null;
    for (int i = 0; i < axes.length; i++) {
      int axis = s.axis(axes[i], dims.length);
      long step = steps == null ? 1 : i < steps.length ? steps[i] : 0;
      boolean stepOpen = (s.has(4) && steps == null) || !Known.isNumber(step);
      if (step == 0) {
        throw s.wrong("has the step 0");
      }
      if (open || stepOpen) {
        dims[axis] = s.fresh();
        continue;
      }
      long size = dims[axis];
      dims[axis] = sliced(s, size, starts[i], ends[i], step);
      if (dims.length == 1 && axes.length == 1 && x.numbers() != null) {
        numbers = sliced(x.numbers(), starts[i], step, dims[axis]);
      }
    }
    s.out(0, new Known(x.type(), dims, numbers, null));
  }

  private static long sliced(ShapeSite s, long size, long start, long end, long step) {
    boolean forward = Known.isNumber(step) && step == 1;
    boolean toEnd = Known.isNumber(end) && end >= Integer.MAX_VALUE;
    if (forward && start == 0 && (toEnd || end == size)) {
      return size;
    }
    if (!Known.isNumber(size) || !Known.isNumber(start) || !Known.isNumber(end)) {
      return s.fresh();
    }
    long first = start < 0 ? start + size : start;
    long last = end < 0 ? end + size : end;
    if (step > 0) {
      first = Math.max(0, Math.min(first, size));
      last = Math.max(0, Math.min(last, size));
      return last <= first ? 0 : (last - first - 1) / step + 1;
    }
    first = Math.max(-1, Math.min(first, size - 1));
    last = Math.max(-1, Math.min(last, size - 1));
    return first <= last ? 0 : step == Long.MIN_VALUE ? 1 : (first - last - 1) / -step + 1;
  }

  private static long[] sliced(long[] numbers, long start, long step, long count) {
    if (!Known.isNumber(count) || !Known.isNumber(start) || count > numbers.length) {
      return null;
    }
    long first = start < 0 ? start + numbers.length : start;
    first = Math.max(0, Math.min(first, numbers.length - 1));
    long[] result = new long[(int) count];
    for (int i = 0; i < count; i++) {
      long at = first + i * step;
      if (at < 0 || at >= numbers.length) {
        return null;
      }
      result[i] = numbers[(int) at];
    }
    return result;
  }

  /** data[…, indices, …]: the axis is replaced by the indices' dimensions. */
  static void gather(ShapeSite s) {
    Known x = s.in(0);
    Known indices = s.in(1);
    if (x.dims() == null || indices.dims() == null) {
      s.out(0, x.type(), (long[]) null);
      return;
    }
    int axis = s.axis(s.number("axis", 0), x.dims().length);
    long[] dims = replace(x.dims(), axis, axis + 1, indices.dims());
    long[] numbers = null;
    if (x.dims().length == 1 && x.numbers() != null && indices.numbers() != null) {
      numbers = new long[indices.numbers().length];
      for (int i = 0; i < numbers.length && numbers != null; i++) {
        long index = indices.numbers()[i];
        if (!Known.isNumber(index)) {
          numbers = null;
          break;
        }
        numbers[i] = x.numbers()[s.axis(index, x.numbers().length)];
      }
    }
    s.out(0, new Known(x.type(), dims, numbers, null));
  }

  private static long[] replace(long[] dims, int from, int to, long[] by) {
    return LongStream.concat(
            LongStream.concat(Arrays.stream(dims, 0, from), Arrays.stream(by)),
            Arrays.stream(dims, to, dims.length))
        .toArray();
  }

  static void gatherElements(ShapeSite s) {
    s.out(0, s.in(0).type(), s.in(1).dims());
  }

  /** indices [d…, k] pick slices of data: [d…] followed by data's dimensions from batch + k on. */
  static void gatherNd(ShapeSite s) {
    long[] x = s.in(0).dims();
    long[] indices = s.in(1).dims();
    long batch = s.number("batch_dims", 0);
    if (x == null
        || indices == null
        || indices.length == 0
        || !Known.isNumber(indices[indices.length - 1])) {
      s.out(0, s.in(0).type(), (long[]) null);
      return;
    }
    long from = batch + indices[indices.length - 1];
    if (from < 0 || from > x.length) {
      throw s.wrong("picks by " + from + " indices from a tensor of rank " + x.length);
    }
    s.out(0, s.in(0).type(), replace(x, 0, (int) from, Arrays.copyOf(indices, indices.length - 1)));
  }

  /** How many elements are taken is decided at run time; without an axis, of the flat tensor. */
  static void compress(ShapeSite s) {
    long[] x = s.in(0).dims();
    AttributeProto axis = s.attribute("axis");
    if (axis == null) {
      s.out(0, s.in(0).type(), s.fresh());
      return;
    }
    if (x != null) {
      x = x.clone();
      x[s.axis(axis.getI(), x.length)] = s.fresh();
    }
    s.out(0, s.in(0).type(), x);
  }

  static void nonZero(ShapeSite s) {
    long[] x = s.in(0).dims();
    s.out(0, INT64, x == null ? s.fresh() : x.length, s.fresh());
  }

  static void oneHot(ShapeSite s) {
    long[] indices = s.in(0).dims();
    long[] depth = s.in(1).numbers();
    if (indices == null) {
      s.out(0, s.in(2).type(), (long[]) null);
      return;
    }
    long axis = s.number("axis", -1);
    int at = axis < 0 ? s.axis(axis, indices.length + 1) : s.gap(axis, indices.length);
    long size = depth != null && depth.length == 1 ? depth[0] : s.fresh();
    s.out(0, s.in(2).type(), replace(indices, at, at, new long[] {size}));
  }
}
