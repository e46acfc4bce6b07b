package dev.headstart.server.operation;

import dev.headstart.confidence.Drift;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.serving.ServingListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;

/**
 * Counts what the models do. A model's meters are made when it first does something and removed
 * when it is gone; what fails because there is no such model is counted without its name, which
 * anybody may have made up.
 */
public final class Metrics implements ServingListener {
  private static final Duration[] BUCKETS = {
    Duration.ofNanos(100_000),
    Duration.ofNanos(250_000),
    Duration.ofNanos(500_000),
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5)
  };
  private static final double[] BATCHES = {1, 2, 4, 8, 16, 32, 64};
  private static final double[] NOVELTIES = {0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3};
  private static final double[] SCORES = {0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1};

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, Model> models = new ConcurrentHashMap<>();
  private final Counter unknown;

  public Metrics() {
    new JvmMemoryMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    Gauge.builder("process.resident.memory", Metrics::resident)
        .baseUnit("bytes")
        .description("Memory of the process, native memory included")
        .register(registry);
    Gauge.builder("headstart.native.handles", OrtRuntime::openHandles)
        .description("Sessions and other objects of ONNX Runtime that are open")
        .register(registry);
    unknown =
        Counter.builder("headstart.unknown.models")
            .description("Requests for models that there are not")
            .register(registry);
  }

  /** Where others put meters of their own. */
  public MeterRegistry registry() {
    return registry;
  }

  /** A model's meters. */
  private final class Model {
    private final Counter succeeded;
    private final Map<String, Counter> failed = new ConcurrentHashMap<>();
    private final Timer requests;
    private final Timer inference;
    private final DistributionSummary batch;
    private final AtomicInteger live = new AtomicInteger();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicInteger drifts = new AtomicInteger(-1);
    private final List<Meter> meters = new ArrayList<>();
    private final String name;
    private volatile DistributionSummary novelty;
    private volatile DistributionSummary score;

    Model(String name) {
      this.name = name;
      succeeded =
          kept(
              Counter.builder("headstart.requests")
                  .description("Requests answered")
                  .tag("model", name)
                  .register(registry));
      requests =
          kept(
              Timer.builder("headstart.request")
                  .description("From a request's arrival at the model to its answer")
                  .tag("model", name)
                  .serviceLevelObjectives(BUCKETS)
                  .register(registry));
      inference =
          kept(
              Timer.builder("headstart.inference")
                  .description("In the model, a batch a time")
                  .tag("model", name)
                  .serviceLevelObjectives(BUCKETS)
                  .register(registry));
      batch =
          kept(
              DistributionSummary.builder("headstart.batch.size")
                  .description("Samples a call of the model")
                  .tag("model", name)
                  .serviceLevelObjectives(BATCHES)
                  .register(registry));
      kept(
          Gauge.builder("headstart.queue", queued, AtomicInteger::get)
              .description("Requests that wait")
              .tag("model", name)
              .register(registry));
    }

    private <M extends Meter> M kept(M meter) {
      meters.add(meter);
      return meter;
    }

    Counter failed(String reason) {
      return failed.computeIfAbsent(
          reason,
          r ->
              Counter.builder("headstart.failures")
                  .description("Requests that failed")
                  .tag("model", name)
                  .tag("reason", r)
                  .register(registry));
    }

    synchronized void live(int version) {
      if (live.getAndSet(version) == 0) {
        kept(
            Gauge.builder("headstart.live.version", live, AtomicInteger::get)
                .description("The version of a head that answers")
                .tag("model", name)
                .register(registry));
      }
    }

    DistributionSummary novelty() {
      DistributionSummary there = novelty;
      return there != null ? there : newNovelty();
    }

    private synchronized DistributionSummary newNovelty() {
      if (novelty == null) {
        novelty =
            distribution(
                "headstart.novelty",
                "How unlike what a head learned its samples are; 5 % of familiar ones exceed 1",
                NOVELTIES);
      }
      return novelty;
    }

    DistributionSummary score() {
      DistributionSummary there = score;
      return there != null ? there : newScore();
    }

    private synchronized DistributionSummary newScore() {
      if (score == null) {
        score = distribution("headstart.score", "The highest score of a prediction", SCORES);
      }
      return score;
    }

    private DistributionSummary distribution(String named, String description, double[] buckets) {
      return kept(
          DistributionSummary.builder(named)
              .description(description)
              .tag("model", name)
              .serviceLevelObjectives(buckets)
              .register(registry));
    }

    synchronized void drift(boolean is) {
      if (drifts.getAndSet(is ? 1 : 0) < 0) {
        kept(
            Gauge.builder("headstart.drift.alert", drifts, AtomicInteger::get)
                .description("1 while a head is asked about other samples than it learned")
                .tag("model", name)
                .register(registry));
      }
    }

    synchronized void remove() {
      meters.forEach(registry::remove);
      failed.values().forEach(registry::remove);
    }
  }

  private Model model(String name) {
    Model there = models.get(name);
    return there != null ? there : models.computeIfAbsent(name, Model::new);
  }

  @Override
  public void executed(String model, int batch, long nanos) {
    Model meters = model(model);
    meters.inference.record(nanos, TimeUnit.NANOSECONDS);
    meters.batch.record(batch);
  }

  @Override
  public void succeeded(String model, long nanos) {
    Model meters = model(model);
    meters.succeeded.increment();
    meters.requests.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void failed(String model, RuntimeException reason, long nanos) {
    if (reason instanceof NotFoundException) {
      unknown.increment();
      return;
    }
    model(model).failed(reason(reason)).increment();
  }

  private static String reason(RuntimeException reason) {
    if (reason instanceof BadInputException) {
      return "bad_input";
    }
    return reason instanceof UnavailableException ? "unavailable" : "internal";
  }

  @Override
  public void predicted(String head, float novelty, float score) {
    Model meters = model(head);
    if (!Float.isNaN(novelty)) {
      meters.novelty().record(novelty);
    }
    if (!Float.isNaN(score)) {
      meters.score().record(score);
    }
  }

  @Override
  public void live(String model, int version) {
    model(model).live(version);
  }

  /**
   * Everything as Prometheus reads it.
   *
   * @param there names of the models that there are; the meters of others are removed
   * @param queued how many requests wait for a model
   * @param drift of the heads that have one
   */
  String scrape(Set<String> there, ToIntFunction<String> queued, Map<String, Drift.State> drift) {
    drift.forEach((head, state) -> model(head).drift(state.word() == Drift.Word.ALERT));
    models.forEach(
        (name, model) -> {
          if (there.contains(name)) {
            model.queued.set(queued.applyAsInt(name));
          } else if (models.remove(name, model)) {
            model.remove();
          }
        });
    return registry.scrape();
  }

  /** Bytes of resident memory; not a number where the system does not say. */
  private static double resident() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024.0;
        }
      }
    } catch (IOException e) {
      return Double.NaN; // not Linux
    }
    return Double.NaN;
  }
}
