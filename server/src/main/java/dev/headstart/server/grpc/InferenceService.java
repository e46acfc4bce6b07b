package dev.headstart.server.grpc;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.server.Draining;
import dev.headstart.server.grpc.proto.CudaSharedMemoryRegisterRequest;
import dev.headstart.server.grpc.proto.CudaSharedMemoryRegisterResponse;
import dev.headstart.server.grpc.proto.CudaSharedMemoryStatusRequest;
import dev.headstart.server.grpc.proto.CudaSharedMemoryStatusResponse;
import dev.headstart.server.grpc.proto.CudaSharedMemoryUnregisterRequest;
import dev.headstart.server.grpc.proto.CudaSharedMemoryUnregisterResponse;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import dev.headstart.server.grpc.proto.LogSettingsRequest;
import dev.headstart.server.grpc.proto.LogSettingsResponse;
import dev.headstart.server.grpc.proto.ModelConfigRequest;
import dev.headstart.server.grpc.proto.ModelConfigResponse;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.grpc.proto.ModelMetadataRequest;
import dev.headstart.server.grpc.proto.ModelMetadataResponse;
import dev.headstart.server.grpc.proto.ModelReadyRequest;
import dev.headstart.server.grpc.proto.ModelReadyResponse;
import dev.headstart.server.grpc.proto.ModelRepositoryParameter;
import dev.headstart.server.grpc.proto.ModelStatisticsRequest;
import dev.headstart.server.grpc.proto.ModelStatisticsResponse;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import dev.headstart.server.grpc.proto.RepositoryIndexRequest;
import dev.headstart.server.grpc.proto.RepositoryIndexResponse;
import dev.headstart.server.grpc.proto.RepositoryModelLoadRequest;
import dev.headstart.server.grpc.proto.RepositoryModelLoadResponse;
import dev.headstart.server.grpc.proto.RepositoryModelUnloadRequest;
import dev.headstart.server.grpc.proto.RepositoryModelUnloadResponse;
import dev.headstart.server.grpc.proto.ServerLiveRequest;
import dev.headstart.server.grpc.proto.ServerLiveResponse;
import dev.headstart.server.grpc.proto.ServerMetadataRequest;
import dev.headstart.server.grpc.proto.ServerMetadataResponse;
import dev.headstart.server.grpc.proto.ServerReadyRequest;
import dev.headstart.server.grpc.proto.ServerReadyResponse;
import dev.headstart.server.grpc.proto.SystemSharedMemoryRegisterRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryRegisterResponse;
import dev.headstart.server.grpc.proto.SystemSharedMemoryStatusRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryStatusResponse;
import dev.headstart.server.grpc.proto.SystemSharedMemoryUnregisterRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryUnregisterResponse;
import dev.headstart.server.grpc.proto.TraceSettingRequest;
import dev.headstart.server.grpc.proto.TraceSettingResponse;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.NotSupportedException;
import dev.headstart.server.protocol.ServerMetadata;
import dev.headstart.serving.ModelRepository;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;

/**
 * The protocol's service. Inference and the questions that probes ask are answered where they
 * arrive; what may read the disk or wait for a model goes to a thread that may block.
 */
@Singleton
final class InferenceService extends GRPCInferenceServiceImplBase {
  private final ModelRepository models;
  private final Draining draining;
  private final Limits limits;
  private final ExecutorService blocking;

  InferenceService(
      ModelRepository models,
      Draining draining,
      Limits limits,
      @Named(TaskExecutors.BLOCKING) ExecutorService blocking) {
    this.models = models;
    this.draining = draining;
    this.limits = limits;
    this.blocking = blocking;
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
    answer(observer, () -> ServerLiveResponse.newBuilder().setLive(true).build());
  }

  @Override
  public void serverReady(
      ServerReadyRequest request, StreamObserver<ServerReadyResponse> observer) {
    answer(
        observer,
        () ->
            ServerReadyResponse.newBuilder().setReady(models.ready() && !draining.begun()).build());
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    answer(
        observer,
        () ->
            ModelReadyResponse.newBuilder()
                .setReady(ready(request.getName(), Names.version(request.getVersion())))
                .build());
  }

  private boolean ready(String model, Integer version) {
    try {
      return models.ready(model, version);
    } catch (NotFoundException e) {
      return false;
    }
  }

  @Override
  public void serverMetadata(
      ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
    answer(
        observer,
        () -> {
          ServerMetadata server = ServerMetadata.current();
          return ServerMetadataResponse.newBuilder()
              .setName(server.name())
              .setVersion(server.version())
              .addAllExtensions(server.extensions())
              .build();
        });
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    later(
        observer,
        () ->
            Views.metadata(
                models.metadata(request.getName(), Names.version(request.getVersion()))));
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    later(
        observer,
        () ->
            Views.configuration(
                models.metadata(request.getName(), Names.version(request.getVersion()))));
  }

  @Override
  public void modelStatistics(
      ModelStatisticsRequest request, StreamObserver<ModelStatisticsResponse> observer) {
    later(
        observer,
        () -> {
          String name = request.getName().isEmpty() ? null : request.getName();
          Integer version = name == null ? null : Names.version(request.getVersion());
          return Views.statistics(models.statistics(name, version));
        });
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    ServerCallStreamObserver<ModelInferResponse> call =
        (ServerCallStreamObserver<ModelInferResponse>) observer;
    Inference inference;
    try {
      inference = Inference.of(request, limits);
    } catch (RuntimeException e) {
      observer.onError(Statuses.of(e));
      return;
    }
    // With a handler, answering a client that has gone is not an error.
    call.setOnCancelHandler(() -> {});
    CallMemory memory = CallMemory.current();
    memory.retain();
    models
        .infer(inference.request())
        .whenComplete(
            (result, failure) -> {
              memory.release();
              if (call.isCancelled()) {
                return;
              }
              if (failure != null) {
                observer.onError(Statuses.of(failure));
              } else {
                answer(observer, () -> inference.answer(result, models).build());
              }
            });
  }

