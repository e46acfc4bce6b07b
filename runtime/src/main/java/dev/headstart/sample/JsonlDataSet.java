package dev.headstart.sample;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import dev.headstart.error.BadInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * One JSON object a line: {@code {"text"|"file"|"features": …, "label": "a" | ["a","b"] | 1.5}}, in
 * UTF-8; other fields are passed over. A file's path is relative to the data set's own folder.
 */
final class JsonlDataSet implements DataSet {

  /** A line longer than this is not a sample but an accident or an attack. */
  private static final int MAX_LINE = 64 << 20;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          // So that NaN can be reported with its place.
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  /** A line's content. Exactly one of text, file and features is not null; the label is not. */
  private record Row(String text, Path file, float[] features, RawLabel label) {

    Modality modality() {
      if (features != null) {
        return Modality.VECTOR;
      }
      return text != null ? Modality.TEXT : SampleFiles.assumedModality(file);
    }
  }

  private final Path path;
  private final Modality modality;
  private final Task task;

  private JsonlDataSet(Path path, Modality modality, Task task) {
    this.path = path;
    this.modality = modality;
    this.task = task;
  }

  static JsonlDataSet open(Path path, Task task) {
    Unreadable first = null;
    try (Lines lines = new Lines(path)) {
      for (byte[] line = lines.next(); line != null; line = lines.next()) {
        try {
          Row row = parse(path, line);
          return new JsonlDataSet(path, row.modality(), task == null ? row.label.task() : task);
        } catch (BadInputException e) {
          first = first == null ? new Unreadable(lines.name(), e.getMessage()) : first;
        }
      }
    }
    throw new BadInputException(
        "no samples in "
            + path
            + ": expected a JSON object a line, e.g. {\"text\": \"…\", \"label\": \"a\"}"
            + (first == null ? "" : "; first problem: " + first));
  }

  @Override
  public Modality modality() {
    return modality;
  }

  @Override
  public Task task() {
    return task;
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public Items items() {
    return new Reader();
  }

  private final class Reader implements Items {
    private final Lines lines = new Lines(path);
    private byte[] line;
    private String firstName;
    private int features;

    Reader() {
      try {
        line = lines.next();
      } catch (RuntimeException e) {
        lines.close();
        throw e;
      }
    }

    @Override
    public boolean hasNext() {
      return line != null;
    }

    @Override
    public Item next() {
      if (line == null) {
        throw new NoSuchElementException();
      }
      Item item = item(lines.name(), line);
      line = lines.next();
      return item;
    }

    private Item item(String name, byte[] current) {
      Row row;
      try {
        row = parse(path, current);
      } catch (BadInputException e) {
        return new Unreadable(name, e.getMessage());
      }
      requireAlike(name, row);
      Label label;
      try {
        label = row.label.under(task);
      } catch (BadInputException e) {
        return new Unreadable(name, e.getMessage());
      }
      if (row.file != null) {
        return SampleFiles.item(row.file, modality, label);
      }
      return new LabeledSample(
          row.text != null ? new TextSample(name, row.text) : new VectorSample(name, row.features),
          label);
    }

    /** One line that differs from the rest in kind or size is no bad sample but a wrong file. */
    private void requireAlike(String name, Row row) {
      SampleFiles.requireAlike(path, modality, name, row.modality());
      if (row.features == null) {
        return;
      }
      if (firstName == null) {
        firstName = name;
        features = row.features.length;
      } else if (features != row.features.length) {
        throw new BadInputException(
            name
                + " has "
                + row.features.length
                + " features, but "
                + firstName
                + " has "
                + features
                + "; all lines must have as many");
      }
    }

    @Override
    public void close() {
      lines.close();
    }
  }

  /**
   * Reads a line.
   *
   * @throws BadInputException with the reason alone
   */
  private static Row parse(Path dataSet, byte[] line) {
    if (line == Lines.TOO_LONG) {
      throw new BadInputException("the line is longer than " + (MAX_LINE >> 20) + " MB");
    }
    String text = null;
    Path file = null;
    float[] features = null;
    RawLabel label = null;
    try (JsonParser parser = JSON.createParser(line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new BadInputException("not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        switch (field) {
          case "text" -> text = string(parser, value, field);
          case "file" -> file = SampleFiles.resolve(dataSet, string(parser, value, field));
          case "features" -> features = features(parser, value);
          case "label" -> label = label(parser, value);
          default -> parser.skipChildren();
        }
      }
      if (parser.nextToken() != null) {
        throw new BadInputException("more than one JSON value on the line");
      }
    } catch (JsonProcessingException e) {
      throw new BadInputException("broken JSON: " + firstLine(e.getOriginalMessage()), e);
    } catch (IOException e) {
      // Jackson says so for bytes that are not UTF-8.
      throw new BadInputException("broken JSON: " + firstLine(e.getMessage()), e);
    }
    int given = (text == null ? 0 : 1) + (file == null ? 0 : 1) + (features == null ? 0 : 1);
    if (given != 1) {
      throw new BadInputException(
          "has "
              + (given == 0 ? "none" : "more than one")
              + " of \"text\", \"file\" and \"features\"; expected exactly one");
    }
    if (label == null) {
      throw new BadInputException("has no label");
    }
    return new Row(text, file, features, label);
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }

  private static String string(JsonParser parser, JsonToken value, String field)
      throws IOException {
    if (value != JsonToken.VALUE_STRING) {
      throw new BadInputException("\"" + field + "\" is " + kind(value) + "; expected a string");
    }
    return parser.getText();
  }

  private static float[] features(JsonParser parser, JsonToken start) throws IOException {
    if (start != JsonToken.START_ARRAY) {
      throw new BadInputException(
          "\"features\" is " + kind(start) + "; expected a list of numbers");
    }
    float[] values = new float[256];
    int n = 0;
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      if (token == null || !token.isNumeric()) {
        throw new BadInputException(
            "features[" + n + "] is " + kind(token) + "; expected a number");
      }
      float value = (float) parser.getDoubleValue();
      if (!Float.isFinite(value)) {
        throw new BadInputException(
            "features[" + n + "] is " + parser.getText() + "; expected a finite 32-bit number");
      }
      if (n == values.length) {
        values = Arrays.copyOf(values, 2 * n);
      }
      values[n++] = value;
    }
    if (n == 0) {
      throw new BadInputException("\"features\" is empty; expected at least one number");
    }
    return Arrays.copyOf(values, n);
  }

