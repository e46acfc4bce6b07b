package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.server.protocol.Names;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The fields of a JSON object from a client, asked for one by one; {@link #end} refuses those that
 * nobody asked for. A null is as good as no field.
 */
final class Fields {
  private final ObjectNode object;
  private final Set<String> asked = new LinkedHashSet<>();

  Fields(ObjectNode object) {
    this.object = object;
  }

  private JsonNode node(String name) {
    asked.add(name);
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? null : node;
  }

  private static BadInputException wrong(String name, String expected, JsonNode came) {
    return new BadInputException(
        "'" + name + "' must be " + expected + ", not " + Names.shown(came.toString()));
  }

  /** A string; null if there is none. */
  String text(String name) {
    JsonNode node = node(name);
    if (node != null && !node.isTextual()) {
      throw wrong(name, "a string", node);
    }
    return node == null ? null : node.textValue();
  }

  /** A string that must be there. */
  String required(String name) {
    String text = text(name);
    if (text == null || text.isBlank()) {
      throw new BadInputException("'" + name + "' is missing: expected a string");
    }
    return text;
  }

  /** Strings; null if there is no such field. */
  List<String> texts(String name) {
    JsonNode node = node(name);
    if (node == null) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : node.isArray() ? node : List.of(node)) {
      if (!node.isArray() || !element.isTextual()) {
        throw wrong(name, "a list of strings", element);
      }
      texts.add(element.textValue());
    }
    return texts;
  }

  /** A positive whole number; null if there is none. */
  Integer positive(String name) {
    JsonNode node = node(name);
    if (node != null && !(node.isIntegralNumber() && node.canConvertToInt() && node.asInt() > 0)) {
      throw wrong(name, "a positive whole number", node);
    }
    return node == null ? null : node.asInt();
  }

  /** An object; null if there is none. */
  ObjectNode object(String name) {
    JsonNode node = node(name);
    if (node == null || node instanceof ObjectNode) {
      return (ObjectNode) node;
    }
    throw wrong(name, "an object", node);
  }

  /** Whatever is there; null if nothing is. */
  JsonNode any(String name) {
    return node(name);
  }

  /** Whether a field is there, be it null. */
  boolean has(String name) {
    asked.add(name);
    return object.has(name);
  }

  /**
   * @throws BadInputException if there are fields that nobody asked for
   */
  void end() {
    object
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!asked.contains(name)) {
                throw new BadInputException(
                    "unknown field '"
                        + Names.shown(name)
                        + "'"
                        + NotFoundException.nearest(name, asked)
                            .map(near -> ": did you mean '" + near + "'?")
                            .orElse(",")
                        + " expected "
                        + String.join(", ", asked));
              }
            });
  }
}
