package dev.headstart.sample;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.OpenFiles;
import dev.headstart.Shared;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders, JSON lines and CSV: what is in them, what is wrong with them, and what people hear. */
class DataSetTest {

  @TempDir Path dir;

  @Test
  void whatCannotBeReadIsNotLeftOpen() throws IOException {
    byte[] latin = "label,text\na,caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);
    Path csv = Files.write(dir.resolve("latin.csv"), latin);
    assertThrows(BadInputException.class, () -> CsvDataSet.open(csv, null));
    assertEquals(0, OpenFiles.of(csv));
    Files.writeString(csv, "label,text\na,b\n");
    DataSet changed = DataSet.open(csv);
    Files.writeString(csv, "label,text\n\"a,b\n");
    assertThrows(BadInputException.class, changed::items);
    assertEquals(0, OpenFiles.of(csv));

    Path folder = Files.createDirectory(dir.resolve("folder.jsonl"));
    assertThrows(BadInputException.class, () -> JsonlDataSet.open(folder, Task.SINGLE));
    assertEquals(0, OpenFiles.of(folder));
  }

  private Path write(String name, String content) throws IOException {
    Path file = dir.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }

  private static List<Item> read(DataSet data) {
    List<Item> items = new ArrayList<>();
    try (Items pass = data.items()) {
      pass.forEachRemaining(items::add);
    }
    return items;
  }

  private List<Item> jsonl(String... lines) throws IOException {
    return read(DataSet.open(write("d.jsonl", String.join("\n", lines))));
  }

  private List<Item> csv(Task task, String content) throws IOException {
    return read(DataSet.open(write("d.csv", content), task));
  }

  private static LabeledSample labeled(Item item) {
    return assertInstanceOf(LabeledSample.class, item, item.toString());
  }

  private static String reason(Item item) {
    return assertInstanceOf(Unreadable.class, item, item.toString()).toString();
  }

  private static String refusal(Path path) {
    String message =
        assertThrows(BadInputException.class, () -> read(DataSet.open(path))).getMessage();
    System.out.println(message);
    return message;
  }

  private static void assertContains(String text, String... parts) {
    for (String part : parts) {
      assertTrue(text.contains(part), text + " lacks " + part);
    }
  }

  private static Map<String, Integer> classes(DataSet data) {
    Map<String, Integer> counts = new TreeMap<>();
    for (Item item : read(data)) {
      counts.merge(((ClassLabel) labeled(item).label()).name(), 1, Integer::sum);
    }
    return counts;
  }

  private static int total(Map<String, Integer> counts) {
    return counts.values().stream().mapToInt(i -> i).sum();
  }

  @Test
  void realDataSets() {
    DataSet animals = DataSet.open(Shared.path("data/animals"));
    assertEquals(Modality.IMAGE, animals.modality());
    assertEquals(Task.SINGLE, animals.task());
    assertEquals(Map.of("cat", 20, "cow", 20, "dog", 20, "elephant", 20), classes(animals));
    Map<String, Integer> train = classes(DataSet.open(Shared.path("data/fashion/train")));
    Map<String, Integer> test = classes(DataSet.open(Shared.path("data/fashion/test")));
    assertEquals(10, train.size());
    assertEquals(600, total(train) + total(test));
    DataSet mail = DataSet.open(Shared.path("data/mail/train.jsonl"));
    assertEquals(Modality.TEXT, mail.modality());
    assertEquals(2, classes(mail).size());
    assertEquals(300, total(classes(mail)));
    assertContains(refusal(Shared.path("data/fashion")), "split into test and train");
  }

  @Test
  void foldersSkipLitterAndReportForeignFiles() throws Exception {
    write("data/cat/1.JPG", "x");
    write("data/cat/deep/er/2.jpeg", "x");
    write("data/dog/3.PNG", "x");
    write("data/dog/notes.pdf", "x");
    write("data/dog/.hidden.jpg", "x");
    write("data/dog/Thumbs.db", "x");
    write("data/dog/.DS_Store", "x");
    write("data/dog/__MACOSX/4.jpg", "x");
    write("data/.git/5.jpg", "x");
    write("data/README.txt", "not a sample");
    Files.createDirectories(dir.resolve("data/bird"));
    DataSet data = DataSet.open(dir.resolve("data"));
    assertEquals(Map.of("cat", 2, "dog", 1), classes(data));
    assertContains(String.join("\n", data.notes()), "2 files", "bird", "holds no samples");
    assertEquals(
        dir.resolve("data/cat/1.JPG").toString(), labeled(read(data).get(0)).sample().name());
  }

