package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.Headstart;
import dev.headstart.sample.Task;
import dev.headstart.server.TestServer;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.security.ApiKeys;
import dev.headstart.server.security.Role;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Novelty and drift as clients see them, of heads that the server taught. */
class ConfidenceOverHttpTest {
  private static final float[] STRANGER = {-20, 30, -20, 30, -20, 30};
  private static final float[] NEAR = {3, 0, 0, 0, 0, 0};
  private static final float[] FAR = {0, 3, 0, 0, 0, 0};

  @TempDir static Path workspace;
  private static TeachServer server;
  private static TeachClient client;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws Exception {
    try (Headstart headstart = Headstart.open(workspace)) {
      // As versions of an older Headstart: they have no novelty.
      TestServer.vectors(headstart, "old", Task.SINGLE, 6, List.of("ant", "bee"), 1);
    }
    server = TeachServer.start(workspace, Map.of("headstart.grpc-port", 0));
    client = server.client();
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.server().grpcPort())
            .usePlaintext()
            .build();
    taught("things");
  }

  @AfterAll
  static void stop() throws Exception {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.close();
  }

  /** A head of two classes of vectors, with a version that answers. */
  private static void taught(String head) throws Exception {
    Clouds clouds = new Clouds(1);
    String path = "/v1/heads/" + head;
    client.post(path + "/samples", clouds.samples("near", 0, 60)).expect(201);
    client.post(path + "/samples", clouds.samples("far", 1, 60)).expect(201);
    client.awaitFeatures(head);
    client.teach(head, "{\"epochs\": 6, \"promote\": \"always\"}");
    awaitVersion(head, 1);
  }

  private static void awaitVersion(String head, int version) throws Exception {
    TeachClient.await(
        () -> client.get("/v2/models/" + head).expect(200),
        now -> now.path("versions").toString().contains("\"" + version + "\""),
        "version " + version);
  }

  private static String features(float... values) {
    ObjectNode body = TeachClient.JSON.createObjectNode();
    ArrayNode features = body.putArray("features");
    for (float value : values) {
      features.add(value);
    }
    return body.toString();
  }

  private static String list(float[]... samples) {
    List<String> all = new ArrayList<>();
    for (float[] sample : samples) {
      all.add(features(sample));
    }
    return "[" + String.join(",", all) + "]";
  }

  private static JsonNode ask(String head, String query, String body) throws Exception {
    return client.post("/v1/heads/" + head + "/predict" + query, body).expect(200);
  }

  @Test
  void noveltyIsInEveryAnswer() throws Exception {
    JsonNode near = ask("things", "", features(NEAR));
    assertTrue(near.path("novelty").asDouble() < 1, near.toString());
    JsonNode stranger = ask("things", "", features(STRANGER));
    assertTrue(stranger.path("novelty").asDouble() > 3, stranger.toString());
    assertEquals(
        stranger.path("novelty"), ask("things", "?version=1", features(STRANGER)).path("novelty"));
    JsonNode both =
        client
            .post(
                "/v1/predict?unknown=true",
                "{\"heads\": [\"things\", \"old\"], \"features\": [-20, 30, -20, 30, -20, 30]}")
            .expect(200)
            .path("predictions");
    assertEquals("unknown", both.at("/things/label").asText());
    assertTrue(both.at("/old/novelty").isNull(), both.toString());
    assertTrue(both.at("/old/label").asText().matches("ant|bee"), both.toString());
  }

  @Test
  void unknownIsAnsweredOnRequest() throws Exception {
    JsonNode plain = ask("things", "", list(NEAR, STRANGER, FAR));
    for (String rate : List.of("true", "0.2", "0.05", "0.001", "1e-2")) {
      JsonNode answers = ask("things", "?unknown=" + rate, list(NEAR, STRANGER, FAR));
      assertEquals(
          List.of("near", "unknown", "far"), answers.findValuesAsText("label"), answers.toString());
      for (int n = 0; n < 3; n++) {
        assertEquals(plain.get(n).path("scores"), answers.get(n).path("scores"));
        assertEquals(plain.get(n).path("novelty"), answers.get(n).path("novelty"));
      }
    }
    assertNotEquals(
        "unknown", ask("things", "?unknown=false", features(STRANGER)).path("label").asText());
    // Of familiar samples a fifth is above the one threshold, hardly any above the other.
    Clouds clouds = new Clouds(7);
    int often = 0;
    int rarely = 0;
    for (int n = 0; n < 100; n++) {
      String question = clouds.question(n % 2);
      often += unknown(ask("things", "?unknown=0.2", question));
      rarely += unknown(ask("things", "?unknown=0.001", question));
    }
    assertTrue(often >= 5 && often <= 40, often + " of 100");
    assertTrue(rarely <= 5, rarely + " of 100");
  }

  private static int unknown(JsonNode answer) {
    return answer.path("label").asText().equals("unknown") ? 1 : 0;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "yes", "TRUE", "NaN", "0", "1", "0.5", "-0.1", "1e-9", "0,05"})
  void aRateThatIsNoneIsRefused(String rate) throws Exception {
    for (String path : List.of("/v1/heads/things/predict?", "/v1/predict?heads=things&")) {
      TeachClient.Answer answer = client.post(path + "unknown=" + rate, features(NEAR));
      String error = answer.expect(400).path("error").asText();
      assertTrue(error.contains("from 0.001 to 0.2"), error);
    }
  }

  @Test
  void aVersionWithoutNoveltySaysNull() throws Exception {
    JsonNode answer = ask("old", "?unknown=true", features(STRANGER));
    assertTrue(answer.has("novelty") && answer.path("novelty").isNull(), answer.toString());
    assertTrue(answer.path("label").asText().matches("ant|bee"), answer.toString());
    String error = infer("old", "novelty").expect(400).path("error").asText();
    assertTrue(error.contains("novelty"), error);
    JsonNode drift = client.get("/health").expect(200).path("drift");
    assertFalse(drift.has("old"), drift.toString());
  }

  /** Asks about a familiar sample and a stranger by the Open Inference Protocol. */
  private static TeachClient.Answer infer(String head, String output) throws Exception {
    return client.post(
        "/v2/models/" + head + "/infer",
        "{\"inputs\": [{\"name\": \"features\", \"shape\": [2, 6], \"datatype\": \"FP32\","
            + " \"data\": [3, 0, 0, 0, 0, 0, -20, 30, -20, 30, -20, 30]}],"
            + " \"outputs\": [{\"name\": \""
            + output
            + "\"}]}");
  }

  @Test
  void isAnOutputOfTheProtocolOnRequest() throws Exception {
    JsonNode expected = ask("things", "", list(NEAR, STRANGER));
    JsonNode outputs = infer("things", "novelty").expect(200).path("outputs");
    assertEquals(1, outputs.size(), outputs.toString());
    assertEquals("novelty", outputs.at("/0/name").asText());
    assertEquals("FP32", outputs.at("/0/datatype").asText());
    assertEquals("[2]", outputs.at("/0/shape").toString());
    ModelInferResponse answer =
        GRPCInferenceServiceGrpc.newBlockingStub(channel).modelInfer(call("things"));
    assertEquals("novelty", answer.getOutputs(0).getName());
    assertEquals("FP32", answer.getOutputs(0).getDatatype());
    assertEquals(List.of(2L), answer.getOutputs(0).getShapeList());
    ByteBuffer raw =
        answer.getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    for (int n = 0; n < 2; n++) {
      double is = expected.get(n).path("novelty").asDouble();
      assertEquals(is, outputs.at("/0/data/" + n).asDouble(), 1e-5 * is);
      assertEquals(is, raw.getFloat(), 1e-5 * is);
    }
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () -> GRPCInferenceServiceGrpc.newBlockingStub(channel).modelInfer(call("old")));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
    assertFalse(client.get("/v2/models/old").expect(200).toString().contains("novelty"));
  }

  private static ModelInferRequest call(String head) {
    InferInputTensor.Builder input =
        InferInputTensor.newBuilder()
            .setName("features")
            .setDatatype("FP32")
            .addShape(2)
            .addShape(6);
    for (float[] row : List.of(NEAR, STRANGER)) {
      for (float value : row) {
        input.getContentsBuilder().addFp32Contents(value);
      }
    }
    return ModelInferRequest.newBuilder()
        .setModelName(head)
        .addInputs(input)
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("novelty"))
        .build();
  }

  private static JsonNode drift(String head) throws Exception {
    return client.get("/health").expect(200).path("drift").path(head);
  }

  @Test
  void driftIsSeenUntilAnotherVersionIsLive() throws Exception {
    taught("guard");
    assertEquals("learning", drift("guard").path("state").asText());
    assertEquals(0, drift("guard").path("samples").asInt());
    Clouds clouds = new Clouds(8);
    for (int n = 0; n < 12; n++) {
      ask("guard", "", "[" + String.join(",", questions(clouds, 10)) + "]");
    }
    assertEquals("ok", drift("guard").path("state").asText(), drift("guard").toString());
    assertEquals(120, drift("guard").path("samples").asInt());
    assertTrue(scraped().contains("headstart_drift_alert{model=\"guard\"} 0.0"));

    client.teach("guard", "{\"epochs\": 6, \"promote\": \"never\"}");
    for (int n = 0; n < 6; n++) {
      ask("guard", "?version=2", list(STRANGER, STRANGER, STRANGER, STRANGER, STRANGER));
    }
    assertEquals(120, drift("guard").path("samples").asInt(), "other versions do not count");

    for (int n = 0; n < 8; n++) {
      ask("guard", "", list(STRANGER, STRANGER, STRANGER, STRANGER, STRANGER));
    }
    JsonNode alert = drift("guard");
    assertEquals("alert", alert.path("state").asText(), alert.toString());
    assertEquals(0.05, alert.path("expected").asDouble());
    assertTrue(alert.path("shareAbove").asDouble() >= 0.25, alert.toString());
    assertEquals(alert, client.head("guard").path("drift"));
    assertEquals(
        alert, client.patch("/v1/heads/guard", "{\"rules\": {}}").expect(200).path("drift"));
    assertTrue(client.get("/health").expect(200).path("drifting").asInt() >= 1);
    JsonNode ready = client.get("/health/readiness").expect(200);
    assertEquals("UP", ready.path("status").asText());
    client.get("/v2/health/ready").expect(200);
    client.get("/v2/models/guard/ready").expect(200);
    String metrics = scraped();
    for (String line :
        List.of(
            "headstart_drift_alert{model=\"guard\"} 1.0",
            "headstart_novelty_count{model=\"guard\"} 160",
            "headstart_score_count{model=\"guard\"} 160",
            "headstart_novelty_bucket{model=\"guard\",le=\"1.0\"}")) {
      assertTrue(metrics.contains(line), () -> line + " is not in " + metrics);
    }

    client.post("/v1/heads/guard/versions/2/promote", null).expect(200);
    JsonNode anew =
        TeachClient.await(
            () -> drift("guard"), now -> now.path("samples").asInt() == 0, "drift to begin anew");
    assertEquals("learning", anew.path("state").asText());
    assertTrue(scraped().contains("headstart_drift_alert{model=\"guard\"} 0.0"));
    assertEquals(204, client.delete("/v1/heads/guard").status());
    assertTrue(drift("guard").isMissingNode());
    assertFalse(scraped().contains("\"guard\""));
  }

  private static List<String> questions(Clouds clouds, int count) {
    List<String> questions = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      questions.add(clouds.question(n % 2));
    }
    return questions;
  }

  private static String scraped() throws Exception {
    return client.get("/prometheus").text();
  }

  @Test
  void probesWithoutAKeyAreToldNoNames(@TempDir Path own) throws Exception {
    try (Headstart headstart = Headstart.open(own)) {
      TestServer.vectors(headstart, "secret", Task.SINGLE, 6, List.of("ant", "bee"), 1);
    }
    String key = new ApiKeys(own).add("camera", Role.PREDICT);
    String teach = new ApiKeys(own).add("teacher", Role.TEACH);
    try (TeachServer guarded = TeachServer.start(own, Map.of("headstart.auth", "keys"))) {
      TeachClient stranger = guarded.client();
      String[] with = {"X-API-Key", teach, "Content-Type", "application/json"};
      Clouds clouds = new Clouds(2);
      for (String label : List.of("near", "far")) {
        String body = clouds.samples(label, label.equals("near") ? 0 : 1, 20);
        stranger.send("POST", "/v1/heads/hidden/samples", body.getBytes(), with).expect(201);
      }
      stranger
          .send("POST", "/v1/heads/hidden/runs", "{\"epochs\": 3}".getBytes(), with)
          .expect(202);
      TeachClient.await(
          () -> stranger.get("/health", "X-API-Key", key).expect(200),
          now -> now.path("drift").has("hidden"),
          "the head to answer");
      for (String path : List.of("/health", "/health/readiness")) {
        for (String[] headers : new String[][] {{}, {"X-API-Key", "hs_wrong"}}) {
          JsonNode told = stranger.get(path, headers).expect(200);
          assertFalse(told.toString().matches(".*(hidden|secret).*"), told.toString());
          assertEquals(0, told.path("drifting").asInt(-1));
          assertFalse(told.has("drift"));
        }
        assertTrue(
            stranger.get(path, "Authorization", "Bearer " + key).text().contains("\"hidden\""));
      }
    }
  }

  /** Vectors have units of their own: nothing can be said of a class known by its mean alone. */
  @Test
  void vectorsSayNothingWhileThereIsAClassThatTheVersionDoesNotKnow() throws Exception {
    taught("grown");
    client.post("/v1/heads/grown/samples", new Clouds(3).samples("new", 2, 5)).expect(201);
    client.awaitFeatures("grown");
    JsonNode answer =
        TeachClient.await(
            () -> ask("grown", "?unknown=true", features(0, 0, 3, 0, 0, 0)),
            now -> now.path("scores").has("new"),
            "the class");
    assertEquals("new", answer.path("label").asText());
    assertTrue(answer.path("novelty").isNull(), answer.toString());
    String error = infer("grown", "novelty").expect(400).path("error").asText();
    assertTrue(error.contains("novelty"), error);
    client.teach("grown", "{\"epochs\": 6}");
    TeachClient.await(
        () -> ask("grown", "", features(STRANGER)),
        now -> now.path("novelty").asDouble() > 1,
        "novelty of the version that knows it");
  }

  @Test
  void aClassByItsMeansIsAsFamiliarAsTheOthers() throws Exception {
    String[] verbs = {"is late", "was cancelled", "arrives", "is full", "departs", "stops here"};
    String path = "/v1/heads/topics";
    add(path, "travel", "the train to %s " + verbs[0], "the bus to %s " + verbs[1]);
    add(path, "food", "a soup of %s with bread", "fried rice with %s");
    client.awaitFeatures("topics");
    JsonNode untrained = ask("topics", "?unknown=true", "{\"text\": \"the tram to Rome\"}");
    assertEquals("travel", untrained.path("label").asText());
    assertTrue(untrained.path("novelty").isNull(), untrained.toString());
    client.teach("topics", "{\"epochs\": 6}");
    awaitVersion("topics", 1);
    String question = "{\"text\": \"the doctor treats a broken leg of Anna\"}";
    double before = ask("topics", "", question).path("novelty").asDouble();
    assertTrue(before > 1, "novelty " + before);
    add(path, "health", "the doctor treats an illness of %s", "a broken arm of %s is in plaster");
    client.awaitFeatures("topics");
    JsonNode after =
        TeachClient.await(
            () -> ask("topics", "?unknown=true", question),
            now -> now.path("scores").has("health"),
            "the class");
    assertEquals("health", after.path("label").asText(), after.toString());
    assertTrue(after.path("novelty").asDouble() <= 1, after.toString());
    JsonNode known = ask("topics", "?unknown=true", "{\"text\": \"the train to Oslo is late\"}");
    assertEquals("travel", known.path("label").asText(), known.toString());
    for (String text : List.of("0xDEADBEEF 7f 45 4c 46 02 01 01", "Der Hund schläft im Garten")) {
      JsonNode stranger = ask("topics", "?unknown=true", "{\"text\": \"" + text + "\"}");
      assertEquals("unknown", stranger.path("label").asText(), stranger.toString());
    }
    // A class that is answered no more is strange again.
    client.delete(path + "/classes/health");
    TeachClient.await(
        () -> ask("topics", "?unknown=true", question),
        now -> now.path("label").asText().equals("unknown"),
        "the class to be strange");
  }

  private static void add(String path, String label, String... patterns) throws Exception {
    ObjectNode body = TeachClient.JSON.createObjectNode().put("label", label);
    ArrayNode samples = body.putArray("samples");
    String[] words = {
      "Rome", "Oslo", "Paris", "Berlin", "apples", "leeks", "beans", "Anna", "Peter", "Maria"
    };
    for (String pattern : patterns) {
      for (String word : words) {
        samples.addObject().put("text", String.format(pattern, word));
      }
    }
    client.post(path + "/samples", body.toString()).expect(201);
  }
}
