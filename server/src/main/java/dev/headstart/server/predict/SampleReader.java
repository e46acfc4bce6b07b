package dev.headstart.server.predict;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.http.Json;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import io.micronaut.http.MediaType;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.HttpData;
import io.netty.handler.codec.http.multipart.HttpPostMultipartRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

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
final class SampleReader {
  static final String IMAGE = "image";
  static final String TEXT = "text";
  static final String FEATURES = "features";

  private final Limits limits;
  private final ObjectMapper json;

  SampleReader(Limits limits) {
    this.limits = limits;
    this.json =
        new ObjectMapper(Json.factory(limits))
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  }

  /**
   * Reads a body.
   *
   * @param type its content type; null if it says none
   * @param takes the input that a raw body is meant for: {@code image}, {@code text} or {@code
   *     features}
   * @throws BadInputException if no sample can be made of it
   */
  Samples read(byte[] body, MediaType type, String takes) {
    if (body.length == 0) {
      throw new BadInputException(
          "the request has no body; expected "
              + (takes.equals(IMAGE) ? "a picture" : takes.equals(TEXT) ? "a text" : "JSON")
              + "; see /docs");
    }
    String name = type == null ? "" : type.getName();
    if (name.equals(MediaType.MULTIPART_FORM_DATA)) {
      return multipart(body, type, takes);
    }
    boolean form = name.isEmpty() || name.equals(MediaType.APPLICATION_FORM_URLENCODED);
    if (name.equals(MediaType.APPLICATION_JSON)
        || takes.equals(FEATURES)
        || form && beginsLikeJson(body)) {
      return json(body);
    }
    if (takes.equals(TEXT)) {
      if (name.startsWith("image/")) {
        throw new BadInputException("this head takes a text, but " + name + " came");
      }
      return raw(TEXT, List.of(form ? field(body) : utf8(body, type)), false, List.of());
    }
    return raw(takes, List.of(body), false, List.of());
  }

  /**
   * The heads that a body names, if it is one that can.
   *
   * @return empty if it names none
   */
  List<String> heads(byte[] body, MediaType type) {
    String name = type == null ? "" : type.getName();
    if (name.equals(MediaType.MULTIPART_FORM_DATA)) {
      return parts(body, type).heads();
    }
    return beginsLikeJson(body) ? heads(tree(body)) : List.of();
  }

  private Samples raw(String input, List<byte[]> samples, boolean list, List<String> heads) {
    samples.forEach(sample -> limits.checkString(input, sample.length));
    return new Samples(
        Map.of(input, Tensor.strings(samples, samples.size())), samples.size(), list, heads);
  }

  private static boolean beginsLikeJson(byte[] body) {
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
    Charset charset = type.getCharset().orElse(StandardCharsets.UTF_8);
    return charset.equals(StandardCharsets.UTF_8)
        ? body
        : new String(body, charset).getBytes(StandardCharsets.UTF_8);
  }

  private record Parts(List<byte[]> samples, List<String> heads) {}

  private Samples multipart(byte[] body, MediaType type, String takes) {
    if (takes.equals(FEATURES)) {
      throw new BadInputException(
          "this head takes feature vectors: send {\"features\": […]} as JSON");
    }
    Parts parts = parts(body, type);
    if (parts.samples().isEmpty()) {
      throw new BadInputException(
          "the form has no file; expected one, as curl -F file=@FILE sends");
    }
    return raw(takes, parts.samples(), parts.samples().size() > 1, parts.heads());
  }

