package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several clients at one head, and what happens to samples while a run goes on. */
class TeachTogetherTest {
  /** Long enough that something can happen meanwhile. */
  private static final String LONG = "{\"epochs\": 3000, \"patience\": 0, \"refit\": false}";

  @TempDir Path workspace;
  private TeachServer server;
  private TeachClient client;

  @BeforeEach
  void start() throws Exception {
    server = TeachServer.start(workspace, Map.of());
    client = server.client();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private void addTwoClasses(Clouds clouds, String head) throws Exception {
    client.post("/v1/heads/" + head + "/samples", clouds.samples("a", 0, 30)).expect(201);
    client.post("/v1/heads/" + head + "/samples", clouds.samples("b", 1, 30)).expect(201);
    client.awaitFeatures(head);
  }

  private String anySample(String head, String label) throws Exception {
    return client
        .get("/v1/heads/" + head + "/samples?limit=1&label=" + label)
        .expect(200)
        .at("/samples/0/id")
        .asText();
  }

  private void awaitState(String head, long run, String state) throws Exception {
    TeachClient.await(
        () -> client.get("/v1/heads/" + head + "/runs/" + run).expect(200),
        now -> now.path("state").asText().equals(state) && now.path("epochs").size() != 0,
        state);
  }

  /** Each gets a version of its own, one after the other, and all samples are there once. */
  @Test
  void twoClientsTeachOneHead() throws Exception {
    ExecutorService clients = Executors.newFixedThreadPool(2);
    try {
      List<Future<JsonNode>> both = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        String label = List.of("a", "b").get(i);
        int corner = i;
        both.add(
            clients.submit(
                () -> {
                  Clouds clouds = new Clouds(corner);
                  TeachClient own = server.client();
                  for (int n = 0; n < 10; n++) {
                    own.post("/v1/heads/both/samples", clouds.samples(label, corner, 3))
                        .expect(201);
                  }
                  return null;
                }));
      }
      for (Future<JsonNode> one : both) {
        one.get();
      }
      assertEquals(60, client.awaitFeatures("both").at("/samples/total").asInt());
      both.clear();
      for (int i = 0; i < 2; i++) {
        both.add(clients.submit(() -> server.client().teach("both", "{\"epochs\": 20}")));
      }
      List<Integer> versions = new ArrayList<>();
      for (Future<JsonNode> one : both) {
        versions.add(one.get().path("version").asInt());
      }
      assertEquals(List.of(1, 2), versions.stream().sorted().toList());
    } finally {
      clients.shutdownNow();
    }
  }

  @Test
  void samplesThatComeDuringARunAreForTheNext() throws Exception {
    Clouds clouds = new Clouds(3);
    addTwoClasses(clouds, "busy");
    long run = client.run("busy", LONG);
    awaitState("busy", run, "running");
    client.post("/v1/heads/busy/samples", clouds.samples("b", 1, 5)).expect(201);
    assertEquals(run, client.head("busy").at("/run/id").asLong());
    JsonNode done = client.awaitRun("busy", run);
    assertEquals("done", done.path("state").asText(), done.toString());
    assertEquals(60, done.path("samples").asInt());
    assertEquals(5, client.head("busy").at("/samples/since").asInt());
    assertEquals(65, client.teach("busy", "{\"epochs\": 3}").path("samples").asInt());
  }

  @Test
  void aRunBeginsAnewWithoutWhatWasDeleted() throws Exception {
    addTwoClasses(new Clouds(4), "less");
    long run = client.run("less", LONG);
    awaitState("less", run, "running");
    assertEquals(204, client.delete("/v1/heads/less/samples/" + anySample("less", "a")).status());
    List<TeachClient.Event> events;
    try (TeachClient.EventStream stream =
        client.events("/v1/heads/less/runs/" + run + "/events", null)) {
      events = stream.rest();
    }
    assertTrue(
        events.stream().anyMatch(event -> event.type().equals("restart")), events.toString());
    JsonNode done = client.awaitRun("less", run);
    assertEquals("done", done.path("state").asText(), done.toString());
    assertEquals(59, done.path("samples").asInt());
    assertEquals(0, client.get("/v1/heads/less/versions/1").expect(200).path("forgotten").asInt());
  }

