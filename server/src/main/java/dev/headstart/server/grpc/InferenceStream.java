package dev.headstart.server.grpc;

import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Room;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelRepository;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * One call of ModelStreamInfer. Requests are worked on side by side and answered in their order,
 * one response each; one that fails is answered in its place, and the stream goes on.
 *
 * <p>At most {@link #IN_FLIGHT} requests of a stream are taken from the network and not yet
 * answered. A client that does not read its responses is therefore not read from either.
 */
final class InferenceStream implements StreamObserver<ModelInferRequest> {
  private static final int IN_FLIGHT = 64;

  /** Tells clients that count responses that no more of them follow for this request. */
  private static final InferParameter FINAL =
      InferParameter.newBuilder().setBoolParam(true).build();

  /** A request's place in the order. */
  private static final class Place {
    private final Room.Lease memory;
    private ModelStreamInferResponse response;

    Place(Room.Lease memory) {
      this.memory = memory;
    }
  }

  private final ModelRepository models;
  private final Limits limits;
  private final ServerCallStreamObserver<ModelStreamInferResponse> client;

  // Guarded by this object's lock.
  private final Deque<Place> places = new ArrayDeque<>();
  private boolean complete;
  private boolean over;

  InferenceStream(
      ModelRepository models,
      Limits limits,
      ServerCallStreamObserver<ModelStreamInferResponse> client) {
    this.models = models;
    this.limits = limits;
    this.client = client;
    client.disableAutoRequest();
    client.setOnCancelHandler(this::cancelled);
    client.setOnReadyHandler(this::drain);
    client.request(IN_FLIGHT);
  }

  @Override
  public void onNext(ModelInferRequest message) {
    Place place = new Place(CallMemory.current().handOver());
    synchronized (this) {
      places.add(place);
    }
    Inference inference;
    try {
      inference = Inference.of(message, limits);
    } catch (RuntimeException e) {
      done(place, failed(message, e));
      return;
    }
    models
        .infer(inference.request())
        .whenComplete((result, failure) -> done(place, response(inference, result, failure)));
  }

  private ModelStreamInferResponse response(
      Inference inference, InferenceResult result, Throwable failure) {
    if (failure != null) {
      return failed(inference.message(), failure);
    }
    try {
      ModelInferResponse.Builder answer = inference.answer(result, models);
      answer.putParameters("triton_final_response", FINAL);
      return ModelStreamInferResponse.newBuilder().setInferResponse(answer).build();
    } catch (RuntimeException e) {
      return failed(inference.message(), e);
    }
  }

  private static ModelStreamInferResponse failed(ModelInferRequest message, Throwable failure) {
    StatusRuntimeException status = Statuses.of(failure);
    return ModelStreamInferResponse.newBuilder()
        .setErrorMessage(status.getStatus().getDescription())
        .setInferResponse(
            ModelInferResponse.newBuilder()
                .setModelName(message.getModelName())
                .setModelVersion(message.getModelVersion())
                .setId(message.getId())
                .putParameters("triton_final_response", FINAL))
        .build();
  }

  private void done(Place place, ModelStreamInferResponse response) {
    place.memory.close();
    synchronized (this) {
      place.response = response;
    }
    drain();
  }

  /** Sends what is next in order, as long as the client takes it. */
  private synchronized void drain() {
    while (!over && client.isReady() && !places.isEmpty() && places.peek().response != null) {
      client.onNext(places.remove().response);
      client.request(1);
    }
    if (complete && !over && places.isEmpty()) {
      over = true;
      client.onCompleted();
    }
  }

  private synchronized void cancelled() {
    over = true;
    places.clear();
  }

  /** The client broke off; the call is over already. */
  @Override
  public void onError(Throwable failure) {
    cancelled();
  }

  @Override
  public void onCompleted() {
    synchronized (this) {
      complete = true;
    }
    drain();
  }
}
