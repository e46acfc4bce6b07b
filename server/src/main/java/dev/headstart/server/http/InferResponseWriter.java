package dev.headstart.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.RequestedOutput;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelRepository;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes answers to inference requests: JSON, and after it the outputs that are wanted as binary.
 */
@Singleton
final class InferResponseWriter {
  private final ModelRepository models;
  private final JsonFactory json;

  InferResponseWriter(ModelRepository models, Limits limits) {
    this.models = models;
    this.json = Json.factory(limits);
  }

  /**
   * Writes an answer.
   *
   * @throws BadInputException if an output is asked for in a form that it does not have
   */
  MutableHttpResponse<byte[]> write(InferRequest request, InferenceResult result) {
    List<RequestedOutput> outputs = request.outputs();
    if (outputs.isEmpty()) {
      outputs =
          result.outputs().keySet().stream()
              .map(name -> new RequestedOutput(name, 0, null))
              .toList();
    }
    List<ByteBuffer> binary = new ArrayList<>();
    ByteArrayBuilder body = new ByteArrayBuilder(json._getBufferRecycler());
    try (JsonGenerator generator = json.createGenerator(body)) {
      generator.writeStartObject();
      generator.writeStringField("model_name", result.model());
      generator.writeStringField("model_version", String.valueOf(result.version()));
      if (request.id() != null) {
        generator.writeStringField("id", request.id());
      }
      generator.writeArrayFieldStart("outputs");
      for (RequestedOutput output : outputs) {
        boolean asBinary =
            output.binary() != null ? output.binary() : request.parameters().binaryOutputs();
        output(generator, output.name(), output.in(result, models), asBinary, binary);
      }
      generator.writeEndArray();
      generator.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written", e);
    }
    int header = body.size();
    for (ByteBuffer data : binary) {
      append(body, data);
    }
    byte[] bytes = body.toByteArray();
    body.release();
    return binary.isEmpty()
        ? HttpResponse.ok(bytes).contentType(MediaType.APPLICATION_JSON_TYPE)
        : HttpResponse.ok(bytes)
            .contentType(MediaType.APPLICATION_OCTET_STREAM_TYPE)
            .header(Headers.LENGTH, String.valueOf(header));
  }

  private static void output(
      JsonGenerator generator,
      String name,
      Tensor tensor,
      boolean asBinary,
      List<ByteBuffer> binary)
      throws IOException {
    generator.writeStartObject();
    generator.writeStringField("name", name);
    generator.writeStringField("datatype", Datatype.of(tensor.type()).name());
    generator.writeFieldName("shape");
    generator.writeArray(tensor.shape(), 0, tensor.shape().length);
    if (asBinary) {
      ByteBuffer data = tensor.data();
      generator.writeObjectFieldStart("parameters");
      generator.writeNumberField("binary_data_size", data.remaining());
      generator.writeEndObject();
      binary.add(data);
    } else {
      generator.writeFieldName("data");
      TensorData.write(generator, name, tensor);
    }
    generator.writeEndObject();
  }

  private static void append(ByteArrayBuilder body, ByteBuffer data) {
    if (data.hasArray()) {
      body.write(data.array(), data.arrayOffset() + data.position(), data.remaining());
    } else {
      byte[] copy = new byte[data.remaining()];
      data.get(copy);
      body.write(copy, 0, copy.length);
    }
  }
}
