package dev.headstart.server.teach;

import dev.headstart.server.operation.Metrics;
import dev.headstart.teach.Event;
import dev.headstart.teach.Events;
import dev.headstart.teach.Run;
import dev.headstart.teach.Teaching;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.annotation.Context;
import io.micronaut.context.annotation.Requires;
import jakarta.annotation.PreDestroy;
import java.util.HashMap;
import java.util.Map;

/** Counts what is taught. */
@Context
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
final class TeachMetrics {
  private final Counter samples;
  private final Map<String, Counter> ended = new HashMap<>();
  private final Events.Subscription subscription;

  TeachMetrics(Teaching teaching, EventStreams streams, Metrics metrics) {
    MeterRegistry registry = metrics.registry();
    this.samples =
        Counter.builder("headstart.teaching.samples")
            .description("Samples that clients added")
            .register(registry);
    for (Run.State state : Run.State.values()) {
      if (state.ended()) {
        ended.put(
            state.id(),
            Counter.builder("headstart.teaching.runs")
                .description("Runs that are over")
                .tag("state", state.id())
                .register(registry));
      }
    }
    waiting(registry, teaching, "queue", Run.State.QUEUED, "Runs that wait");
    waiting(registry, teaching, "running", Run.State.RUNNING, "Runs that go on");
    Gauge.builder("headstart.teaching.streams", streams, EventStreams::size)
        .description("Event streams that clients listen to")
        .register(registry);
    this.subscription = teaching.events().subscribe(this::count);
  }

  private static void waiting(
      MeterRegistry registry, Teaching teaching, String name, Run.State state, String description) {
    Gauge.builder(
            "headstart.teaching." + name,
            teaching.runs(),
            runs -> runs.open().stream().filter(run -> run.state() == state).count())
        .description(description)
        .register(registry);
  }

  private void count(Event event) {
    if (event.type().equals("samples") && event.data().get("added") instanceof Number added) {
      samples.increment(added.doubleValue());
    }
    if (event.type().equals("run") && event.data().get("state") instanceof String state) {
      Counter runs = ended.get(state);
      if (runs != null) {
        runs.increment();
      }
    }
  }

  @PreDestroy
  void close() {
    subscription.close();
  }
}
