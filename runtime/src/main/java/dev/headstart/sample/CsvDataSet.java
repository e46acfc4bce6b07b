package dev.headstart.sample;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.headstart.error.BadInputException;
import java.io.BufferedReader;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Comma-separated values (RFC 4180, UTF-8) with a header: {@code label} and {@code text} or {@code
 * file}, else every other column is a number of the feature vector. Several labels are separated by
 * {@code |}.
 */
final class CsvDataSet implements DataSet {
  private static final int LABELS_LOOKED_AT = 1000;

  private final Path path;
  private final Task task;
  private final List<String> header;
  private final int label;
  private final int text;
  private final int file;
  private final Modality modality;

  /** Where the header has the numbers of a feature vector, in the vector's order. */
  private final int[] numbers;

  private CsvDataSet(Path path, Task task, List<String> header, Modality modality, int[] numbers) {
    this.path = path;
    this.task = task;
    this.header = header;
    this.label = header.indexOf("label");
    this.text = header.indexOf("text");
    this.file = header.indexOf("file");
    this.modality = modality;
    this.numbers = numbers;
  }

  static CsvDataSet open(Path path, Task task) {
    try (Rows rows = new Rows(path)) {
      CsvRecord first = rows.next();
      if (first == null) {
        throw new BadInputException(path + " is empty; expected a header with a column label");
      }
      List<String> header = first.getFields().stream().map(String::strip).toList();
      check(path, header);
      CsvRecord row = rows.next();
      if (row == null) {
        throw new BadInputException("no samples in " + path + ": there is only a header");
      }
      Modality modality = Modality.VECTOR;
      if (header.contains("text")) {
        modality = Modality.TEXT;
      } else if (header.contains("file")) {
        modality = fileModality(path, header.indexOf("file"), row);
      }
      Task meant = task == null ? meant(rows, row, header.indexOf("label")) : task;
      int[] numbers =
          IntStream.range(0, header.size()).filter(i -> !header.get(i).equals("label")).toArray();
      return new CsvDataSet(path, meant, header, modality, numbers);
    }
  }

  /** Labels that are all numbers, one with a fraction, measure something; others are classes. */
  private static Task meant(Rows rows, CsvRecord first, int label) {
    boolean fraction = false;
    CsvRecord row = first;
    for (int n = 0; row != null && n < LABELS_LOOKED_AT; n++, row = rows.next()) {
      String written = label < row.getFieldCount() ? row.getField(label).strip() : "";
      if (!written.isEmpty() && !written.matches("[+-]?[0-9]*[.]?[0-9]+([eE][+-]?[0-9]+)?")) {
        return Task.SINGLE;
      }
      fraction |= written.matches(".*[.].*[1-9].*");
    }
    return fraction ? Task.REGRESSION : Task.SINGLE;
  }

  private static Modality fileModality(Path path, int column, CsvRecord row) {
    if (column >= row.getFieldCount()) {
      return Modality.IMAGE;
    }
    return SampleFiles.assumedModality(SampleFiles.resolve(path, row.getField(column)));
  }

  private static void check(Path path, List<String> header) {
    if (!header.contains("label")) {
      String separator =
          header.size() == 1 && header.get(0).matches("(?s).*[;\t].*")
              ? " (columns are separated by commas)"
              : "";
      throw new BadInputException(
          path + " has no column label; found: " + String.join(", ", header) + separator);
    }
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < header.size(); i++) {
      String name = header.get(i);
      if (!seen.add(name)) {
        throw new BadInputException(path + " has two columns named '" + name + "'");
      }
    }
    if (header.contains("text") && header.contains("file")) {
      throw new BadInputException(path + " has a column text and a column file; expected one");
    }
    if (header.contains("text") || header.contains("file")) {
      return;
    }
    if (header.size() == 1) {
      throw new BadInputException(
          path + " has only the column label; expected text, file or columns of numbers");
    }
    if (header.contains("")) {
      throw new BadInputException(
          path
              + " has a column without a name (column "
              + (header.indexOf("") + 1)
              + "); a row index would be learned as a feature: name the column or remove it");
    }
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
  public List<String> columns() {
    return modality == Modality.VECTOR
        ? IntStream.of(numbers).mapToObj(header::get).toList()
        : List.of();
  }

  @Override
  public DataSet inColumns(List<String> order) {
    List<String> missing = new ArrayList<>(order);
    missing.removeAll(header);
    List<String> foreign = new ArrayList<>(columns());
    foreign.removeAll(order);
    if (!missing.isEmpty() || !foreign.isEmpty()) {
      throw new BadInputException(
          path
              + " has other columns than were taught"
              + (missing.isEmpty() ? "" : "; missing: " + shortened(missing))
              + (foreign.isEmpty() ? "" : "; not known: " + shortened(foreign)));
    }
    return new CsvDataSet(
        path, task, header, modality, order.stream().mapToInt(header::indexOf).toArray());
  }

