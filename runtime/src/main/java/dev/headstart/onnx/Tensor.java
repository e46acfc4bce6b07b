package dev.headstart.onnx;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * A tensor as plain data: a model's weights, an input, a result. It owns no native handle and need
 * not be closed.
 *
 * @param type element type; not {@link ElementType#STRING}
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
    long bytes = elements(shape) * type.bytes();
    if (type == ElementType.STRING) {
      throw new BadInputException("a tensor of strings cannot be held as plain data");
    }
    if (data.remaining() != bytes) {
      throw new BadInputException(
          "a tensor "
              + type
              + Arrays.toString(shape)
              + " needs "
              + bytes
              + " bytes, but "
              + data.remaining()
              + " came");
    }
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
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

  /** A tensor of zeros in a direct buffer. */
  public static Tensor zeros(ElementType type, long... shape) {
    return new Tensor(type, shape, allocate(elements(shape) * type.bytes()));
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
