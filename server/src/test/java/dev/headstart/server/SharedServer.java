package dev.headstart.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/**
 * One {@link TestServer} for all tests that leave its models as they are, started by the first of
 * them and stopped with the process; and a client for it.
 */
public final class SharedServer {
  /** Of request bodies: small enough to be exceeded by tests. */
  public static final int BODY = 4 << 20;

  private static TestServer server;
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private SharedServer() {}

  /** The server, started by the first caller. */
  public static synchronized TestServer get() throws Exception {
    if (server == null) {
      Path workspace = Files.createTempDirectory("headstart-server-test");
      server = TestServer.start(workspace, Map.of("headstart.limits.body", BODY));
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    server.close();
                    delete(workspace);
                  }));
    }
    return server;
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      System.err.println("left behind: " + folder + ", " + e);
    }
  }

  /** Sends a request. */
  public static HttpResponse<byte[]> send(
      String method, String path, byte[] body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(get().uri(path))
            .timeout(Duration.ofSeconds(30))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  /** The bytes in gzip. */
  public static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }
}