  private static String shortened(List<String> names) {
    return String.join(", ", names.subList(0, Math.min(10, names.size())))
        + (names.size() > 10 ? ", …" : "");
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public Items items() {
    return new Pass();
  }

  private final class Pass implements Items {
    private final Rows rows = new Rows(path);
    private CsvRecord row;

    Pass() {
      try {
        rows.next(); // the header
        row = rows.next();
      } catch (RuntimeException e) {
        rows.close();
        throw e;
      }
    }

    @Override
    public boolean hasNext() {
      return row != null;
    }

    @Override
    public Item next() {
      if (row == null) {
        throw new NoSuchElementException();
      }
      Item item = item(row);
      row = rows.next();
      return item;
    }

    @Override
    public void close() {
      rows.close();
    }
  }

  private Item item(CsvRecord row) {
    String name = path + ":" + row.getStartingLineNumber();
    if (row.getFieldCount() != header.size()) {
      return new Unreadable(
          name, "has " + row.getFieldCount() + " fields, but the header has " + header.size());
    }
    Path resolved = null;
    if (file >= 0) {
      try {
        resolved = SampleFiles.resolve(path, row.getField(file));
      } catch (BadInputException e) {
        return new Unreadable(name, e.getMessage());
      }
      SampleFiles.requireAlike(path, modality, name, SampleFiles.assumedModality(resolved));
    }
    try {
      Label meaning = rawLabel(row.getField(label)).under(task);
      if (file >= 0) {
        return SampleFiles.item(resolved, modality, meaning);
      }
      Sample sample =
          text >= 0
              ? new TextSample(name, row.getField(text))
              : new VectorSample(name, features(row));
      return new LabeledSample(sample, meaning);
    } catch (BadInputException e) {
      return Unreadable.of(name, e);
    }
  }

  private RawLabel rawLabel(String written) {
    if (written.isBlank()) {
      throw new BadInputException("has no label");
    }
    return task == Task.MULTI
        ? new RawLabel(RawLabel.Kind.LIST, List.of(written.split("\\|", -1)))
        : RawLabel.text(written);
  }

  private float[] features(CsvRecord row) {
    float[] values = new float[numbers.length];
    for (int n = 0; n < values.length; n++) {
      values[n] = number(row.getField(numbers[n]), header.get(numbers[n]));
    }
    return values;
  }

  private static float number(String written, String column) {
    String field = written.strip();
    float value;
    try {
      // Java's own suffixes and hexadecimal floats are no numbers in a CSV file.
      if (field.isEmpty()
          || "dDfF".indexOf(field.charAt(field.length() - 1)) >= 0
          || field.indexOf('x') >= 0
          || field.indexOf('X') >= 0) {
        throw new NumberFormatException();
      }
      value = Float.parseFloat(field);
    } catch (NumberFormatException e) {
      throw new BadInputException(
          "column " + column + " is '" + shortened(field) + "'; expected a number", e);
    }
    if (!Float.isFinite(value)) {
      throw new BadInputException(
          "column " + column + " is " + field + "; expected a finite 32-bit number");
    }
    return value;
  }

  private static String shortened(String field) {
    return field.length() <= 40 ? field : field.substring(0, 40) + "…";
  }

  /** The records of the file, empty lines left out. */
  private static final class Rows implements AutoCloseable {
    private final Path path;
    private final QuoteCounter quotes;
    private final CsvReader<CsvRecord> reader;
    private final CloseableIterator<CsvRecord> iterator;

    Rows(Path path) {
      this.path = path;
      try {
        InputStream in = Files.newInputStream(path);
        // A decoder, not a charset: it reports what is not UTF-8 instead of replacing it.
        quotes = new QuoteCounter(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
        reader = reader(quotes);
        iterator = reader.iterator();
      } catch (AccessDeniedException e) {
        throw new BadInputException(path + " cannot be read: permission denied", e);
      } catch (IOException e) {
        throw failed(e);
      }
    }

    /** Behind the byte order mark of UTF-8, which says nothing; closes the file if it throws. */
    private static CsvReader<CsvRecord> reader(Reader file) throws IOException {
      BufferedReader text = new BufferedReader(file);
      try {
        text.mark(1);
        if (text.read() != '\uFEFF') {
          text.reset();
        }
      } catch (IOException e) {
        text.close();
        throw e;
      }
      return CsvReader.builder()
          .skipEmptyLines(true)
          .allowExtraFields(true)
          .allowMissingFields(true)
          .ofCsvRecord(text);
    }

    /** The next record; null at the end. */
    CsvRecord next() {
      try {
        if (!iterator.hasNext()) {
          return null;
        }
        CsvRecord row = iterator.next();
        if (!iterator.hasNext() && quotes.odd && spansLines(row)) {
          // Read so, the one row would have swallowed all that follow it.
          throw new BadInputException(
              path
                  + " is not good CSV: a quote is opened in the row of line "
                  + row.getStartingLineNumber()
                  + " and never closed");
        }
        return row;
      } catch (UncheckedIOException e) {
        throw failed(e.getCause());
      } catch (CsvParseException e) {
        throw e.getCause() instanceof IOException cause
            ? failed(cause)
            : new BadInputException(
                path
                    + " is not good CSV: "
                    + e.getMessage()
                    + (e.getCause() == null ? "" : ": " + e.getCause().getMessage()),
                e);
      }
    }

    private static boolean spansLines(CsvRecord row) {
      return row.getFields().stream().anyMatch(field -> field.indexOf('\n') >= 0);
    }

    private BadInputException failed(IOException e) {
      return e instanceof CharacterCodingException
          ? new BadInputException(path + " is not in UTF-8; save it in that encoding", e)
          : new BadInputException(path + " cannot be read: " + e.getMessage(), e);
    }

    @Override
    public void close() {
      try {
        iterator.close();
        reader.close();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  /** Whether an odd number of quotes went by. */
  private static final class QuoteCounter extends FilterReader {
    private boolean odd;

    QuoteCounter(Reader in) {
      super(in);
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
      int n = super.read(buffer, offset, length);
      for (int i = offset; i < offset + n; i++) {
        odd ^= buffer[i] == '"';
      }
      return n;
    }
  }
}
