package dev.headstart.server.operation;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.annotation.Nullable;

/**
 * Where spans go.
 *
 * @param endpoint of an OpenTelemetry collector, for OTLP over HTTP, as {@code
 *     http://localhost:4318}; null for no tracing
 */
@ConfigurationProperties("headstart.tracing")
public record TracingSettings(@Nullable String endpoint) {}
