package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.RawLabel;
import dev.headstart.server.protocol.Names;
import java.util.ArrayList;
import java.util.List;

/** The label of a request that names one: a class, a list of classes, or a number. */
final class Labels {
  private Labels() {}

  /**
   * Reads the field {@code label}.
   *
   * @throws BadInputException if it is missing or nothing of the kind
   */
  static RawLabel required(Fields fields) {
    JsonNode label = fields.any("label");
    if (label == null) {
      throw new BadInputException("'label' is missing: " + EXPECTED);
    }
    if (label.isTextual()) {
      return RawLabel.text(label.textValue());
    }
    if (label.isNumber()) {
      return new RawLabel(RawLabel.Kind.NUMBER, List.of(label.asText()));
    }
    List<String> names = new ArrayList<>();
    for (JsonNode name : label) {
      if (!label.isArray() || !name.isTextual()) {
        throw wrong(label);
      }
      names.add(name.textValue());
    }
    if (!label.isArray()) {
      throw wrong(label);
    }
    return new RawLabel(RawLabel.Kind.LIST, names);
  }

  private static final String EXPECTED = "expected a class, a list of classes or a number";

  private static BadInputException wrong(JsonNode came) {
    return new BadInputException("'label': " + EXPECTED + ", not " + Names.shown(came.toString()));
  }
}
