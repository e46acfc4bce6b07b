package dev.headstart.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.NotSupportedException;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;

/** The repository extension: which models there are, load and unload. */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v2/repository", produces = MediaType.ALL, consumes = MediaType.ALL)
final class RepositoryController {
  /** Bytes of a request: a few words. */
  private static final int LONGEST = 1 << 16;

  private final ModelRepository models;
  private final Bodies bodies;
  private final ExecutorService workers;
  private final ObjectMapper json;

  RepositoryController(
      ModelRepository models,
      Bodies bodies,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers,
      Limits limits) {
    this.models = models;
    this.bodies = bodies;
    this.workers = workers;
    this.json = new ObjectMapper(Json.factory(limits));
  }

  @Post("/index")
  CompletionStage<HttpResponse<byte[]>> index(HttpRequest<?> request) {
    return answer(
        request,
        body -> {
          JsonNode ready = read(body).path("ready");
          if (!ready.isMissingNode() && !ready.isBoolean()) {
            throw new BadInputException("'ready' is true or false, not " + ready.getNodeType());
          }
          return Answers.json(lines(ready.asBoolean(false)));
        });
  }

  @RequiresRole(Role.ADMIN)
  @Post("/models/{model}/load")
  CompletionStage<HttpResponse<byte[]>> load(@PathVariable String model, HttpRequest<?> request) {
    return answer(
        request,
        body -> {
          JsonNode parameters = read(body).path("parameters");
          for (Map.Entry<String, JsonNode> parameter : parameters.properties()) {
            if (parameter.getKey().equals("config") || parameter.getKey().startsWith("file:")) {
              throw new NotSupportedException(
                  "models are loaded as they lie in the workspace: 'config' and 'file:' are not"
                      + " supported");
            }
          }
          models.load(model);
          return HttpResponse.ok();
        });
  }

  @RequiresRole(Role.ADMIN)
  @Post("/models/{model}/unload")
  CompletionStage<HttpResponse<byte[]>> unload(@PathVariable String model, HttpRequest<?> request) {
    return answer(
        request,
        body -> {
          // unload_dependents asks for nothing: no model here is a part of another.
          read(body);
          models.unload(model);
          return HttpResponse.ok();
        });
  }

  /** Loading, and listing what there is, take their time. */
  private CompletionStage<HttpResponse<byte[]>> answer(
      HttpRequest<?> request, Function<byte[], HttpResponse<byte[]>> work) {
    return bodies.read(
        request, body -> CompletableFuture.supplyAsync(() -> work.apply(body), workers));
  }

  private List<Map<String, Object>> lines(boolean onlyReady) {
    return models.index().stream()
        .filter(model -> !onlyReady || model.state() == ModelStatus.State.READY)
        .map(
            model -> {
              Map<String, Object> line = new LinkedHashMap<>();
              line.put("name", model.name());
              if (model.version() != null) {
                line.put("version", String.valueOf(model.version()));
              }
              line.put("state", model.state().name());
              if (model.reason() != null) {
                line.put("reason", model.reason());
              }
              return line;
            })
        .toList();
  }

  private JsonNode read(byte[] body) {
    return body.length == 0 ? json.createObjectNode() : Json.object(json, body, LONGEST);
  }
}