  @Test
  void foldersOfTexts() throws Exception {
    write("data/ham/1.txt", "\ufeffhello");
    Files.write(dir.resolve("data/ham/2.txt"), "gr\u00fc\u00df".getBytes(StandardCharsets.UTF_16));
    Files.write(dir.resolve("data/ham/3.txt"), new byte[] {'a', (byte) 0xE9, 'b'});
    write("data/ham/4.txt", "");
    List<Item> items = read(DataSet.open(dir.resolve("data")));
    assertEquals("hello", ((TextSample) labeled(items.get(0)).sample()).text());
    assertEquals("gr\u00fc\u00df", ((TextSample) labeled(items.get(1)).sample()).text());
    assertContains(reason(items.get(2)), "3.txt: not a text in UTF-8");
    assertEquals("", ((TextSample) labeled(items.get(3)).sample()).text());
  }

  @Test
  void foldersThatAreNone() throws Exception {
    assertThrows(NotFoundException.class, () -> DataSet.open(dir.resolve("nowhere")));
    Files.createDirectories(dir.resolve("empty"));
    assertContains(refusal(dir.resolve("empty")), "no samples in", "expected one folder a class");
    write("flat/1.jpg", "x");
    assertContains(refusal(dir.resolve("flat")), "no class folders", "expected one folder a class");
    write("mixed/a/1.jpg", "x");
    write("mixed/b/2.txt", "x");
    assertContains(refusal(dir.resolve("mixed")), "both pictures and texts", "1.jpg", "2.txt");
    write("foreign/a/1.pdf", "x");
    assertContains(refusal(dir.resolve("foreign")), "no samples in", "1.pdf");
    assertContains(refusal(write("photo.jpg", "x")), "is no data set");
  }

  @Test
  void looseFilesBesideClassFoldersHaveNoLabel() throws Exception {
    write("data/cat/1.jpg", "x");
    write("data/2.jpg", "x");
    List<Item> items = read(DataSet.open(dir.resolve("data")));
    assertEquals(2, items.size());
    assertContains(reason(items.get(1)), "2.jpg: has no label");
  }

  @Test
  void linksThatLoopOrLeadNowhere() throws Exception {
    write("data/cat/1.jpg", "x");
    Files.createSymbolicLink(dir.resolve("data/cat/loop"), dir.resolve("data/cat"));
    Files.createSymbolicLink(dir.resolve("data/cat/broken.jpg"), dir.resolve("gone.jpg"));
    List<Item> items = read(DataSet.open(dir.resolve("data")));
    assertEquals(2, items.size(), items.toString());
    assertTrue(items.stream().anyMatch(LabeledSample.class::isInstance));
    assertTrue(
        items.stream()
            .anyMatch(i -> i instanceof Unreadable u && u.reason().contains("leads nowhere")),
        items.toString());
  }

  @Test
  void jsonlOfTexts() throws Exception {
    List<Item> items =
        jsonl(
            "\ufeff{\"text\": \"one\", \"label\": \"a\"}\r",
            "",
            "  \t",
            "{\"label\": 2, \"text\": \"two\", \"more\": {\"x\": [1, {}]}}",
            "{\"text\": \"three\", \"label\": true}");
    assertEquals(3, items.size());
    assertEquals(new ClassLabel("a"), labeled(items.get(0)).label());
    assertEquals(new ClassLabel("2"), labeled(items.get(1)).label());
    assertEquals(new ClassLabel("true"), labeled(items.get(2)).label());
    assertTrue(labeled(items.get(1)).sample().name().endsWith("d.jsonl:4"));
  }

