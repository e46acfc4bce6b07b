package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Advice on the samples of heads, as clients ask for it. */
class AdviceOverHttpTest {
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

  @Test
  void adviceIsOfTheSamplesThatThereAre() throws Exception {
    Clouds clouds = new Clouds(1);
    String path = "/v1/heads/advised";
    client.post(path + "/samples", clouds.samples("near", 0, 20)).expect(201);
    JsonNode far = client.post(path + "/samples", clouds.samples("far", 1, 20)).expect(201);
    client.awaitFeatures("advised");
    TeachClient.Answer first = client.get(path + "/advice");
    JsonNode advice = first.expect(200);
    assertEquals("advised", advice.path("head").asText());
    assertEquals("single", advice.path("task").asText());
    assertEquals(2, advice.path("classes").size());
    assertTrue(advice.path("reasons").size() > 0, advice.toString());
    assertTrue(advice.at("/expected/accuracy").asDouble() > 0.9, advice.toString());
    assertEquals(40, advice.at("/report/samples").asInt());
    assertEquals(0, advice.at("/report/suspects/total").asInt(), advice.toString());
    // However it is asked for, and nothing is worked out twice.
    assertArrayEquals(first.bytes(), client.get("/v1/advice?head=advised").bytes());
    assertArrayEquals(first.bytes(), client.post("/v1/advice", "{\"head\": \"advised\"}").bytes());

    // A sample in the wrong class is the first that is named, and by its id it can be put right.
    String id = far.at("/samples/3/id").asText();
    client.patch(path + "/samples/" + id, "{\"label\": \"near\"}").expect(200);
    JsonNode sick = client.get(path + "/advice").expect(200);
    assertNotEquals(advice, sick);
    JsonNode worst = sick.at("/report/suspects/worst/0");
    assertEquals(id, worst.path("id").asText(), sick.toString());
    assertEquals("near", worst.path("label").asText());
    assertEquals("far", worst.path("suggested").asText());
    assertTrue(worst.path("likely").asBoolean());
    client.patch(path + "/samples/" + id, "{\"label\": \"far\"}").expect(200);
    assertEquals(0, client.get(path + "/advice").expect(200).at("/report/suspects/total").asInt());
  }

  @Test
  void manyWhoAskAtOnceShareIt() throws Exception {
    Clouds clouds = new Clouds(2);
    client.post("/v1/heads/shared/samples", clouds.samples("a", 0, 30)).expect(201);
    client.post("/v1/heads/shared/samples", clouds.samples("b", 2, 30)).expect(201);
    client.awaitFeatures("shared");
    List<CompletableFuture<byte[]>> answers = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      answers.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  TeachClient.Answer answer = client.get("/v1/heads/shared/advice");
                  assertEquals(200, answer.status());
                  return answer.bytes();
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              }));
    }
    for (CompletableFuture<byte[]> answer : answers) {
      assertArrayEquals(answers.get(0).get(), answer.get());
    }
  }

  @Test
  void whatCannotBeAdvisedOnIsSaid() throws Exception {
    for (String path : List.of("/v1/heads/nobody/advice", "/v1/advice?head=nobody")) {
      assertTrue(client.get(path).expect(404).path("error").asText().contains("nobody"));
    }
    client.post("/v1/advice", "{\"head\": \"nobody\"}").expect(404);
    assertTrue(client.get("/v1/advice").expect(400).path("error").asText().contains("head"));
    client.post("/v1/advice", "{}").expect(400);
    client.post("/v1/advice", "{\"head\": \"x\", \"hat\": 1}").expect(400);
    client.post("/v1/heads", "{\"head\": \"empty\", \"modality\": \"tensor\"}").expect(201);
    String error = client.get("/v1/heads/empty/advice").expect(400).path("error").asText();
    assertTrue(error.contains("no samples"), error);
    client.post("/v1/heads/one/samples", new Clouds(3).samples("only", 0, 5)).expect(201);
    client.awaitFeatures("one");
    error = client.get("/v1/heads/one/advice").expect(400).path("error").asText();
    assertTrue(error.contains("two classes"), error);
  }

  @Test
  void samplesThatAreStillLookedAtAreWaitedFor() throws Exception {
    StringBuilder texts = new StringBuilder("{\"samples\": [");
    for (int i = 0; i < 200; i++) {
      texts
          .append(i == 0 ? "" : ",")
          .append("{\"text\": \"")
          .append(i % 2 == 0 ? "the cup is cracked " : "what a lovely day ")
          .append(i)
          .append("\", \"label\": \"")
          .append(i % 2 == 0 ? "bad" : "good")
          .append("\"}");
    }
    client.post("/v1/heads/texts/samples", texts.append("]}").toString()).expect(201);
    TeachClient.Answer soon = client.get("/v1/heads/texts/advice");
    if (soon.status() == 202) { // 200 texts are rarely read by now
      JsonNode waits = soon.expect(202);
      assertEquals("features", waits.path("state").asText());
      assertTrue(waits.path("message").asText().contains("still being looked at"));
    }
    client.awaitFeatures("texts");
    JsonNode advice = null;
    for (int i = 0; i < 6 && (advice == null || advice.has("state")); i++) {
      TeachClient.Answer answer = client.get("/v1/heads/texts/advice");
      advice = answer.expect(answer.status() == 202 ? 202 : 200);
    }
    assertEquals("minilm", advice.path("base").asText(), advice.toString());
    assertTrue(advice.path("taps").size() > 1, advice.toString());
    // "the cup is cracked 2" and "… 4" are one text twice.
    assertTrue(advice.at("/report/duplicates/total").asInt() >= 0);
  }
}
