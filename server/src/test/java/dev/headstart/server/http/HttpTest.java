package dev.headstart.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.SharedServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The protocol's routes as a client meets them, over real connections. */
class HttpTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String INFER = "/v2/models/flowers/infer";
  private static final String REQUEST =
      "{\"id\":\"q\",\"inputs\":[{\"name\":\"features\",\"shape\":[1,4],\"datatype\":\"FP32\","
          + "\"data\":[1,2,3,4]}]}";

  @ParameterizedTest
  @CsvSource({
    "GET, /v2, 200",
    "GET, /v2/, 200",
    "HEAD, /v2, 200",
    "OPTIONS, /v2/models/flowers/infer, 204",
    "GET, /v2/health/live, 200",
    "GET, /v2/health/ready, 200",
    "GET, /v2/models/flowers, 200",
    "GET, /v2/models/flowers/, 200",
    "GET, /v2/models/flowers/versions/1, 200",
    "GET, /v2/models/flowers/ready, 200",
    "GET, /v2/models/flowers/versions/1/ready, 200",
    "GET, /v2/models/flowers/config, 200",
    "GET, /v2/models/flowers/versions/1/config, 200",
    "GET, /v2/models/flowers/stats, 200",
    "GET, /v2/models/flowers/versions/1/stats, 200",
    "GET, /v2/models/stats, 200",
    "GET, /v2/models/heads%40minilm, 200",
    "POST, /v2/repository/index, 200",
    "GET, /v2/models/none, 404",
    "GET, /v2/models/none/ready, 404",
    "GET, /v2/models/none/config, 404",
    "GET, /v2/models/none/stats, 404",
    "GET, /v2/models/flowers/versions/2, 404",
    "GET, /v2/models/flowers/versions/0, 400",
    "GET, /v2/models/flowers/versions/latest, 400",
    "GET, /v2/models/a%2F..%2Fb, 404",
    "GET, /nothing, 404",
    "GET, /v2/models, 404",
    "POST, /v2, 405",
    "GET, /v2/models/flowers/infer, 405",
    "PUT, /v2/repository/index, 405",
    "POST, /v2/repository/models/none/load, 404",
    "POST, /v2/repository/models/none/unload, 404",
  })
  void statuses(String method, String path, int status) throws Exception {
    HttpResponse<byte[]> answer = SharedServer.send(method, path, null);
    assertEquals(status, answer.statusCode());
    if (status >= 400) {
      assertTrue(json(answer).path("error").isTextual(), text(answer));
      assertEquals("application/json", type(answer));
    }
    if (status == 405 || method.equals("OPTIONS")) {
      assertTrue(answer.headers().firstValue("Allow").isPresent());
    }
  }

  @Test
  void metadata() throws Exception {
    assertEquals(
        JSON.readTree(
            """
            {"name": "flowers", "versions": ["1"], "platform": "onnxruntime_onnx",
             "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 4]}],
             "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 3]},
                         {"name": "label", "datatype": "BYTES", "shape": [-1]}]}
            """),
        json(SharedServer.send("GET", "/v2/models/flowers", null)));
    JsonNode config = json(SharedServer.send("GET", "/v2/models/pictures/config", null));
    assertEquals(64, config.path("max_batch_size").asInt());
    assertEquals("TYPE_STRING", config.at("/input/0/data_type").asText());
    assertEquals("efficientnet-lite0", config.at("/parameters/base/string_value").asText());
    assertEquals("cpu", config.at("/parameters/execution_provider/string_value").asText());
    assertEquals(
        "pixels FP32 [-1, 3, 224, 224]",
        config.at("/parameters/inputs.tensors/string_value").asText());
    assertEquals(
        "[\"cat\",\"dog\"]", config.at("/parameters/classes.scores/string_value").asText());
  }

  /** What a client sends as content type, or accepts, changes nothing. */
  @ParameterizedTest
  @CsvSource({
    "application/json, */*",
    "application/x-www-form-urlencoded, text/html",
    "multipart/form-data, image/png",
    "nonsense, nonsense",
  })
  void contentTypesDoNotMatter(String type, String accept) throws Exception {
    JsonNode answer =
        json(
            SharedServer.send(
                "POST", INFER, REQUEST.getBytes(UTF_8), "Content-Type", type, "Accept", accept));
    assertEquals("q", answer.path("id").asText());
    assertEquals("cow", answer.at("/outputs/1/data/0").asText());
    assertEquals("1", answer.path("model_version").asText());
  }

  @Test
  void binaryBothWays() throws Exception {
    String header =
        "{\"inputs\":[{\"name\":\"features\",\"shape\":[2,4],\"datatype\":\"FP32\",\"parameters\":"
            + "{\"binary_data_size\":32}}],\"parameters\":{\"binary_data_output\":true},\"outputs\":["
            + "{\"name\":\"features\"},{\"name\":\"scores\",\"parameters\":{\"binary_data\":false}},"
            + "{\"name\":\"label\",\"parameters\":{\"binary_data\":true}}]}";
    byte[] data = new byte[32];
    Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 8).data().get(data);
    HttpResponse<byte[]> answer =
        SharedServer.send(
            "POST",
            INFER,
            joined(header.getBytes(UTF_8), data),
            Headers.LENGTH,
            String.valueOf(header.length()));
    assertEquals(200, answer.statusCode(), text(answer));
    assertEquals("application/octet-stream", type(answer));
    int length = Integer.parseInt(answer.headers().firstValue(Headers.LENGTH).orElseThrow());
    JsonNode json = JSON.readTree(Arrays.copyOf(answer.body(), length));
    assertEquals(32, json.at("/outputs/0/parameters/binary_data_size").asInt());
    assertEquals(6, json.at("/outputs/1/data").size());
    ByteBuffer rest =
        ByteBuffer.wrap(answer.body(), length, answer.body().length - length)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN);
    byte[] features = new byte[32];
    rest.get(features);
    assertArrayEquals(data, features);
    assertEquals(3, rest.getInt());
    assertEquals("cow", UTF_8.decode(rest.slice().limit(3)).toString());
  }

  @Test
  void rawBodies() throws Exception {
    byte[] data = new byte[32];
    Tensor.of(new float[] {1, 2, 3, 4}, 4).data().get(data, 0, 16);
    HttpResponse<byte[]> answer =
        SharedServer.send("POST", INFER, Arrays.copyOf(data, 16), Headers.LENGTH, "0");
    assertEquals(200, answer.statusCode(), text(answer));
    assertEquals("application/octet-stream", type(answer));
    assertEquals(
        "input 'features' of FP32 [1, 4] needs 16 bytes of data, but has 15",
        error(400, SharedServer.send("POST", INFER, new byte[15], Headers.LENGTH, "0")));
    assertEquals(
        200,
        SharedServer.send(
                "POST", "/v2/models/mails/infer", "hello".getBytes(UTF_8), Headers.LENGTH, "0")
            .statusCode());
  }

  @Test
  void classification() throws Exception {
    String request =
        REQUEST.replace(
            "}]}", "}],\"outputs\":[{\"name\":\"scores\",\"parameters\":{\"classification\":2}}]}");
    JsonNode output =
        json(SharedServer.send("POST", INFER, request.getBytes(UTF_8))).at("/outputs/0");
    assertEquals("BYTES", output.path("datatype").asText());
    assertEquals("[1,2]", output.path("shape").toString());
    assertTrue(output.at("/data/0").asText().matches("0\\.\\d{6}:2:cow"), output.toString());
    assertTrue(
        error(
                400,
                SharedServer.send(
                    "POST", INFER, request.replace("scores", "label").getBytes(UTF_8)))
            .contains("cannot be classified"));
  }

  @Test
  void picturesInJsonAreExplained() throws Exception {
    String request =
        "{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\"x\"]}]}";
    assertTrue(
        error(400, SharedServer.send("POST", "/v2/models/pictures/infer", request.getBytes(UTF_8)))
            .endsWith("send it as binary data, or to /v1/heads/HEAD/predict)"));
  }

  @Test
  void unsupported() throws Exception {
    error(
        501,
        SharedServer.send(
            "POST",
            INFER,
            REQUEST.replace("\"id\":\"q\"", "\"parameters\":{\"sequence_id\":4}").getBytes(UTF_8)));
    error(
        501,
        SharedServer.send(
            "POST",
            "/v2/repository/models/flowers/load",
            "{\"parameters\":{\"config\":\"{}\"}}".getBytes(UTF_8)));
  }

  @Test
  void compressedRequests() throws Exception {
    byte[] plain = REQUEST.getBytes(UTF_8);
    ByteArrayOutputStream zlib = new ByteArrayOutputStream();
    try (OutputStream out = new DeflaterOutputStream(zlib)) {
      out.write(plain);
    }
    byte[] bare = Arrays.copyOfRange(zlib.toByteArray(), 2, zlib.size() - 4);
    byte[] gzip = SharedServer.gzip(plain);
    for (HttpResponse<byte[]> answer :
        List.of(
            SharedServer.send("POST", INFER, gzip, "Content-Encoding", "gzip"),
            SharedServer.send("POST", INFER, zlib.toByteArray(), "Content-Encoding", "deflate"),
            SharedServer.send("POST", INFER, bare, "Content-Encoding", "deflate"),
            SharedServer.send("POST", INFER, plain, "Content-Encoding", "identity"))) {
      assertEquals(200, answer.statusCode(), text(answer));
    }
    error(400, SharedServer.send("POST", INFER, plain, "Content-Encoding", "gzip"));
    error(400, SharedServer.send("POST", INFER, plain, "Content-Encoding", "deflate"));
    error(
        400,
        SharedServer.send(
            "POST", INFER, Arrays.copyOf(gzip, gzip.length - 9), "Content-Encoding", "gzip"));
    error(415, SharedServer.send("POST", INFER, plain, "Content-Encoding", "br"));
  }

  @Test
  void compressedAnswers() throws Exception {
    float[] values = new float[64 * 4];
    StringBuilder data = new StringBuilder("0");
    for (int i = 1; i < values.length; i++) {
      values[i] = i;
      data.append(',').append(i);
    }
    String request =
        "{\"inputs\":[{\"name\":\"features\",\"shape\":[64,4],\"datatype\":\"FP32\",\"data\":["
            + data
            + "]}],\"outputs\":[{\"name\":\"features\",\"parameters\":{\"binary_data\":true}}]}";
    for (String encoding : new String[] {"gzip", "deflate"}) {
      HttpResponse<byte[]> answer =
          SharedServer.send("POST", INFER, request.getBytes(UTF_8), "Accept-Encoding", encoding);
      assertEquals(encoding, answer.headers().firstValue("Content-Encoding").orElseThrow());
      try (InputStream in =
          encoding.equals("gzip")
              ? new GZIPInputStream(new ByteArrayInputStream(answer.body()))
              : new InflaterInputStream(new ByteArrayInputStream(answer.body()))) {
        byte[] body = in.readAllBytes();
        int header = Integer.parseInt(answer.headers().firstValue(Headers.LENGTH).orElseThrow());
        assertEquals(header + 1024, body.length);
      }
    }
    HttpResponse<byte[]> small =
        SharedServer.send("GET", "/v2/health/live", null, "Accept-Encoding", "gzip");
    assertTrue(small.headers().firstValue("Content-Encoding").isEmpty());
  }

  @Test
  void tooLarge() throws Exception {
    byte[] large = new byte[SharedServer.BODY + 1];
    error(413, SharedServer.send("POST", INFER, large));
    assertTrue(
        error(
                413,
                SharedServer.send(
                    "POST", INFER, SharedServer.gzip(large), "Content-Encoding", "gzip"))
            .startsWith("the decompressed body is larger"));
    // One that would be 512 MB: nothing near that is allocated.
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(bomb)) {
      for (int i = 0; i < 512; i++) {
        gzip.write(new byte[1 << 20]);
      }
    }
    long before = used();
    error(413, SharedServer.send("POST", INFER, bomb.toByteArray(), "Content-Encoding", "gzip"));
    assertTrue(used() - before < 256L << 20);
    error(400, SharedServer.send("POST", INFER, new byte[SharedServer.BODY]));
  }

  private static long used() {
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** Without a content length, and with a client that waits to be told to go on. */
  @Test
  void tooLargeInChunks() throws Exception {
    String head = "POST " + INFER + " HTTP/1.1\r\nHost: localhost\r\n";
    String chunk = "10000\r\n" + "x".repeat(0x10000) + "\r\n";
    String chunked =
        exchange(
            head
                + "Transfer-Encoding: chunked\r\n\r\n"
                + chunk.repeat(SharedServer.BODY / 0x10000 + 1)
                + "0\r\n\r\n");
    assertTrue(chunked.startsWith("HTTP/1.1 413"), chunked);
    String announced =
        exchange(
            head
                + "Expect: 100-continue\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n");
    assertTrue(announced.contains("413"), announced);
    assertTrue(announced.contains("{\"error\""), announced);
    String welcome =
        exchange(
            head
                + "Expect: 100-continue\r\nConnection: close\r\nContent-Length: "
                + REQUEST.length()
                + "\r\n\r\n"
                + REQUEST);
    assertTrue(welcome.contains("HTTP/1.1 200"), welcome);
  }

  /** Lines that are not HTTP get an answer in the same form, or none, and harm nobody. */
  @ParameterizedTest
  @CsvSource({
    "GET /v2/models/%zz HTTP/1.1, 400",
    "GET /v2/ä HTTP/1.1, 4",
    "nonsense, 400",
    "GET  HTTP/1.1, 4",
    "BREW /v2 HTTP/1.1, 405",
  })
  void notHttp(String line, String status) throws Exception {
    String answer = exchange(line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assertTrue(answer.matches("(?s)HTTP/1\\.[01] " + status + ".*"), answer);
    assertTrue(answer.contains("{\"error\""), answer);
  }

  /** Everything that the server answers to these bytes until it closes, or is silent. */
  private static String exchange(String request) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", SharedServer.get().port())) {
      socket.setSoTimeout(5_000);
      Thread writer =
          new Thread(
              () -> {
                try {
                  socket.getOutputStream().write(request.getBytes(UTF_8));
                  socket.getOutputStream().flush();
                } catch (java.io.IOException e) {
                  // The server has answered and closed before it read everything.
                }
              });
      writer.start();
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      byte[] part = new byte[8192];
      int count;
      while (!answer.toString(UTF_8).contains("\"}")
          && !answer.toString(UTF_8).contains("outputs")
          && (count = socket.getInputStream().read(part)) > 0) {
        answer.write(part, 0, count);
      }
      return answer.toString(UTF_8);
    }
  }

  private static byte[] joined(byte[] header, byte[] data) {
    byte[] body = Arrays.copyOf(header, header.length + data.length);
    System.arraycopy(data, 0, body, header.length, data.length);
    return body;
  }

  private static String error(int status, HttpResponse<byte[]> answer) throws Exception {
    assertEquals(status, answer.statusCode(), text(answer));
    return json(answer).path("error").asText();
  }

  private static JsonNode json(HttpResponse<byte[]> answer) throws Exception {
    return JSON.readTree(answer.body());
  }

  private static String text(HttpResponse<byte[]> answer) {
    return new String(answer.body(), UTF_8);
  }

  private static String type(HttpResponse<byte[]> answer) {
    return answer.headers().firstValue("Content-Type").orElseThrow();
  }
}
