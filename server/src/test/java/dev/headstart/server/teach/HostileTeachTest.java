package dev.headstart.server.teach;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies, paths and names that nobody would send who means well. */
class HostileTeachTest {
  private static final int BODY = 1 << 20;

  @TempDir static Path workspace;
  private static TeachServer server;
  private static TeachClient client;

  @BeforeAll
  static void start() throws Exception {
    server =
        TeachServer.start(
            workspace, Map.of("headstart.limits.body", BODY, "headstart.teaching.samples", 10_000));
    client = server.client();
    client.post("/v1/heads/there/samples", new Clouds(1).samples("a", 0, 3)).expect(201);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "POST | /v1/heads | `` | 400 | 'head' is missing",
        "POST | /v1/heads | [] | 400 | must be a JSON object",
        "POST | /v1/heads | {\"head\":7} | 400 | 'head' must be a string",
        "POST | /v1/heads | {\"head\":\"../x\"} | 400 | a head's name is",
        "POST | /v1/heads | {\"head\":\"x\",\"modallity\":\"image\"} | 400 | unknown field 'modallity': did you mean 'modality'?",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"sound\"} | 400 | image, text or tensor",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"image\",\"task\":\"both\"} | 400 | unknown task",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"image\",\"base\":\"none\"} | 404 | unknown base model",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"image\",\"cut\":\"none\"} | 404 | none",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"keep\":\"all\"} | 400 | samples or features",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"classes\":\"a\"} | 400 | a list of strings",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"classes\":[\"a\\u0007\"]} | 400 | control characters",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"rules\":{\"after\":0}} | 400 | positive",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"rules\":{\"quiet\":\"25:00\"}} | 400 | time of the day",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"rules\":{\"promote\":\"maybe\"}} | 400 | promotion",
        "POST | /v1/heads | {\"head\":\"x\",\"modality\":\"tensor\",\"recipe\":{\"epoch\":1}} | 400 | epoch",
        "POST | /v1/heads | {\"head\":\"there\",\"modality\":\"tensor\"} | 409 | there",
        "PATCH | /v1/heads/none | {} | 404 | unknown head",
        "PATCH | /v1/heads/there | {\"base\":\"minilm\"} | 400 | unknown field 'base'",
        "GET | /v1/heads/none | `` | 404 | unknown head",
        "DELETE | /v1/heads/none | `` | 404 | unknown head",
        "POST | /v1/heads/../samples | {} | 400 | a head's name is",
        "POST | /v1/heads/a%2Fb/samples | [[1]] | 400 | a head's name is",
        "POST | /v1/heads/there/samples | `` | 400 | has no body",
        "POST | /v1/heads/there/samples | {\"features\":[1,2],\"label\":\"a\"} | 400 | 6",
        "POST | /v1/heads/there/samples | {\"text\":\"x\",\"label\":\"a\"} | 400 | learns from feature vectors",
        "POST | /v1/heads/there/samples | {\"features\":[1,2,3,4,5,6],\"label\":[\"a\",\"b\"]} | 400 | list",
        "POST | /v1/heads/fresh/samples | {\"file\":\"keys.json\",\"label\":\"a\"} | 400 | 'file' must be the path",
        "POST | /v1/heads/fresh/samples | {\"file\":\"../../etc/passwd\",\"label\":\"a\"} | 400 | 'file' must be the path",
        "GET | /v1/heads/there/samples?limit=0 | `` | 400 | 'limit' must be",
        "GET | /v1/heads/there/samples?limit=x | `` | 400 | 'limit' must be",
        "GET | /v1/heads/there/samples?after=x | `` | 400 | 'after' must be",
        "GET | /v1/heads/there/samples?state=good | `` | 400 | 'state' must be one of",
        "GET | /v1/heads/there/samples/none | `` | 404 | has no sample",
        "GET | /v1/heads/there/samples/..%2F..%2Fkeys.json/original | `` | 404 | has no sample",
        "PATCH | /v1/heads/there/samples/none | {\"label\":\"a\"} | 404 | has no sample",
        "PATCH | /v1/heads/there/samples/none | {} | 400 | 'label' is missing",
        "PATCH | /v1/heads/there/samples/none | {\"label\":{}} | 400 | 'label'",
        "DELETE | /v1/heads/there/samples?id=a&label=b | `` | 400 | either",
        "POST | /v1/heads/there/runs | {\"epoch\":1} | 400 | epoch",
        "POST | /v1/heads/there/runs | {\"epochs\":\"many\"} | 400 | epochs",
        "POST | /v1/heads/there/runs | {\"epochs\":-1} | 400 | epochs",
        "POST | /v1/heads/there/runs | {\"rate\":1e400} | 400 | rate",
        "POST | /v1/heads/there/runs | [1] | 400 | must be a JSON object",
        "GET | /v1/heads/there/runs/x | `` | 404 | run",
        "GET | /v1/heads/there/runs/0/events | `` | 404 | run",
        "GET | /v1/heads/there/versions/1 | `` | 404 | version",
        "GET | /v1/heads/there/versions/x | `` | 400 | version",
        "GET | /v1/heads/there/compare?a=1 | `` | 400 | 'b'",
        "POST | /v1/heads/there/rollback | `` | 404 | version",
        "POST | /v1/feedback | {} | 400 | 'id'",
        "POST | /v1/feedback | [] | 400 | empty",
        "POST | /v1/feedback | {\"id\":\"p-1\",\"label\":\"a\",\"head\":\"there\"} | 400 | unknown field 'head'",
        "POST | /v1/heads/there/classes | {} | 400 | 'name' is missing",
        "POST | /v1/heads/there/classes | {\"name\":\" \"} | 400 | 'name' is missing",
      })
  void whatIsWrongIsSaid(String method, String path, String body, int status, String error)
      throws Exception {
    TeachClient.Answer answer =
        client.send(
            method,
            path,
            body.isEmpty() ? null : body.getBytes(UTF_8),
            "Content-Type",
            "application/json");
    assertEquals(status, answer.status(), answer::text);
    assertTrue(answer.json().path("error").asText().contains(error), answer::text);
    assertEquals(404, client.get("/v1/heads/fresh").status());
  }

  @Test
  void whatIsTooMuchIsRefusedBeforeItIsPaidFor() throws Exception {
    byte[] large = new byte[BODY + 1];
    assertEquals(
        413,
        client
            .send("POST", "/v1/heads/x/samples?label=a", large, "Content-Type", "image/png")
            .status());
    String line = "{\"label\":\"a\",\"text\":\"" + "x".repeat(BODY) + "\"}";
    assertEquals(
        413,
        client
            .send(
                "POST",
                "/v1/heads/x/samples",
                line.getBytes(UTF_8),
                "Content-Type",
                "application/jsonl")
            .status());
    assertEquals(
        400, client.post("/v1/heads/x/samples", "[".repeat(1_000) + "]".repeat(1_000)).status());
    assertEquals(400, client.post("/v1/heads", "{\"head\":" + "[".repeat(1_000)).status());
    assertEquals(404, client.get("/v1/heads/x").status());
  }

  @Test
  void aBrokenFormStoresNothing() throws Exception {
    byte[] form = new TeachClient.Form().label("a").file("a.txt", "words".getBytes(UTF_8)).bytes();
    for (int length : new int[] {0, 10, 60, 120, form.length - 20}) {
      byte[] cut = java.util.Arrays.copyOf(form, length);
      TeachClient.Answer answer =
          client.send(
              "POST",
              "/v1/heads/form/samples",
              cut,
              "Content-Type",
              "multipart/form-data; boundary=----headstart7d1c");
      assertEquals(400, answer.status(), answer::text);
    }
    assertEquals(404, client.get("/v1/heads/form").status());
  }

  /** What is no picture stops no other; what has a picture's first bytes shows when it is read. */
  @Test
  void filesThatAreNoPicturesAreToldApart() throws Exception {
    TeachClient.Form form =
        new TeachClient.Form()
            .label("a")
            .file("a.png", Pictures.png(0x336699))
            .file("notes.pdf", "%PDF-1.7 …".getBytes(UTF_8))
            .file("setup.exe", "MZ\0\0\0".getBytes(UTF_8))
            .file("photo.heic", "\0\0\0\030ftypheic".getBytes(UTF_8))
            .file("empty.png", new byte[0])
            .label("b")
            .file("broken.png", java.util.Arrays.copyOf(Pictures.png(0x996633), 60))
            .file("../../<b>.png", Pictures.png(0xffffff));
    JsonNode added = client.upload("/v1/heads/mixed/samples", form).expect(201);
    assertEquals(3, added.path("added").asInt(), added.toString());
    assertEquals(4, added.path("refused").size(), added.toString());
    assertEquals("notes.pdf", added.at("/refused/0/name").asText());
    assertTrue(added.at("/refused/0/error").asText().contains("PDF"));
    assertTrue(added.at("/refused/1/error").asText().contains("program"));
    assertTrue(added.at("/refused/2/error").asText().contains("HEIC"));
    JsonNode head = client.awaitFeatures("mixed");
    assertEquals(1, head.at("/samples/unreadable").asInt(), head.toString());
    JsonNode broken =
        client.get("/v1/heads/mixed/samples?state=unreadable").expect(200).at("/samples/0");
    assertEquals("broken.png", broken.path("name").asText());
    assertTrue(broken.path("reason").asText().length() > 5, broken.toString());
    JsonNode good = client.get("/v1/heads/mixed/samples?label=a").expect(200).at("/samples/0");
    String path = "/v1/heads/mixed/samples/" + good.path("id").asText();
    TeachClient.Answer original = client.get(path + "/original");
    assertEquals("image/png", original.header("Content-Type"));
    assertEquals(Pictures.png(0x336699).length, original.bytes().length);
    TeachClient.Answer thumbnail = client.get(path + "/thumbnail");
    assertEquals("image/jpeg", thumbnail.header("Content-Type"));
    assertTrue(thumbnail.header("Cache-Control").startsWith("private"));
    assertEquals(
        304, client.get(path + "/thumbnail", "If-None-Match", thumbnail.header("ETag")).status());
    assertEquals(204, client.delete("/v1/heads/mixed").status());
  }

  /** What is wrong with a form is said in words for people, whatever the library calls it. */
  @Test
  void formsThatCannotBeReadAreSaidToBe() throws Exception {
    String end = "------headstart7d1c--\r\n";
    for (String headers :
        List.of(
            "Content-Type: text/plain",
            "X-Nothing: at all",
            "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%ZZ%",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n"
                + "Content-Type: text/plain; charset=bogus")) {
      String form = "------headstart7d1c\r\n" + headers + "\r\n\r\nx\r\n" + end;
      String error =
          client
              .send(
                  "POST",
                  "/v1/heads/form/samples",
                  form.getBytes(UTF_8),
                  "Content-Type",
                  "multipart/form-data; boundary=----headstart7d1c")
              .expect(400)
              .path("error")
              .asText();
      assertTrue(error.contains("the headers of one of its parts"), error);
      assertFalse(error.contains("Exception"), error);
    }
    assertEquals(404, client.get("/v1/heads/form").status());
  }

  /** What is learned can be asked about, and what is kept in memory for each class is bounded. */
  @Test
  void textsAndVectorsThatAreTooLongAreRefused() throws Exception {
    String text = "{\"label\":\"a\",\"text\":\"" + "x".repeat(300_000) + "\"}";
    String error = client.post("/v1/heads/x/samples", text).expect(400).path("error").asText();
    assertTrue(error.contains("a text of 300000 bytes; 262144 are taken"), error);
    String vector = "{\"label\":\"a\",\"features\":[" + "1,".repeat(1 << 16) + "1]}";
    error = client.post("/v1/heads/x/samples", vector).expect(400).path("error").asText();
    assertTrue(error.contains("has 65537 features; at most 65536"), error);
    assertEquals(404, client.get("/v1/heads/x").status());
  }

  /** A bundle is another device's, or anybody's. */
  @Test
  void bundlesThatDoNotFitOrAreNotSound() throws Exception {
    client.post("/v1/heads/made/samples", new Clouds(2).samples("a", 0, 6)).expect(201);
    client.post("/v1/heads/made/samples", new Clouds(3).samples("b", 1, 6)).expect(201);
    client.awaitFeatures("made");
    client.teach("made", "{\"epochs\": 2}");
    byte[] bundle = client.get("/v1/heads/made/bundle").bytes();
    client
        .post("/v1/heads/words/samples", "[{\"label\":\"a\",\"text\":\"some words\"}]")
        .expect(201);
    TeachClient.Answer answer = bundle("words", bundle);
    assertEquals(409, answer.status(), answer::text);
    assertTrue(answer.text().contains("learns from texts"), answer::text);
    assertTrue(client.head("words").path("versions").isEmpty());

    answer = bundle("other", java.util.Arrays.copyOf(bundle, bundle.length / 2));
    assertEquals(400, answer.status(), answer::text);
    assertTrue(answer.text().contains("the bundle is no bundle of a head"), answer::text);
    for (String name : List.of("a\\u0007", "x".repeat(100_000))) {
      answer = bundle("other", withClass(bundle, name));
      assertEquals(400, answer.status(), answer::text);
      assertTrue(answer.text().contains("of one of its classes"), answer::text);
      assertFalse(answer.text().contains("/headstart-"), answer::text);
      assertTrue(answer.bytes().length < 1_000, answer::text);
    }
    assertEquals(404, client.get("/v1/heads/other").status());
    assertEquals(201, bundle("other", bundle).status());
  }

  private static TeachClient.Answer bundle(String head, byte[] bundle) throws Exception {
    return client.send(
        "POST", "/v1/heads/" + head + "/bundle", bundle, "Content-Type", "application/zip");
  }

  /** The bundle with another name for its class {@code a}. */
  private static byte[] withClass(byte[] bundle, String name) throws Exception {
    ByteArrayOutputStream changed = new ByteArrayOutputStream();
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(bundle));
        ZipOutputStream out = new ZipOutputStream(changed)) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        byte[] content = in.readAllBytes();
        if (entry.getName().endsWith("head.json")) {
          content =
              new String(content, UTF_8)
                  .replace("[ \"a\", \"b\" ]", "[ \"" + name + "\", \"b\" ]")
                  .getBytes(UTF_8);
        }
        out.putNextEntry(new ZipEntry(entry.getName()));
        out.write(content);
      }
    }
    return changed.toByteArray();
  }

  /** What another program took away is said at once: nothing is acknowledged that nobody finds. */
  @Test
  void whatCannotBeStoredIsNotAcknowledged(@TempDir Path other) throws Exception {
    try (TeachServer own = TeachServer.start(other, Map.of())) {
      TeachClient asked = own.client();
      asked.post("/v1/heads/there/samples", new Clouds(4).samples("a", 0, 3)).expect(201);
      asked.awaitFeatures("there");
      Path database = other.resolve("headstart.db");
      Path away = other.resolve("away.db");
      Files.move(database, away);
      for (String body :
          List.of(new Clouds(5).samples("a", 0, 1), new Clouds(6).samples("b", 1, 1))) {
        TeachClient.Answer answer = asked.post("/v1/heads/there/samples", body);
        assertEquals(507, answer.status(), answer::text);
        assertTrue(answer.text().contains("nothing can be stored"), answer::text);
        assertFalse(answer.text().contains(other.toString()), answer::text);
      }
      assertEquals(507, asked.post("/v1/heads/there/runs", "{}").status());
      assertEquals(200, asked.post("/v1/heads/there/predict", new Clouds(7).question(0)).status());
      Files.move(away, database);
      asked.post("/v1/heads/there/samples", new Clouds(8).samples("a", 0, 1)).expect(201);
      assertEquals(4, asked.head("there").at("/samples/total").asInt());
    }
  }

  @Test
  void tenThousandClasses() throws Exception {
    ObjectNode head = TeachClient.JSON.createObjectNode();
    head.put("head", "many").put("modality", "tensor");
    ArrayNode classes = head.putArray("classes");
    for (int i = 0; i < 10_000; i++) {
      classes.add("class " + i);
    }
    assertEquals(
        10_000, client.post("/v1/heads", head.toString()).expect(201).path("classes").size());
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 2_000; i++) {
      lines.append("{\"label\":\"class ").append(i).append("\",\"features\":[").append(i);
      lines.append(",1]}\n");
    }
    JsonNode added =
        client
            .send(
                "POST",
                "/v1/heads/many/samples",
                lines.toString().getBytes(UTF_8),
                "Content-Type",
                "application/x-ndjson")
            .expect(201);
    assertEquals(2_000, added.path("added").asInt());
    assertEquals(204, client.delete("/v1/heads/many").status());
  }

  @Test
  void teachingCanBeSwitchedOff(@TempDir Path other) throws Exception {
    try (TeachServer off = TeachServer.start(other, Map.of("headstart.teaching.enabled", false))) {
      TeachClient asked = off.client();
      assertEquals(405, asked.post("/v1/heads", "{\"head\": \"x\"}").status());
      assertEquals(404, asked.get("/v1/events").status());
      assertEquals(200, asked.get("/v1/system").status());
      assertEquals(200, asked.get("/v1/heads").status());
    }
  }
}
