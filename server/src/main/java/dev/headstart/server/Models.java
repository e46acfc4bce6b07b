package dev.headstart.server;

import dev.headstart.Headstart;
import dev.headstart.server.operation.Metrics;
import dev.headstart.server.protocol.Limits;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingSettings;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import jakarta.inject.Singleton;

/** The workspace and its models, opened once for all transports. */
@Factory
final class Models {

  @Singleton
  @Bean(preDestroy = "close")
  Headstart headstart(ServerSettings settings) {
    return Headstart.open(settings.workspace(), settings.providers());
  }

  @Singleton
  @Bean(preDestroy = "close")
  ModelRepository repository(
      Headstart headstart, ServerSettings settings, Limits limits, Metrics metrics) {
    return headstart.repository(
        new ServingSettings(
            settings.models(),
            settings.providers(),
            settings.providersByModel(),
            settings.cores(),
            settings.queue(),
            limits.batch(),
            settings.timeout(),
            settings.poll()),
        metrics);
  }
}
