package dev.headstart.server.teach;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.sample.VectorSample;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.protocol.Limits;
import dev.headstart.teach.NewSample;
import io.micronaut.http.MediaType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Labelled samples in every form, and what becomes of those that are none. */
class SampleBodiesTest {
  private static final MediaType JSON = MediaType.APPLICATION_JSON_TYPE;
  private static final MediaType LINES = MediaType.of("application/x-ndjson");
  private static final byte[] PNG = "\u0089PNG\r\n\u001a\nrest".getBytes(ISO_8859_1);
  private static final int MOST = 5;

  @TempDir Path workspace;

  private final Limits limits = new Limits(1 << 20, 256, 1 << 20, 1 << 16, 64, 32, 0);

  private GivenSamples read(String body, MediaType type, String... labels) {
    return new SampleBodies(limits, new TeachSettings(true, 1, 0, MOST, 0, 0, 1))
        .read(body.getBytes(ISO_8859_1), type, List.of(labels));
  }

  private Labelled labelled(Modality modality, Task task, GivenSamples given) {
    ServerSettings settings =
        new ServerSettings(
            workspace,
            "127.0.0.1",
            0,
            -1,
            null,
            List.of(),
            null,
            0,
            1,
            java.time.Duration.ofSeconds(1),
            java.time.Duration.ofSeconds(1),
            ServerSettings.Auth.NONE,
            null,
            null);
    return new Labelled(modality, task, 0, new References(settings, limits), limits).add(given);
  }

  private static String label(NewSample sample) {
    return sample.label().toString();
  }

  private static final String FORM =
      "--B\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\ngood\r\n"
          + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a\u0007b.png\"\r\n"
          + "Content-Type: image/png\r\n\r\n\u0089PNG\r\n\u001a\n1\r\n"
          + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\x\\b.png\"\r\n\r\n"
          + "\u0089PNG\r\n\u001a\n2\r\n"
          + "--B\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\nbent\r\n"
          + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c.heic\"\r\n\r\n"
          + "\0\0\0\u0018ftypheic\r\n"
          + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"d.png\"\r\n\r\n"
          + "\u0089PNG\r\n\u001a\n3\r\n--B--\r\n";

  @Test
  void aFormsLabelIsForTheFilesBehindIt() {
    Labelled samples =
        labelled(null, null, read(FORM, MediaType.of("multipart/form-data; boundary=B")));
    assertEquals(
        List.of("'good'", "'good'", "'bent'"),
        samples.samples().stream().map(SampleBodiesTest::label).toList());
    assertEquals(
        List.of("a b.png", "C xb.png", "d.png"),
        samples.samples().stream().map(sample -> sample.sample().name()).toList());
    assertEquals("image/png", samples.samples().get(1).type());
    assertEquals(Modality.IMAGE, samples.modality());
    assertEquals(Task.SINGLE, samples.task());
    assertEquals(1, samples.refused().size());
    assertEquals("c.heic", samples.refused().get(0).name());
    assertTrue(samples.refused().get(0).error().contains("HEIC"));
  }

  @Test
  void severalLabelsInARowAreSeveralLabels() {
    String form =
        "--B\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\ny\r\n"
            + "--B\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\nx\r\n"
            + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ntext\r\n"
            + "--B--\r\n";
    Labelled samples =
        labelled(null, null, read(form, MediaType.of("multipart/form-data; boundary=B")));
    assertEquals(Task.MULTI, samples.task());
    assertEquals("[x, y]", label(samples.samples().get(0)));
    assertEquals(Modality.TEXT, samples.modality());
  }

  @Test
  void jsonInItsForms() {
    String picture = Base64.getEncoder().encodeToString(PNG);
    Labelled one =
        labelled(null, null, read("{\"image\":\"" + picture + "\",\"label\":\"a\"}", JSON));
    assertArrayEquals(PNG, one.samples().get(0).sample().bytes());
    Labelled list =
        labelled(
            null,
            null,
            read("[{\"features\":[1,2.5],\"label\":1.5},{\"label\":2,\"features\":[3,4]}]", JSON));
    assertEquals(Task.REGRESSION, list.task());
    assertArrayEquals(
        new float[] {1, 2.5f}, ((VectorSample) list.samples().get(0).sample()).values());
    Labelled common =
        labelled(
            null,
            null,
            read(
                "{\"samples\":[\"one\",{\"text\":\"two\",\"label\":\"b\"}],\"label\":\"a\"}",
                JSON));
    assertEquals(
        List.of("'a'", "'b'"), common.samples().stream().map(SampleBodiesTest::label).toList());
    Labelled query = labelled(null, null, read("[[1,2],[3,4]]", null, "near"));
    assertEquals(2, query.samples().size());
    assertEquals("'near'", label(query.samples().get(1)));
  }

