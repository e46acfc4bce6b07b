package dev.headstart.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.RequestParameters;
import dev.headstart.server.protocol.RequestedOutput;
import dev.headstart.serving.InputForm;
import dev.headstart.serving.ModelMetadata;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the bodies of inference requests: JSON, alone or followed by the binary data of inputs that
 * say {@code binary_data_size}, or one input's bytes alone. Numbers in JSON go straight into their
 * tensors, which is why a field {@code data} that comes before {@code shape} and {@code datatype}
 * is skipped first and read a second time; binary data stays where it is in the body.
 *
 * <p>Fields that are not known are ignored. Known ones must not come twice.
 */
@Singleton
final class InferRequestReader {
  /** No model has more. */
  private static final int MOST_DIMENSIONS = 32;

  private final Limits limits;
  private final JsonFactory json;

  InferRequestReader(Limits limits) {
    this.limits = limits;
    this.json = Json.factory(limits);
  }

  /**
   * Reads a request.
   *
   * @param body the request's bytes, which the tensors may share
   * @param header bytes of JSON at its beginning, as {@code Inference-Header-Content-Length} says;
   *     null if all of it is JSON
   * @throws BadInputException if anything in it is not as the protocol says
   */
  InferRequest read(byte[] body, Integer header) {
    int length = header == null ? body.length : header;
    if (length > body.length) {
      throw new BadInputException(
          Headers.LENGTH + " is " + length + ", but the body has " + body.length + " bytes");
    }
    if (length == 0) {
      throw new BadInputException("the request has no body; expected a JSON object with 'inputs'");
    }
    Reading reading = new Reading(body, length, header != null);
    try (JsonParser parser = json.createParser(body, 0, length)) {
      return reading.request(parser);
    } catch (JsonProcessingException e) {
      throw Json.notJson(e);
    } catch (IOException e) {
      // The bytes are in memory: what cannot be read of them is not UTF-8.
      throw new BadInputException("the request is not sound JSON: " + e.getMessage(), e);
    }
  }

  /**
   * Reads a request whose body is one input's data and nothing else: one sample, or as many as the
   * size says where the shape leaves one dimension open.
   *
   * @throws BadInputException if the model has several inputs, or the size does not fit its shape
   */
  InferRequest readRaw(byte[] body, ModelMetadata model) {
    InputForm form = model.forms().get(0);
    if (form.inputs().size() != 1) {
      throw new BadInputException(
          Headers.LENGTH
              + " of 0 means that the body is the data of the only input, but model '"
              + model.name()
              + "' has "
              + form.inputs().size());
    }
    TensorInfo input = form.inputs().get(0);
    Tensor tensor = raw(body, input, model.maxBatch() > 0);
    limits.checkElements(tensor.elements());
    return new InferRequest(
        null, new RequestParameters(0, null, true), Map.of(input.name(), tensor), List.of(), false);
  }

  private Tensor raw(byte[] body, TensorInfo input, boolean batched) {
    long[] shape = input.shape().clone();
    if (batched && shape.length > 0) {
      shape[0] = 1;
    }
    Datatype datatype = Datatype.of(input.type());
    int open = -1;
    long known = 1;
    for (int dim = 0; dim < shape.length; dim++) {
      if (shape[dim] >= 0) {
        known *= shape[dim];
      } else if (open < 0) {
        open = dim;
      } else {
        throw new BadInputException(
            TensorData.subject(input.name())
                + " of shape "
                + Arrays.toString(input.shape())
                + " cannot be sent as raw data alone: say its shape in JSON");
      }
    }
    if (datatype == Datatype.BYTES) {
      if (open >= 0) {
        shape[open] = 1;
      }
      limits.checkString(input.name(), body.length);
      return Tensor.strings(List.of(body), shape);
    }
    long row = known * datatype.element().bytes();
    if (open >= 0 && row > 0) {
      shape[open] = body.length / row;
    }
    return fixed(input.name(), datatype, shape, ByteBuffer.wrap(body));
  }

  private static Tensor fixed(String input, Datatype datatype, long[] shape, ByteBuffer data) {
    long needed = Tensor.elements(shape) * datatype.element().bytes();
    if (data.remaining() != needed) {
      throw new BadInputException(
          TensorData.subject(input)
              + " of "
              + datatype
              + " "
              + Arrays.toString(shape)
              + " needs "
              + needed
              + " bytes of data, but has "
              + data.remaining());
    }
    return new Tensor(datatype.element(), shape, data);
  }

