package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.RequestedOutput;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.ModelRepository;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;

/** Inference. Its clients send no content type, so none is looked at. */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v2/models", produces = MediaType.ALL, consumes = MediaType.ALL)
final class InferController {
  private final ModelRepository models;
  private final Bodies bodies;
  private final InferRequestReader reader;
  private final InferResponseWriter writer;
  private final ExecutorService workers;

  InferController(
      ModelRepository models,
      Bodies bodies,
      InferRequestReader reader,
      InferResponseWriter writer,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.models = models;
    this.bodies = bodies;
    this.reader = reader;
    this.writer = writer;
    this.workers = workers;
  }

  @Post(uris = {"/{model}/infer", "/{model}/versions/{version}/infer"})
  CompletionStage<HttpResponse<byte[]>> infer(
      @PathVariable String model, @PathVariable @Nullable String version, HttpRequest<?> http) {
    Integer number = Names.version(version);
    Integer header = Headers.length(http.getHeaders().get(Headers.LENGTH));
    return bodies.read(http, body -> read(model, number, header, body));
  }

  private CompletionStage<HttpResponse<byte[]>> read(
      String model, Integer version, Integer header, byte[] body) {
    if (header == null || header > 0) {
      return infer(model, version, reader.read(body, header));
    }
    // What the model takes may have to be read from the disk.
    return CompletableFuture.supplyAsync(() -> models.metadata(model, version), workers)
        .thenCompose(metadata -> infer(model, version, reader.readRaw(body, metadata)));
  }

  private CompletionStage<HttpResponse<byte[]>> infer(
      String model, Integer version, InferRequest request) {
    return models
        .infer(
            new InferenceRequest(
                model,
                version,
                request.inputs(),
                request.outputs().stream().map(RequestedOutput::name).toList(),
                request.parameters().priority(),
                request.parameters().timeout()))
        .handle(
            (result, failure) -> {
              if (failure != null) {
                throw explained(failure, request);
              }
              return writer.write(request, result);
            });
  }

  /** Who sends a picture as a JSON string cannot know from the decoder's words what went wrong. */
  private static RuntimeException explained(Throwable failure, InferRequest request) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof BadInputException
        && request.text()
        && request.inputs().containsKey("image")) {
      return new BadInputException(
          cause.getMessage()
              + " (a picture cannot be sent as a JSON string: send it as binary data, or to"
              + " /v1/heads/HEAD/predict)",
          cause);
    }
    return failure instanceof RuntimeException known ? known : new CompletionException(failure);
  }
}
