package dev.headstart.server.tls;

import dev.headstart.server.SettingChecks;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.annotation.Nullable;
import java.nio.file.Path;

/**
 * How connections are encrypted, for both transports.
 *
 * @param mode null for {@code files} if a certificate is named, else {@code off}
 * @param certificate PEM: the server's certificate, then those that it is signed with
 * @param key PEM: its private key in PKCS#8, encrypted or not
 * @param keyPasswordFile holds the password of an encrypted key
 * @param clientCa PEM: who signs clients' certificates; then a client without one is refused
 */
@ConfigurationProperties("headstart.tls")
public record TlsSettings(
    @Nullable Mode mode,
    @Nullable Path certificate,
    @Nullable Path key,
    @Nullable Path keyPasswordFile,
    @Nullable Path clientCa) {

  /** Where the certificate comes from. */
  public enum Mode {
    OFF,
    /** Made by the server itself, and kept in the workspace. */
    AUTO,
    FILES
  }

  public TlsSettings {
    if (mode == null) {
      mode = certificate == null && key == null ? Mode.OFF : Mode.FILES;
    }
    if (mode == Mode.FILES && (certificate == null || key == null)) {
      throw SettingChecks.wrong(
          certificate == null ? "headstart.tls.certificate" : "headstart.tls.key",
          "a PEM file, as certificate and key come together",
          "");
    }
    if (mode == Mode.AUTO && certificate != null) {
      throw SettingChecks.wrong(
          "headstart.tls.mode", "files, or no certificate named, as auto makes its own", "auto");
    }
    if (mode == Mode.OFF && clientCa != null) {
      throw SettingChecks.wrong(
          "headstart.tls.mode", "auto or files, as clients' certificates need TLS", "off");
    }
  }

  /** Whether connections are encrypted. */
  public boolean on() {
    return mode != Mode.OFF;
  }
}
