package dev.headstart.workspace;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One sample's features as bytes, little-endian:
 *
 * <pre>
 * Record = version:u8 (1)  count:u8  Tensor{count}  crc:u32
 * Tensor = type:u8  rank:u8  dim:i64{rank}  data:u8{product of dims × bytes an element}
 * </pre>
 *
 * The type is the number in {@code onnx.proto}; the crc is CRC-32C (Castagnoli, as in RFC 3720)
 * over all bytes before it.
 */
final class FeatureRecord {
  static final int VERSION = 1;

  private FeatureRecord() {}

  /**
   * @throws IllegalArgumentException for more than 255 tensors or dimensions
   */
  static byte[] encode(Features features) {
    long length = 6;
    for (Tensor tensor : features.tensors()) {
      length += 2 + 8L * tensor.shape().length + tensor.data().remaining();
    }
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(length)).order(ByteOrder.LITTLE_ENDIAN);
    out.put((byte) VERSION).put(u8(features.tensors().size()));
    for (Tensor tensor : features.tensors()) {
      out.put(u8(tensor.type().code())).put(u8(tensor.shape().length));
      for (long dim : tensor.shape()) {
        out.putLong(dim);
      }
      out.put(tensor.data());
    }
    return out.putInt(crc(out.array(), out.position())).array();
  }

  /**
   * The features, over the bytes themselves, or nothing if the bytes are damaged or of another
   * version.
   */
  static Optional<Features> decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int end = bytes.length - 4;
    if (end < 2 || in.getInt(end) != crc(bytes, end) || in.get() != VERSION) {
      return Optional.empty();
    }
    in.limit(end);
    try {
      List<Tensor> tensors = new ArrayList<>();
      for (int count = in.get() & 0xff; count > 0; count--) {
        ElementType type = ElementType.ofCode(in.get());
        long[] shape = new long[in.get() & 0xff];
        for (int d = 0; d < shape.length; d++) {
          shape[d] = in.getLong();
        }
        int length = Math.toIntExact(Tensor.elements(shape) * type.bytes());
        if (length > in.remaining()) {
          return Optional.empty();
        }
        tensors.add(new Tensor(type, shape, in.slice(in.position(), length)));
        in.position(in.position() + length);
      }
      return in.hasRemaining() ? Optional.empty() : Optional.of(new Features(tensors));
    } catch (BufferUnderflowException | ArithmeticException | BadInputException e) {
      return Optional.empty(); // a record that another program wrote: to be computed again
    }
  }

  private static byte u8(int value) {
    if (value > 255) {
      throw new IllegalArgumentException("at most 255 tensors and dimensions, got " + value);
    }
    return (byte) value;
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