  private Parts parts(byte[] body, MediaType type) {
    if (type.getParameters().get("boundary").filter(b -> !b.isBlank()).isEmpty()) {
      throw new BadInputException("the form's content type names no boundary");
    }
    FullHttpRequest form =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, HttpMethod.POST, "/", Unpooled.wrappedBuffer(body));
    form.headers().set(HttpHeaderNames.CONTENT_TYPE, type.toString());
    List<byte[]> samples = new ArrayList<>();
    List<String> heads = new ArrayList<>();
    HttpPostMultipartRequestDecoder decoder = null;
    try {
      decoder =
          new HttpPostMultipartRequestDecoder(
              new DefaultHttpDataFactory(false),
              form,
              StandardCharsets.UTF_8,
              limits.tensors(),
              limits.body());
      for (InterfaceHttpData part : decoder.getBodyHttpDatas()) {
        HttpData data = (HttpData) part;
        if (part.getName().equals("heads")) {
          heads.addAll(List.of(data.getString(StandardCharsets.UTF_8).split(",")));
        } else {
          samples.add(data.get());
        }
      }
      return new Parts(samples, heads);
    } catch (DecoderException e) {
      throw new BadInputException("the form is not sound: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be read", e);
    } finally {
      if (decoder != null) {
        decoder.destroy();
      }
    }
  }

  private JsonNode tree(byte[] body) {
    try {
      return json.readTree(body);
    } catch (JsonProcessingException e) {
      throw Json.notJson(e);
    } catch (IOException e) {
      throw new BadInputException("the request is not sound JSON: " + e.getMessage(), e);
    }
  }

  private Samples json(byte[] body) {
    JsonNode root = tree(body);
    List<String> heads = heads(root);
    JsonNode samples = root.isObject() && root.has("samples") ? root.get("samples") : root;
    boolean list = samples.isArray() && !(samples.size() > 0 && samples.get(0).isNumber());
    if (!list) {
      return samples(List.of(samples), false, heads);
    }
    if (samples.isEmpty()) {
      throw new BadInputException("the list of samples is empty");
    }
    limits.checkElements(samples.size());
    List<JsonNode> each = new ArrayList<>(samples.size());
    samples.forEach(each::add);
    return samples(each, true, heads);
  }

  private static List<String> heads(JsonNode root) {
    JsonNode named = root.path("heads");
    if (named.isMissingNode()) {
      return List.of();
    }
    List<String> heads = new ArrayList<>();
    for (JsonNode name : named) {
      if (!name.isTextual()) {
        throw new BadInputException("'heads' is a list of names, not of " + name.getNodeType());
      }
      heads.add(name.textValue());
    }
    if (heads.isEmpty()) {
      throw new BadInputException("'heads' is a list of names, and not empty");
    }
    return heads;
  }

  private Samples samples(List<JsonNode> samples, boolean list, List<String> heads) {
    String kind = kind(samples.get(0), 0);
    for (int i = 1; i < samples.size(); i++) {
      if (!kind(samples.get(i), i).equals(kind)) {
        throw new BadInputException(
            "sample " + i + " is of another kind than the first: expected '" + kind + "'");
      }
    }
    return switch (kind) {
      case FEATURES -> vectors(samples, list, heads);
      case TEXT -> raw(TEXT, texts(samples), list, heads);
      default -> raw(IMAGE, pictures(samples), list, heads);
    };
  }

  private static String kind(JsonNode sample, int index) {
    if (sample.isArray()) {
      return FEATURES;
    }
    if (sample.isTextual()) {
      return TEXT;
    }
    List<String> there = List.of(TEXT, IMAGE, FEATURES).stream().filter(sample::has).toList();
    if (there.size() != 1) {
      throw new BadInputException(
          "sample "
              + index
              + " must be an object with one of 'text', 'image' (base64) and 'features'"
              + (there.isEmpty() ? "" : ", not with " + there));
    }
    return there.get(0);
  }

  private static List<byte[]> texts(List<JsonNode> samples) {
    List<byte[]> texts = new ArrayList<>(samples.size());
    for (JsonNode sample : samples) {
      JsonNode text = sample.isTextual() ? sample : sample.get(TEXT);
      if (!text.isTextual()) {
        throw new BadInputException(
            "'text' of sample " + texts.size() + " must be a string, not " + text.getNodeType());
      }
      texts.add(text.textValue().getBytes(StandardCharsets.UTF_8));
    }
    return texts;
  }

  private static List<byte[]> pictures(List<JsonNode> samples) {
    List<byte[]> pictures = new ArrayList<>(samples.size());
    for (JsonNode sample : samples) {
      JsonNode image = sample.get(IMAGE);
      try {
        if (!image.isTextual()) {
          throw new IllegalArgumentException("it is " + image.getNodeType());
        }
        pictures.add(Base64.getDecoder().decode(image.textValue()));
      } catch (IllegalArgumentException e) {
        throw new BadInputException(
            "'image' of sample "
                + pictures.size()
                + " must be a picture's bytes in base64: "
                + Names.shown(e.getMessage()),
            e);
      }
    }
    return pictures;
  }

  private Samples vectors(List<JsonNode> samples, boolean list, List<String> heads) {
    int width = -1;
    ByteBuffer data = null;
    for (int i = 0; i < samples.size(); i++) {
      JsonNode vector = samples.get(i).isArray() ? samples.get(i) : samples.get(i).get(FEATURES);
      if (!vector.isArray() || vector.isEmpty()) {
        throw new BadInputException("'features' of sample " + i + " must be a list of numbers");
      }
      if (data == null) {
        width = vector.size();
        limits.checkElements((long) width * samples.size());
        data = Tensor.allocate(4L * width * samples.size());
      } else if (vector.size() != width) {
        throw new BadInputException(
            "sample " + i + " has " + vector.size() + " features, the first one " + width);
      }
      for (int k = 0; k < width; k++) {
        JsonNode value = vector.get(k);
        float number = value.isNumber() ? value.floatValue() : Float.NaN;
        if (!Float.isFinite(number)) {
          throw new BadInputException(
              "feature "
                  + k
                  + " of sample "
                  + i
                  + " must be a number in the range of FP32, not "
                  + Names.shown(value.toString()));
        }
        data.putFloat(number);
      }
    }
    Tensor tensor = new Tensor(ElementType.FLOAT, new long[] {samples.size(), width}, data.flip());
    return new Samples(Map.of(FEATURES, tensor), samples.size(), list, heads);
  }
}
