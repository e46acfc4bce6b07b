package dev.headstart.server.teach;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.RawLabel;
import dev.headstart.server.http.Json;
import dev.headstart.server.predict.SampleValues;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Labelled samples in JSON and JSONL, read as they come:
 *
 * <pre>
 * body   = object | [object, …] | {"label": label, "samples": [sample, …]}
 * object = {"label": label, one of "text": text, "image": base64, "features": [number, …], "file": path}
 * sample = object, its label optional | text | [number, …]
 * label  = text | [text, …] | number
 * </pre>
 *
 * JSONL has an object a line.
 */
final class LabelledJson {
  private static final String FIELDS = "'label' and one of 'text', 'image', 'features' and 'file'";

  private final JsonFactory json;
  private final Limits limits;

  LabelledJson(Limits limits) {
    this.json = Json.factory(limits);
    this.limits = limits;
  }

  /**
   * Reads JSON.
   *
   * @param label of samples that bring none; null for none
   * @throws BadInputException if it is not JSON, or no list of samples
   */
  void json(byte[] body, RawLabel label, GivenSamples into) {
    try (JsonParser parser = json.createParser(body)) {
      new Body(parser, label, into).read();
    } catch (JsonProcessingException e) {
      throw Json.notJson(e);
    } catch (IOException e) {
      throw new BadInputException("the request is not sound JSON: " + e.getMessage(), e);
    }
  }

  /** Reads JSONL; a line that is not sound is refused, and the others are not. */
  void lines(byte[] body, RawLabel label, GivenSamples into) {
    int line = 1;
    for (int from = 0; from < body.length; line++) {
      int end = from;
      while (end < body.length && body[end] != '\n') {
        end++;
      }
      if (!blank(body, from, end)) {
        line(body, from, end - from, "line " + line, label, into);
      }
      from = end + 1;
    }
  }

  private static boolean blank(byte[] body, int from, int end) {
    for (int i = from; i < end; i++) {
      if (body[i] != ' ' && body[i] != '\t' && body[i] != '\r') {
        return false;
      }
    }
    return true;
  }

  private void line(
      byte[] body, int from, int length, String name, RawLabel label, GivenSamples into) {
    Given sample;
    try (JsonParser parser = json.createParser(body, from, length)) {
      parser.nextToken();
      sample = sample(parser, name, label);
      if (parser.nextToken() != null) {
        throw new BadInputException(name + " holds more than one sample");
      }
    } catch (BadInputException e) {
      into.refuse(name, e);
      return;
    } catch (JsonProcessingException e) {
      into.refuse(name, Json.notJson(e));
      return;
    } catch (IOException e) {
      into.refuse(name, new BadInputException("not sound JSON: " + e.getMessage(), e));
      return;
    }
    into.add(sample);
  }

  /** A body that is one JSON value. */
  private final class Body {
    private final JsonParser parser;
    private final RawLabel label;
    private final GivenSamples into;

    Body(JsonParser parser, RawLabel label, GivenSamples into) {
      this.parser = parser;
      this.label = label;
      this.into = into;
    }

    void read() throws IOException {
      if (parser.nextToken() == JsonToken.START_OBJECT) {
        object();
      } else if (parser.currentToken() == JsonToken.START_ARRAY) {
        list(label);
      } else {
        throw new BadInputException(
            "expected an object with " + FIELDS + ", or a list of these; see /docs");
      }
      if (parser.nextToken() != null) {
        throw new BadInputException("the request is not sound JSON: something follows it");
      }
    }

    /** One sample, or {@code {"label": …, "samples": […]}}; the label may come behind. */
    private void object() throws IOException {
      SampleFields fields = new SampleFields("sample 0");
      GivenSamples listed = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        if (!field.equals("samples")) {
          fields.field(parser, field);
        } else if (listed != null) {
          throw new BadInputException("'samples' comes twice");
        } else if (parser.currentToken() != JsonToken.START_ARRAY) {
          throw new BadInputException("'samples' must be a list");
        } else {
          listed = list(null);
        }
      }
      if (listed == null) {
        into.add(fields.sample(label));
        return;
      }
      RawLabel common = fields.label == null ? label : fields.label;
      if (fields.content != null) {
        throw new BadInputException("another sample comes beside 'samples'");
      }
      into.samples()
          .replaceAll(
              sample ->
                  sample.label() == null
                      ? new Given(sample.name(), common, sample.content())
                      : sample);
    }

