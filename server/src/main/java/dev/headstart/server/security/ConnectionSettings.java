package dev.headstart.server.security;

import dev.headstart.server.SettingChecks;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import java.time.Duration;

/**
 * What clients may keep busy.
 *
 * @param max HTTP connections at a time; more are closed at once
 * @param idle how long a connection is kept on which nothing is sent
 * @param request how long a client may take to send one request
 * @param header bytes of all headers of a request
 */
@ConfigurationProperties("headstart.connections")
public record ConnectionSettings(
    @Bindable(defaultValue = "4096") int max,
    @Bindable(defaultValue = "5m") Duration idle,
    @Bindable(defaultValue = "1m") Duration request,
    @Bindable(defaultValue = "16384") int header) {

  public ConnectionSettings {
    SettingChecks.within("headstart.connections.max", max, 1, 1_000_000);
    SettingChecks.positive("headstart.connections.idle", idle);
    SettingChecks.positive("headstart.connections.request", request);
    SettingChecks.within("headstart.connections.header", header, 1_024, 1_048_576);
  }
}
