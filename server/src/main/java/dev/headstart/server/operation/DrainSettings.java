package dev.headstart.server.operation;

import dev.headstart.server.SettingChecks;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import java.time.Duration;

/**
 * How the server stops.
 *
 * @param delay how long it goes on as before, but not ready, so that balancers look elsewhere
 * @param timeout how long requests that were taken may need
 */
@ConfigurationProperties("headstart.drain")
public record DrainSettings(
    @Bindable(defaultValue = "0s") Duration delay,
    @Bindable(defaultValue = "30s") Duration timeout) {

  public DrainSettings {
    if (delay.isNegative()) {
      throw SettingChecks.wrong("headstart.drain.delay", "0s or longer", delay);
    }
    SettingChecks.positive("headstart.drain.timeout", timeout);
  }
}
