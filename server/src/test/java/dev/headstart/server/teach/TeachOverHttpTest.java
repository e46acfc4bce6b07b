package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator's story over HTTP, from nothing, on vectors and on texts. */
class TeachOverHttpTest {
  @TempDir static Path workspace;
  private static TeachServer server;
  private static TeachClient client;

  @BeforeAll
  static void start() throws Exception {
    server = TeachServer.start(workspace, Map.of());
    client = server.client();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return String.join(" ", names);
  }

  private static JsonNode ask(String head, String question) throws Exception {
    return client.post("/v1/heads/" + head + "/predict", question).expect(200);
  }

  /** How many of so many questions a head answers rightly. */
  private static int right(String head, Clouds clouds, int corner, String label, int count)
      throws Exception {
    int right = 0;
    for (int i = 0; i < count; i++) {
      right += ask(head, clouds.question(corner)).path("label").asText().equals(label) ? 1 : 0;
    }
    return right;
  }

  @Test
  void vectorsFromTheFirstSampleToTheThirdClass() throws Exception {
    Clouds clouds = new Clouds(1);
    String path = "/v1/heads/things";
    assertEquals(404, client.get(path).status());
    TeachClient.EventStream everything = client.events("/v1/events", null);

    // The first samples make the head, and it answers at once.
    JsonNode added = client.post(path + "/samples", clouds.samples("near", 0, 20)).expect(201);
    assertEquals("added known moved samples refused", names(added));
    assertEquals(20, added.path("added").asInt());
    assertEquals(20, added.path("samples").size());
    assertEquals("id label status state", names(added.at("/samples/0")));
    client.post(path + "/samples", clouds.samples("far", 1, 20)).expect(201);
    JsonNode head = client.awaitFeatures("things");
    assertEquals(
        "head modality task base cut keep version versions takes classes samples recipe rules run drift",
        names(head));
    assertEquals("tensor", head.path("modality").asText());
    assertEquals("single", head.path("task").asText());
    assertTrue(head.path("base").isNull() && head.path("version").isNull(), head.toString());
    assertEquals("[]", head.path("versions").toString());
    assertEquals(
        "[{\"name\":\"near\",\"samples\":20,\"known\":false},{\"name\":\"far\",\"samples\":20,\"known\":false}]",
        head.path("classes").toString());
    assertEquals(
        "{\"total\":40,\"ready\":40,\"pending\":0,\"unreadable\":0,\"since\":40}",
        head.path("samples").toString());
    assertEquals(
        "{\"after\":null,\"quiet\":null,\"promote\":\"if-not-worse\",\"keepVersions\":null}",
        head.path("rules").toString());
    assertEquals(10, right("things", clouds, 0, "near", 10));
    assertEquals(10, right("things", clouds, 1, "far", 10));

    // A run, its events in order.
    long run = client.run("things", "{\"epochs\": 6, \"patience\": 0, \"seed\": 7}");
    List<TeachClient.Event> events;
    try (TeachClient.EventStream stream = client.events(path + "/runs/" + run + "/events", null)) {
      events = stream.rest();
    }
    checkOrder(events, run);
    // Who lost the connection goes on behind the last event that it saw.
    int seen = events.size() / 2;
    try (TeachClient.EventStream again =
        client.events(path + "/runs/" + run + "/events", events.get(seen).id())) {
      assertEquals(events.get(events.size() - 1).type(), last(again.rest()).type());
    }
    JsonNode done = client.awaitRun("things", run);
    assertEquals(
        "id head state cause stage created started ended eta samples epochs version promoted reason recipe",
        names(done));
    assertEquals("done", done.path("state").asText(), done.toString());
    assertEquals(1, done.path("version").asInt());
    assertTrue(done.path("promoted").asBoolean());
    assertEquals(40, done.path("samples").asInt());
    assertEquals(
        "stage epoch of rate trainLoss trainAccuracy validation", names(done.at("/epochs/0")));
    assertEquals(6, done.at("/recipe/epochs").asInt());

    head = client.head("things");
    assertEquals(1, head.path("version").asInt());
    assertTrue(head.at("/classes/0/known").asBoolean());
    assertEquals(0, head.at("/samples/since").asInt());
    assertTrue(head.path("run").isNull());
    JsonNode answer =
        TeachClient.await(
            () -> ask("things", clouds.question(0)),
            now -> now.path("version").asInt() == 1,
            "the version to answer");
    assertEquals("near", answer.path("label").asText());
    assertEquals(1, answer.path("version").asInt());
    assertTrue(answer.path("id").asText().startsWith("p-"), answer.toString());

    // A third class is known as soon as its first sample is there.
    client.post(path + "/samples", clouds.samples("new", 2, 1)).expect(201);
    client.awaitFeatures("things");
    TeachClient.await(
        () -> ask("things", clouds.question(2)),
        now -> now.path("label").asText().equals("new"),
        "the new class");
    client.post(path + "/samples", clouds.samples("new", 2, 9)).expect(201);
    client.awaitFeatures("things");
    assertEquals(10, client.head("things").at("/samples/since").asInt());
    assertFalse(client.head("things").at("/classes/2/known").asBoolean());
    assertEquals(2, client.teach("things", "{\"epochs\": 6}").path("version").asInt());
    for (int corner = 0; corner < 3; corner++) {
      assertEquals(
          10, right("things", clouds, corner, List.of("near", "far", "new").get(corner), 10));
    }

    versions(path);
    classes(path, clouds);
    feedback(path, clouds);
    samples(path);

    TreeSet<String> told = new TreeSet<>();
    while (!told.equals(new TreeSet<>(List.of("head", "samples", "run", "version")))) {
      TeachClient.Event event = everything.next();
      assertEquals("things", event.data().path("head").asText());
      told.add(event.type());
    }
    everything.close();

    assertEquals(204, client.delete(path).status());
    assertEquals(404, client.get(path).status());
    assertEquals(404, client.get(path + "/samples").status());
    assertEquals(404, client.post(path + "/predict", clouds.question(0)).status());
  }

