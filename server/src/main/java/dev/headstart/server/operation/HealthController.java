package dev.headstart.server.operation;

import dev.headstart.server.Draining;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Whether the process lives, and whether it is ready for requests. It is, once all models are
 * loaded and until it is told to stop; one model that cannot be loaded does not hold up the others.
 * Heads that are asked about other samples than they learned are named, and answer all the same.
 */
@RequiresRole.Open
@Controller("/health")
final class HealthController {
  private final ModelRepository models;
  private final Draining draining;

  HealthController(ModelRepository models, Draining draining) {
    this.models = models;
    this.draining = draining;
  }

  @Get
  HttpResponse<?> health() {
    return answer(models.ready() && !draining.begun());
  }

  @Get("/liveness")
  HttpResponse<?> liveness() {
    return HttpResponse.ok(Map.of("status", "UP"));
  }

  @Get("/readiness")
  HttpResponse<?> readiness() {
    return answer(models.ready() && !draining.begun());
  }

  private HttpResponse<?> answer(boolean ready) {
    Map<ModelStatus.State, Long> states =
        models.index().stream()
            .collect(Collectors.groupingBy(ModelStatus::state, Collectors.counting()));
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("status", ready ? "UP" : "DOWN");
    body.put(
        "models",
        Map.of(
            "ready", states.getOrDefault(ModelStatus.State.READY, 0L),
            "loading", states.getOrDefault(ModelStatus.State.LOADING, 0L),
            "unavailable", states.getOrDefault(ModelStatus.State.UNAVAILABLE, 0L)));
    body.put("draining", draining.begun());
    Map<String, Object> drift = new LinkedHashMap<>();
    models.drift().forEach((head, state) -> drift.put(head, Drifts.json(state)));
    body.put("drift", drift);
    return HttpResponse.status(ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE).body(body);
  }
}
