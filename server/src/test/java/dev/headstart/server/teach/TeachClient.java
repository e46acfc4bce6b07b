package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** A client that knows nothing of the server but its port and docs/http-api.md. */
final class TeachClient {
  static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final Set<String> OPEN = Set.of("queued", "running");

  private final HttpClient http = HttpClient.newHttpClient();
  private final String server;

  TeachClient(int port) {
    this.server = "http://127.0.0.1:" + port;
  }

  /** An event of a stream. */
  record Event(String id, String type, JsonNode data) {}

  /** An answer's status and body. */
  record Answer(int status, byte[] bytes, HttpResponse<byte[]> response) {

    JsonNode json() throws IOException {
      return JSON.readTree(bytes);
    }

    String text() {
      return new String(bytes, StandardCharsets.UTF_8);
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse(null);
    }

    /** The body, if the status is this. */
    JsonNode expect(int expected) throws IOException {
      assertEquals(expected, status, this::text);
      return bytes.length == 0 ? JSON.nullNode() : json();
    }
  }

  Answer send(String method, String path, byte[] body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server + path))
            .timeout(PATIENCE)
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<byte[]> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    return new Answer(response.statusCode(), response.body(), response);
  }

  Answer get(String path, String... headers) throws Exception {
    return send("GET", path, null, headers);
  }

  Answer delete(String path) throws Exception {
    return send("DELETE", path, null);
  }

  Answer post(String path, String json) throws Exception {
    return send(
        "POST",
        path,
        json == null ? null : json.getBytes(StandardCharsets.UTF_8),
        "Content-Type",
        "application/json");
  }

  Answer patch(String path, String json) throws Exception {
    return send(
        "PATCH", path, json.getBytes(StandardCharsets.UTF_8), "Content-Type", "application/json");
  }

  /** A form as browsers send it. */
  static final class Form {
    private static final String BOUNDARY = "----headstart7d1c";
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();

    Form label(String label) {
      return part("form-data; name=\"label\"", null, label.getBytes(StandardCharsets.UTF_8));
    }

    Form file(String name, byte[] content) {
      return part(
          "form-data; name=\"file\"; filename=\"" + name + "\"",
          "application/octet-stream",
          content);
    }

    private Form part(String disposition, String type, byte[] content) {
      text("--" + BOUNDARY + "\r\nContent-Disposition: " + disposition + "\r\n");
      text(type == null ? "\r\n" : "Content-Type: " + type + "\r\n\r\n");
      body.writeBytes(content);
      text("\r\n");
      return this;
    }

    private void text(String text) {
      body.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    byte[] bytes() {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      whole.writeBytes(body.toByteArray());
      whole.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
      return whole.toByteArray();
    }
  }

  Answer upload(String path, Form form) throws Exception {
    return send(
        "POST",
        path,
        form.bytes(),
        "Content-Type",
        "multipart/form-data; boundary=" + Form.BOUNDARY);
  }

  JsonNode head(String head) throws Exception {
    return get("/v1/heads/" + head).expect(200);
  }

  /** Waits until no sample of a head is pending. */
  JsonNode awaitFeatures(String head) throws Exception {
    return await(
        () -> head(head), now -> now.at("/samples/pending").asInt() == 0, "features of " + head);
  }

  /** Asks for a run. */
  long run(String head, String recipe) throws Exception {
    Answer answer = post("/v1/heads/" + head + "/runs", recipe);
    JsonNode run = answer.expect(202);
    assertEquals(
        "/v1/heads/" + head + "/runs/" + run.path("id").asLong(), answer.header("Location"));
    return run.path("id").asLong();
  }

  /** Waits until a run is over, whichever way. */
  JsonNode awaitRun(String head, long run) throws Exception {
    return await(
        () -> get("/v1/heads/" + head + "/runs/" + run).expect(200),
        now -> !OPEN.contains(now.path("state").asText()),
        "run " + run);
  }

  /** Teaches a head; the run must make a version. */
  JsonNode teach(String head, String recipe) throws Exception {
    JsonNode run = awaitRun(head, run(head, recipe));
    assertEquals("done", run.path("state").asText(), run.toString());
    return run;
  }

  /** Something asked again and again. */
  interface Question {
    JsonNode ask() throws Exception;
  }

  static JsonNode await(Question question, Predicate<JsonNode> good, String what) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    JsonNode now = question.ask();
    while (!good.test(now)) {
      if (System.nanoTime() > end) {
        throw new AssertionError("still waiting for " + what + ": " + now);
      }
      Thread.sleep(10);
      now = question.ask();
    }
    return now;
  }

  /** Opens a stream of events, which the caller closes. */
  EventStream events(String path, String lastId) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server + path));
    if (lastId != null) {
      request.header("Last-Event-ID", lastId);
    }
    HttpResponse<InputStream> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    assertEquals(200, response.statusCode());
    assertEquals(
        "text/event-stream",
        response.headers().firstValue("Content-Type").orElse("").replaceAll(";.*", ""));
    return new EventStream(response.body());
  }

  /** Reads server-sent events as HTML, section 9.2.6, says. */
  static final class EventStream implements AutoCloseable {
    private final BufferedReader lines;

    EventStream(InputStream in) {
      lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    /** The next event; null at the end. */
    Event next() throws IOException {
      String id = null;
      String type = "message";
      StringBuilder data = new StringBuilder();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          if (data.length() > 0) {
            return new Event(id, type, JSON.readTree(data.toString()));
          }
          type = "message";
        } else if (line.startsWith("id:")) {
          id = line.substring(3).strip();
        } else if (line.startsWith("event:")) {
          type = line.substring(6).strip();
        } else if (line.startsWith("data:")) {
          data.append(line.substring(5).strip());
        }
      }
      return null;
    }

    /** All events to the end. */
    List<Event> rest() throws IOException {
      List<Event> events = new ArrayList<>();
      for (Event event = next(); event != null; event = next()) {
        events.add(event);
      }
      return events;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
