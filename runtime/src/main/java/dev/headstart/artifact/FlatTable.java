package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.List;

/**
 * A table of a FlatBuffer that is not trusted. The library's own Table follows any offset; this
 * checks each against the buffer before it is followed, and throws {@link BadInputException}.
 *
 * <p>A table begins with an i32, the distance back to its vtable; the vtable holds, as u16, its own
 * size in bytes, the table's, and for each slot where in the table its field lies (0: not there).
 * Tables, strings and vectors are referred to by a u32, the distance from itself; vectors and
 * strings begin with a u32, their length. Source: the FlatBuffers internals page, "FlatBuffer
 * binary format".
 */
final class FlatTable {
  private final ByteBuffer buffer;
  private final Budget budget;
  private final int position;
  private final int vtable;
  private final int vtableSize;
  private final int tableSize;

  /** What may still be copied out, so that a small file whose parts overlap stays small. */
  private static final class Budget {
    private long bytes;
  }

  private FlatTable(ByteBuffer buffer, Budget budget, int position) {
    this.buffer = buffer;
    this.budget = budget;
    this.position = position;
    require(position, 4);
    long start = (long) position - buffer.getInt(position);
    this.vtable = require(start, 4);
    this.vtableSize = Short.toUnsignedInt(buffer.getShort(vtable));
    this.tableSize = Short.toUnsignedInt(buffer.getShort(vtable + 2));
    require(vtable, vtableSize);
    require(position, tableSize);
    if (vtableSize < 4 || vtableSize % 2 != 0 || tableSize < 4) {
      throw damaged();
    }
  }

  /** The root table of a buffer whose bytes 4 to 7 are the identifier. */
  static FlatTable root(ByteBuffer buffer, String identifier) {
    boolean known = buffer.limit() >= 8;
    for (int i = 0; known && i < 4; i++) {
      known = buffer.get(4 + i) == identifier.charAt(i);
    }
    if (!known) {
      throw new BadInputException(
          "not a training checkpoint: bytes 4 to 7 should be '" + identifier + "'");
    }
    Budget budget = new Budget();
    budget.bytes = 4L * buffer.limit();
    return new FlatTable(buffer, budget, follow(buffer, 0));
  }

  /** A table, or null if the field is not there. */
  FlatTable table(int slot) {
    int field = field(slot, 4);
    return field < 0 ? null : new FlatTable(buffer, budget, follow(buffer, field));
  }

  /** A vector of tables, each read when it is asked for; empty if the field is not there. */
  List<FlatTable> tables(int slot) {
    int vector = vector(slot, 4);
    int length = vector < 0 ? 0 : buffer.getInt(vector);
    return new AbstractList<>() {
      @Override
      public FlatTable get(int index) {
        return new FlatTable(buffer, budget, follow(buffer, vector + 4 + 4 * index));
      }

      @Override
      public int size() {
        return length;
      }
    };
  }

  /** A vector of 64-bit integers; empty if the field is not there. */
  long[] longs(int slot) {
    int vector = vector(slot, 8);
    long[] values = new long[vector < 0 ? 0 : buffer.getInt(vector)];
    spend(8L * values.length);
    for (int i = 0; i < values.length; i++) {
      values[i] = buffer.getLong(vector + 4 + 8 * i);
    }
    return values;
  }

  /** A view of a vector of bytes, or null if the field is not there. */
  ByteBuffer bytes(int slot) {
    int vector = vector(slot, 1);
    return vector < 0
        ? null
        : buffer.slice(vector + 4, buffer.getInt(vector)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A string, or null if the field is not there. */
  String string(int slot) {
    ByteBuffer bytes = bytes(slot);
    spend(bytes == null ? 0 : bytes.remaining());
    try {
      return bytes == null ? null : StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new BadInputException("the checkpoint is damaged: a name is not UTF-8", e);
    }
  }

  int int32(int slot, int otherwise) {
    int field = field(slot, 4);
    return field < 0 ? otherwise : buffer.getInt(field);
  }

  long int64(int slot, long otherwise) {
    int field = field(slot, 8);
    return field < 0 ? otherwise : buffer.getLong(field);
  }

  float float32(int slot, float otherwise) {
    int field = field(slot, 4);
    return field < 0 ? otherwise : buffer.getFloat(field);
  }

  boolean bool(int slot) {
    int field = field(slot, 1);
    return field >= 0 && buffer.get(field) != 0;
  }

  private void spend(long bytes) {
    budget.bytes -= bytes;
    if (budget.bytes < 0) {
      throw new BadInputException("the checkpoint is damaged: its parts lie on top of each other");
    }
  }

  /** Where a field of so many bytes lies, or -1. */
  private int field(int slot, int bytes) {
    int entry = 4 + 2 * slot;
    int offset = entry + 2 > vtableSize ? 0 : Short.toUnsignedInt(buffer.getShort(vtable + entry));
    if (offset == 0) {
      return -1;
    }
    if (offset < 4 || offset + bytes > tableSize) {
      throw damaged();
    }
    return position + offset;
  }

  /** Where a vector begins that fits into the buffer with all of its elements, or -1. */
  private int vector(int slot, int elementBytes) {
    int field = field(slot, 4);
    if (field < 0) {
      return -1;
    }
    int start = require(follow(buffer, field), 4);
    require(start + 4L, Integer.toUnsignedLong(buffer.getInt(start)) * elementBytes);
    return start;
  }

  private static int follow(ByteBuffer buffer, int at) {
    long target = at + Integer.toUnsignedLong(buffer.getInt(at));
    if (target + 4 > buffer.limit()) {
      throw damaged();
    }
    return (int) target;
  }

  /** {@code start}, if so many bytes lie behind it. */
  private int require(long start, long bytes) {
    if (start < 0 || start + bytes > buffer.limit()) {
      throw damaged();
    }
    return (int) start;
  }

  private static BadInputException damaged() {
    return new BadInputException(
        "the checkpoint is damaged or cut short: it points outside of itself");
  }
}
