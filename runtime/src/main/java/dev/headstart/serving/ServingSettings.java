package dev.headstart.serving;

import dev.headstart.ort.Provider;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How models are served.
 *
 * @param load names of the models to load at the start; null for all there are
 * @param providers of base models, in order of preference
 * @param providersByModel the same for single base models, by name
 * @param workers calls of models that run at a time at most
 * @param queue requests that wait for one model at most; more are refused
 * @param maxBatch samples in one request, and in one call of a model, at most
 * @param timeout of requests that name none
 * @param poll how often the workspace is looked at for what other processes promoted
 */
public record ServingSettings(
    List<String> load,
    List<Provider> providers,
    Map<String, List<Provider>> providersByModel,
    int workers,
    int queue,
    int maxBatch,
    Duration timeout,
    Duration poll) {

  public ServingSettings {
    load = load == null ? null : List.copyOf(load);
    providers = List.copyOf(providers);
    providersByModel = Map.copyOf(providersByModel);
  }

  /** For this machine: all models, CPU, a worker a core. */
  public static ServingSettings defaults() {
    return new ServingSettings(
        null,
        List.of(Provider.CPU),
        Map.of(),
        Runtime.getRuntime().availableProcessors(),
        256,
        64,
        Duration.ofSeconds(30),
        Duration.ofMillis(250));
  }
}
