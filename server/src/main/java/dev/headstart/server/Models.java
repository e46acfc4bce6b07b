package dev.headstart.server;

import dev.headstart.Headstart;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
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
    return Headstart.open(settings.workspace());
  }

  @Singleton
  @Bean(preDestroy = "close")
  ModelRepository repository(Headstart headstart, ServingListener listener) {
    return headstart.repository(ServingSettings.defaults(), listener);
  }

  @Singleton
  ServingListener listener() {
    return ServingListener.NONE;
  }
}