  private static TeachClient.Event last(List<TeachClient.Event> events) {
    return events.get(events.size() - 1);
  }

  private static void checkOrder(List<TeachClient.Event> events, long run) {
    assertEquals("state", events.get(0).type(), events.toString());
    assertFalse(events.get(0).data().has("epochs"));
    assertEquals("end", last(events).type());
    assertEquals(run, last(events).data().path("id").asLong());
    assertEquals("done", last(events).data().path("state").asText(), last(events).toString());
    long id = -1;
    int epoch = 0;
    String stage = "";
    for (TeachClient.Event event : events) {
      assertTrue(Long.parseLong(event.id()) > id, events.toString());
      id = Long.parseLong(event.id());
      if (event.type().equals("stage")) {
        stage = event.data().path("stage").asText();
      }
      if (event.type().equals("epoch") && event.data().path("stage").asText().equals("train")) {
        assertEquals(++epoch, event.data().path("epoch").asInt());
        assertEquals("train", stage);
        assertTrue(event.data().at("/validation/accuracy").isNumber(), event.toString());
      }
    }
    assertEquals(6, epoch);
  }

  private static void versions(String path) throws Exception {
    JsonNode versions = client.get(path + "/versions").expect(200).path("versions");
    assertEquals(2, versions.size());
    assertEquals(
        "version live created kind base cut classes samples metrics calibration crossValidation forgotten run",
        names(versions.get(0)));
    assertEquals(2, versions.at("/0/version").asInt());
    assertTrue(versions.at("/0/live").asBoolean());
    assertEquals(versions.get(1), client.get(path + "/versions/1").expect(200));
    JsonNode evaluation = client.get(path + "/versions/2/evaluation").expect(200);
    assertEquals(50, evaluation.path("samples").size());
    assertEquals(3, evaluation.path("confusion").size());
    assertEquals("id label predicted score", names(evaluation.at("/samples/0")));
    assertTrue(evaluation.path("accuracy").asDouble() > 0.9);
    JsonNode held = client.get(path + "/versions/2/evaluation?samples=validation").expect(200);
    assertTrue(held.path("samples").size() < 50 && held.path("samples").size() > 0);
    JsonNode compare = client.get(path + "/compare?a=1&b=2").expect(200);
    assertEquals("a b samples changed", names(compare));
    assertEquals(50, compare.path("samples").asInt());
    assertTrue(compare.path("changed").size() >= 9, compare.toString());
    assertEquals("id label a b", names(compare.at("/changed/0")));
    assertFalse(compare.path("a").has("samples"));
    assertEquals(1, client.post(path + "/rollback", null).expect(200).path("version").asInt());
    assertEquals(1, client.head("things").path("version").asInt());
    assertEquals(
        2, client.post(path + "/versions/2/promote", null).expect(200).path("version").asInt());
    assertEquals(409, client.delete(path + "/versions/2").status());
    byte[] model = client.get(path + "/versions/2/model").bytes();
    assertTrue(new String(model, StandardCharsets.ISO_8859_1).contains("scores"));
    byte[] bundle = client.get(path + "/bundle").bytes();
    JsonNode imported =
        client
            .send("POST", "/v1/heads/copy/bundle", bundle, "Content-Type", "application/zip")
            .expect(201);
    assertTrue(imported.isObject(), imported.toString());
    assertEquals(204, client.delete("/v1/heads/copy").status());
    assertEquals(204, client.delete(path + "/versions/1").status());
    assertEquals(404, client.get(path + "/versions/1").status());
    assertEquals(404, client.delete(path + "/versions/1").status());
  }

