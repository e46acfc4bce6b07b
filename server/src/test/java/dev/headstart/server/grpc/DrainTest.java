package dev.headstart.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.server.Draining;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import dev.headstart.server.grpc.proto.ServerLiveRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that is told to stop while a stream is open. */
class DrainTest {
  private static final ModelInferRequest ASK =
      ModelInferRequest.newBuilder()
          .setModelName("fruit")
          .addInputs(
              InferInputTensor.newBuilder()
                  .setName("features")
                  .setDatatype("FP32")
                  .addShape(1)
                  .addShape(3))
          .addRawInputContents(ByteString.copyFrom(new byte[12]))
          .build();

  @TempDir Path folder;

  @Test
  void anOpenStreamIsAnsweredToItsEndAndNewCallsAreNotTaken() throws Exception {
    GrpcTestServer server = new GrpcTestServer(folder, Map.of("headstart.drain.timeout", "60s"));
    CompletableFuture<Void> stopped = null;
    try {
      BlockingQueue<String> answers = new LinkedBlockingQueue<>();
      StreamObserver<ModelInferRequest> stream =
          GRPCInferenceServiceGrpc.newStub(server.channel)
              .modelStreamInfer(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ModelStreamInferResponse response) {
                      answers.add("answer" + response.getErrorMessage());
                    }

                    @Override
                    public void onError(Throwable failure) {
                      answers.add(failure.toString());
                    }

                    @Override
                    public void onCompleted() {
                      answers.add("end");
                    }
                  });
      stream.onNext(ASK);
      assertEquals("answer", answers.poll(30, TimeUnit.SECONDS));
      stopped = CompletableFuture.runAsync(server.server::close);
      while (!server.server.bean(Draining.class).begun()) {
        Thread.sleep(1);
      }
      awaitRefusal(server);
      stream.onNext(ASK);
      assertEquals("answer", answers.poll(30, TimeUnit.SECONDS));
      assertTrue(!stopped.isDone());
      stream.onCompleted();
      assertEquals("end", answers.poll(30, TimeUnit.SECONDS));
      stopped.get(30, TimeUnit.SECONDS);
    } finally {
      server.channel.shutdownNow();
      server.server.close();
    }
  }

  private static void awaitRefusal(GrpcTestServer server) {
    assertThrows(
        StatusRuntimeException.class,
        () -> {
          for (int i = 0; i < 1000; i++) {
            server
                .client
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .serverLive(ServerLiveRequest.getDefaultInstance());
            Thread.sleep(10);
          }
        });
  }
}
