package dev.headstart.server;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.bind.annotation.Bindable;
import java.nio.file.Path;

/**
 * What the server is told by flags, environment ({@code HEADSTART_PORT} for {@code headstart.port})
 * and configuration file, in this order of precedence.
 *
 * @param workspace where heads and added base models lie
 * @param host address to listen on; null for the loopback address
 * @param port for HTTP; 0 for any that is free
 * @param grpcPort for gRPC; 0 for any that is free, -1 for none
 */
@ConfigurationProperties("headstart")
public record ServerSettings(
    Path workspace,
    @Nullable String host,
    @Bindable(defaultValue = "8080") int port,
    @Bindable(defaultValue = "9000") int grpcPort) {}
