package dev.headstart.server;

import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.server.grpc.GrpcServer;
import dev.headstart.server.operation.DrainSettings;
import dev.headstart.server.operation.LogSettings;
import dev.headstart.server.operation.Logs;
import dev.headstart.server.security.ConnectionSettings;
import io.micronaut.context.ApplicationContext;
import io.micronaut.context.env.PropertySource;
import io.micronaut.runtime.graceful.GracefulShutdownCapable;
import io.micronaut.runtime.server.EmbeddedServer;
import java.net.BindException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server process's inside: one application context with both transports. */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);

  /**
   * How long clients that keep their connections have to send one more request, whose answer tells
   * them to close. A connection that is closed while a request is on its way loses it.
   */
  private static final long LAST_REQUESTS_MILLIS = 250;

  private final Models models;
  private final ApplicationContext context;
  private final EmbeddedServer http;
  private boolean closed;

  private Server(Models models, ApplicationContext context, EmbeddedServer http) {
    this.models = models;
    this.context = context;
    this.http = http;
  }

  /**
   * Starts a server, which loads its models in the background. The caller closes it.
   *
   * @param settings by name, as {@link Settings} lists them; what is missing has its default
   * @throws dev.headstart.error.BadInputException if a value is wrong
   * @throws FailureException if a port is taken
   */
  public static Server start(Map<String, Object> settings) {
    Settings.check(settings);
    Logs.configure(Settings.make(LogSettings.class, settings));
    Models models = Models.open(settings);
    try {
      return start(models, settings);
    } catch (RuntimeException | Error e) {
      models.close();
      throw e;
    }
  }

  private static Server start(Models models, Map<String, Object> settings) {
    ApplicationContext context =
        ApplicationContext.builder()
            .banner(false)
            .deduceEnvironment(false)
            .deduceCloudEnvironment(false)
            .bootstrapEnvironment(false)
            // What there is to say has been read by Settings.
            .enableDefaultPropertySources(false)
            .environmentPropertySource(false)
            .propertySources(PropertySource.of("headstart", all(settings)))
            .build();
    models.register(context);
    try {
      context.start();
      EmbeddedServer http = context.getBean(EmbeddedServer.class).start();
      context.getBean(GrpcServer.class).start();
      return new Server(models, context, http);
    } catch (RuntimeException e) {
      context.close();
      throw reason(e, settings);
    }
  }

  /** The settings, and what Micronaut calls them. */
  private static Map<String, Object> all(Map<String, Object> settings) {
    ServerSettings server = Settings.make(ServerSettings.class, settings);
    ConnectionSettings connections = Settings.make(ConnectionSettings.class, settings);
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("micronaut.application.name", "headstart");
    all.put("micronaut.server.host", server.host());
    all.put("micronaut.server.port", server.port() == 0 ? -1 : server.port());
    all.put("micronaut.server.idle-timeout", connections.idle());
    all.put("micronaut.server.netty.max-header-size", connections.header());
    all.put("micronaut.server.thread-selection", "MANUAL");
    if (!server.allowedOrigins().isEmpty()) {
      all.put("micronaut.server.cors.enabled", true);
      all.put(
          "micronaut.server.cors.configurations.headstart.allowed-origins",
          server.allowedOrigins());
    }
    settings.forEach(
        (name, value) -> all.put(name, value instanceof Enum<?> ? value.toString() : value));
    return all;
  }

  /** What a person can do something about, out of what the framework wrapped it in. */
  private static RuntimeException reason(RuntimeException thrown, Map<String, Object> settings) {
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      if (e instanceof HeadstartException known) {
        return known;
      }
      if (e instanceof BindException) {
        ServerSettings server = Settings.make(ServerSettings.class, settings);
        return new FailureException(
            "cannot listen on "
                + server.host()
                + " port "
                + server.port()
                + ": "
                + e.getMessage()
                + "; another program may have it: choose another with --port, or 0 for any that is"
                + " free",
            e);
      }
      if (e instanceof java.net.UnknownHostException
          || e instanceof java.nio.channels.UnresolvedAddressException) {
        ServerSettings server = Settings.make(ServerSettings.class, settings);
        return SettingChecks.wrong(
            "headstart.host", "a name or address of this machine", server.host());
      }
    }
    return thrown;
  }

  /** The port that HTTP listens on. */
  public int port() {
    return http.getPort();
  }

  /** The port that gRPC listens on; -1 for none. */
  public int grpcPort() {
    return context.getBean(GrpcServer.class).port();
  }

  /** A part of it, for who starts it: its models, its settings, its keys. */
  public <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /**
   * Stops: says that it is not ready any more, answers what has been asked, and whoever asks on an
   * open connection meanwhile, tells clients to close, and ends. Idempotent.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    DrainSettings drain = context.getBean(DrainSettings.class);
    try {
      context.getBean(Draining.class).begin();
      if (models.repository().ready()) { // else nobody was told to ask
        Thread.sleep(drain.delay().toMillis() + LAST_REQUESTS_MILLIS);
      }
      CompletableFuture<?> answered =
          GracefulShutdownCapable.shutdownAll(
                  context.getBeansOfType(GracefulShutdownCapable.class).stream())
              .toCompletableFuture();
      answered.get(drain.timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.warn("not all requests were answered within {}", drain.timeout());
    } catch (ExecutionException e) {
      LOG.warn("a transport did not stop in order", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    context.close();
    models.close();
  }
}
