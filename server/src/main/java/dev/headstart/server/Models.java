package dev.headstart.server;

import dev.headstart.Headstart;
import dev.headstart.server.operation.Metrics;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.teach.TeachSettings;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingSettings;
import dev.headstart.teach.RunSettings;
import dev.headstart.teach.Teaching;
import dev.headstart.teach.TeachingSettings;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.annotation.Nullable;
import java.util.Map;

/**
 * The workspace and its models, opened once for all transports, and before them: models load while
 * the rest of the server starts.
 *
 * @param teaching null where nothing is to be taught
 */
record Models(
    Headstart headstart, ModelRepository repository, @Nullable Teaching teaching, Metrics metrics)
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
      ModelRepository repository = headstart.repository(serving, metrics);
      try {
        return new Models(headstart, repository, teaching(headstart, repository, values), metrics);
      } catch (RuntimeException | Error e) {
        repository.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      headstart.close();
      throw e;
    }
  }

  private static Teaching teaching(
      Headstart headstart, ModelRepository repository, Map<String, Object> values) {
    TeachSettings settings = Settings.make(TeachSettings.class, values);
    if (!settings.enabled()) {
      return null;
    }
    RunSettings usual = RunSettings.defaults();
    RunSettings runs =
        new RunSettings(
            usual.trainings(),
            settings.cores() == 0 ? usual.cores() : settings.cores(),
            settings.queue(),
            usual.patience());
    return headstart.teaching(
        repository, new TeachingSettings(settings.feedback(), settings.feedbackBytes(), runs));
  }

  /** Makes them beans. */
  void register(ApplicationContext context) {
    context.registerSingleton(Headstart.class, headstart);
    context.registerSingleton(ModelRepository.class, repository);
    context.registerSingleton(Metrics.class, metrics);
    if (teaching != null) {
      context.registerSingleton(Teaching.class, teaching);
    }
  }

  @Override
  public void close() {
    try {
      if (teaching != null) {
        teaching.close();
      }
    } finally {
      try {
        repository.close();
      } finally {
        headstart.close();
      }
    }
  }
}