  private static void classes(String path, Clouds clouds) throws Exception {
    assertEquals(201, client.post(path + "/classes", "{\"name\": \"empty\"}").status());
    assertEquals(409, client.post(path + "/classes", "{\"name\": \"near\"}").status());
    assertEquals(400, client.post(path + "/classes", "{\"name\": \"a\\u0007\"}").status());
    assertEquals(409, client.patch(path + "/classes/near", "{\"name\": \"far\"}").status());
    client.patch(path + "/classes/near", "{\"name\": \"so near/é\"}").expect(200);
    TeachClient.await(
        () -> ask("things", clouds.question(0)),
        now -> now.path("label").asText().equals("so near/é"),
        "the new name");
    assertEquals(
        20,
        client.get(path + "/samples?label=so%20near%2F%C3%A9").expect(200).path("total").asInt());
    client.patch(path + "/classes/so%20near%2F%C3%A9", "{\"name\": \"near\"}").expect(200);
    assertEquals(404, client.delete(path + "/classes/none").status());
    assertEquals(204, client.delete(path + "/classes/empty").status());
    assertEquals(204, client.delete(path + "/classes/new").status());
    TeachClient.await(
        () -> ask("things", clouds.question(2)),
        now -> !now.path("scores").has("new"),
        "the class to go");
    assertEquals(0, client.get(path + "/samples?label=new").expect(200).path("total").asInt());
    assertEquals(10, client.get(path + "/versions/2").expect(200).path("forgotten").asInt());
  }

  private static void feedback(String path, Clouds clouds) throws Exception {
    ObjectNode question = TeachClient.JSON.createObjectNode();
    question.set("features", clouds.vector(0));
    JsonNode answer = ask("things", question.toString());
    String id = answer.path("id").asText();
    JsonNode added =
        client.post("/v1/feedback", "{\"id\": \"" + id + "\", \"label\": \"far\"}").expect(201);
    assertEquals(1, added.path("added").asInt(), added.toString());
    String sample = added.at("/samples/0/id").asText();
    assertEquals(
        "feedback", client.get(path + "/samples/" + sample).expect(200).path("source").asText());
    assertEquals(
        1,
        client
            .post("/v1/feedback", "[{\"id\": \"" + id + "\", \"label\": \"near\"}]")
            .expect(201)
            .path("moved")
            .asInt());
    assertEquals(
        404, client.post("/v1/feedback", "{\"id\": \"p-none\", \"label\": \"a\"}").status());
    assertEquals(400, client.post("/v1/feedback", "{\"id\": \"" + id + "\"}").status());
    assertEquals(204, client.delete(path + "/samples/" + sample).status());
  }

