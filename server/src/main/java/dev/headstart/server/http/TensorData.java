package dev.headstart.server.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The {@code data} of a tensor in JSON, straight from the parser into the tensor's bytes and back.
 * In requests it is flat, or nested as the shape says; in responses it is flat. Numbers are taken
 * as they stand: an integer's text has no fraction, a truth is {@code true} or {@code false}. What
 * is not finite is written as Protobuf's JSON mapping does: {@code "NaN"}, {@code "Infinity"},
 * {@code "-Infinity"}. FP16 and BF16 have no form in JSON.
 */
final class TensorData {
  private static final BigInteger UINT64_MAX =
      BigInteger.ONE.shiftLeft(Long.SIZE).subtract(BigInteger.ONE);

  private final String input;
  private final Datatype datatype;
  private final long[] shape;
  private final long elements;
  private final Limits limits;
  private ByteBuffer data;
  private int read;

  private TensorData(
      String input, Datatype datatype, long[] shape, ByteBuffer data, Limits limits) {
    this.input = input;
    this.datatype = datatype;
    this.shape = shape;
    this.elements = Tensor.elements(shape);
    this.data = data;
    this.limits = limits;
  }

  /**
   * Reads an input's data.
   *
   * @param json stands on the value of {@code data}; afterwards on its end
   * @param room bytes of JSON that can still follow: no more elements are expected than fit
   * @throws BadInputException if the data is not what shape and datatype ask for
   */
  static Tensor read(
      JsonParser json, String input, Datatype datatype, long[] shape, long room, Limits limits)
      throws IOException {
    if (datatype == Datatype.FP16 || datatype == Datatype.BF16) {
      throw new BadInputException(
          subject(input) + ": " + datatype + " has no form in JSON, send it as binary data");
    }
    long elements = Tensor.elements(shape);
    requireArray(json, subject(input));
    // An element takes two bytes of JSON at least, so no shape makes us allocate what cannot come.
    if (elements > room / 2 + 1) {
      throw new BadInputException(
          subject(input)
              + " of shape "
              + Arrays.toString(shape)
              + " needs "
              + elements
              + " elements, more than its data can hold");
    }
    long bytes = datatype == Datatype.BYTES ? 8 * elements : elements * datatype.element().bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new BadInputException(subject(input) + " is too large");
    }
    TensorData reader = new TensorData(input, datatype, shape, allocate((int) bytes), limits);
    JsonToken first = json.nextToken();
    if (first == JsonToken.START_ARRAY) {
      reader.readNested(json, 0);
    } else {
      reader.readFlat(json);
    }
    return new Tensor(datatype.element(), shape, reader.data.flip());
  }

  /**
   * Checks that the parser stands on an array.
   *
   * @throws BadInputException naming the subject, if it does not
   */
  static void requireArray(JsonParser json, String subject) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw new BadInputException(subject + ": data must be an array, not " + shown(json));
    }
  }

  /** Stands on the first element, or on the end of the array. */
  private void readFlat(JsonParser json) throws IOException {
    while (json.currentToken() != JsonToken.END_ARRAY) {
      if (read == elements) {
        throw new BadInputException(
            subject(input)
                + " of shape "
                + shapeText()
                + " has more than "
                + elements
                + " elements");
      }
      readElement(json);
      json.nextToken();
    }
    if (read < elements) {
      throw new BadInputException(
          subject(input)
              + " of shape "
              + shapeText()
              + " needs "
              + elements
              + " elements, but "
              + read
              + " came");
    }
  }

  /** Stands on the first element of an array of dimension {@code dim}, or on its end. */
  private void readNested(JsonParser json, int dim) throws IOException {
    long count = 0;
    boolean last = dim == shape.length - 1;
    while (json.currentToken() != JsonToken.END_ARRAY) {
      if (dim >= shape.length || ++count > shape[dim]) {
        throw ragged(dim, "more");
      }
      if (last && json.currentToken() == JsonToken.START_ARRAY) {
        throw ragged(dim + 1, "");
      } else if (last) {
        readElement(json);
      } else if (json.currentToken() == JsonToken.START_ARRAY) {
        json.nextToken();
        readNested(json, dim + 1);
      } else {
        throw new BadInputException(
            subject(input)
                + ": expected an array at depth "
                + (dim + 1)
                + " of data nested as shape "
                + shapeText()
                + ", not "
                + shown(json));
      }
      json.nextToken();
    }
    if (dim >= shape.length || count != shape[dim]) {
      throw ragged(dim, count + "");
    }
  }

  private BadInputException ragged(int dim, String came) {
    return new BadInputException(
        subject(input)
            + (dim < shape.length
                ? ": data nested as shape "
                    + shapeText()
                    + " needs "
                    + shape[dim]
                    + " elements in each array of depth "
                    + (dim + 1)
                    + ", but one has "
                    + came
                : ": data is nested deeper than shape " + shapeText()));
  }

  private void readElement(JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    switch (datatype) {
      case FP32 -> {
        requireNumber(json, token);
        float value = json.getFloatValue();
        if (Float.isInfinite(value)) {
          throw unexpected(json, "a number in the range of FP32");
        }
        data.putFloat(value);
      }
      case FP64 -> {
        requireNumber(json, token);
        double value = json.getDoubleValue();
        if (Double.isInfinite(value)) {
          throw unexpected(json, "a number in the range of FP64");
        }
        data.putDouble(value);
      }
      case INT8 -> data.put((byte) integer(json, token, Byte.MIN_VALUE, Byte.MAX_VALUE));
      case UINT8 -> data.put((byte) integer(json, token, 0, 0xff));
      case INT16 -> data.putShort((short) integer(json, token, Short.MIN_VALUE, Short.MAX_VALUE));
      case UINT16 -> data.putShort((short) integer(json, token, 0, 0xffff));
      case INT32 -> data.putInt((int) integer(json, token, Integer.MIN_VALUE, Integer.MAX_VALUE));
      case UINT32 -> data.putInt((int) integer(json, token, 0, 0xffffffffL));
      case INT64 -> data.putLong(integer(json, token, Long.MIN_VALUE, Long.MAX_VALUE));
      case UINT64 -> {
        if (token != JsonToken.VALUE_NUMBER_INT) {
          throw unexpected(json, "an integer");
        }
        BigInteger value = json.getBigIntegerValue();
        if (value.signum() < 0 || value.compareTo(UINT64_MAX) > 0) {
          throw unexpected(json, "an integer from 0 to " + UINT64_MAX);
        }
        data.putLong(value.longValue());
      }
      case BOOL -> {
        if (token != JsonToken.VALUE_TRUE && token != JsonToken.VALUE_FALSE) {
          throw unexpected(json, "true or false");
        }
        data.put((byte) (token == JsonToken.VALUE_TRUE ? 1 : 0));
      }
      case BYTES -> {
        if (token != JsonToken.VALUE_STRING) {
          throw unexpected(json, "a string");
        }
        putString(json);
      }
      case FP16, BF16 -> throw new IllegalStateException(datatype + " was refused before");
    }
    read++;
  }

  private void putString(JsonParser json) throws IOException {
    ByteBuffer utf8;
    try {
      utf8 =
          StandardCharsets.UTF_8
              .newEncoder()
              .encode(
                  CharBuffer.wrap(
                      json.getTextCharacters(), json.getTextOffset(), json.getTextLength()));
    } catch (CharacterCodingException e) {
      throw new BadInputException(
          subject(input) + ", element " + position() + ": half of a surrogate pair is not text", e);
    }
    limits.checkString(input, utf8.remaining());
    long needed = (long) data.position() + Integer.BYTES + utf8.remaining();
    if (needed > data.capacity()) {
      if (needed > Integer.MAX_VALUE - 64) {
        throw new BadInputException(subject(input) + " is too large");
      }
      data = allocate((int) Math.min(2 * needed, Integer.MAX_VALUE - 64)).put(data.flip());
    }
    data.putInt(utf8.remaining()).put(utf8);
  }

  private void requireNumber(JsonParser json, JsonToken token) throws IOException {
    if (token != JsonToken.VALUE_NUMBER_INT && token != JsonToken.VALUE_NUMBER_FLOAT) {
      throw unexpected(json, "a number");
    }
  }

  private long integer(JsonParser json, JsonToken token, long least, long most) throws IOException {
    if (token != JsonToken.VALUE_NUMBER_INT) {
      throw unexpected(json, "an integer");
    }
    try {
      long value = json.getLongValue();
      if (value >= least && value <= most) {
        return value;
      }
    } catch (InputCoercionException e) {
      // It does not even fit 64 bits: out of range like all others, said below.
    }
    throw unexpected(json, "an integer from " + least + " to " + most);
  }

  private BadInputException unexpected(JsonParser json, String expected) throws IOException {
    return new BadInputException(
        subject(input)
            + ", element "
            + position()
            + ": "
            + datatype
            + " needs "
            + expected
            + ", not "
            + shown(json));
  }

  /** Of the element that is read next: its index, and its place in the shape. */
  private String position() {
    if (shape.length < 2) {
      return String.valueOf(read);
    }
    long[] place = new long[shape.length];
    long rest = read;
    for (int dim = shape.length - 1; dim >= 0; dim--) {
      place[dim] = rest % shape[dim];
      rest /= shape[dim];
    }
    return read + " (" + Arrays.toString(place) + ")";
  }

  private String shapeText() {
    return Arrays.toString(shape);
  }

  private static String shown(JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    if (token == null) {
      return "the end of the request";
    }
    return switch (token) {
      case START_ARRAY -> "an array";
      case START_OBJECT -> "an object";
      case VALUE_STRING -> "\"" + Names.shown(json.getText()) + "\"";
      default -> Names.shown(json.getText());
    };
  }

  static String subject(String input) {
    return "input '" + Names.shown(input) + "'";
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Writes an output's data as a flat array.
   *
   * @throws BadInputException for what has no form in JSON: the client is to ask for binary
   */
  static void write(JsonGenerator json, String output, Tensor tensor) throws IOException {
    ByteBuffer data = tensor.data();
    json.writeStartArray();
    switch (tensor.type()) {
      case FLOAT -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.getFloat());
        }
      }
      case DOUBLE -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.getDouble());
        }
      }
      case INT8 -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.get());
        }
      }
      case UINT8 -> {
        while (data.hasRemaining()) {
          json.writeNumber(Byte.toUnsignedInt(data.get()));
        }
      }
      case INT16 -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.getShort());
        }
      }
      case UINT16 -> {
        while (data.hasRemaining()) {
          json.writeNumber(Short.toUnsignedInt(data.getShort()));
        }
      }
      case INT32 -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.getInt());
        }
      }
      case UINT32 -> {
        while (data.hasRemaining()) {
          json.writeNumber(Integer.toUnsignedLong(data.getInt()));
        }
      }
      case INT64 -> {
        while (data.hasRemaining()) {
          json.writeNumber(data.getLong());
        }
      }
      case UINT64 -> {
        while (data.hasRemaining()) {
          long value = data.getLong();
          if (value >= 0) {
            json.writeNumber(value);
          } else {
            json.writeNumber(new BigInteger(Long.toUnsignedString(value)));
          }
        }
      }
      case BOOL -> {
        while (data.hasRemaining()) {
          json.writeBoolean(data.get() != 0);
        }
      }
      case STRING -> {
        while (data.hasRemaining()) {
          ByteBuffer element = data.slice(data.position() + Integer.BYTES, data.getInt());
          data.position(data.position() + element.remaining());
          try {
            json.writeString(StandardCharsets.UTF_8.newDecoder().decode(element).toString());
          } catch (CharacterCodingException e) {
            throw onlyBinary(output, "holds bytes that are not text");
          }
        }
      }
      case FLOAT16, BFLOAT16 ->
          throw onlyBinary(
              output, "is " + Datatype.of(tensor.type()) + ", which has no form in JSON");
    }
    json.writeEndArray();
  }

  private static BadInputException onlyBinary(String output, String reason) {
    return new BadInputException(
        "output '"
            + Names.shown(output)
            + "' "
            + reason
            + ": ask for it with the parameter binary_data");
  }
}
