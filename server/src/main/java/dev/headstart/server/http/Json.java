package dev.headstart.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.exceptions.HttpStatusException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reading JSON that strangers wrote: always UTF-8, no deeper and with no longer names than allowed.
 */
public final class Json {
  private static final int LONGEST_NAME = 1000;
  private static final int LONGEST_NUMBER = 1000;

  /** Of a request, an input or an output. */
  private static final int MOST_PARAMETERS = 1000;

  private Json() {}

  /** A factory of parsers that keep the limits. */
  public static JsonFactory factory(Limits limits) {
    return new JsonFactoryBuilder()
        .disable(JsonFactory.Feature.CHARSET_DETECTION)
        // Names come from strangers: none is kept for good.
        .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
        .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
        .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(limits.depth())
                .maxNameLength(LONGEST_NAME)
                .maxNumberLength(LONGEST_NUMBER)
                .maxStringLength(limits.body())
                .build())
        .build();
  }

  /**
   * A body that is small by its nature, whole.
   *
   * @param most bytes that it may have
   * @throws BadInputException if it is no JSON
   * @throws HttpStatusException (413) if it is larger
   */
  public static JsonNode tree(ObjectMapper json, byte[] body, int most) {
    if (body.length > most) {
      throw new HttpStatusException(
          HttpStatus.REQUEST_ENTITY_TOO_LARGE,
          "the request has " + body.length + " bytes; at most " + most + " are taken here");
    }
    try {
      return json.readTree(body);
    } catch (JsonProcessingException e) {
      throw notJson(e);
    } catch (IOException e) {
      throw new BadInputException("the request is not sound JSON: " + e.getMessage(), e);
    }
  }

  /**
   * The same of a JSON object.
   *
   * @throws BadInputException if it is no JSON object
   */
  public static ObjectNode object(ObjectMapper json, byte[] body, int most) {
    if (tree(json, body, most) instanceof ObjectNode object) {
      return object;
    }
    throw new BadInputException("the request must be a JSON object");
  }

  /** What is wrong with a text that is not JSON, or not within the limits. */
  public static BadInputException notJson(JsonProcessingException e) {
    String place =
        e instanceof JsonParseException && e.getLocation() != null
            ? " (line "
                + e.getLocation().getLineNr()
                + ", column "
                + e.getLocation().getColumnNr()
                + ")"
            : "";
    // Jackson says of a start that is not closed where it lies in words about its own options.
    String reason = e.getOriginalMessage().replaceFirst(" \\(start marker at .*", "");
    return new BadInputException("the request is not sound JSON: " + reason + place, e);
  }

  /**
   * The scalars of an object; objects and arrays in it are skipped. Integers beyond 64 bits become
   * doubles.
   *
   * @param json stands on the object's start; afterwards on its end
   * @throws BadInputException if it is no object, has a name twice, or too many
   */
  static Map<String, Object> parameters(JsonParser json, String of) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return Map.of();
    }
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new BadInputException("parameters of " + of + " must be an object");
    }
    Map<String, Object> parameters = new LinkedHashMap<>();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String name = json.currentName();
      Object value =
          switch (json.nextToken()) {
            case VALUE_STRING -> json.getText();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NUMBER_FLOAT -> json.getDoubleValue();
            case VALUE_NUMBER_INT ->
                json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                    ? (Object) json.getDoubleValue()
                    : (Object) json.getLongValue();
            default -> {
              json.skipChildren();
              yield null;
            }
          };
      if (parameters.size() == MOST_PARAMETERS) {
        throw new BadInputException(of + " has more than " + MOST_PARAMETERS + " parameters");
      }
      if (value != null && parameters.put(name, value) != null) {
        throw new BadInputException(
            "parameter '" + Names.shown(name) + "' of " + of + " comes twice");
      }
    }
    return parameters;
  }

  /**
   * The text of a string.
   *
   * @throws BadInputException if it is another thing
   */
  static String string(JsonParser json, String what) throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw new BadInputException(what + " must be a string, not " + Names.shown(json.getText()));
    }
    return json.getText();
  }
}
