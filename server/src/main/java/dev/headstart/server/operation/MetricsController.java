package dev.headstart.server.operation;

import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Produces;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.util.stream.Collectors;

/** The metrics, for Prometheus. */
@RequiresRole(Role.PREDICT)
@Controller("/prometheus")
final class MetricsController {
  private final Metrics metrics;
  private final ModelRepository models;

  MetricsController(Metrics metrics, ModelRepository models) {
    this.metrics = metrics;
    this.models = models;
  }

  /** Not on the event loop, as it is long with many models. */
  @Get
  @Produces("text/plain; version=0.0.4; charset=utf-8")
  @ExecuteOn(TaskExecutors.BLOCKING)
  String scrape() {
    return metrics.scrape(
        models.index().stream().map(ModelStatus::name).collect(Collectors.toSet()),
        models::queued,
        models.drift());
  }
}
