package dev.headstart.bench.load;

import com.google.protobuf.ByteString;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One request to a model, in every form that the protocol has for it.
 *
 * @param model its name
 * @param input the input's name
 * @param values FP32
 * @param shape of the input
 */
record Requests(String model, String input, float[] values, long[] shape) {
  private static final String GRPC = "/inference.GRPCInferenceService/ModelInfer";

  private String tensor(String rest) {
    return "{\"inputs\":[{\"name\":\""
        + input
        + "\",\"shape\":"
        + Arrays.toString(shape)
        + ",\"datatype\":\"FP32\","
        + rest;
  }

  private byte[] raw() {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  private String post(String more, int length) {
    return "POST /v2/models/" + model + "/infer HTTP/1.1\r\n" + more + "Content-Length: " + length;
  }

  List<Connection> json(int port, int connections) throws IOException {
    byte[] body =
        tensor("\"data\":" + Arrays.toString(values) + "}]}").getBytes(StandardCharsets.UTF_8);
    List<Connection> all = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      all.add(
          new HttpConnection(port, post("Content-Type: application/json\r\n", body.length), body));
    }
    return all;
  }

  List<Connection> binary(int port, int connections) throws IOException {
    byte[] raw = raw();
    byte[] head =
        tensor(
                "\"parameters\":{\"binary_data_size\":"
                    + raw.length
                    + "}}],\"parameters\":{\"binary_data_output\":true}}")
            .getBytes(StandardCharsets.UTF_8);
    byte[] body = ByteBuffer.allocate(head.length + raw.length).put(head).put(raw).array();
    String header = "Inference-Header-Content-Length: " + head.length + "\r\n";
    List<Connection> all = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      all.add(new HttpConnection(port, post(header, body.length), body));
    }
    return all;
  }

  /** Callers share connections, as gRPC's clients do. */
  List<Connection> grpc(int port, int callers) throws IOException {
    InferInputTensor.Builder tensor =
        InferInputTensor.newBuilder().setName(input).setDatatype("FP32");
    Arrays.stream(shape).forEach(tensor::addShape);
    byte[] message =
        ModelInferRequest.newBuilder()
            .setModelName(model)
            .addInputs(tensor)
            .addRawInputContents(ByteString.copyFrom(raw()))
            .build()
            .toByteArray();
    List<Connection> all = new ArrayList<>();
    int connections = Math.min(2, callers);
    for (int i = 0; i < connections; i++) {
      all.add(new GrpcConnection(port, GRPC, message, callers / connections));
    }
    return all;
  }

  static List<Connection> empty(int port, int connections) throws IOException {
    List<Connection> all = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      all.add(new HttpConnection(port, "GET /empty HTTP/1.1", new byte[0]));
    }
    return all;
  }
}
