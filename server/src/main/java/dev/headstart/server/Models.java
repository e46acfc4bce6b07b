package dev.headstart.server;

import dev.headstart.Headstart;
import dev.headstart.server.operation.Metrics;
import dev.headstart.server.protocol.Limits;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingSettings;
import io.micronaut.context.ApplicationContext;
import java.util.Map;

/**
 * The workspace and its models, opened once for all transports, and before them: models load while
 * the rest of the server starts.
 */
record Models(Headstart headstart, ModelRepository repository, Metrics metrics)
    implements AutoCloseable {

  /** Opens the workspace and begins to load models; the caller closes them. */
  static Models open(Map<String, Object> values) {
    ServerSettings settings = Settings.make(ServerSettings.class, values);
    Limits limits = Settings.make(Limits.class, values);
    Headstart headstart = Headstart.open(settings.workspace(), settings.providers());
    try {
      Metrics metrics = new Metrics();
      ServingSettings serving =
          new ServingSettings(
              settings.models(),
              settings.providers(),
              settings.providersByModel(),
              settings.cores(),
              settings.queue(),
              limits.batch(),
              settings.timeout(),
              settings.poll());
      return new Models(headstart, headstart.repository(serving, metrics), metrics);
    } catch (RuntimeException | Error e) {
      headstart.close();
      throw e;
    }
  }

  /** Makes them beans. */
  void register(ApplicationContext context) {
    context.registerSingleton(Headstart.class, headstart);
    context.registerSingleton(ModelRepository.class, repository);
    context.registerSingleton(Metrics.class, metrics);
  }

  @Override
  public void close() {
    try {
      repository.close();
    } finally {
      headstart.close();
    }
  }
}
