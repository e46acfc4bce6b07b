package dev.headstart.server.operation;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;

/**
 * What is logged, to standard error.
 *
 * @param format lines for people, or JSON objects, a line each
 * @param level the least that is logged
 * @param access whether every request is logged, not only those that fail
 */
@ConfigurationProperties("headstart.log")
public record LogSettings(
    @Bindable(defaultValue = "plain") Format format,
    @Bindable(defaultValue = "info") Level level,
    @Bindable(defaultValue = "false") boolean access) {

  /** Of a line. */
  public enum Format {
    PLAIN,
    JSON
  }

  /** From much to little. */
  public enum Level {
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR,
    OFF
  }
}
