package dev.headstart.server.predict;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The samples of one JSON body, read as they come, so that what is too much is refused before it
 * takes memory:
 *
 * <pre>
 * body   = sample | list | object with "samples": sample | list, and "heads": [name, …]
 * list   = [sample, …]
 * sample = text | [number, …] | object with one of "text": text, "image": base64, "features": [number, …]
 * </pre>
 */
final class JsonSamples {
  private static final String HEADS = "heads";
  private static final String SAMPLES = "samples";

  private final JsonParser json;
  private final Limits limits;
  private final List<byte[]> strings = new ArrayList<>();
  private final List<String> heads = new ArrayList<>();
  private float[] vectors = new float[0];
  private int numbers;
  private int width;
  private int count;
  private String kind;
  private boolean list;

  private JsonSamples(JsonParser json, Limits limits) {
    this.json = json;
    this.limits = limits;
  }

  /**
   * Reads a body.
   *
   * @throws BadInputException if it is sound JSON and no samples
   */
  static Samples read(JsonParser json, Limits limits) throws IOException {
    JsonSamples samples = new JsonSamples(json, limits);
    json.nextToken();
    samples.body();
    if (json.nextToken() != null) {
      throw new BadInputException("the request is not sound JSON: something follows it");
    }
    return samples.all();
  }

  private Samples all() {
    Tensor tensor =
        kind.equals(SampleReader.FEATURES)
            ? new Tensor(
                ElementType.FLOAT,
                new long[] {count, width},
                floats(Arrays.copyOf(vectors, numbers)))
            : Tensor.strings(strings, count);
    return new Samples(Map.of(kind, tensor), count, list, heads);
  }

  private static ByteBuffer floats(float[] values) {
    ByteBuffer data = Tensor.allocate(4L * values.length);
    data.asFloatBuffer().put(values);
    return data;
  }

  private void body() throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      samples();
      return;
    }
    boolean named = false;
    boolean listed = false;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case HEADS -> {
          if (named) {
            throw new BadInputException("'heads' comes twice");
          }
          named = true;
          heads();
        }
        case SAMPLES -> {
          if (count > 0) {
            throw new BadInputException("'samples' comes beside other samples, or twice");
          }
          listed = true;
          samples();
        }
        default -> {
          if (listed && value(field)) {
            throw new BadInputException("'" + field + "' comes beside 'samples'");
          }
          field(field, count > 0);
        }
      }
    }
    if (count == 0) {
      throw noSample();
    }
  }

  private void samples() throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      sample();
      return;
    }
    switch (json.nextToken()) {
      case END_ARRAY -> throw new BadInputException("the list of samples is empty");
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> vector();
      default -> {
        list = true;
        do {
          sample();
        } while (json.nextToken() != JsonToken.END_ARRAY);
      }
    }
  }

  private void sample() throws IOException {
    switch (json.currentToken()) {
      case VALUE_STRING -> text();
      case START_ARRAY -> {
        json.nextToken();
        vector();
      }
      case START_OBJECT -> {
        int before = count;
        while (json.nextToken() != JsonToken.END_OBJECT) {
          String field = json.currentName();
          json.nextToken();
          field(field, count > before);
        }
        if (count == before) {
          throw noSample();
        }
      }
      default -> throw noSample();
    }
  }

  private BadInputException noSample() {
    return new BadInputException(
        "sample "
            + count
            + " must be an object with one of 'text', 'image' (base64) and 'features'");
  }

  private static boolean value(String field) {
    return field.equals(SampleReader.TEXT)
        || field.equals(SampleReader.IMAGE)
        || field.equals(SampleReader.FEATURES);
  }

  /**
   * @param had whether the object has had a value already
   */
  private void field(String field, boolean had) throws IOException {
    if (!value(field)) {
      json.skipChildren();
      return;
    }
    if (had) {
      throw new BadInputException(
          "sample "
              + (count - 1)
              + " must be an object with one of 'text', 'image' (base64) and 'features', not"
              + " several");
    }
    switch (field) {
      case SampleReader.TEXT -> text();
      case SampleReader.IMAGE -> image();
      default -> {
        if (json.currentToken() != JsonToken.START_ARRAY) {
          throw new BadInputException(
              "'features' of sample " + count + " must be a list of numbers");
        }
        json.nextToken();
        vector();
      }
    }
  }

  private void begin(String of) {
    if (kind != null && !kind.equals(of)) {
      throw new BadInputException(
          "sample " + count + " is of another kind than the first: expected '" + kind + "'");
    }
    kind = of;
    if (count == limits.batch()) {
      throw new BadInputException("a request may have " + limits.batch() + " samples at most");
    }
  }

  private void text() throws IOException {
    begin(SampleReader.TEXT);
    add(SampleValues.text(json, "sample " + count).getBytes(StandardCharsets.UTF_8));
  }

  private void image() throws IOException {
    begin(SampleReader.IMAGE);
    add(SampleValues.image(json, "sample " + count));
  }

  private void add(byte[] sample) {
    limits.checkString(kind, sample.length);
    strings.add(sample);
    count++;
  }

  /** From its first number on, or the end if there is none, to its end. */
  private void vector() throws IOException {
    begin(SampleReader.FEATURES);
    int from = numbers;
    String sample = "sample " + count;
    for (; json.currentToken() != JsonToken.END_ARRAY; json.nextToken()) {
      if (numbers == vectors.length) {
        limits.checkElements(numbers + 1L);
        vectors = Arrays.copyOf(vectors, Math.max(64, 2 * numbers));
      }
      vectors[numbers] = SampleValues.number(json, numbers - from, sample);
      numbers++;
    }
    int own = numbers - from;
    if (own == 0) {
      throw new BadInputException("'features' of sample " + count + " must be a list of numbers");
    }
    if (count > 0 && own != width) {
      throw new BadInputException(
          "sample " + count + " has " + own + " features, the first one " + width);
    }
    width = own;
    count++;
  }

  private void heads() throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw new BadInputException("'heads' is a list of names, and not empty");
    }
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_STRING) {
        throw new BadInputException(
            "'heads' is a list of names, not of " + Names.shown(json.getText()));
      }
      limits.checkTensors(heads.size() + 1, "heads");
      heads.add(json.getText());
    }
    if (heads.isEmpty()) {
      throw new BadInputException("'heads' is a list of names, and not empty");
    }
  }
}
