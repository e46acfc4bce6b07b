package dev.headstart.server.predict;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.http.Form;
import dev.headstart.server.http.Json;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import io.micronaut.http.MediaType;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Reads samples in whichever of these forms they come:
 *
 * <ul>
 *   <li>{@code multipart/form-data}: every part is a sample, but the field {@code heads}
 *   <li>{@code application/json}: {@code {"text": …}}, {@code {"image": base64}}, {@code
 *       {"features": […]}}, an array of these, or {@code {"samples": […]}}; {@code "heads": […]}
 *       beside them
 *   <li>everything else: the body is the sample. As curl calls whatever it sends a form, a body of
 *       that type, or of none, is JSON if it begins like it, and a form's field if it begins with
 *       {@code text=}
 * </ul>
 */
@Singleton
public final class SampleReader {
  static final String IMAGE = "image";
  static final String TEXT = "text";
  static final String FEATURES = "features";

  private final Limits limits;
  private final JsonFactory json;

  SampleReader(Limits limits) {
    this.limits = limits;
    this.json = Json.factory(limits);
  }

  /**
   * Reads a body.
   *
   * @param type its content type; null if it says none
   * @param takes tells the input that a raw body is meant for, {@code image}, {@code text} or
   *     {@code features}, from the heads that the body names, which may be none
   * @throws BadInputException if no sample can be made of it
   */
  Samples read(byte[] body, MediaType type, Function<List<String>, String> takes) {
    if (body.length == 0) {
      String input = takes.apply(List.of());
      throw new BadInputException(
          "the request has no body; expected "
              + (input.equals(IMAGE) ? "a picture" : input.equals(TEXT) ? "a text" : "JSON")
              + "; see /docs");
    }
    String name = type == null ? "" : type.getName();
    if (name.equals(MediaType.MULTIPART_FORM_DATA)) {
      return multipart(body, type, takes);
    }
    boolean form = name.isEmpty() || name.equals(MediaType.APPLICATION_FORM_URLENCODED);
    if (name.equals(MediaType.APPLICATION_JSON) || form && beginsLikeJson(body)) {
      Samples samples = json(body);
      takes.apply(samples.heads());
      return samples;
    }
    String input = takes.apply(List.of());
    if (input.equals(FEATURES)) {
      return json(body);
    }
    if (input.equals(TEXT)) {
      if (name.startsWith("image/")) {
        throw new BadInputException("this head takes a text, but " + name + " came");
      }
      return raw(TEXT, List.of(form ? field(body) : utf8(body, type)), false, List.of());
    }
    return raw(input, List.of(body), false, List.of());
  }

  private Samples raw(String input, List<byte[]> samples, boolean list, List<String> heads) {
    samples.forEach(sample -> limits.checkString(input, sample.length));
    return new Samples(
        Map.of(input, Tensor.strings(samples, samples.size())), samples.size(), list, heads);
  }

  /** Whether a body of no type, or of the one that curl gives everything, is meant as JSON. */
  public static boolean beginsLikeJson(byte[] body) {
    for (byte b : body) {
      if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
        return b == '{' || b == '[';
      }
    }
    return false;
  }

  /** A form's field {@code text}, else the body as it is. */
  private static byte[] field(byte[] body) {
    String start = "text=";
    if (body.length < start.length()
        || !new String(body, 0, start.length(), StandardCharsets.US_ASCII).equals(start)) {
      return body;
    }
    try {
      return URLDecoder.decode(
              new String(
                  body, start.length(), body.length - start.length(), StandardCharsets.UTF_8),
              StandardCharsets.UTF_8)
          .getBytes(StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new BadInputException("the form's field 'text' is not sound: " + e.getMessage(), e);
    }
  }

  private static byte[] utf8(byte[] body, MediaType type) {
    Charset charset;
    try {
      charset = type.getCharset().orElse(StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          "the content type's charset is not known: " + Names.shown(type.toString()), e);
    }
    return charset.equals(StandardCharsets.UTF_8)
        ? body
        : new String(body, charset).getBytes(StandardCharsets.UTF_8);
  }

  private Samples multipart(byte[] body, MediaType type, Function<List<String>, String> takes) {
    List<byte[]> samples = new ArrayList<>();
    List<String> heads = new ArrayList<>();
    for (Form.Part part : Form.read(body, type, limits.tensors(), limits)) {
      if (part.name().equals("heads")) {
        heads.addAll(List.of(part.text().split(",")));
      } else {
        samples.add(part.content());
      }
    }
    String input = takes.apply(heads);
    if (input.equals(FEATURES)) {
      throw new BadInputException(
          "this head takes feature vectors: send {\"features\": […]} as JSON");
    }
    if (samples.isEmpty()) {
      throw new BadInputException(
          "the form has no file; expected one, as curl -F file=@FILE sends");
    }
    return raw(input, samples, samples.size() > 1, heads);
  }

  private Samples json(byte[] body) {
    try (JsonParser parser = json.createParser(body)) {
      return JsonSamples.read(parser, limits);
    } catch (JsonProcessingException e) {
      throw Json.notJson(e);
    } catch (IOException e) {
      throw new BadInputException("the request is not sound JSON: " + e.getMessage(), e);
    }
  }
}
