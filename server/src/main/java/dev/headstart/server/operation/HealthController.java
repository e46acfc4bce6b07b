package dev.headstart.server.operation;

import dev.headstart.confidence.Drift;
import dev.headstart.server.Draining;
import dev.headstart.server.security.Authentication;
import dev.headstart.server.security.Credentials;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import io.micronaut.http.HttpRequest;
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
 * Heads that are asked about other samples than they learned are counted, and answer all the same;
 * they are named to those who may know of them, as probes have no key.
 */
@RequiresRole.Open
@Controller("/health")
final class HealthController {
  private final ModelRepository models;
  private final Draining draining;
  private final Authentication authentication;

  HealthController(ModelRepository models, Draining draining, Authentication authentication) {
    this.models = models;
    this.draining = draining;
    this.authentication = authentication;
  }

  @Get
  HttpResponse<?> health(HttpRequest<?> request) {
    return answer(request);
  }

  @Get("/liveness")
  HttpResponse<?> liveness() {
    return HttpResponse.ok(Map.of("status", "UP"));
  }

  @Get("/readiness")
  HttpResponse<?> readiness(HttpRequest<?> request) {
    return answer(request);
  }

  private HttpResponse<?> answer(HttpRequest<?> request) {
    boolean ready = models.ready() && !draining.begun();
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
    Map<String, Drift.State> drift = models.drift();
    body.put("drifting", drift.values().stream().filter(s -> s.word() == Drift.Word.ALERT).count());
    if (!authentication.asked() || authentication.role(Credentials.of(request)).isPresent()) {
      Map<String, Object> named = new LinkedHashMap<>();
      drift.forEach((head, state) -> named.put(head, Drifts.json(state)));
      body.put("drift", named);
    }
    return HttpResponse.status(ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE).body(body);
  }
}