  private static void samples(String path) throws Exception {
    JsonNode page = client.get(path + "/samples?limit=15").expect(200);
    assertEquals("samples total next", names(page));
    assertEquals(40, page.path("total").asInt());
    assertEquals(15, page.path("samples").size());
    assertEquals(
        "id label name state reason type bytes kept source added", names(page.at("/samples/0")));
    TreeSet<String> ids = new TreeSet<>();
    page.path("samples").forEach(sample -> ids.add(sample.path("id").asText()));
    while (!page.path("next").isNull()) {
      page = client.get(path + "/samples?limit=15&after=" + page.path("next").asText()).expect(200);
      page.path("samples").forEach(sample -> ids.add(sample.path("id").asText()));
    }
    assertEquals(40, ids.size());
    assertEquals(20, client.get(path + "/samples?label=near").expect(200).path("total").asInt());
    assertEquals(0, client.get(path + "/samples?state=pending").expect(200).path("total").asInt());
    Iterator<String> some = ids.iterator();
    String first = some.next();
    TeachClient.Answer original = client.get(path + "/samples/" + first + "/original");
    assertEquals(4 * Clouds.WIDTH, original.bytes().length);
    assertEquals("application/octet-stream", original.header("Content-Type"));
    assertEquals("nosniff", original.header("X-Content-Type-Options"));
    assertTrue(original.header("Content-Disposition").startsWith("attachment"));
    assertEquals("\"" + first + "\"", original.header("ETag"));
    assertEquals(
        304,
        client
            .get(path + "/samples/" + first + "/original", "If-None-Match", original.header("ETag"))
            .status());
    assertEquals(404, client.get(path + "/samples/" + first + "/thumbnail").status());
    String label = client.get(path + "/samples/" + first).expect(200).path("label").asText();
    String other = label.equals("near") ? "far" : "near";
    assertEquals(
        other,
        client
            .patch(path + "/samples/" + first, "{\"label\": \"" + other + "\"}")
            .expect(200)
            .path("label")
            .asText());
    assertEquals(204, client.delete(path + "/samples/" + first).status());
    assertEquals(404, client.delete(path + "/samples/" + first).status());
    assertEquals(404, client.get(path + "/samples/" + first).status());
    assertEquals(404, client.get(path + "/samples/" + first + "/original").status());
    assertEquals(
        2,
        client
            .delete(path + "/samples?id=" + some.next() + "," + some.next() + ",none")
            .expect(200)
            .path("deleted")
            .asInt());
    assertTrue(client.delete(path + "/samples?label=far").expect(200).path("deleted").asInt() > 10);
    assertEquals(400, client.delete(path + "/samples").status());
  }

  @Test
  void textsInWordsAndLines() throws Exception {
    String head = "mood";
    StringBuilder jsonl = new StringBuilder();
    for (String text :
        List.of("what a joy", "this is wonderful", "I love it", "a great day", "so happy")) {
      jsonl
          .append(TeachClient.JSON.createObjectNode().put("text", text).put("label", "good"))
          .append('\n');
    }
    for (String text :
        List.of("how awful", "I hate this", "a terrible day", "so sad", "what a disaster")) {
      jsonl
          .append(TeachClient.JSON.createObjectNode().put("text", text).put("label", "bad"))
          .append('\n');
    }
    JsonNode added =
        client
            .send(
                "POST",
                "/v1/heads/" + head + "/samples",
                jsonl.toString().getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "application/jsonl")
            .expect(201);
    assertEquals(10, added.path("added").asInt());
    assertEquals(
        1,
        client
            .send(
                "POST",
                "/v1/heads/" + head + "/samples?label=good",
                "what a joy".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "text/plain")
            .expect(201)
            .path("known")
            .asInt());
    client.awaitFeatures(head);
    assertEquals("minilm", client.head(head).path("base").asText());
    client.teach(head, null);
    byte[] model = client.get("/v1/heads/" + head + "/versions/1/model").bytes();
    assertTrue(model.length > 1_000_000, model.length + " bytes");
    assertEquals(
        "bad", ask(head, "{\"text\": \"an awful, terrible thing\"}").path("label").asText());
    assertEquals(
        "good", ask(head, "{\"text\": \"what a wonderful thing\"}").path("label").asText());
    JsonNode heads = client.get("/v1/heads").expect(200).path("heads");
    assertTrue(heads.findValuesAsText("head").contains(head), heads.toString());
    assertEquals(204, client.delete("/v1/heads/" + head).status());
  }

