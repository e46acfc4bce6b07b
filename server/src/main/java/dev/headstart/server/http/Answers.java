package dev.headstart.server.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Answers in JSON. */
public final class Answers {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Answers() {}

  /** 200 with a value of maps, lists and plain values. */
  public static MutableHttpResponse<byte[]> json(Object value) {
    return json(HttpStatus.OK, value);
  }

  /** The same with another status. */
  public static MutableHttpResponse<byte[]> json(HttpStatus status, Object value) {
    byte[] body = bytes(value);
    return HttpResponse.<byte[]>status(status)
        .contentType(MediaType.APPLICATION_JSON_TYPE)
        // Micronaut says it itself, but for HEAD.
        .contentLength(body.length)
        .body(body);
  }

  /** The same value as a text without line ends. */
  public static String line(Object value) {
    return new String(bytes(value), StandardCharsets.UTF_8);
  }

  private static byte[] bytes(Object value) {
    try {
      return JSON.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no JSON can be made of " + value.getClass(), e);
    }
  }

  /** {@code {"error": message}}, as every failure is answered. */
  public static MutableHttpResponse<byte[]> error(HttpStatus status, String message) {
    return json(status, Map.of("error", message));
  }
}
