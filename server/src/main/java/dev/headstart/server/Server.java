package dev.headstart.server;

import dev.headstart.server.grpc.GrpcServer;
import dev.headstart.serving.ModelRepository;
import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.util.LinkedHashMap;
import java.util.Map;

/** The server process's inside: one application context with both transports. */
public final class Server implements AutoCloseable {
  private final ApplicationContext context;
  private final EmbeddedServer http;

  private Server(ApplicationContext context, EmbeddedServer http) {
    this.context = context;
    this.http = http;
  }

  /**
   * Starts a server, which loads its models in the background. The caller closes it.
   *
   * @param properties of {@link ServerSettings}, by their full names
   */
  public static Server start(Map<String, Object> properties) {
    Map<String, Object> all = new LinkedHashMap<>(properties);
    all.put("micronaut.server.host", "${headstart.host:127.0.0.1}");
    all.put("micronaut.server.port", "${headstart.port:8080}");
    all.put("micronaut.application.name", "headstart");
    ApplicationContext context =
        ApplicationContext.builder().banner(false).deduceEnvironment(false).properties(all).start();
    try {
      context.getBean(ModelRepository.class);
      EmbeddedServer http = context.getBean(EmbeddedServer.class).start();
      context.getBean(GrpcServer.class).start();
      return new Server(context, http);
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
  }

  /** The port that HTTP listens on. */
  public int port() {
    return http.getPort();
  }

  /** The port that gRPC listens on; -1 for none. */
  public int grpcPort() {
    return context.getBean(GrpcServer.class).port();
  }

  /** A bean, for tests. */
  public <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /** Answers what has been asked, then stops; idempotent. */
  @Override
  public void close() {
    context.close();
  }
}
