package dev.headstart.server.tls;

import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.server.FileStamp;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.Watch;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's certificate and whose clients it trusts, for both transports. Files that change are
 * read again within a second; connections that are open go on. What is broken is logged, and the
 * last sound pair stays.
 */
@Singleton
public final class Certificates {
  private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);

  private final TlsSettings settings;
  private final OwnCertificate own;
  private final AdvancedTlsX509KeyManager keys = new AdvancedTlsX509KeyManager();
  private final AdvancedTlsX509TrustManager clients;
  private volatile Identity identity;
  private List<FileStamp> stamps = List.of();

  Certificates(ServerSettings server, TlsSettings settings, Watch watch) {
    this.settings = settings;
    own = new OwnCertificate(server.workspace().toAbsolutePath());
    try {
      clients =
          AdvancedTlsX509TrustManager.newBuilder()
              .setVerification(
                  AdvancedTlsX509TrustManager.Verification.CERTIFICATE_ONLY_VERIFICATION)
              .build();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
    if (settings.on()) {
      stamps = stamp();
      load();
      watch.repeat(this::refresh);
    }
  }

  /** Whether connections are encrypted. */
  public boolean on() {
    return settings.on();
  }

  /** SHA-256 of the certificate; nothing without TLS. */
  public Optional<String> fingerprint() {
    return Optional.ofNullable(identity).map(Identity::fingerprint);
  }

  /** The certificate that clients are to trust, if the server made it itself. */
  public Optional<Path> ownCertificate() {
    return settings.mode() == TlsSettings.Mode.AUTO
        ? Optional.of(own.certificate())
        : Optional.empty();
  }

  X509ExtendedKeyManager keys() {
    return keys;
  }

  /** Nothing where clients need no certificate. */
  Optional<X509ExtendedTrustManager> clients() {
    return settings.clientCa() == null ? Optional.empty() : Optional.of(clients);
  }

  private List<FileStamp> stamp() {
    Path[] files =
        settings.mode() == TlsSettings.Mode.AUTO
            ? new Path[] {own.store(), settings.clientCa()}
            : new Path[] {
              settings.certificate(),
              settings.key(),
              settings.keyPasswordFile(),
              settings.clientCa()
            };
    return Arrays.stream(files).filter(Objects::nonNull).map(FileStamp::of).toList();
  }

  private void refresh() {
    List<FileStamp> now = stamp();
    boolean renew =
        settings.mode() == TlsSettings.Mode.AUTO && OwnCertificate.ends(identity.chain()[0]);
    if (now.equals(stamps) && !renew) {
      return;
    }
    stamps = now;
    try {
      load();
      LOG.info("the certificate was read again; its SHA-256 is {}", identity.fingerprint());
    } catch (HeadstartException e) {
      LOG.error("{}. The certificate read before stays", e.getMessage());
    }
  }

  /** Reads everything before anything is replaced. */
  private void load() {
    Identity read;
    if (settings.mode() == TlsSettings.Mode.AUTO) {
      read = own.load();
      stamps = stamp();
    } else {
      X509Certificate[] chain =
          Pem.certificates("headstart.tls.certificate", settings.certificate());
      read = new Identity(chain, Pem.key(settings.key(), settings.keyPasswordFile(), chain[0]));
    }
    try {
      if (settings.clientCa() != null) {
        clients.updateTrustCredentials(
            Pem.certificates("headstart.tls.client-ca", settings.clientCa()));
      }
    } catch (IOException | GeneralSecurityException e) {
      throw new FailureException("headstart.tls.client-ca cannot be used: " + e.getMessage(), e);
    }
    keys.updateIdentityCredentials(read.chain(), read.key());
    identity = read;
  }
}
