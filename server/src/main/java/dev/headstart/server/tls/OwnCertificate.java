package dev.headstart.server.tls;

import dev.headstart.disk.Disk;
import dev.headstart.disk.DiskFailures;
import dev.headstart.disk.Staging;
import dev.headstart.error.FailureException;
import dev.headstart.server.security.Hosts;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A certificate that the server made for itself, in the workspace's folder {@code tls}: {@code
 * server.p12} with the key, which only its owner can read, and {@code certificate.pem} for clients
 * to trust. It is made by the running Java's own {@code keytool}: what it costs is a second on the
 * first start, and no library is needed.
 */
final class OwnCertificate {
  private static final String ALIAS = "headstart";

  /** PKCS#12 wants one; what protects the key is that only its owner can read the file. */
  private static final String PASSWORD = "headstart";

  private static final int DAYS = 365;
  private static final Duration BEFORE_ITS_END = Duration.ofDays(30);

  private final Path folder;

  OwnCertificate(Path workspace) {
    folder = workspace.resolve("tls");
  }

  Path store() {
    return folder.resolve("server.p12");
  }

  /** What clients are given to trust. */
  Path certificate() {
    return folder.resolve("certificate.pem");
  }

  /** Whether a certificate is near enough to its end for a new one. */
  static boolean ends(X509Certificate certificate) {
    return Instant.now().plus(BEFORE_ITS_END).isAfter(certificate.getNotAfter().toInstant());
  }

  /** The certificate there is, or a new one if there is none or it ends soon. */
  Identity load() {
    if (Files.exists(store())) {
      Identity there = read();
      if (!ends(there.chain()[0])) {
        return there;
      }
    }
    make();
    return read();
  }

  private Identity read() {
    try (InputStream in = Files.newInputStream(store())) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, PASSWORD.toCharArray());
      return new Identity(
          new X509Certificate[] {(X509Certificate) store.getCertificate(ALIAS)},
          (PrivateKey) store.getKey(ALIAS, PASSWORD.toCharArray()));
    } catch (IOException | GeneralSecurityException e) {
      throw new FailureException(
          "the server's own certificate "
              + store()
              + " cannot be read: "
              + e.getMessage()
              + "; delete it for a new one",
          e);
    }
  }

  private void make() {
    try {
      Disk.createDirectories(folder);
      // keytool gives its file the rights of any other; a temporary folder is only its owner's.
      Path staged = Files.createTempDirectory(folder, Staging.PREFIX);
      byte[] made;
      try {
        keytool(staged.resolve("server.p12"));
        made = Files.readAllBytes(staged.resolve("server.p12"));
      } finally {
        Disk.deleteTree(staged);
      }
      Disk.replaceSecret(store(), made);
      String pem =
          "-----BEGIN CERTIFICATE-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'})
                  .encodeToString(read().chain()[0].getEncoded())
              + "\n-----END CERTIFICATE-----\n";
      Disk.replace(certificate(), pem.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new DiskFailures(folder.getParent()).write(e);
    } catch (GeneralSecurityException e) {
      throw new FailureException("the server's own certificate cannot be made", e);
    }
  }

  private static void keytool(Path target) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    Collections.addAll(command, "-genkeypair", "-alias", ALIAS);
    Collections.addAll(command, "-keyalg", "EC", "-groupname", "secp256r1");
    Collections.addAll(command, "-dname", "CN=Headstart on " + Hosts.machine());
    Collections.addAll(command, "-validity", String.valueOf(DAYS));
    Collections.addAll(command, "-ext", "san=" + String.join(",", names()));
    Collections.addAll(command, "-ext", "eku=serverAuth");
    Collections.addAll(command, "-storetype", "PKCS12", "-storepass", PASSWORD);
    Collections.addAll(command, "-keystore", target.toString());
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new FailureException(
            "keytool could not make the server's own certificate: " + said.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailureException("interrupted while keytool made a certificate", e);
    }
  }

  /** What the machine is called, and its addresses. */
  private static Set<String> names() throws SocketException {
    Set<String> names = new LinkedHashSet<>();
    names.add("dns:localhost");
    String machine = Hosts.machine();
    if (machine.matches("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")) {
      names.add("dns:" + machine);
      names.add("dns:" + machine + ".local");
    }
    for (NetworkInterface card : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      for (InetAddress address : Collections.list(card.getInetAddresses())) {
        names.add("ip:" + address.getHostAddress().replaceAll("%.*", ""));
      }
    }
    return names;
  }
}
