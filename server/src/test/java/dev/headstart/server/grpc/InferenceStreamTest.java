package dev.headstart.server.grpc;

import static dev.headstart.server.grpc.InferenceServiceTest.floats;
import static dev.headstart.server.grpc.InferenceServiceTest.fruit;
import static dev.headstart.server.grpc.InferenceServiceTest.input;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InferenceStreamTest {
  @TempDir static Path folder;
  private static GrpcTestServer server;

  @BeforeAll
  static void start() throws Exception {
    server = new GrpcTestServer(folder, Map.of());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** A client that keeps what it gets, and asks for the next only when told to. */
  private static final class Client
      implements ClientResponseObserver<ModelInferRequest, ModelStreamInferResponse> {
    final BlockingQueue<ModelStreamInferResponse> responses = new LinkedBlockingQueue<>();
    final CountDownLatch over = new CountDownLatch(1);
    final boolean slow;
    ClientCallStreamObserver<ModelInferRequest> call;
    Throwable failure;

    Client(boolean slow) {
      this.slow = slow;
    }

    StreamObserver<ModelInferRequest> open() {
      return GRPCInferenceServiceGrpc.newStub(server.channel).modelStreamInfer(this);
    }

    ModelStreamInferResponse next() throws InterruptedException {
      ModelStreamInferResponse response = responses.poll(20, TimeUnit.SECONDS);
      assertNotNull(response, "no response within 20 s");
      return response;
    }

    void await() throws InterruptedException {
      assertTrue(over.await(20, TimeUnit.SECONDS), "the stream does not end");
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ModelInferRequest> stream) {
      call = stream;
      if (slow) {
        stream.disableAutoRequestWithInitial(1);
      }
    }

    @Override
    public void onNext(ModelStreamInferResponse response) {
      responses.add(response);
    }

    @Override
    public void onError(Throwable t) {
      failure = t;
      over.countDown();
    }

    @Override
    public void onCompleted() {
      over.countDown();
    }
  }

  @Test
  void everyRequestIsAnsweredInItsPlace() throws Exception {
    Client client = new Client(false);
    StreamObserver<ModelInferRequest> requests = client.open();
    for (int i = 0; i < 500; i++) {
      // An older version has to be opened first, so that it is done later than those after it.
      requests.onNext(
          fruit(i, 0, 0).setId("r" + i).setModelVersion(i % 100 == 50 ? "1" : "").build());
    }
    requests.onCompleted();
    client.await();
    assertNull(client.failure);
    assertEquals(500, client.responses.size());
    for (int i = 0; i < 500; i++) {
      ModelStreamInferResponse response = client.next();
      assertEquals("", response.getErrorMessage());
      assertEquals("r" + i, response.getInferResponse().getId());
      assertEquals(i % 100 == 50 ? "1" : "2", response.getInferResponse().getModelVersion());
      assertTrue(
          response.getInferResponse().getParametersOrThrow("triton_final_response").getBoolParam());
    }
  }

  @Test
  void aBadRequestIsAnsweredAndTheStreamGoesOn() throws Exception {
    Client client = new Client(false);
    StreamObserver<ModelInferRequest> requests = client.open();
    requests.onNext(fruit(1, 2, 3).setId("good").build());
    requests.onNext(fruit(1, 2, 3).setId("bad").setModelName("vegetable").build());
    requests.onNext(
        ModelInferRequest.newBuilder()
            .setId("short")
            .setModelName("fruit")
            .addInputs(input("features", "FP32", 1, 3))
            .addRawInputContents(floats(1))
            .build());
    requests.onNext(fruit(3, 2, 1).setId("good again").build());
    requests.onCompleted();
    client.await();
    assertNull(client.failure);
    assertEquals("", client.next().getErrorMessage());
    ModelStreamInferResponse bad = client.next();
    assertTrue(bad.getErrorMessage().contains("vegetable"), bad.getErrorMessage());
    assertEquals("bad", bad.getInferResponse().getId());
    ModelStreamInferResponse shorter = client.next();
    assertTrue(shorter.getErrorMessage().contains("features"), shorter.getErrorMessage());
    assertEquals("good again", client.next().getInferResponse().getId());
  }

  @Test
  void anEmptyStream() throws Exception {
    Client client = new Client(false);
    client.open().onCompleted();
    client.await();
    assertNull(client.failure);
    assertEquals(0, client.responses.size());
  }

  @Test
  void aClientThatDoesNotReadIsNotReadFrom() throws Exception {
    Client client = new Client(true);
    AtomicInteger sent = new AtomicInteger();
    StreamObserver<ModelInferRequest> requests = client.open();
    // 768 KB each, there and back.
    ByteString large = ByteString.copyFrom(new byte[64 * 3 * 4]);
    ModelInferRequest request =
        ModelInferRequest.newBuilder()
            .setModelName("echo_FP32")
            .addInputs(input("x", "FP32", 64, 3))
            .addRawInputContents(large)
            .setId("x".repeat(1 << 16))
            .build();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    while (System.nanoTime() < end && sent.get() < 5000) {
      if (client.call.isReady()) {
        requests.onNext(request);
        sent.incrementAndGet();
      } else {
        Thread.sleep(1);
      }
    }
    assertTrue(sent.get() < 1000, sent + " requests were taken though no response was read");
    requests.onCompleted();
    for (int i = 0; i < sent.get(); i++) {
      assertEquals("", client.next().getErrorMessage());
      client.call.request(1);
    }
    client.await();
    assertNull(client.failure);
  }

  @Test
  void aClientThatBreaksOffHarmsNoOther() throws Exception {
    for (int i = 0; i < 20; i++) {
      Client client = new Client(false);
      StreamObserver<ModelInferRequest> requests = client.open();
      for (int j = 0; j < 50; j++) {
        requests.onNext(fruit(1, 2, 3).build());
      }
      client.call.cancel("enough", null);
      client.await();
    }
    everyRequestIsAnsweredInItsPlace();
  }
}
