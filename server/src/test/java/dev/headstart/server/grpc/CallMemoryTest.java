package dev.headstart.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.InferTensorContents;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import dev.headstart.server.protocol.Room;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Large messages at the same time, and small ones that become large objects. */
class CallMemoryTest {
  private static final int LARGE = 2 << 20;

  @TempDir static Path folder;
  private static GrpcTestServer server;
  private static Room room;

  @BeforeAll
  static void start() throws Exception {
    server = new GrpcTestServer(folder, Map.of("headstart.limits.in-flight", 1 << 20));
    room = server.server.bean(Room.class);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static ModelInferRequest raw(int bytes) {
    return ModelInferRequest.newBuilder()
        .setModelName("echo_UINT8")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("x")
                .setDatatype("UINT8")
                .addShape(bytes / 3)
                .addShape(3))
        .addRawInputContents(ByteString.copyFrom(new byte[bytes / 3 * 3]))
        .build();
  }

  private static Status refusal(ModelInferRequest request) {
    return assertThrows(
            StatusRuntimeException.class,
            () -> server.client.withDeadlineAfter(30, TimeUnit.SECONDS).modelInfer(request))
        .getStatus();
  }

  private static void awaitNothingTaken() throws Exception {
    for (int i = 0; i < 1000 && room.taken() > 0; i++) {
      Thread.sleep(10);
    }
    assertEquals(0, room.taken());
  }

  @Test
  void aLargeMessageBesideAnotherIsRefusedASmallOneIsAnswered() throws Exception {
    try (Room.Lease other = room.lease()) {
      other.take(1 << 20);
      Status status = refusal(raw(LARGE));
      assertEquals(Status.Code.UNAVAILABLE, status.getCode(), status.toString());
      assertTrue(status.getDescription().contains("no memory left"), status.toString());
      assertEquals(1, server.client.modelInfer(raw(3)).getOutputsCount());
    }
    // Alone it is read, and refused for another reason.
    assertEquals(Status.Code.INVALID_ARGUMENT, refusal(raw(LARGE)).getCode());
    awaitNothingTaken();
  }

  @Test
  void aStreamsMessagesGiveTheirRoomBackOneByOne() throws Exception {
    CompletableFuture<String> errors = new CompletableFuture<>();
    StringBuilder said = new StringBuilder();
    StreamObserver<ModelInferRequest> stream =
        GRPCInferenceServiceGrpc.newStub(server.channel)
            .modelStreamInfer(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ModelStreamInferResponse response) {
                    said.append(response.getErrorMessage()).append('\n');
                  }

                  @Override
                  public void onError(Throwable failure) {
                    errors.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    errors.complete(said.toString());
                  }
                });
    for (int i = 0; i < 5; i++) {
      stream.onNext(raw(LARGE)); // refused for its batch
    }
    stream.onNext(raw(3));
    stream.onCompleted();
    String answers = errors.get(30, TimeUnit.SECONDS);
    assertEquals(6, answers.lines().count(), answers);
    assertTrue(answers.lines().limit(5).allMatch(line -> line.contains("at most")), answers);
    awaitNothingTaken();
  }

  @Test
  void whatWouldBecomeFarMoreObjectsIsRefusedBeforeItIsRead() throws Exception {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    ByteString one = ByteString.copyFrom(new byte[1]);
    for (int i = 0; i < 6 << 20; i++) {
      contents.addBytesContents(one);
    }
    ModelInferRequest strings =
        ModelInferRequest.newBuilder()
            .setModelName("echo_BYTES")
            .addInputs(InferInputTensor.newBuilder().setName("x").setContents(contents))
            .build();
    Status status = refusal(strings);
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, status.getCode(), status.toString());
    assertTrue(status.getDescription().contains("raw_input_contents"), status.toString());

    ModelInferRequest.Builder parameters =
        ModelInferRequest.newBuilder().setModelName("two").mergeFrom(raw(100_002));
    for (int i = 0; i < 3000; i++) {
      parameters.putParameters("p" + i, InferParameter.newBuilder().setBoolParam(true).build());
    }
    status = refusal(parameters.build());
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, status.getCode(), status.toString());
    awaitNothingTaken();
  }
}
