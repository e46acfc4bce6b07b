package dev.headstart.server.predict;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.server.SharedServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people send with curl, in all its forms. */
class PredictTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FORM = "application/x-www-form-urlencoded";

  @Test
  void aPictureInEveryForm() throws Exception {
    byte[] picture = picture(0x336699);
    JsonNode raw = predict("pictures", picture, FORM);
    assertTrue(raw.path("scores").has("dog"), raw.toString());
    assertEquals(1, raw.path("version").asInt());
    assertTrue(raw.path("scores").path(raw.path("label").asText()).floatValue() >= 0.5);
    assertEquals(raw, predict("pictures", picture, "image/png"));
    assertEquals(raw, predict("pictures", picture, "application/octet-stream"));
    assertEquals(raw, predict("pictures", picture, null));
    assertEquals(raw, predict("pictures", form(picture, null), "multipart/form-data; boundary=B"));
    String base64 = Base64.getEncoder().encodeToString(picture);
    assertEquals(
        raw, predict("pictures", ("{\"image\":\"" + base64 + "\"}").getBytes(UTF_8), FORM));
  }

  @Test
  void severalFilesAreAnsweredByAList() throws Exception {
    JsonNode list =
        predict("pictures", form(picture(0), picture(0xffffff)), "multipart/form-data; boundary=B");
    assertEquals(2, list.size());
  }

  @Test
  void aTextInEveryForm() throws Exception {
    JsonNode plain = predict("mails", "pay now".getBytes(UTF_8), "text/plain");
    assertTrue(plain.path("scores").has("spam"));
    assertEquals(plain, predict("mails", "pay now".getBytes(UTF_8), FORM));
    assertEquals(plain, predict("mails", "text=pay+now".getBytes(UTF_8), FORM));
    assertEquals(plain, predict("mails", "{\"text\": \"pay now\"}".getBytes(UTF_8), FORM));
    assertEquals(
        plain, predict("mails", " {\"text\": \"pay now\"}".getBytes(UTF_8), "application/json"));
    JsonNode list =
        predict("mails", "[\"pay now\", {\"text\": \"pay now\"}]".getBytes(UTF_8), FORM);
    assertEquals(2, list.size());
    assertEquals(plain.path("label"), list.at("/1/label"));
  }

  @Test
  void numbersAndTasks() throws Exception {
    JsonNode value = predict("price", "{\"features\": [1, 2]}".getBytes(UTF_8), FORM);
    assertTrue(value.path("value").isNumber() && !value.has("label") && !value.has("scores"));
    assertEquals(value, predict("price", "[[1, 2]]".getBytes(UTF_8), FORM).get(0));
    assertEquals(
        value,
        predict("price", "{\"samples\": [{\"features\": [1, 2]}]}".getBytes(UTF_8), FORM).get(0));
    JsonNode labels = predict("tags", "[1, 2]".getBytes(UTF_8), FORM);
    assertTrue(labels.path("labels").isArray() && labels.path("scores").size() == 3);
  }

  @Test
  void everyPredictionHasAnIdOfItsOwn() throws Exception {
    byte[] body = "[[1, 2], [1, 2]]".getBytes(UTF_8);
    JsonNode answers = JSON.readTree(send("/v1/heads/price/predict", body, FORM).body());
    assertTrue(answers.at("/0/id").asText().matches("p-[0-9a-f]{32}"), answers.toString());
    assertNotEquals(answers.at("/0/id"), answers.at("/1/id"));
  }

  @Test
  void severalHeads() throws Exception {
    byte[] picture = picture(0x112233);
    JsonNode answer = json(200, send("/v1/predict?heads=pictures,photos", picture, FORM));
    assertEquals(
        predict("pictures", picture, FORM).path("label"), answer.at("/predictions/pictures/label"));
    assertEquals(
        predict("photos", picture, FORM).path("label"), answer.at("/predictions/photos/label"));
    String form =
        "--B\r\nContent-Disposition: form-data; name=\"heads\"\r\n\r\npictures,photos\r\n";
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(form.getBytes(UTF_8));
    body.writeBytes(form(picture, null));
    assertEquals(
        answer,
        json(200, send("/v1/predict", body.toByteArray(), "multipart/form-data; boundary=B")));
    assertEquals(
        2,
        json(
                200,
                send(
                    "/v1/predict",
                    "{\"heads\":[\"price\",\"tags\"],\"features\":[1,2]}".getBytes(UTF_8),
                    FORM))
            .path("predictions")
            .size());
  }

  @Test
  void headsThatAnswer() throws Exception {
    JsonNode heads = json(200, SharedServer.send("GET", "/v1/heads", null)).path("heads");
    assertEquals(6, heads.size());
    JsonNode flowers = heads.get(0);
    assertEquals("flowers", flowers.path("head").asText());
    assertEquals("[\"ant\",\"bee\",\"cow\"]", flowers.path("classes").toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/v1/heads/none/predict      | x | 404 | unknown model 'none'",
        "/v1/heads/minilm/predict    | x | 400 | 'minilm' is no head",
        "/v1/heads/mails/predict?version=9 | x | 404 | has no version 9",
        "/v1/heads/mails/predict?version=x | x | 400 | a model's version is a positive integer",
        "/v1/heads/mails/predict     | `` | 400 | the request has no body; expected a text",
        "/v1/heads/mails/predict     | {\"text\":7} | 400 | 'text' of sample 0 must be a string",
        "/v1/heads/mails/predict     | {\"text\":\"a\",\"image\":\"b\"} | 400 | not several",
        "/v1/heads/mails/predict     | {\"samples\":[]} | 400 | the list of samples is empty",
        "/v1/heads/mails/predict     | [\"a\",[1]] | 400 | sample 1 is of another kind than the first",
        "/v1/heads/mails/predict     | {\"text\" | 400 | the request is not sound JSON",
        "/v1/heads/mails/predict     | {\"text\":\"a\"} {} | 400 | the request is not sound JSON",
        "/v1/heads/mails/predict     | text=%zz | 400 | the form's field 'text' is not sound",
        "/v1/heads/mails/predict     | [1,2] | 400 | the input 'features' is FP32 [-1, 384]",
        "/v1/heads/pictures/predict  | x | 400 | not a picture that can be read",
        "/v1/heads/pictures/predict  | {\"image\":\"#\"} | 400 | must be a picture's bytes in base64",
        "/v1/heads/pictures/predict  | {\"image\":1} | 400 | must be a picture's bytes in base64",
        "/v1/heads/price/predict     | {\"samples\":[[1,2]],\"text\":\"a\"} | 400 | 'text' comes beside 'samples'",
        "/v1/heads/price/predict     | {\"features\":[1,2],\"samples\":[[1,2]]} | 400 | 'samples' comes beside other samples",
        "/v1/heads/price/predict     | {\"features\":[1,2],\"features\":[1,2]} | 400 | not several",
        "/v1/heads/price/predict     | {} | 400 | sample 0 must be an object with one of",
        "/v1/heads/price/predict     | 7 | 400 | sample 0 must be an object with one of",
        "/v1/heads/price/predict     | [[1,2],null] | 400 | sample 1 must be an object with one of",
        "/v1/heads/price/predict     | x | 400 | the request is not sound JSON",
        "/v1/heads/price/predict     | [1,\"2\"] | 400 | feature 1 of sample 0 must be a number",
        "/v1/heads/price/predict     | [1,1e99] | 400 | feature 1 of sample 0 must be a number in the range of FP32",
        "/v1/heads/price/predict     | [[1,2],[1]] | 400 | sample 1 has 1 features, the first one 2",
        "/v1/heads/price/predict     | {\"features\":[]} | 400 | must be a list of numbers",
        "/v1/predict                 | {\"features\":[1]} | 400 | no heads are named",
        "/v1/predict                 | {\"heads\":[],\"features\":[1]} | 400 | not empty",
        "/v1/predict                 | {\"heads\":[1],\"features\":[1]} | 400 | 'heads' is a list of names",
        "/v1/predict                 | {\"heads\":[\"price\",\"price\"],\"features\":[1,2]} | 400 | named twice",
      })
  void refusals(String path, String body, int status, String message) throws Exception {
    String error = json(status, send(path, body.getBytes(UTF_8), FORM)).path("error").asText();
    assertTrue(error.contains(message), error);
  }

  @ParameterizedTest
  @CsvSource({"text/plain;charset=nonsense", "text/plain;charset="})
  void charsetsThatAreNone(String type) throws Exception {
    json(400, send("/v1/heads/mails/predict", "x".getBytes(UTF_8), type));
  }

  @ParameterizedTest
  @CsvSource({
    "multipart/form-data",
    "multipart/form-data; boundary=Q",
    "multipart/form-data; boundary="
  })
  void formsThatAreNone(String type) throws Exception {
    json(400, send("/v1/heads/pictures/predict", "x".getBytes(UTF_8), type));
    json(400, send("/v1/predict", "--Q\r\n\r\nx".getBytes(UTF_8), type));
  }

  private static byte[] picture(int rgb) throws Exception {
    BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 32; i++) {
      image.setRGB(i, i, rgb);
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    return png.toByteArray();
  }

  private static byte[] form(byte[] first, byte[] second) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] file : new byte[][] {first, second}) {
      if (file != null) {
        body.writeBytes(
            ("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n"
                    + "Content-Type: image/png\r\n\r\n")
                .getBytes(UTF_8));
        body.writeBytes(file);
        body.writeBytes("\r\n".getBytes(UTF_8));
      }
    }
    body.writeBytes("--B--\r\n".getBytes(UTF_8));
    return body.toByteArray();
  }

  private static JsonNode predict(String head, byte[] body, String type) throws Exception {
    return json(200, send("/v1/heads/" + head + "/predict", body, type));
  }

  private static HttpResponse<byte[]> send(String path, byte[] body, String type) throws Exception {
    return type == null
        ? SharedServer.send("POST", path, body)
        : SharedServer.send("POST", path, body, "Content-Type", type);
  }

  private static JsonNode json(int status, HttpResponse<byte[]> answer) throws Exception {
    assertEquals(status, answer.statusCode(), new String(answer.body(), UTF_8));
    JsonNode json = JSON.readTree(answer.body());
    // By which feedback names a prediction; no two have the same.
    json.findParents("id").forEach(prediction -> ((ObjectNode) prediction).remove("id"));
    return json;
  }
}
