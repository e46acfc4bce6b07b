package dev.headstart.server.grpc;

import dev.headstart.error.FailureException;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.operation.DrainSettings;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Room;
import dev.headstart.server.security.ConnectionSettings;
import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.runtime.graceful.GracefulShutdownCapable;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The gRPC transport's port. Besides the protocol it answers {@code grpc.health.v1} and server
 * reflection. Every bean of {@link ServerInterceptor} sees every call; a bean of {@link
 * ServerCredentials} brings TLS.
 */
@Singleton
public final class GrpcServer implements AutoCloseable, GracefulShutdownCapable {
  private static final int NO_PORT = -1;

  /**
   * grpc-java warns of every connection that breaks off and every message that is too large, with a
   * stack trace; whoever sends garbage could fill the log. A logger that nobody holds would forget
   * its level.
   */
  private static final Logger TRANSPORT = Logger.getLogger("io.grpc.netty");

  static {
    TRANSPORT.setLevel(Level.SEVERE);
  }

  private final InetSocketAddress address;
  private final Duration drain;
  private final Server server;

  GrpcServer(
      ServerSettings settings,
      ConnectionSettings connections,
      DrainSettings drain,
      Limits limits,
      Room room,
      InferenceService inference,
      HealthService health,
      List<ServerInterceptor> interceptors,
      @Nullable ServerCredentials credentials) {
    this.drain = drain.timeout();
    address = new InetSocketAddress(settings.host(), Math.max(0, settings.grpcPort()));
    if (settings.grpcPort() == NO_PORT) {
      server = null;
      return;
    }
    CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
    compressors.register(new Codec.Gzip());
    compressors.register(new Deflate());
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                address, credentials == null ? InsecureServerCredentials.create() : credentials)
            .directExecutor()
            .maxInboundMessageSize(limits.body())
            .maxInboundMetadataSize(connections.header())
            .maxConnectionIdle(connections.idle().toNanos(), TimeUnit.NANOSECONDS)
            .maxConcurrentCallsPerConnection(1024)
            // Clients that open calls only to reset them.
            .maxRstFramesPerWindow(1000, 10)
            .handshakeTimeout(10, TimeUnit.SECONDS)
            .keepAliveTime(1, TimeUnit.MINUTES)
            .permitKeepAliveTime(10, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .compressorRegistry(compressors)
            .decompressorRegistry(
                DecompressorRegistry.getDefaultInstance().with(new Deflate(), true))
            .addService(Binding.of(inference.bindService()))
            .addService(Binding.of(health.bindService()))
            .addService(Binding.of(ProtoReflectionServiceV1.newInstance().bindService()))
            .intercept(new CompressedAnswers())
            .addStreamTracerFactory(CallMemory.factory(room));
    interceptors.forEach(builder::intercept);
    builder.intercept(new CallMemory.Interceptor()); // the last one is asked first
    server = builder.build();
  }

  /**
   * Begins to listen, if there is to be a port.
   *
   * @throws FailureException if the port is taken
   */
  public void start() {
    if (server == null) {
      return;
    }
    try {
      server.start();
    } catch (IOException e) {
      throw new FailureException(
          "gRPC cannot listen on "
              + address.getHostString()
              + ":"
              + address.getPort()
              + " ("
              + (e.getCause() == null ? e : e.getCause()).getMessage()
              + "); --grpc-port takes another port, or -1 for none",
          e);
    }
  }

  /** The port that it listens on; -1 for none. */
  public int port() {
    return server == null ? NO_PORT : server.getPort();
  }

  /**
   * Tells clients to go away (GOAWAY) and takes no more calls; done when those taken are answered.
   */
  @Override
  public CompletionStage<?> shutdownGracefully() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    if (server == null) {
      done.complete(null);
      return done;
    }
    server.shutdown();
    Thread waits =
        new Thread(
            () -> {
              try {
                server.awaitTermination();
                done.complete(null);
              } catch (InterruptedException e) {
                done.completeExceptionally(e);
              }
            },
            "headstart-grpc-drain");
    waits.setDaemon(true);
    waits.start();
    return done;
  }

  /** Takes no more calls and waits for those taken; idempotent. */
  @Override
  @PreDestroy
  public void close() {
    if (server == null) {
      return;
    }
    server.shutdown();
    try {
      if (!server.awaitTermination(drain.toNanos(), TimeUnit.NANOSECONDS)) {
        server.shutdownNow();
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