  @Test
  void jsonlLinesThatCannotBeRead() throws Exception {
    String[][] cases = {
      {"{\"text\": \"good\", \"label\": \"a\"}", null},
      {"{\"text\": \"cut off", "broken JSON"},
      {"not json", "broken JSON"},
      {"[1, 2]", "not a JSON object"},
      {"{\"text\": \"no label\"}", "has no label"},
      {"{\"text\": \"null label\", \"label\": null}", "has no label"},
      {"{\"text\": \"blank label\", \"label\": \"  \"}", "has no label"},
      {"{\"text\": \"two\", \"label\": \"a\", \"label\": \"b\"}", "Duplicate field 'label'"},
      {"{\"label\": \"a\"}", "none of \"text\""},
      {"{\"text\": \"x\", \"file\": \"y.jpg\", \"label\": \"a\"}", "more than one of"},
      {"{\"text\": 7, \"label\": \"a\"}", "\"text\" is a number"},
      {"{\"text\": \"x\", \"label\": {\"a\": 1}}", "its label is an object"},
      {"{\"text\": \"x\", \"label\": [\"a\", \"b\"]}", "its label is a list"},
      {"{\"text\": \"x\", \"label\": \"a\"} {\"text\": \"y\"}", "more than one JSON"},
      {"[".repeat(5000), "not a JSON object"},
      {"{\"a\":".repeat(5000), "broken JSON"},
    };
    String[] lines = new String[cases.length];
    for (int i = 0; i < lines.length; i++) {
      lines[i] = cases[i][0];
    }
    List<Item> items = jsonl(lines);
    assertEquals(cases.length, items.size());
    for (int i = 1; i < cases.length; i++) {
      assertContains(reason(items.get(i)), "d.jsonl:" + (i + 1) + ": ", cases[i][1]);
    }
    Path latin = dir.resolve("latin.jsonl");
    Files.write(
        latin, "{\"text\": \"caf\u00e9\", \"label\": \"a\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertContains(refusal(latin), "no samples in", "UTF-8");
    assertContains(refusal(write("empty.jsonl", "\n\n")), "no samples in");
  }

  @Test
  void jsonlOfVectors() throws Exception {
    String[][] cases = {
      {"[1, NaN, 3]", "features[1] is NaN"},
      {"[1, 2, -Infinity]", "features[2] is -Infinity"},
      {"[1e39, 2, 3]", "features[0] is 1e39"},
      {"[1, \"2\", 3]", "features[1] is a string"},
      {"[1, null, 3]", "features[1] is null"},
      {"[]", "is empty"},
      {"[1, [2], 3]", "features[1] is a list"},
      {"1", "is a number"},
    };
    String[] lines = new String[cases.length + 1];
    lines[0] = "{\"features\": [1, -2.5, 3e-2], \"label\": \"a\"}";
    for (int i = 0; i < cases.length; i++) {
      lines[i + 1] = "{\"features\": " + cases[i][0] + ", \"label\": \"a\"}";
    }
    List<Item> items = jsonl(lines);
    float[] values = ((VectorSample) labeled(items.get(0)).sample()).values();
    assertEquals(List.of(1f, -2.5f, 0.03f), List.of(values[0], values[1], values[2]));
    for (int i = 0; i < cases.length; i++) {
      assertContains(reason(items.get(i + 1)), cases[i][1]);
    }
  }

  @Test
  void jsonlThatMixesKindsOrLengths() throws Exception {
    Path lengths =
        write(
            "lengths.jsonl",
            "{\"features\": [1, 2], \"label\": \"a\"}\n{\"features\": [1], \"label\": \"a\"}");
    assertContains(refusal(lengths), "lengths.jsonl:2 has 1 features", "lengths.jsonl:1 has 2");
    Path kinds =
        write(
            "kinds.jsonl",
            "{\"features\": [1, 2], \"label\": \"a\"}\n{\"text\": \"x\", \"label\": \"a\"}");
    assertContains(refusal(kinds), "kinds.jsonl:2 is one of the texts", "feature vectors");
  }

  @Test
  void jsonlOfFilesIsRelativeToItself() throws Exception {
    write("sub/photos/1.jpg", "x");
    Path data =
        write(
            "sub/d.jsonl",
            "{\"file\": \"photos/1.jpg\", \"label\": \"a\"}\n"
                + "{\"file\": \"photos/gone.jpg\", \"label\": \"a\"}\n"
                + "{\"file\": \"photos\", \"label\": \"a\"}\n"
                + "{\"file\": \"nul\\u0000.jpg\", \"label\": \"a\"}\n");
    DataSet set = DataSet.open(data);
    assertEquals(Modality.IMAGE, set.modality());
    List<Item> items = read(set);
    assertEquals(1, labeled(items.get(0)).sample().bytes().length);
    assertContains(reason(items.get(1)), "gone.jpg: there is no such file");
    assertContains(reason(items.get(2)), "not a regular file");
    assertContains(reason(items.get(3)), "no valid path");
  }

  @Test
  void tasksAreInferredAndHeld() throws Exception {
    Path lists =
        write(
            "lists.jsonl",
            "{\"text\": \"x\", \"label\": [\"b\", \"a\", \"b\"]}\n"
                + "{\"text\": \"y\", \"label\": []}\n"
                + "{\"text\": \"z\", \"label\": \"c\"}");
    assertEquals(Task.MULTI, DataSet.open(lists).task());
    List<Item> items = read(DataSet.open(lists));
    assertEquals(new ClassesLabel(List.of("a", "b")), labeled(items.get(0)).label());
    assertEquals(new ClassesLabel(List.of()), labeled(items.get(1)).label());
    assertEquals(new ClassesLabel(List.of("c")), labeled(items.get(2)).label());

    Path numbers =
        write(
            "numbers.jsonl",
            "{\"text\": \"x\", \"label\": 1.50}\n{\"text\": \"y\", \"label\": \"high\"}\n"
                + "{\"text\": \"z\", \"label\": NaN}");
    assertEquals(Task.REGRESSION, DataSet.open(numbers).task());
    items = read(DataSet.open(numbers));
    assertEquals(new NumberLabel(1.5), labeled(items.get(0)).label());
    assertContains(reason(items.get(1)), "'high' is not a number");
    assertContains(reason(items.get(2)), "NaN");
    items = read(DataSet.open(numbers, Task.SINGLE));
    assertEquals(new ClassLabel("1.50"), labeled(items.get(0)).label());
    assertEquals(new ClassLabel("high"), labeled(items.get(1)).label());
  }

  @Test
  void csvOfTexts() throws Exception {
    List<Item> items =
        csv(
            null,
            "\ufeffid,text,label\r\n1,\"two\nlines, \"\"quoted\"\"\",a\r\n\r\n2,plain,b\r\n"
                + "3,,\r\n4,short\r\n");
    assertEquals("two\nlines, \"quoted\"", ((TextSample) labeled(items.get(0)).sample()).text());
    assertEquals(new ClassLabel("b"), labeled(items.get(1)).label());
    assertContains(reason(items.get(2)), "has no label");
    assertContains(reason(items.get(3)), "has 2 fields, but the header has 3");
    assertTrue(labeled(items.get(1)).sample().name().endsWith("d.csv:5"));
  }

  @Test
  void csvOfNumbers() throws Exception {
    List<Item> items =
        csv(
            null,
            "x,label,y\n1, a ,2.5\n1,b,\n1,b,many\n1,b,NaN\n1,b,1e39\n1,b,1f\n1,b,0x1p3\n"
                + "-1e-3,b,+4\n");
    assertEquals(2.5f, ((VectorSample) labeled(items.get(0)).sample()).values()[1]);
    assertEquals(new ClassLabel("a"), labeled(items.get(0)).label());
    assertContains(reason(items.get(1)), "d.csv:3: column y is ''");
    assertContains(reason(items.get(2)), "d.csv:4: column y is 'many'");
    assertContains(reason(items.get(3)), "column y is NaN");
    assertContains(reason(items.get(4)), "column y is 1e39");
    assertContains(reason(items.get(5)), "column y is '1f'");
    assertContains(reason(items.get(6)), "column y is '0x1p3'");
    assertEquals(-1e-3f, ((VectorSample) labeled(items.get(7)).sample()).values()[0]);
  }

  @Test
  void csvOfFiles() throws Exception {
    write("1.jpg", "x");
    List<Item> items = csv(null, "file,label\n1.jpg,a\ngone.jpg,a\n");
    assertInstanceOf(ImageSample.class, labeled(items.get(0)).sample());
    assertContains(reason(items.get(1)), "gone.jpg: there is no such file");
    write("2.txt", "x");
    assertContains(
        refusal(write("m.csv", "file,label\n1.jpg,a\n2.txt,a\n")), "m.csv:3 is one of the texts");
  }

  @Test
  void csvLabelsByTask() throws Exception {
    List<Item> items = csv(Task.REGRESSION, "x,label\n1,2.5\n1,high\n");
    assertEquals(new NumberLabel(2.5), labeled(items.get(0)).label());
    assertContains(reason(items.get(1)), "'high' is not a number");
    items = csv(Task.MULTI, "text,label\nx,b|a\ny,c\nz,a||b\n");
    assertEquals(new ClassesLabel(List.of("a", "b")), labeled(items.get(0)).label());
    assertEquals(new ClassesLabel(List.of("c")), labeled(items.get(1)).label());
    assertContains(reason(items.get(2)), "has no label");
  }

  @Test
  void csvThatIsNone() throws Exception {
    assertContains(refusal(write("a.csv", "")), "is empty");
    assertContains(refusal(write("b.csv", "text,label\n")), "no samples in");
    assertContains(
        refusal(write("c.csv", "text,class\nx,a\n")), "no column label", "found: text, class");
    assertContains(refusal(write("d.csv", "text;label\nx;a\n")), "separated by commas");
    assertContains(refusal(write("e.csv", "x,x,label\n1,2,a\n")), "two columns named 'x'");
    assertContains(refusal(write("f.csv", "text,file,label\n1,2,a\n")), "expected one");
    assertContains(refusal(write("g.csv", "label\na\n")), "only the column label");
    assertContains(refusal(write("h.csv", ",x,label\n1,2,a\n")), "without a name (column 1)");
    Path latin = dir.resolve("i.csv");
    Files.write(latin, "text,label\ncaf\u00e9,a\n".getBytes(StandardCharsets.ISO_8859_1));
    assertContains(refusal(latin), "not in UTF-8");
    assertContains(refusal(write("j.csv", "text,label\nx,a\n\"y\" z,b\n")), "j.csv");
    assertContains(
        refusal(write("k.csv", "text,label\nx,a\n\"never closed,b\n")), "line 3", "never");
    assertContains(refusal(write("l.csv", "label,text\na,\"b\nb,c\nb,d\n")), "line 2", "never");
  }

  @Test
  void duplicatesCountOnceAndMustAgree() throws Exception {
    write("data/cat/1.jpg", "same");
    write("data/cat/2.jpg", "same");
    write("data/cat/3.jpg", "other");
    Duplicates duplicates = new Duplicates();
    int kept = 0;
    for (Item item : read(DataSet.open(dir.resolve("data")))) {
      kept += duplicates.add(labeled(item)) ? 1 : 0;
    }
    assertEquals(2, kept);
    assertEquals(1, duplicates.count());

    write("data/dog/4.jpg", "same");
    List<Item> items = read(DataSet.open(dir.resolve("data")));
    Duplicates again = new Duplicates();
    String message =
        assertThrows(BadInputException.class, () -> items.forEach(item -> again.add(labeled(item))))
            .getMessage();
    assertContains(message, "1.jpg is 'cat'", "4.jpg", "'dog'");

    Duplicates multi = new Duplicates();
    assertTrue(multi.add(text("1", "x", "a", "b")));
    assertFalse(multi.add(text("2", "x", "b", "a")));
    assertThrows(BadInputException.class, () -> multi.add(text("3", "x", "a")));
  }

  private static LabeledSample text(String name, String text, String... labels) {
    return new LabeledSample(new TextSample(name, text), new ClassesLabel(List.of(labels)));
  }

  @Test
  void moreThanATenthUnreadableStops() {
    SkippedSamples skipped = new SkippedSamples();
    for (int i = 0; i < 8; i++) {
      skipped.add(new Unreadable("f" + i + ".jpg", "empty"));
    }
    skipped.check(80);
    skipped.check(81);
    skipped.add(new Unreadable("f8.jpg", "empty"));
    String message = assertThrows(BadInputException.class, () -> skipped.check(80)).getMessage();
    assertContains(message, "9 of 80", "f0.jpg: empty", "and 4 more");
    assertEquals(9, skipped.count());
    assertEquals(9, skipped.named().size());
  }

  @Test
  void samplesAreTheirBytes() throws Exception {
    assertEquals(
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        new TextSample("t", "hello").sha256());
    Path file = write("a.jpg", "hello");
    assertEquals(new TextSample("t", "hello").sha256(), ImageSample.of(file).sha256());
    byte[] bytes = new VectorSample("v", new float[] {1, -2}).bytes();
    assertEquals(8, bytes.length);
    assertEquals((byte) 0x3F, bytes[3]);
    assertEquals((byte) 0xC0, bytes[7]);
    assertEquals("a\ufffdb\ufffd", new TextSample("t", "a\udc00b\ud800").text());
    assertEquals("\ud83d\ude00", new TextSample("t", "\ud83d\ude00").text());
    assertThrows(BadInputException.class, () -> new VectorSample("v", new float[] {0, Float.NaN}));
    Files.delete(file);
    String message =
        assertThrows(BadInputException.class, () -> ImageSample.of(file).bytes()).getMessage();
    assertContains(message, "a.jpg: there is no such file");
  }

  @Test
  void vectorsPassOneByOne() throws Exception {
    StringBuilder row = new StringBuilder("{\"features\": [");
    for (int i = 0; i < 1280; i++) {
      row.append(i == 0 ? "" : ",").append(123_457L * (i + 1) % 1_000_000 / 1e6);
    }
    row.append("], \"label\": \"a\"}\n");
    Path file = dir.resolve("many.jsonl");
    int rows = Integer.getInteger("rows", 1000);
    try (BufferedWriter writer = Files.newBufferedWriter(file)) {
      for (int i = 0; i < rows; i++) {
        writer.append(row);
      }
    }
    int count = 0;
    try (Items items = DataSet.open(file).items()) {
      while (items.hasNext()) {
        VectorSample sample = (VectorSample) labeled(items.next()).sample();
        assertEquals(1280, sample.values().length);
        assertEquals(0.123457f, sample.values()[0]);
        count++;
      }
    }
    assertEquals(rows, count);
  }
}
