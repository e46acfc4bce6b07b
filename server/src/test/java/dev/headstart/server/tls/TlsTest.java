package dev.headstart.server.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.server.FlowerServer;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.ServerLiveRequest;
import dev.headstart.server.security.ApiKeys;
import dev.headstart.server.security.Role;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.AlgorithmParameters;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.PBEParameterSpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real handshakes with both transports. */
class TlsTest {
  @TempDir Path folder;
  private Path certificate;
  private Path key;

  @BeforeEach
  void files() {
    certificate = folder.resolve("certificate.pem");
    key = folder.resolve("key.pem");
  }

  private FlowerServer start(Map<String, Object> more) throws Exception {
    Map<String, Object> settings = new LinkedHashMap<>(more);
    if (!more.containsKey("headstart.tls.mode")) {
      settings.put("headstart.tls.certificate", certificate.toString());
      settings.put("headstart.tls.key", key.toString());
    }
    return FlowerServer.start(folder.resolve("workspace"), settings);
  }

  /** Shakes hands and asks for the server's metadata. */
  private static X509Certificate ask(SSLContext context, int port, String... protocols)
      throws IOException {
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.setSoTimeout(10_000);
      if (protocols.length > 0) {
        socket.setEnabledProtocols(protocols);
      }
      socket
          .getOutputStream()
          .write(
              "GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  private static boolean call(Pems trusted, Pems shown, int port) throws Exception {
    TlsChannelCredentials.Builder credentials =
        TlsChannelCredentials.newBuilder()
            .trustManager(stream("CERTIFICATE", trusted.certificate().getEncoded()));
    if (shown != null) {
      credentials.keyManager(
          stream("CERTIFICATE", shown.certificate().getEncoded()),
          stream("PRIVATE KEY", shown.key().getEncoded()));
    }
    ManagedChannel channel =
        Grpc.newChannelBuilderForAddress("127.0.0.1", port, credentials.build()).build();
    try {
      return GRPCInferenceServiceGrpc.newBlockingStub(channel)
          .serverLive(ServerLiveRequest.getDefaultInstance())
          .getLive();
    } finally {
      channel.shutdownNow();
    }
  }

  private static ByteArrayInputStream stream(String label, byte[] der) {
    return new ByteArrayInputStream(Pems.pem(label, der).getBytes(StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC"})
  void bothTransportsShowTheCertificate(String algorithm) throws Exception {
    Pems pair = Pems.make(folder, "server", algorithm);
    pair.write(certificate, key);
    try (FlowerServer server = start(Map.of())) {
      assertEquals(pair.certificate(), ask(pair.client(null), server.port()));
      assertEquals(pair.certificate(), ask(pair.client(null), server.port(), "TLSv1.2"));
      assertTrue(call(pair, null, server.server().grpcPort()));
    }
  }

  /** A browser sends the cookie of a login over TLS by TLS alone. */
  @Test
  void theCookieOfALoginIsForTlsAlone() throws Exception {
    Pems pair = Pems.make(folder, "server", "EC");
    pair.write(certificate, key);
    try (FlowerServer server = start(Map.of("headstart.auth", "keys"))) {
      Path workspace = server.server().bean(ServerSettings.class).workspace();
      String made = new ApiKeys(workspace).add("operator", Role.TEACH);
      String body = "{\"key\":\"" + made + "\"}";
      String answer = "";
      for (int i = 0; i < 200 && !answer.startsWith("HTTP/1.1 204"); i++) { // the file is looked at
        Thread.sleep(i == 0 ? 0 : 50);
        try (SSLSocket socket =
            (SSLSocket)
                pair.client(null).getSocketFactory().createSocket("127.0.0.1", server.port())) {
          socket.setSoTimeout(10_000);
          socket
              .getOutputStream()
              .write(
                  ("POST /v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          + "Content-Type: application/json\r\nContent-Length: "
                          + body.length()
                          + "\r\n\r\n"
                          + body)
                      .getBytes(StandardCharsets.US_ASCII));
          answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
      }
      assertTrue(answer.toLowerCase().matches("(?s).*set-cookie: [^\r]*; *secure.*"), answer);
    }
  }

  @Test
  void aChangedPairIsShownAndABrokenOneIsNot() throws Exception {
    Pems first = Pems.make(folder, "first", "EC");
    Pems second = Pems.make(folder, "second", "EC");
    first.write(certificate, key);
    try (FlowerServer server = start(Map.of());
        SSLSocket open =
            (SSLSocket)
                first.client(null).getSocketFactory().createSocket("127.0.0.1", server.port())) {
      open.startHandshake();
      second.write(certificate, key);
      X509Certificate shown = null;
      for (int i = 0; i < 200 && !second.certificate().equals(shown); i++) {
        Thread.sleep(50);
        try {
          shown = ask(second.client(null), server.port());
        } catch (IOException stillTheFirst) {
          shown = null;
        }
      }
      assertEquals(second.certificate(), shown);
      assertTrue(call(second, null, server.server().grpcPort()));
      Files.writeString(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
      Thread.sleep(1_500);
      assertEquals(second.certificate(), ask(second.client(null), server.port()));
      // The connection opened under the first still answers.
      open.getOutputStream()
          .write(
              "GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      assertArrayEquals("HTTP/1.1 200".getBytes(), open.getInputStream().readNBytes(12));
    }
  }

  @Test
  void aClientWithoutItsCertificateIsRefused() throws Exception {
    Pems pair = Pems.make(folder, "server", "EC");
    Pems client = Pems.make(folder, "client", "EC");
    Pems stranger = Pems.make(folder, "stranger", "EC");
    pair.write(certificate, key);
    Path ca = folder.resolve("ca.pem");
    Files.writeString(ca, Pems.pem("CERTIFICATE", client.certificate().getEncoded()));
    try (FlowerServer server = start(Map.of("headstart.tls.client-ca", ca.toString()))) {
      int http = server.port();
      int grpc = server.server().grpcPort();
      assertEquals(pair.certificate(), ask(pair.client(client), http));
      assertTrue(call(pair, client, grpc));
      assertThrows(IOException.class, () -> ask(pair.client(null), http));
      assertThrows(IOException.class, () -> ask(pair.client(stranger), http));
      assertThrows(StatusRuntimeException.class, () -> call(pair, null, grpc));
      assertThrows(StatusRuntimeException.class, () -> call(pair, stranger, grpc));
    }
  }

  @Test
  void anEncryptedKeyIsOpenedWithThePasswordOfAFile() throws Exception {
    Pems pair = Pems.make(folder, "server", "RSA");
    pair.write(certificate, key);
    String scheme = "PBEWithHmacSHA256AndAES_256";
    Cipher cipher = Cipher.getInstance(scheme);
    cipher.init(
        Cipher.ENCRYPT_MODE,
        SecretKeyFactory.getInstance(scheme)
            .generateSecret(new PBEKeySpec("open sesame".toCharArray())),
        new PBEParameterSpec(
            new byte[16], 2_048, new javax.crypto.spec.IvParameterSpec(new byte[16])));
    byte[] encrypted = cipher.doFinal(pair.key().getEncoded());
    AlgorithmParameters parameters = AlgorithmParameters.getInstance("PBES2");
    parameters.init(cipher.getParameters().getEncoded());
    Files.writeString(
        key,
        Pems.pem(
            "ENCRYPTED PRIVATE KEY",
            new EncryptedPrivateKeyInfo(parameters, encrypted).getEncoded()));
    assertTrue(
        assertThrows(BadInputException.class, () -> start(Map.of()))
            .getMessage()
            .contains("key-password-file"));
    Path password = folder.resolve("password");
    Files.writeString(password, "wrong");
    Map<String, Object> settings = Map.of("headstart.tls.key-password-file", password.toString());
    assertThrows(BadInputException.class, () -> start(settings));
    Files.writeString(password, "open sesame\n");
    try (FlowerServer server = start(settings)) {
      assertEquals(pair.certificate(), ask(pair.client(null), server.port()));
    }
  }

  @Test
  void aKeyThatIsNotTheCertificatesIsRefused() throws Exception {
    Pems.make(folder, "other", "EC").write(certificate, key);
    String other = Files.readString(key);
    Pems.make(folder, "server", "EC").write(certificate, key);
    Files.writeString(key, other);
    BadInputException e = assertThrows(BadInputException.class, () -> start(Map.of()));
    assertTrue(e.getMessage().contains("not the key of the certificate"), e.getMessage());
  }

  @Test
  void theServersOwnCertificateLastsInTheWorkspace() throws Exception {
    Map<String, Object> auto = Map.of("headstart.tls.mode", "auto");
    String fingerprint;
    try (FlowerServer server = start(auto)) {
      Certificates certificates = server.server().bean(Certificates.class);
      fingerprint = certificates.fingerprint().orElseThrow();
      Path shown = certificates.ownCertificate().orElseThrow();
      X509Certificate own = Pem.certificates("test", shown)[0];
      assertTrue(own.getSubjectAlternativeNames().toString().contains("localhost"));
      assertTrue(own.getSubjectAlternativeNames().toString().contains("127.0.0.1"));
      assertEquals(own, ask(new Pems(own, null).client(null), server.port()));
      assertEquals(
          "rw-------",
          PosixFilePermissions.toString(
              Files.getPosixFilePermissions(shown.resolveSibling("server.p12"))));
      assertFalse(OwnCertificate.ends(own));
    }
    try (FlowerServer server = start(auto)) {
      assertEquals(
          fingerprint, server.server().bean(Certificates.class).fingerprint().orElseThrow());
    }
  }
}