  @Override
  public StreamObserver<ModelInferRequest> modelStreamInfer(
      StreamObserver<ModelStreamInferResponse> observer) {
    return new InferenceStream(
        models, limits, (ServerCallStreamObserver<ModelStreamInferResponse>) observer);
  }

  @Override
  public void repositoryIndex(
      RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> observer) {
    later(
        observer,
        () -> {
          if (!request.getRepositoryName().isEmpty()) {
            throw new NotSupportedException(
                "there is one repository, and it has no name: leave repository_name out");
          }
          return Views.index(models.index(), request.getReady());
        });
  }

  @Override
  public void repositoryModelLoad(
      RepositoryModelLoadRequest request, StreamObserver<RepositoryModelLoadResponse> observer) {
    later(
        observer,
        () -> {
          String model = model(request.getRepositoryName(), request.getModelName());
          checkLoadParameters(request.getParametersMap());
          models.load(model);
          return RepositoryModelLoadResponse.newBuilder()
              .setModelName(model)
              .setIsLoaded(true)
              .build();
        });
  }

  @Override
  public void repositoryModelUnload(
      RepositoryModelUnloadRequest request,
      StreamObserver<RepositoryModelUnloadResponse> observer) {
    later(
        observer,
        () -> {
          String model = model(request.getRepositoryName(), request.getModelName());
          models.unload(model);
          return RepositoryModelUnloadResponse.newBuilder()
              .setModelName(model)
              .setIsUnloaded(true)
              .build();
        });
  }

  /** KServe's clients send a model's name where Triton's send a repository's. */
  private static String model(String first, String second) {
    if (!first.isEmpty() && !second.isEmpty()) {
      throw new NotSupportedException(
          "there is one repository, and it has no name: leave repository_name out");
    }
    String model = first + second;
    if (model.isEmpty()) {
      throw new BadInputException("expected a model's name in model_name");
    }
    return model;
  }

  private static void checkLoadParameters(Map<String, ModelRepositoryParameter> parameters) {
    for (String name : parameters.keySet()) {
      if (name.equals("config") || name.startsWith("file:")) {
        throw new NotSupportedException(
            "parameter '"
                + Names.shown(name)
                + "': models are loaded as the workspace has them; use headstart models add");
      }
    }
  }

  @Override
  public void systemSharedMemoryStatus(
      SystemSharedMemoryStatusRequest request,
      StreamObserver<SystemSharedMemoryStatusResponse> observer) {
    answer(
        observer,
        () -> {
          checkRegion(request.getName());
          return SystemSharedMemoryStatusResponse.getDefaultInstance();
        });
  }

  @Override
  public void cudaSharedMemoryStatus(
      CudaSharedMemoryStatusRequest request,
      StreamObserver<CudaSharedMemoryStatusResponse> observer) {
    answer(
        observer,
        () -> {
          checkRegion(request.getName());
          return CudaSharedMemoryStatusResponse.getDefaultInstance();
        });
  }

  private static void checkRegion(String name) {
    if (!name.isEmpty()) {
      throw new NotFoundException("shared memory region", name, List.of());
    }
  }

  /** Clients unregister all regions before they begin; there are none, so that is done. */
  @Override
  public void systemSharedMemoryUnregister(
      SystemSharedMemoryUnregisterRequest request,
      StreamObserver<SystemSharedMemoryUnregisterResponse> observer) {
    answer(observer, SystemSharedMemoryUnregisterResponse::getDefaultInstance);
  }

  @Override
  public void cudaSharedMemoryUnregister(
      CudaSharedMemoryUnregisterRequest request,
      StreamObserver<CudaSharedMemoryUnregisterResponse> observer) {
    answer(observer, CudaSharedMemoryUnregisterResponse::getDefaultInstance);
  }

  @Override
  public void systemSharedMemoryRegister(
      SystemSharedMemoryRegisterRequest request,
      StreamObserver<SystemSharedMemoryRegisterResponse> observer) {
    refuse(observer, "shared memory is not supported, send the data with the request");
  }

  @Override
  public void cudaSharedMemoryRegister(
      CudaSharedMemoryRegisterRequest request,
      StreamObserver<CudaSharedMemoryRegisterResponse> observer) {
    refuse(observer, "shared memory is not supported, send the data with the request");
  }

  @Override
  public void traceSetting(
      TraceSettingRequest request, StreamObserver<TraceSettingResponse> observer) {
    refuse(observer, "tracing is not set over the protocol; see the server's configuration");
  }

  @Override
  public void logSettings(
      LogSettingsRequest request, StreamObserver<LogSettingsResponse> observer) {
    refuse(observer, "logging is not set over the protocol; see the server's configuration");
  }

  private static void refuse(StreamObserver<?> observer, String why) {
    observer.onError(Statuses.of(new NotSupportedException(why)));
  }

  private <R> void later(StreamObserver<R> observer, Supplier<R> answer) {
    ((ServerCallStreamObserver<R>) observer).setOnCancelHandler(() -> {});
    blocking.execute(() -> answer(observer, answer));
  }

  private static <R> void answer(StreamObserver<R> observer, Supplier<R> answer) {
    R message;
    try {
      message = answer.get();
    } catch (RuntimeException e) {
      observer.onError(Statuses.of(e));
      return;
    }
    observer.onNext(message);
    observer.onCompleted();
  }
}