  @Test
  void aLineThatIsBrokenStopsNoOther() {
    Labelled lines =
        labelled(
            null,
            null,
            read(
                "{\"text\":\"a\",\"label\":\"x\"}\n\n{\"text\": \r\n{\"text\":\"b\",\"label\":\"y\"} 7\n"
                    + "{\"text\":\"c\",\"label\":\"z\"}",
                LINES));
    assertEquals(2, lines.samples().size());
    assertEquals(List.of("line 3", "line 4"), lines.refused().stream().map(Refused::name).toList());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"text\":\"a\"} | has no label",
        "{\"text\":\"a\",\"label\":\" \"} | has no label",
        "{\"text\":\"a\",\"label\":\"a\\u0007\"} | control characters",
        "{\"text\":7,\"label\":\"a\"} | 'text' of sample 0 must be a string",
        "{\"text\":\"a\",\"image\":\"bm8=\",\"label\":\"a\"} | not several",
        "{\"image\":\"#\",\"label\":\"a\"} | base64",
        "{\"image\":\"bm8=\",\"label\":\"a\"} | not a picture that can be read",
        "{\"features\":[],\"label\":\"a\"} | must be a list of numbers",
        "{\"features\":[1e99],\"label\":\"a\"} | in the range of FP32",
        "{\"features\":[\"1\"],\"label\":\"a\"} | must be a number",
        "{\"label\":\"a\"} | must be an object with",
        "{\"text\":\"a\",\"label\":{}} | must be a class, a list of classes or a number",
        "{\"text\":\"a\",\"label\":[1]} | must be a class, a list of classes or a number",
        "{\"text\":\"a\",\"label\":\"a\",\"lable\":\"b\"} | unknown field 'lable'",
        "{\"file\":\"../secret\",\"label\":\"a\"} | 'file' must be the path of a file",
        "{\"file\":7,\"label\":\"a\"} | must be a path in the workspace",
      })
  void whatCannotBeUsedIsRefusedAlone(String sample, String reason) {
    Labelled samples =
        labelled(null, null, read("[" + sample + ",{\"text\":\"good\",\"label\":\"good\"}]", JSON));
    assertEquals(1, samples.samples().size(), samples.refused().toString());
    assertEquals(1, samples.refused().size());
    assertTrue(samples.refused().get(0).error().contains(reason), samples.refused().get(0).error());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7",
        "",
        "[",
        "{\"samples\":{}}",
        "{\"samples\":[],\"samples\":[]}",
        "[]",
        "{\"text\":\"a\"}{}",
        "{\"samples\":[\"a\"],\"text\":\"b\"}",
        "{\"label\":\"a\"}",
        "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]",
      })
  void aBodyThatIsNoListOfSamplesIsRefused(String body) {
    assertThrows(BadInputException.class, () -> read(body, JSON));
  }

  @Test
  void deepAndBrokenBodiesAreRefused() {
    assertThrows(BadInputException.class, () -> read("[".repeat(100_000), JSON));
    assertThrows(
        BadInputException.class, () -> read("{\"label\":" + "[".repeat(40) + "]".repeat(40), JSON));
    for (String form : List.of("", "--B", "--B\r\n\r\n", FORM.substring(0, 300), "x".repeat(999))) {
      assertThrows(
          BadInputException.class,
          () -> read(form, MediaType.of("multipart/form-data; boundary=B")),
          form);
    }
    BadInputException many =
        assertThrows(
            BadInputException.class,
            () ->
                read(
                    "--B\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\na\r\n"
                            .repeat(2 * MOST + 2)
                        + "--B--\r\n",
                    MediaType.of("multipart/form-data; boundary=B")));
    assertEquals("the form has more than " + (2 * MOST + 1) + " parts", many.getMessage());
    assertThrows(BadInputException.class, () -> read(FORM, MediaType.of("multipart/form-data")));
  }

  @Test
  void aHeadRefusesWhatItDoesNotLearnFrom() {
    GivenSamples text = read("{\"text\":\"a\",\"label\":\"x\"}", JSON);
    assertTrue(
        labelled(Modality.IMAGE, Task.SINGLE, text)
            .refused()
            .get(0)
            .error()
            .contains("this head learns from pictures, not from texts"));
    assertTrue(
        labelled(Modality.TEXT, Task.REGRESSION, text)
            .refused()
            .get(0)
            .error()
            .contains("is not a number"));
    GivenSamples raw = read("plain words", null, "x");
    assertEquals(Modality.TEXT, labelled(null, null, raw).modality());
    assertTrue(labelled(Modality.IMAGE, null, raw).refused().get(0).error().contains("are text"));
    assertTrue(labelled(Modality.VECTOR, null, raw).refused().get(0).error().contains("as JSON"));
    for (String binary : List.of("%PDF-1.4", "MZ\0\0", "\0\0\0\u0018ftypheic", "PK\u0003\u0004")) {
      Labelled refused = labelled(null, null, read(binary, null, "x"));
      assertEquals(0, refused.samples().size(), binary);
      assertTrue(refused.refused().get(0).error().contains("it is a"), refused.toString());
    }
  }

  @Test
  void vectorsAreOfOneLength() {
    Labelled samples =
        labelled(null, null, read("{\"label\":1,\"samples\":[[1,2],[1,2,3],[3,4]]}", JSON));
    assertEquals(2, samples.samples().size());
    assertTrue(
        samples.refused().get(0).error().contains("has 3 features, but those of this head have 2"));
  }

  @Test
  void namesAreForPeople() {
    assertEquals("c.png", SampleBodies.shown("/a/b\\c.png"));
    assertEquals("ab", SampleBodies.shown("a\u202eb\n\u0000"));
    assertEquals(120, SampleBodies.shown("x".repeat(500)).length());
    assertEquals("", SampleBodies.shown("../"));
  }

  @Test
  void aFileOfTheWorkspaceCanBeNamed() throws IOException {
    Files.createDirectories(workspace.resolve("in/box"));
    Files.writeString(workspace.resolve("in/box/a.txt"), "words");
    Labelled samples =
        labelled(null, null, read("{\"file\":\"in/box/a.txt\",\"label\":\"x\"}", JSON));
    assertEquals("a.txt", samples.samples().get(0).sample().name());
    assertEquals("words", new String(samples.samples().get(0).sample().bytes(), UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "headstart.db",
        "HEADSTART.DB",
        "headstart.db-wal",
        "keys.json",
        "heads/h/live",
        "./heads/h/live",
        "in/../heads/h/live",
        "blobs/ab/x",
        "tls/server.p12",
        ".hidden",
        "in/.hidden",
        "link",
        "out",
        "folder/x",
        "in",
        "",
        ".",
        "..",
        "../outside",
        "/etc/passwd",
        "in\\a",
        "none",
        "a\u0000b",
        "fifo/",
        "features/x",
        "thumbnails/x",
      })
  void noOtherFileCan(String path) throws IOException {
    Path outside = Files.writeString(workspace.resolveSibling("outside"), "secret");
    for (String own :
        List.of(
            "headstart.db",
            "headstart.db-wal",
            "keys.json",
            "heads/h/live",
            "blobs/ab/x",
            "tls/server.p12",
            ".hidden",
            "in/.hidden",
            "features/x",
            "thumbnails/x")) {
      Path file = workspace.resolve(own);
      Files.createDirectories(file.getParent());
      Files.writeString(file, "secret");
    }
    Files.createSymbolicLink(workspace.resolve("link"), Path.of("keys.json"));
    Files.createSymbolicLink(workspace.resolve("out"), outside);
    Files.createSymbolicLink(workspace.resolve("folder"), workspace.resolve("blobs/ab"));
    GivenSamples given = new GivenSamples(1);
    given.add(
        new Given("sample 0", dev.headstart.sample.RawLabel.text("x"), new Given.Reference(path)));
    Labelled samples = labelled(null, null, given);
    assertEquals(List.of(), samples.samples());
    assertTrue(samples.refused().get(0).error().startsWith("'file' must be"), samples.toString());
    Files.delete(outside);
  }
}
