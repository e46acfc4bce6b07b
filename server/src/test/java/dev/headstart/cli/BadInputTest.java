package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data that cannot be learned from: the message names what, and nothing is left behind. */
class BadInputTest {
  private static final Path FASHION = Path.of("../examples/fashion/train");

  @TempDir Path folder;

  private CommandLine line;

  @BeforeEach
  void workspace() {
    line = new CommandLine(folder.resolve("workspace"));
  }

  /** Teaching is refused as bad input, with all this in the message. */
  private void refused(Path data, String... expected) {
    CommandLine.Result result = line.run("teach", "head", "--data", data, "--json").expect(3);
    assertEquals("", result.out());
    for (String part : expected) {
      assertTrue(result.err().contains(part), result.err());
    }
    assertFalse(result.err().contains("\tat "), result.err());
    assertEquals("", line.run("heads", "list", "--json").expect(0).out());
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  /** Some pictures of two classes. */
  private Path pictures(int each) throws IOException {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    for (String name : new String[] {"bag", "trouser"}) {
      Path to = Files.createDirectory(pictures.resolve(name));
      try (var files = Files.list(FASHION.resolve(name))) {
        for (Path file : files.sorted().limit(each).toList()) {
          Files.copy(file, to.resolve(file.getFileName()));
        }
      }
    }
    return pictures;
  }

  @Test
  void emptyFolder() throws IOException {
    refused(Files.createDirectory(folder.resolve("empty")), "empty");
  }

  @Test
  void emptyFiles() throws IOException {
    refused(file("a.jsonl", ""), "a.jsonl");
    refused(file("a.csv", ""), "a.csv");
    refused(file("b.csv", "x,label\n"));
    refused(file("a.txt", "hello"), "a.txt", ".jsonl");
  }

  @Test
  void oneClass() throws IOException {
    Path pictures = pictures(5);
    try (var files = Files.list(pictures.resolve("bag"))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(pictures.resolve("bag"));
    refused(pictures, "trouser");
  }

  @Test
  void oneSampleAClassIsEnoughToTeachButNotToJudge() throws IOException {
    CommandLine.Result result =
        line.run("teach", "head", "--data", pictures(1), "--json").expect(0);
    assertEquals(2, result.json().at("/samples/train").asInt());
    assertEquals(0, result.json().at("/samples/validation").asInt());
    assertTrue(result.json().get("validation").isNull());
    assertTrue(result.err().contains("too few samples"), result.err());
    line.run("heads", "show", "head").expect(0);
    line.run("heads", "list").expect(0);
  }

  @Test
  void aFewUnreadablePicturesAreSkippedAndNamed() throws IOException {
    Path pictures = pictures(20);
    byte[] whole = Files.readAllBytes(pictures.resolve("bag").resolve(first(pictures)));
    Files.write(pictures.resolve("bag/corrupt.jpg"), Arrays.copyOf(whole, whole.length / 2));
    Files.writeString(pictures.resolve("trouser/text.jpg"), "not a picture at all");
    CommandLine.Result result =
        line.run("teach", "head", "--data", pictures, "--head", "prototype", "--json").expect(0);
    assertEquals(2, result.json().get("skipped").size());
    assertTrue(result.err().contains("corrupt.jpg"), result.err());
    assertTrue(result.err().contains("text.jpg"), result.err());
    CommandLine.Result predicted =
        line.run(
                "predict",
                "head",
                pictures.resolve("trouser/text.jpg"),
                pictures.resolve("bag").resolve(first(pictures)),
                folder,
                "--json")
            .expect(3);
    assertEquals("bag", predicted.json().get("label").asText());
    assertTrue(predicted.err().contains("text.jpg"), predicted.err());
    assertTrue(predicted.err().contains("directory"), predicted.err());
  }

  private static Path first(Path pictures) throws IOException {
    try (var files = Files.list(pictures.resolve("bag"))) {
      return files
          .map(Path::getFileName)
          .filter(f -> f.toString().endsWith(".png"))
          .sorted()
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void manyUnreadablePicturesStopTheRun() throws IOException {
    Path pictures = pictures(4);
    Files.writeString(pictures.resolve("trouser/text.jpg"), "not a picture at all");
    refused(pictures, "text.jpg", "more than a tenth");
  }

  @Test
  void theSamePictureUnderTwoLabels() throws IOException {
    Path pictures = pictures(4);
    Path bag = pictures.resolve("bag").resolve(first(pictures));
    Files.copy(bag, pictures.resolve("trouser/also.png"));
    refused(pictures, "also.png", bag.getFileName().toString());
  }

  @Test
  void labelsMissing() throws IOException {
    refused(file("a.csv", "x,y\n1,2\n3,4\n"), "label");
    refused(file("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"), "label");
    refused(file("b.jsonl", "{\"label\":\"a\"}\n{\"label\":\"b\"}\n"));
  }

  @Test
  void numbersThatAreNone() throws IOException {
    refused(file("a.csv", "x,label\nNaN,a\n1,b\n2,a\n"), "a.csv", "NaN");
    refused(file("b.csv", "x,label\nInfinity,a\n1,b\n2,a\n"), "b.csv");
    refused(file("c.csv", "x,label\nabc,a\n1,b\n2,a\n"), "c.csv", "abc");
    refused(
        file(
            "d.jsonl",
            "{\"features\":[1],\"label\":\"a\"}\n{\"features\":[1,2],\"label\":\"b\"}\n"));
  }

  @Test
  void unknownBaseOrCutOffersTheNearest() throws IOException {
    Path pictures = pictures(2);
    CommandLine.Result base =
        line.run("teach", "head", "--data", pictures, "--base", "eficientnet-lite0").expect(4);
    assertTrue(base.err().contains("did you mean 'efficientnet-lite0'"), base.err());
    CommandLine.Result cut =
        line.run("teach", "head", "--data", pictures, "--cut", "poold").expect(4);
    assertTrue(cut.err().contains("poold"), cut.err());
    CommandLine.Result other =
        line.run("teach", "head", "--data", pictures, "--base", "minilm").expect(3);
    assertTrue(other.err().contains("takes texts"), other.err());
  }

  @Test
  void evaluatingOnClassesThatAreNotKnown() throws IOException {
    Path known = file("known.csv", "x,label\n0,a\n0.1,a\n0.2,a\n1,b\n1.1,b\n1.2,b\n");
    line.run("teach", "head", "--data", known, "--epochs", 1).expect(0);
    Path other = file("other.csv", "x,label\n0,a\n1,c\n");
    CommandLine.Result result = line.run("evaluate", "head", "--data", other).expect(3);
    assertTrue(result.err().contains("'c'"), result.err());
    line.run("evaluate", "head", "--data", folder.resolve("nowhere")).expect(4);
  }

  @Test
  void aDamagedVersionIsNotUsed() throws IOException {
    Path known = file("known.csv", "x,label\n0,a\n0.1,a\n0.2,a\n1,b\n1.1,b\n1.2,b\n");
    line.run("teach", "head", "--data", known, "--epochs", 1).expect(0);
    Files.writeString(line.workspace().resolve("heads/head/1/model.onnx"), "gone");
    assertTrue(line.run("predict", "head", "1").expect(3).err().contains("sha-256"));
    CommandLine.Result list = line.run("heads", "list", "--json").expect(0);
    assertEquals("[1]", list.json().get("versions").toString());
    assertTrue(list.json().get("kind").isNull());
    assertTrue(list.err().contains("model.onnx"), list.err());
    assertTrue(line.run("heads", "list").expect(0).out().contains("damaged"));
    Files.writeString(line.workspace().resolve("heads/head/live"), "nonsense");
    assertTrue(line.run("heads", "list", "--json").expect(0).json().get("live").isNull());
  }
}