  @Test
  void aRunIsCancelledAndOthersWait() throws Exception {
    addTwoClasses(new Clouds(5), "stop");
    long first = client.run("stop", LONG.replace("3000", "100000"));
    long second = client.run("stop", "{\"epochs\": 3}");
    awaitState("stop", first, "running");
    assertEquals(
        "queued", client.get("/v1/heads/stop/runs/" + second).expect(200).path("state").asText());
    client.post("/v1/heads/stop/runs/" + first + "/cancel", null).expect(202);
    assertEquals("cancelled", client.awaitRun("stop", first).path("state").asText());
    assertEquals("done", client.awaitRun("stop", second).path("state").asText());
    assertEquals(
        List.of(second, first),
        client.get("/v1/heads/stop/runs").expect(200).path("runs").findValues("id").stream()
            .map(JsonNode::asLong)
            .toList());
    assertEquals(409, client.post("/v1/heads/stop/runs/" + second + "/cancel", null).status());
    assertEquals(409, client.post("/v1/heads/stop/runs/" + second + "/resume", null).status());
    assertEquals(404, client.get("/v1/heads/stop/runs/99").status());
    assertEquals(404, client.post("/v1/heads/none/runs", "{}").status());
  }

  /** A server that stops leaves its run to the next. */
  @Test
  void aRunGoesOnInTheNextProcess() throws Exception {
    addTwoClasses(new Clouds(6), "later");
    long run = client.run("later", LONG.replace("3000", "20000"));
    awaitState("later", run, "running");
    server.close();
    server = TeachServer.start(workspace, Map.of());
    client = server.client();
    JsonNode now = client.get("/v1/heads/later/runs/" + run).expect(200);
    if (now.path("state").asText().equals("interrupted")) {
      client.post("/v1/heads/later/runs/" + run + "/resume", null).expect(202);
    }
    awaitState("later", run, "running");
    client.post("/v1/heads/later/runs/" + run + "/cancel", null).expect(202);
    assertEquals("cancelled", client.awaitRun("later", run).path("state").asText());
  }

  /** An event stream that nobody reads holds nothing up, and ends with the server. */
  @Test
  void aClientThatStopsReadingIsNobodysConcern() throws Exception {
    addTwoClasses(new Clouds(7), "deaf");
    try (TeachClient.EventStream deaf = client.events("/v1/events", null)) {
      Clouds clouds = new Clouds(8);
      for (int i = 0; i < 200; i++) {
        client.post("/v1/heads/deaf/samples", clouds.samples("a", 0, 1)).expect(201);
      }
      long before = System.nanoTime();
      server.close();
      assertTrue(System.nanoTime() - before < 20_000_000_000L, "closing waits for the stream");
      List<TeachClient.Event> rest = deaf.rest();
      assertFalse(rest.isEmpty());
    } finally {
      server = TeachServer.start(workspace, Map.of());
    }
  }

  /** What was deleted is in no file below the workspace, while the server goes on. */
  @Test
  void whatIsForgottenIsInNoFile() throws Exception {
    String secret = "the combination of the safe is 7 3 9 1 4";
    for (int i = 0; i < 8; i++) {
      client
          .post(
              "/v1/heads/notes/samples",
              "{\"label\": \"" + (i % 2 == 0 ? "x" : "y") + "\", \"text\": \"note " + i + "\"}")
          .expect(201);
    }
    String id =
        client
            .post("/v1/heads/notes/samples", "{\"label\": \"x\", \"text\": \"" + secret + "\"}")
            .expect(201)
            .at("/samples/0/id")
            .asText();
    client.awaitFeatures("notes");
    Clouds clouds = new Clouds(9);
    addTwoClasses(clouds, "numbers");
    String vector = anySample("numbers", "a");
    byte[] numbers = client.get("/v1/heads/numbers/samples/" + vector + "/original").bytes();
    client.teach("numbers", "{\"epochs\": 3}");
    assertTrue(holds(secret.getBytes(StandardCharsets.UTF_8)));
    assertTrue(holds(numbers));
    assertTrue(holds(id.getBytes(StandardCharsets.UTF_8)));

    assertEquals(204, client.delete("/v1/heads/notes/samples/" + id).status());
    assertEquals(204, client.delete("/v1/heads/numbers/samples/" + vector).status());
    assertFalse(holds(secret.getBytes(StandardCharsets.UTF_8)));
    assertFalse(holds(numbers));
    assertFalse(holds(id.getBytes(StandardCharsets.UTF_8)));
    assertFalse(holds(vector.getBytes(StandardCharsets.UTF_8)));
    assertEquals(
        1, client.get("/v1/heads/numbers/versions/1").expect(200).path("forgotten").asInt());
  }

  /** Whether a file below the workspace holds these bytes, or has them in its name. */
  private boolean holds(byte[] bytes) throws IOException {
    String wanted = new String(bytes, StandardCharsets.ISO_8859_1);
    try (Stream<Path> files = Files.walk(workspace)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        if (file.getFileName().toString().contains(wanted)
            || new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(wanted)) {
          return true;
        }
      }
    }
    return false;
  }
}
