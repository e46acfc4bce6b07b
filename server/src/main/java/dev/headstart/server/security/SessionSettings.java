package dev.headstart.server.security;

import dev.headstart.server.SettingChecks;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import java.time.Duration;

/**
 * How long who logged in stays so.
 *
 * @param lasts from the login
 */
@ConfigurationProperties("headstart.session")
public record SessionSettings(@Bindable(defaultValue = "12h") Duration lasts) {

  public SessionSettings {
    SettingChecks.positive("headstart.session.lasts", lasts);
  }
}