  private static RawLabel label(JsonParser parser, JsonToken value) throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return null;
    }
    if (value.isNumeric()) {
      return new RawLabel(RawLabel.Kind.NUMBER, List.of(parser.getText()));
    }
    if (value == JsonToken.VALUE_STRING || value.isBoolean()) {
      return RawLabel.text(parser.getText());
    }
    if (value != JsonToken.START_ARRAY) {
      throw new BadInputException(
          "its label is " + kind(value) + "; expected a string, a list of strings or a number");
    }
    List<String> names = new ArrayList<>();
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      if (token == null || !token.isScalarValue() || token == JsonToken.VALUE_NULL) {
        throw new BadInputException(
            "label[" + names.size() + "] is " + kind(token) + "; expected a string");
      }
      names.add(parser.getText());
    }
    return new RawLabel(RawLabel.Kind.LIST, names);
  }

  private static String kind(JsonToken token) {
    if (token == null) {
      return "cut off";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> "a string";
      case VALUE_NULL -> "null";
      case VALUE_TRUE, VALUE_FALSE -> "true or false";
      default -> "a number";
    };
  }

  /** The lines of a file that are not blank, each as the bytes before its line end. */
  private static final class Lines implements AutoCloseable {
    static final byte[] TOO_LONG = new byte[0];
    private static final byte[] MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final Path path;
    private final InputStream in;
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private int number;

    Lines(Path path) {
      this.path = path;
      try {
        in = Files.newInputStream(path);
      } catch (AccessDeniedException e) {
        throw new BadInputException(path + " cannot be read: permission denied", e);
      } catch (IOException e) {
        throw failed(e);
      }
      try {
        limit = in.readNBytes(buffer, 0, buffer.length);
        // The byte order mark of UTF-8 says nothing.
        if (limit >= 3 && Arrays.equals(buffer, 0, 3, MARK, 0, 3)) {
          position = 3;
        }
      } catch (IOException e) {
        close();
        throw failed(e);
      }
    }

    /** Of the line that {@link #next()} gave last: {@code file.jsonl:12}. */
    String name() {
      return path + ":" + number;
    }

    /** The next line that is not blank; {@link #TOO_LONG} in the place of one; null at the end. */
    byte[] next() {
      try {
        while (true) {
          byte[] line = line();
          if (line == null || line == TOO_LONG || !isBlank(line)) {
            return line;
          }
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }

    private byte[] line() throws IOException {
      if (!fill()) {
        return null;
      }
      number++;
      ByteArrayOutputStream line = new ByteArrayOutputStream(256);
      boolean tooLong = false;
      do {
        int end = position;
        while (end < limit && buffer[end] != '\n') {
          end++;
        }
        if (line.size() + (end - position) <= MAX_LINE) {
          line.write(buffer, position, end - position);
        } else {
          tooLong = true;
        }
        boolean ended = end < limit;
        position = ended ? end + 1 : end;
        if (ended) {
          break;
        }
      } while (fill());
      return tooLong ? TOO_LONG : line.toByteArray();
    }

    /** Whether there is another byte at {@link #position}, reading more if need be. */
    private boolean fill() throws IOException {
      if (position == limit) {
        position = 0;
        limit = Math.max(0, in.read(buffer));
      }
      return position < limit;
    }

    private static boolean isBlank(byte[] line) {
      for (byte b : line) {
        if (b != ' ' && b != '\t' && b != '\r') {
          return false;
        }
      }
      return true;
    }

    private BadInputException failed(IOException e) {
      return new BadInputException(path + " cannot be read: " + e.getMessage(), e);
    }

    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }
}
