package dev.headstart.server;

import dev.headstart.Headstart;
import dev.headstart.sample.Task;
import dev.headstart.serving.ModelRepository;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A server of one quick head, {@code flowers} (four features), that starts in no time. */
public final class FlowerServer implements AutoCloseable {
  public static final String ASK =
      "{\"inputs\":[{\"name\":\"features\",\"datatype\":\"FP32\",\"shape\":[1,4],\"data\":[1,2,3,4]}]}";

  private final Server server;
  private final HttpClient client = HttpClient.newHttpClient();

  private FlowerServer(Server server) {
    this.server = server;
  }

  /** Puts the head into a workspace. */
  public static void plant(Path workspace) {
    try (Headstart headstart = Headstart.open(workspace)) {
      if (!headstart.heads().heads().contains("flowers")) {
        TestServer.vectors(headstart, "flowers", Task.SINGLE, 4, List.of("ant", "bee", "cow"), 1);
      }
    }
  }

  public static FlowerServer start(Path workspace, Map<String, Object> settings) throws Exception {
    plant(workspace);
    Map<String, Object> all = new LinkedHashMap<>(settings);
    all.put("headstart.workspace", workspace.toString());
    all.putIfAbsent("headstart.port", 0);
    all.putIfAbsent("headstart.grpc-port", 0);
    all.put("headstart.models", "flowers");
    Server server = Server.start(all);
    ModelRepository models = server.bean(ModelRepository.class);
    for (int i = 0; i < 1_000 && !models.ready(); i++) {
      Thread.sleep(20);
    }
    return new FlowerServer(server);
  }

  public Server server() {
    return server;
  }

  public int port() {
    return server.port();
  }

  /** Asks with headers: name, value, name, value, … */
  public HttpResponse<String> get(String path, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  public HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** What a socket hears that says just this, and then waits. */
  public String raw(String request) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port())) {
      socket.setSoTimeout(10_000);
      OutputStream out = socket.getOutputStream();
      out.write(request.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