  /** One request being read. */
  private final class Reading {
    private final byte[] body;
    private final int header;
    private final boolean binaryAllowed;

    /** Where the next binary input begins. */
    private int binary;

    private long elements;
    private boolean text;

    Reading(byte[] body, int header, boolean binaryAllowed) {
      this.body = body;
      this.header = header;
      this.binaryAllowed = binaryAllowed;
      this.binary = header;
    }

    InferRequest request(JsonParser parser) throws IOException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new BadInputException("the request must be a JSON object with 'inputs'");
      }
      String id = null;
      Map<String, Object> parameters = null;
      Map<String, Tensor> inputs = null;
      List<RequestedOutput> outputs = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "id" -> {
            once(id, "id", "the request");
            id = Json.string(parser, "'id'");
          }
          case "parameters" -> {
            once(parameters, field, "the request");
            parameters = Json.parameters(parser, "the request");
          }
          case "inputs" -> {
            once(inputs, field, "the request");
            inputs = inputs(parser);
          }
          case "outputs" -> {
            once(outputs, field, "the request");
            outputs = outputs(parser);
          }
          default -> parser.skipChildren();
        }
      }
      if (parser.nextToken() != null) {
        throw new BadInputException("something follows the request's JSON object");
      }
      if (inputs == null || inputs.isEmpty()) {
        throw new BadInputException("the request has no 'inputs'");
      }
      if (binary != body.length) {
        throw new BadInputException(
            "the binary data of all inputs is "
                + (binary - header)
                + " bytes, but "
                + (body.length - header)
                + " follow the JSON");
      }
      return new InferRequest(
          id == null || id.isEmpty() ? null : id,
          RequestParameters.of(parameters == null ? Map.of() : parameters),
          inputs,
          outputs == null ? List.of() : outputs,
          text);
    }

    private Map<String, Tensor> inputs(JsonParser parser) throws IOException {
      requireArray(parser, "inputs");
      Map<String, Tensor> inputs = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        limits.checkTensors(inputs.size() + 1, "inputs");
        input(parser, inputs);
      }
      return inputs;
    }

    private void input(JsonParser parser, Map<String, Tensor> inputs) throws IOException {
      String which = "input " + inputs.size();
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw new BadInputException(which + " must be an object");
      }
      String name = null;
      Datatype datatype = null;
      String datatypeName = null;
      long[] shape = null;
      Map<String, Object> parameters = null;
      Tensor tensor = null;
      long skipped = -1;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "name" -> {
            once(name, field, which);
            name = Json.string(parser, "the name of " + which);
          }
          case "datatype" -> {
            once(datatypeName, field, which);
            datatypeName = Json.string(parser, "the datatype of " + which);
            datatype = Datatype.of(datatypeName, name == null ? which : name);
          }
          case "shape" -> {
            once(shape, field, which);
            shape = shape(parser, name == null ? which : name);
          }
          case "parameters" -> {
            once(parameters, field, which);
            parameters = Json.parameters(parser, which);
          }
          case "data" -> {
            once(tensor, field, which);
            once(skipped < 0 ? null : skipped, field, which);
            if (name != null && datatype != null && shape != null) {
              tensor = data(parser, name, datatype, shape);
            } else {
              TensorData.requireArray(parser, name == null ? which : TensorData.subject(name));
              skipped = parser.currentTokenLocation().getByteOffset();
              parser.skipChildren();
            }
          }
          default -> parser.skipChildren();
        }
      }
      require(name, "name", which);
      which = TensorData.subject(name);
      require(datatype, "datatype", which);
      require(shape, "shape", which);
      if (skipped >= 0) {
        try (JsonParser again = json.createParser(body, (int) skipped, header - (int) skipped)) {
          again.nextToken();
          tensor = data(again, name, datatype, shape);
        }
      }
      parameters = parameters == null ? Map.of() : parameters;
      RequestParameters.checkPlace(name, parameters);
      if (parameters.containsKey("binary_data_size")) {
        if (tensor != null) {
          throw new BadInputException(which + " has both 'data' and 'binary_data_size'");
        }
        tensor =
            binary(
                name,
                datatype,
                shape,
                RequestParameters.integer(parameters, "binary_data_size", 0, Integer.MAX_VALUE, 0));
      }
      require(tensor, "data", which);
      if (inputs.put(name, tensor) != null) {
        throw new BadInputException(which + " comes twice");
      }
    }

    private Tensor data(JsonParser parser, String name, Datatype datatype, long[] shape)
        throws IOException {
      countElements(shape);
      text |= datatype == Datatype.BYTES;
      return TensorData.read(parser, name, datatype, shape, header, limits);
    }

    private Tensor binary(String name, Datatype datatype, long[] shape, long size) {
      String which = TensorData.subject(name);
      if (!binaryAllowed) {
        throw new BadInputException(
            which + " has 'binary_data_size', which needs the header " + Headers.LENGTH);
      }
      if (size > body.length - binary) {
        throw new BadInputException(
            which
                + " has "
                + size
                + " bytes of binary data, but "
                + (body.length - binary)
                + " are left in the body");
      }
      countElements(shape);
      ByteBuffer data = ByteBuffer.wrap(body, binary, (int) size);
      binary += (int) size;
      return datatype == Datatype.BYTES
          ? strings(name, shape, data)
          : fixed(name, datatype, shape, data);
    }

    private Tensor strings(String name, long[] shape, ByteBuffer data) {
      Tensor tensor;
      try {
        tensor = new Tensor(Datatype.BYTES.element(), shape, data);
      } catch (BadInputException e) {
        throw new BadInputException(TensorData.subject(name) + ": " + e.getMessage(), e);
      }
      ByteBuffer elements = data.slice().order(ByteOrder.LITTLE_ENDIAN);
      while (elements.hasRemaining()) {
        int length = elements.getInt();
        limits.checkString(name, length);
        elements.position(elements.position() + length);
      }
      return tensor;
    }

    private void countElements(long[] shape) {
      elements += Tensor.elements(shape);
      limits.checkElements(elements);
    }

    private long[] shape(JsonParser parser, String name) throws IOException {
      String which = TensorData.subject(name);
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw new BadInputException(which + ": shape must be an array of integers");
      }
      long[] shape = new long[4];
      int rank = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (rank == MOST_DIMENSIONS) {
          throw new BadInputException(which + " has more than " + MOST_DIMENSIONS + " dimensions");
        }
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
            || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
            || parser.getLongValue() < 0) {
          throw new BadInputException(
              which + ": shape is of integers of at least 0, not " + Names.shown(parser.getText()));
        }
        if (rank == shape.length) {
          shape = Arrays.copyOf(shape, 2 * rank);
        }
        shape[rank++] = parser.getLongValue();
      }
      return Arrays.copyOf(shape, rank);
    }

    private List<RequestedOutput> outputs(JsonParser parser) throws IOException {
      requireArray(parser, "outputs");
      Map<String, RequestedOutput> outputs = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        limits.checkTensors(outputs.size() + 1, "outputs");
        RequestedOutput output = output(parser, "output " + outputs.size());
        if (outputs.put(output.name(), output) != null) {
          throw new BadInputException(
              "output '" + Names.shown(output.name()) + "' is asked for twice");
        }
      }
      return new ArrayList<>(outputs.values());
    }

    private RequestedOutput output(JsonParser parser, String which) throws IOException {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw new BadInputException(which + " must be an object");
      }
      String name = null;
      Map<String, Object> parameters = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "name" -> {
            once(name, field, which);
            name = Json.string(parser, "the name of " + which);
          }
          case "parameters" -> {
            once(parameters, field, which);
            parameters = Json.parameters(parser, which);
          }
          default -> parser.skipChildren();
        }
      }
      require(name, "name", which);
      return RequestedOutput.of(name, parameters == null ? Map.of() : parameters);
    }
  }

  private static void requireArray(JsonParser parser, String field) {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw new BadInputException("'" + field + "' must be an array");
    }
  }

  private static void once(Object before, String field, String which) {
    if (before != null) {
      throw new BadInputException("'" + field + "' of " + which + " comes twice");
    }
  }

  private static void require(Object value, String field, String which) {
    if (value == null) {
      throw new BadInputException(which + " has no '" + field + "'");
    }
  }
}