  @Test
  void aHeadIsMadeAsItIsWanted() throws Exception {
    String body =
        "{\"head\": \"notes\", \"modality\": \"text\", \"classes\": [\"b\", \"a\"],"
            + " \"keep\": \"features\", \"recipe\": {\"epochs\": 3},"
            + " \"rules\": {\"after\": 20, \"quiet\": \"02:30\", \"promote\": \"always\","
            + " \"keepVersions\": 2}}";
    TeachClient.Answer made = client.post("/v1/heads", body);
    JsonNode head = made.expect(201);
    assertEquals("/v1/heads/notes", made.header("Location"));
    assertEquals("features", head.path("keep").asText());
    assertEquals("{\"epochs\":3}", head.path("recipe").toString());
    assertEquals("02:30", head.at("/rules/quiet").asText());
    assertEquals(List.of("b", "a"), head.path("classes").findValuesAsText("name"));
    assertEquals(409, client.post("/v1/heads", body).status());
    JsonNode listed = client.get("/v1/heads").expect(200).path("heads");
    assertTrue(listed.findValuesAsText("head").contains("notes"), listed.toString());
    JsonNode changed =
        client
            .patch("/v1/heads/notes", "{\"rules\": {\"quiet\": null}, \"recipe\": {}}")
            .expect(200);
    assertTrue(changed.at("/rules/quiet").isNull());
    assertEquals(20, changed.at("/rules/after").asInt());
    assertEquals("{}", changed.path("recipe").toString());

    // The rule starts a run by itself, and the originals are gone with the features there.
    for (String label : List.of("a", "b")) {
      StringBuilder lines = new StringBuilder();
      for (int i = 0; i < 10; i++) {
        lines
            .append("{\"text\": \"")
            .append(label.equals("a") ? "the sea is blue " : "buy it now ");
        lines.append(i).append("\"}\n");
      }
      client
          .send(
              "POST",
              "/v1/heads/notes/samples?label=" + label,
              lines.toString().getBytes(StandardCharsets.UTF_8),
              "Content-Type",
              "application/x-ndjson")
          .expect(201);
    }
    JsonNode runs =
        TeachClient.await(
            () -> client.get("/v1/heads/notes/runs").expect(200).path("runs"),
            now -> now.size() > 0,
            "the rule");
    assertEquals("rule", runs.at("/0/cause").asText());
    assertEquals(
        "done", client.awaitRun("notes", runs.at("/0/id").asLong()).path("state").asText());
    JsonNode sample =
        TeachClient.await(
            () -> client.get("/v1/heads/notes/samples?limit=1").expect(200).at("/samples/0"),
            now -> !now.path("kept").asBoolean(),
            "the original to go");
    assertEquals(
        404,
        client.get("/v1/heads/notes/samples/" + sample.path("id").asText() + "/original").status());
    assertTrue(client.get("/v1/runs").expect(200).path("runs").size() > 0);
    assertEquals(204, client.delete("/v1/heads/notes").status());
  }

  @Test
  void theSystemTellsOfItself() throws Exception {
    JsonNode system = client.get("/v1/system").expect(200);
    for (String part :
        List.of(
            "release", "machine", "memory", "disk", "workspace", "models", "providers", "queue")) {
      assertTrue(system.has(part), system.toString());
    }
    assertTrue(client.get("/prometheus").text().contains("headstart_teaching_queue"));
  }
}
