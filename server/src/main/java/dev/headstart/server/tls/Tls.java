package dev.headstart.server.tls;

import dev.headstart.server.ServerSettings;
import io.grpc.InsecureServerCredentials;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import io.micronaut.context.annotation.Factory;
import io.micronaut.http.server.netty.ssl.ServerSslBuilder;
import io.micronaut.http.ssl.ServerSslConfiguration;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import jakarta.inject.Singleton;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** What the two transports need to encrypt with the same certificate. */
@Factory
final class Tls {
  private final Certificates certificates;

  Tls(Certificates certificates) {
    this.certificates = certificates;
  }

  /** For gRPC, which demands TLS 1.2 or newer itself. */
  @Singleton
  ServerCredentials grpc() {
    if (!certificates.on()) {
      return InsecureServerCredentials.create();
    }
    TlsServerCredentials.Builder tls =
        TlsServerCredentials.newBuilder().keyManager(certificates.keys());
    certificates
        .clients()
        .ifPresent(
            clients ->
                tls.trustManager(clients).clientAuth(TlsServerCredentials.ClientAuth.REQUIRE));
    return tls.build();
  }

  /** For HTTP. */
  @Singleton
  @SuppressWarnings("deprecation") // the server takes its port from here all the same
  ServerSslBuilder http(ServerSettings settings) {
    ServerSslConfiguration configuration = new ServerSslConfiguration();
    configuration.setEnabled(certificates.on());
    configuration.setPort(settings.port() == 0 ? -1 : settings.port());
    return new ServerSslBuilder() {
      @Override
      public ServerSslConfiguration getSslConfiguration() {
        return configuration;
      }

      @Override
      public Optional<SslContext> build() {
        return certificates.on() ? Optional.of(context()) : Optional.empty();
      }
    };
  }

  private SslContext context() {
    SslContextBuilder tls =
        SslContextBuilder.forServer(certificates.keys()).protocols("TLSv1.3", "TLSv1.2");
    certificates
        .clients()
        .ifPresent(clients -> tls.trustManager(clients).clientAuth(ClientAuth.REQUIRE));
    try {
      return tls.build();
    } catch (SSLException e) {
      throw new IllegalStateException(e);
    }
  }
}
