package dev.headstart.onnx;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A tensor as plain data: a model's weights, an input, a result. It owns no native handle and need
 * not be closed.
 *
 * <p>{@link ElementType#STRING} elements are byte strings (UTF-8 text, an encoded picture), held as
 * the Open Inference Protocol's binary extension holds BYTES: for each element its length as an
 * unsigned 32-bit integer, then that many bytes.
 *
 * @param type element type
 * @param shape dimensions, each at least 0; empty for a scalar
 * @param data row-major, little-endian, position 0 to limit = elements × bytes an element. Direct
 *     buffers reach native code without a copy. Shared, not copied: who hands a buffer over must
 *     not write to it while the tensor is in use.
 */
public record Tensor(ElementType type, long[] shape, ByteBuffer data) {

  /**
   * @throws BadInputException if the data's length is not what type and shape ask for
   */
  public Tensor {
    if (type == ElementType.STRING) {
      checkStrings(shape, data);
    } else if (data.remaining() != elements(shape) * type.bytes()) {
      throw new BadInputException(
          "a tensor "
              + type
              + Arrays.toString(shape)
              + " needs "
              + elements(shape) * type.bytes()
              + " bytes, but "
              + data.remaining()
              + " came");
    }
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Nothing is allocated by what a length claims. */
  private static void checkStrings(long[] shape, ByteBuffer given) {
    long elements = elements(shape);
    ByteBuffer data = given.slice().order(ByteOrder.LITTLE_ENDIAN);
    for (long i = 0; i < elements; i++) {
      int rest = data.remaining() - Integer.BYTES;
      if (rest < 0) {
        throw new BadInputException(
            "a tensor STRING"
                + Arrays.toString(shape)
                + " needs "
                + elements
                + " elements, but its "
                + data.limit()
                + " bytes end after "
                + i);
      }
      long length = Integer.toUnsignedLong(data.getInt());
      if (length > rest) {
        throw new BadInputException(
            "element "
                + i
                + " of a tensor STRING"
                + Arrays.toString(shape)
                + " says that it has "
                + length
                + " bytes, but "
                + rest
                + " follow");
      }
      data.position(data.position() + (int) length);
    }
    if (data.hasRemaining()) {
      throw new BadInputException(
          "a tensor STRING"
              + Arrays.toString(shape)
              + " has "
              + elements
              + " elements, but "
              + data.remaining()
              + " bytes follow the last one");
    }
  }

  /**
   * A tensor of byte strings over a copy of {@code values}.
   *
   * @param values in row-major order, as many as the shape asks for
   * @throws BadInputException for another number of values, or over 2 GB of them
   */
  public static Tensor strings(List<byte[]> values, long... shape) {
    if (values.size() != elements(shape)) {
      throw new BadInputException(
          "a tensor STRING"
              + Arrays.toString(shape)
              + " needs "
              + elements(shape)
              + " elements, but "
              + values.size()
              + " came");
    }
    long bytes = values.stream().mapToLong(value -> Integer.BYTES + (long) value.length).sum();
    if (bytes > Integer.MAX_VALUE) {
      throw new BadInputException("a tensor of " + bytes + " bytes is too large");
    }
    ByteBuffer data = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    values.forEach(value -> data.putInt(value.length).put(value));
    return new Tensor(ElementType.STRING, shape, data.flip());
  }

  /** A float32 tensor over a copy of {@code values}, in a direct buffer. */
  public static Tensor of(float[] values, long... shape) {
    ByteBuffer data = allocate(4L * values.length);
    data.asFloatBuffer().put(values);
    return new Tensor(ElementType.FLOAT, shape, data);
  }

  /** An int64 tensor over a copy of {@code values}, in a direct buffer. */
  public static Tensor of(long[] values, long... shape) {
    ByteBuffer data = allocate(8L * values.length);
    data.asLongBuffer().put(values);
    return new Tensor(ElementType.INT64, shape, data);
  }

  /** A float32 scalar. */
  public static Tensor scalar(float value) {
    return of(new float[] {value});
  }

  /** An int64 vector. */
  public static Tensor vector(long... values) {
    return of(values, values.length);
  }

  /** A tensor of zeros, or of empty strings, in a direct buffer. */
  public static Tensor zeros(ElementType type, long... shape) {
    int bytes = type == ElementType.STRING ? Integer.BYTES : type.bytes();
    return new Tensor(type, shape, allocate(elements(shape) * bytes));
  }

  /** A direct little-endian buffer of zeros. */
  public static ByteBuffer allocate(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The product of the dimensions.
   *
   * @throws BadInputException for a negative dimension or a product over 2^31 - 1
   */
  public static long elements(long... shape) {
    long product = 1;
    for (long dim : shape) {
      if (dim < 0) {
        throw new BadInputException("a tensor's shape must be known: " + Arrays.toString(shape));
      }
      if (dim > 0 && product > Integer.MAX_VALUE / dim) {
        throw new BadInputException(
            "a tensor of shape " + Arrays.toString(shape) + " is too large");
      }
      product *= dim;
    }
    return product;
  }

  /** The number of elements. */
  public long elements() {
    return elements(shape);
  }

  /** A view of the data from its first byte, with its own position. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The data as floats, without a copy.
   *
   * @throws BadInputException if this is not a float32 tensor
   */
  public FloatBuffer floatBuffer() {
    require(ElementType.FLOAT);
    return data().asFloatBuffer();
  }

  /**
   * The data as longs, without a copy.
   *
   * @throws BadInputException if this is not an int64 tensor
   */
  public LongBuffer longBuffer() {
    require(ElementType.INT64);
    return data().asLongBuffer();
  }

  /**
   * The elements copied out, in row-major order.
   *
   * @throws BadInputException if this is not a tensor of strings
   */
  public List<byte[]> strings() {
    require(ElementType.STRING);
    List<byte[]> values = new ArrayList<>();
    for (ByteBuffer rest = data(); rest.hasRemaining(); ) {
      byte[] value = new byte[rest.getInt()];
      rest.get(value);
      values.add(value);
    }
    return values;
  }

  /** The data copied out as floats; float32 only. */
  public float[] floats() {
    float[] values = new float[Math.toIntExact(elements())];
    floatBuffer().get(values);
    return values;
  }

  /** Whether no element is infinite or not a number; float32 only. */
  public boolean finite() {
    FloatBuffer values = floatBuffer();
    while (values.hasRemaining()) {
      if (!Float.isFinite(values.get())) {
        return false;
      }
    }
    return true;
  }

  /** The data copied out as longs; int64 only. */
  public long[] longs() {
    long[] values = new long[Math.toIntExact(elements())];
    longBuffer().get(values);
    return values;
  }

  /** The same data under another shape with as many elements. */
  public Tensor reshape(long... newShape) {
    return new Tensor(type, newShape, data());
  }

  private void require(ElementType expected) {
    if (type != expected) {
      throw new BadInputException("expected a tensor of " + expected + ", got " + type);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor that
        && type == that.type
        && Arrays.equals(shape, that.shape)
        && data.equals(that.data);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + data.hashCode();
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape);
  }
}
