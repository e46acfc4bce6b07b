package dev.headstart.server.grpc;

import dev.headstart.error.NotFoundException;
import dev.headstart.server.Draining;
import dev.headstart.serving.ModelRepository;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Singleton;

/**
 * {@code grpc.health.v1}, which orchestrators probe: the server as a whole by the empty name or the
 * protocol's service, and every model by its own. Watching is not offered, which that protocol
 * allows; clients then go without.
 */
@Singleton
final class HealthService extends HealthGrpc.HealthImplBase {
  private static final String PROTOCOL = "inference.GRPCInferenceService";

  private final ModelRepository models;
  private final Draining draining;

  HealthService(ModelRepository models, Draining draining) {
    this.models = models;
    this.draining = draining;
  }

  @Override
  public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> observer) {
    String service = request.getService();
    boolean ready;
    try {
      ready =
          service.isEmpty() || service.equals(PROTOCOL)
              ? models.ready() && !draining.begun()
              : models.ready(service, null);
    } catch (NotFoundException e) {
      observer.onError(Status.NOT_FOUND.withDescription(e.getMessage()).asRuntimeException());
      return;
    }
    observer.onNext(
        HealthCheckResponse.newBuilder()
            .setStatus(ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING)
            .build());
    observer.onCompleted();
  }
}
