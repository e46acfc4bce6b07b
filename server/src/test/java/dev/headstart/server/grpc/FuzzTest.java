package dev.headstart.server.grpc;

import static dev.headstart.server.grpc.InferenceServiceTest.fruit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.InferTensorContents;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferRequestedOutputTensor;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bytes that are nearly right: messages inside sound frames, and the frames themselves. */
class FuzzTest {
  private static final long SEED = Long.getLong("seed", 43);
  private static final int RUNS = Integer.getInteger("runs", 3000);
  private static final Set<Status.Code> CLIENTS_FAULT =
      EnumSet.of(
          Status.Code.OK,
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.UNIMPLEMENTED);

  @TempDir static Path folder;
  private static GrpcTestServer server;

  @BeforeAll
  static void start() throws Exception {
    System.out.println("seed " + SEED + ", runs " + RUNS);
    server = new GrpcTestServer(folder, Map.of());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static byte[] mutated(byte[] good, Random random) {
    byte[] bytes = good.clone();
    int edits = 1 + random.nextInt(4);
    for (int i = 0; i < edits && bytes.length > 0; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 ->
            bytes[at] =
                List.of((byte) 0, (byte) 0x7f, (byte) 0x80, (byte) 0xff).get(random.nextInt(4));
        case 3 -> bytes = java.util.Arrays.copyOf(bytes, at);
        default -> {
          // A stretch of it twice.
          int length = random.nextInt(Math.min(40, bytes.length - at) + 1);
          ByteBuffer longer = ByteBuffer.allocate(bytes.length + length);
          longer.put(bytes, 0, at + length).put(bytes, at, bytes.length - at);
          bytes = longer.array();
        }
      }
    }
    return bytes;
  }

  private static final List<ModelInferRequest> GOOD =
      List.of(
          fruit(1, 2, 3).setId("id").build(),
          fruit(1, 2, 3, 4, 5, 6)
              .putParameters("priority", InferParameter.newBuilder().setInt64Param(1).build())
              .putParameters(
                  "timeout", InferParameter.newBuilder().setInt64Param(9_000_000).build())
              .addOutputs(
                  InferRequestedOutputTensor.newBuilder()
                      .setName("scores")
                      .putParameters(
                          "classification", InferParameter.newBuilder().setInt64Param(2).build()))
              .build(),
          ModelInferRequest.newBuilder()
              .setModelName("echo_BYTES")
              .addInputs(InferenceServiceTest.input("x", "BYTES", 1, 3))
              .addRawInputContents(ByteString.copyFromUtf8("\1\0\0\0a\0\0\0\0\2\0\0\0bc"))
              .build(),
          ModelInferRequest.newBuilder()
              .setModelName("echo_INT16")
              .addInputs(
                  InferenceServiceTest.input("x", "INT16", 1, 3)
                      .setContents(
                          InferTensorContents.newBuilder().addAllIntContents(List.of(1, -1, 300))))
              .build());

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  @Test
  void messages() {
    var method = GRPCInferenceServiceGrpc.getModelInferMethod().toBuilder(BYTES, BYTES).build();
    Random random = new Random(SEED);
    int refused = 0;
    for (int i = 0; i < RUNS; i++) {
      byte[] bytes = mutated(GOOD.get(i % GOOD.size()).toByteArray(), random);
      Status status = Status.OK;
      try {
        ClientCalls.blockingUnaryCall(
            server.channel,
            method,
            CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
            bytes);
      } catch (StatusRuntimeException e) {
        status = e.getStatus();
        refused++;
      }
      Status answered = status;
      assertTrue(
          CLIENTS_FAULT.contains(status.getCode()),
          () -> answered + " to " + java.util.HexFormat.of().formatHex(bytes));
    }
    assertTrue(refused > RUNS / 3, refused + " refused");
  }

  @Test
  void frames() throws Exception {
    byte[] conversation = conversation();
    Random random = new Random(SEED + 1);
    for (int i = 0; i < RUNS / 10; i++) {
      byte[] bytes = i == 0 ? conversation : mutated(conversation, random);
      try (Socket socket = new Socket("127.0.0.1", server.server.grpcPort())) {
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(bytes);
        socket.shutdownOutput();
        byte[] answer = socket.getInputStream().readAllBytes();
        if (i == 0) {
          assertTrue(
              new String(answer, StandardCharsets.ISO_8859_1).contains("scores"),
              "the conversation itself should be answered");
        }
      } catch (SocketTimeoutException e) {
        throw new AssertionError(
            "a connection hangs after " + java.util.HexFormat.of().formatHex(bytes), e);
      } catch (IOException reset) {
        continue;
      }
    }
    assertEquals(2, server.client.modelInfer(fruit(1, 2, 3).build()).getOutputsCount());
  }

  /** A client's side of HTTP/2 for one good call. */
  private static byte[] conversation() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(out, 4, 0, 0, new byte[0]);
    ByteArrayOutputStream headers = new ByteArrayOutputStream();
    header(headers, ":method", "POST");
    header(headers, ":scheme", "http");
    header(headers, ":path", "/inference.GRPCInferenceService/ModelInfer");
    header(headers, ":authority", "localhost");
    header(headers, "content-type", "application/grpc");
    header(headers, "te", "trailers");
    frame(out, 1, 4, 1, headers.toByteArray());
    byte[] message = GOOD.get(0).toByteArray();
    ByteBuffer data = ByteBuffer.allocate(5 + message.length);
    data.put((byte) 0).putInt(message.length).put(message);
    frame(out, 0, 1, 1, data.array());
    return out.toByteArray();
  }

  private static void frame(ByteArrayOutputStream out, int type, int flags, int stream, byte[] body)
      throws IOException {
    ByteBuffer head = ByteBuffer.allocate(9);
    head.put((byte) (body.length >> 16)).putShort((short) body.length);
    head.put((byte) type).put((byte) flags).putInt(stream);
    out.write(head.array());
    out.write(body);
  }

  /** A literal without indexing (RFC 7541, 6.2.2), names and values shorter than 127 bytes. */
  private static void header(ByteArrayOutputStream out, String name, String value)
      throws IOException {
    out.write(0);
    out.write(name.length());
    out.write(name.getBytes(StandardCharsets.US_ASCII));
    out.write(value.length());
    out.write(value.getBytes(StandardCharsets.US_ASCII));
  }
}