    private GivenSamples list(RawLabel common) throws IOException {
      JsonStreamContext around = parser.getParsingContext();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        String name = "sample " + into.count();
        Given sample;
        try {
          sample = LabelledJson.this.sample(parser, name, common);
        } catch (BadInputException e) {
          while (parser.getParsingContext() != around) {
            parser.nextToken(); // to the end of what cannot be used
          }
          into.refuse(name, e);
          continue;
        }
        into.add(sample);
      }
      if (into.count() == 0) {
        throw new BadInputException("the list of samples is empty");
      }
      return into;
    }
  }

  private Given sample(JsonParser parser, String name, RawLabel common) throws IOException {
    SampleFields fields = new SampleFields(name);
    if (parser.currentToken() == JsonToken.START_OBJECT) {
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        fields.field(parser, field);
      }
    } else if (parser.currentToken() == JsonToken.VALUE_STRING) {
      fields.field(parser, "text");
    } else if (parser.currentToken() == JsonToken.START_ARRAY) {
      fields.field(parser, "features");
    } else {
      throw new BadInputException(name + " must be an object with " + FIELDS);
    }
    return fields.sample(common);
  }

  /** The fields of a sample. */
  private final class SampleFields {
    private final String name;
    private RawLabel label;
    private Given.Content content;

    SampleFields(String name) {
      this.name = name;
    }

    void field(JsonParser parser, String field) throws IOException {
      if (field.equals("label")) {
        label = label(parser);
        return;
      }
      Given.Content came =
          switch (field) {
            case "text" -> new Given.Text(SampleValues.text(parser, name));
            case "image" -> new Given.Picture(SampleValues.image(parser, name));
            case "features" -> new Given.Numbers(numbers(parser));
            case "file" -> {
              if (parser.currentToken() != JsonToken.VALUE_STRING) {
                throw new BadInputException(
                    "'file' of " + name + " must be a path in the workspace");
              }
              yield new Given.Reference(parser.getText());
            }
            default ->
                throw new BadInputException(
                    "unknown field '"
                        + Names.shown(field)
                        + "' of "
                        + name
                        + ": expected "
                        + FIELDS);
          };
      if (content != null) {
        throw new BadInputException(
            name + " must have one of 'text', 'image', 'features' and 'file', not several");
      }
      content = came;
    }

    private float[] numbers(JsonParser parser) throws IOException {
      String must = "'features' of " + name + " must be a list of numbers";
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw new BadInputException(must);
      }
      float[] numbers = new float[64];
      int count = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (count == numbers.length) {
          limits.checkElements(count + 1L);
          numbers = Arrays.copyOf(numbers, 2 * count);
        }
        numbers[count] = SampleValues.number(parser, count, name);
        count++;
      }
      if (count == 0) {
        throw new BadInputException(must);
      }
      return Arrays.copyOf(numbers, count);
    }

    private RawLabel label(JsonParser parser) throws IOException {
      return switch (parser.currentToken()) {
        case VALUE_NULL -> null;
        case VALUE_STRING -> RawLabel.text(parser.getText());
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
            new RawLabel(RawLabel.Kind.NUMBER, List.of(parser.getText()));
        case START_ARRAY -> {
          List<String> names = new ArrayList<>();
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_STRING) {
              throw wrongLabel();
            }
            names.add(parser.getText());
          }
          yield new RawLabel(RawLabel.Kind.LIST, names);
        }
        default -> throw wrongLabel();
      };
    }

    private BadInputException wrongLabel() {
      return new BadInputException(
          "'label' of " + name + " must be a class, a list of classes or a number");
    }

    Given sample(RawLabel common) {
      if (content == null) {
        throw new BadInputException(name + " must be an object with " + FIELDS);
      }
      return new Given(name, label == null ? common : label, content);
    }
  }
}
