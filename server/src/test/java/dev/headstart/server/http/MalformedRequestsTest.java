package dev.headstart.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.SharedServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Hundreds of bad requests, a table of them and mutations of good ones: the server lives on. */
class MalformedRequestsTest {
  private static final long SEED = Long.getLong("headstart.test.seed", 20261101L);
  private static final int MUTATIONS = Integer.getInteger("headstart.test.mutations", 1500);
  private static final String INFER = "/v2/models/flowers/infer";

  /** Every combination of a name, a shape, a datatype and data that is not a good one. */
  @Test
  void everyOneOfTwoHundredIsRefusedInWords() throws Exception {
    List<String> requests = new ArrayList<>();
    for (String shape :
        List.of(
            "[1,4]", "[4]", "[]", "[1,5]", "[0,4]", "[-1,4]", "\"x\"", "[65,4]", "[1e3]", "null")) {
      for (String datatype : List.of("FP32", "INT64", "BYTES", "FP16", "nothing")) {
        for (String data : List.of("[1,2,3]", "[\"a\"]", "[[1,2],[3]]", "{}")) {
          requests.add(
              "{\"inputs\":[{\"name\":\"features\",\"shape\":"
                  + shape
                  + ",\"datatype\":\""
                  + datatype
                  + "\",\"data\":"
                  + data
                  + "}]}");
        }
      }
    }
    requests.addAll(
        List.of(
            "{", "[]", "null", "1", "\"\"", "{}", "{\"inputs\":1}", "{\"inputs\":[1]}", "[[[["));
    assertTrue(requests.size() >= 200);
    for (String request : requests) {
      HttpResponse<byte[]> answer = SharedServer.send("POST", INFER, request.getBytes(UTF_8));
      assertEquals(400, answer.statusCode(), request);
      String error = new ObjectMapper().readTree(answer.body()).path("error").asText();
      assertTrue(error.length() > 15 && error.length() < 1000, request + " → " + error);
    }
    assertStillAnswers();
  }

  /** Bytes of a sound request with binary data changed, dropped and doubled. */
  @Test
  void mutationsOfBinaryRequestsAreAnsweredOrRefused() throws Exception {
    System.out.println("headstart.test.seed = " + SEED);
    Random random = new Random(SEED);
    List<byte[]> seeds = List.of(numbers(), texts());
    List<String> paths = List.of(INFER, "/v2/models/mails/infer");
    for (int i = 0; i < MUTATIONS; i++) {
      int which = random.nextInt(20) == 0 ? 1 : 0; // texts cost a model's call
      byte[] sound = seeds.get(which);
      int header = new String(sound, UTF_8).indexOf("]}\n") + 3;
      byte[] mutated = mutate(sound, random);
      int length =
          switch (random.nextInt(6)) {
            case 0 -> random.nextInt(sound.length + 10);
            case 1 -> header + random.nextInt(9) - 4;
            default -> header;
          };
      HttpResponse<byte[]> answer =
          SharedServer.send(
              "POST", paths.get(which), mutated, Headers.LENGTH, String.valueOf(length));
      int mutation = i;
      assertTrue(
          answer.statusCode() < 500 || answer.statusCode() == 501,
          () -> "mutation " + mutation + ": " + new String(answer.body(), UTF_8));
    }
    assertStillAnswers();
  }

  private static byte[] mutate(byte[] sound, Random random) {
    byte[] bytes = sound.clone();
    for (int n = 1 + random.nextInt(4); n > 0; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = (byte) "0123456789-{}[]\",:eE.".charAt(random.nextInt(21));
        case 3 -> bytes = Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length));
        default -> {
          byte[] longer = Arrays.copyOf(bytes, bytes.length + at + 1);
          System.arraycopy(bytes, 0, longer, bytes.length, at + 1);
          bytes = longer;
        }
      }
    }
    return bytes;
  }

  private static byte[] numbers() {
    return request("features", "[2,4]", "FP32", Tensor.of(new float[8], 2, 4));
  }

  private static byte[] texts() {
    return request(
        "text",
        "[2]",
        "BYTES",
        Tensor.strings(List.of("hello".getBytes(UTF_8), "you".getBytes(UTF_8)), 2));
  }

  private static byte[] request(String name, String shape, String datatype, Tensor tensor) {
    byte[] data = new byte[tensor.data().remaining()];
    tensor.data().get(data);
    byte[] header =
        ("{\"inputs\":[{\"name\":\""
                + name
                + "\",\"shape\":"
                + shape
                + ",\"datatype\":\""
                + datatype
                + "\",\"parameters\":{\"binary_data_size\":"
                + data.length
                + "}}]}\n")
            .getBytes(UTF_8);
    byte[] body = Arrays.copyOf(header, header.length + data.length);
    System.arraycopy(data, 0, body, header.length, data.length);
    return body;
  }

  private static void assertStillAnswers() throws Exception {
    byte[] numbers = numbers();
    int header = new String(numbers, UTF_8).indexOf('\n') + 1;
    assertEquals(
        200,
        SharedServer.send("POST", INFER, numbers, Headers.LENGTH, String.valueOf(header))
            .statusCode());
  }
}
