package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.sample.Sample;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A head carried to another workspace in one file, and files that only look like one. */
class BundleTest {
  @TempDir static Path shared;

  private static CommandLine home;
  private static Path bundle;
  private static Path data;

  @TempDir Path folder;

  private CommandLine abroad;

  @BeforeAll
  static void exportHead() throws IOException {
    home = new CommandLine(shared.resolve("home"));
    StringBuilder csv = new StringBuilder("x,label\n");
    for (int i = 0; i < 40; i++) {
      csv.append(i % 2 + 0.01 * i).append(',').append("ab".charAt(i % 2)).append('\n');
    }
    data = Files.writeString(shared.resolve("data.csv"), csv);
    home.run("teach", "head", "--data", data, "--epochs", 3).expect(0);
    home.run("teach", "head", "--data", data, "--epochs", 2, "--promote", "never").expect(0);
    bundle = shared.resolve("head.zip");
    home.run("heads", "export", "head", "--bundle", bundle).expect(0);
  }

  @BeforeEach
  void elsewhere() {
    abroad = new CommandLine(folder.resolve("abroad"));
  }

  @Test
  void everyVersionArrivesAsItWas() throws IOException {
    JsonNode json =
        abroad.run("heads", "import", "head", "--bundle", bundle, "--json").expect(0).json();
    assertEquals("{\"head\":\"head\",\"versions\":[1,2],\"live\":1}", json.toString());
    for (String version : new String[] {"1", "2"}) {
      Object[] ask = {"predict", "head", "0.2", "0.9", "--version", version, "--json"};
      assertEquals(home.run(ask).expect(0).out(), abroad.run(ask).expect(0).out());
      for (String file : new String[] {"model.onnx", "judged.onnx", "checkpoint"}) {
        String path = "heads/head/" + version + "/" + file;
        assertArrayEquals(
            Files.readAllBytes(home.workspace().resolve(path)),
            Files.readAllBytes(abroad.workspace().resolve(path)));
      }
    }
    // What judged at home is known here too: the next version is compared on it.
    JsonNode next =
        abroad.run("teach", "head", "--data", data, "--epochs", 3, "--json").expect(0).json();
    assertEquals(3, next.get("version").asInt());
    assertTrue(next.get("reason").asText().contains("neither trained on"), next::toString);

    abroad.run("heads", "import", "head", "--bundle", bundle).expect(3);
    abroad.run("heads", "import", "other", "--bundle", bundle).expect(0);
    assertTrue(abroad.run("heads", "show", "other").expect(0).out().contains("Head other"));
    abroad.run("heads", "import", "../other", "--bundle", bundle).expect(2);
  }

  @Test
  void theSameHeadGivesTheSameFile() throws IOException {
    Path again = folder.resolve("again.zip");
    home.run("heads", "export", "head", "--bundle", again).expect(0);
    assertArrayEquals(Files.readAllBytes(bundle), Files.readAllBytes(again));
  }

  @Test
  void numbersCloseUpWhereVersionsWereRemoved() {
    home.run("teach", "gap", "--data", data, "--epochs", 1).expect(0);
    home.run("teach", "gap", "--data", data, "--epochs", 1, "--promote", "always").expect(0);
    home.run("heads", "remove", "gap", "--version", 1).expect(0);
    Path file = folder.resolve("gap.zip");
    home.run("heads", "export", "gap", "--bundle", file).expect(0);
    CommandLine.Result result = abroad.run("heads", "import", "gap", "--bundle", file, "--json");
    assertEquals("{\"head\":\"gap\",\"versions\":[1],\"live\":1}", result.expect(0).out().strip());
    assertTrue(result.err().contains("version 2 is version 1 here"), result.err());
  }

  private static Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(bundle))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        entries.put(entry.getName(), zip.readAllBytes());
      }
    }
    return entries;
  }

  private Path zip(Map<String, byte[]> entries) throws IOException {
    Path file = folder.resolve("hostile.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    }
    return file;
  }

  private void refused(Path file, String expected) throws IOException {
    CommandLine.Result result = abroad.run("heads", "import", "head", "--bundle", file).expect(3);
    assertTrue(result.err().contains(expected), result.err());
    assertEquals("", abroad.run("heads", "list", "--json").expect(0).out());
    try (Stream<Path> left = Files.walk(folder)) {
      assertEquals(
          0, left.filter(p -> p.toString().contains(".staged-") || p.endsWith("evil")).count());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil",
        "/evil",
        "1/../../evil",
        "1/sub/evil",
        "1/",
        "evil",
        "0/model.onnx",
        "..\\evil",
        "1/.lock",
        "99999999999/model.onnx"
      })
  void namesThatAreNotOfAVersion(String name) throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put(name, new byte[] {1});
    refused(zip(entries), "no file of a version");
  }

  @Test
  void filesThatHeadJsonDoesNotName() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("1/evil", new byte[] {1});
    refused(zip(entries), "should hold");
    entries.remove("1/evil");
    entries.remove("1/judged.onnx");
    refused(zip(entries), "should hold");
  }

  @Test
  void changedFiles() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.get("2/model.onnx")[40] ^= 1;
    refused(zip(entries), "sha-256");
  }

  @Test
  void modelsThatAreNoHeads() throws IOException {
    Map<String, byte[]> entries = entries();
    JsonNode manifest = Console.JSON.readTree(entries.get("1/head.json"));
    for (String other : new String[] {"training_model.onnx", "checkpoint"}) {
      byte[] model = entries.get("1/" + other);
      entries.put("1/model.onnx", model);
      ((ObjectNode) manifest.get("files")).put("model.onnx", Sample.sha256(model));
      entries.put("1/head.json", Console.JSON.writeValueAsBytes(manifest));
      refused(zip(entries), "model.onnx of version 1");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"result", "provenance", "recipe", "shape", "classes"})
  void versionsThatDoNotSayWhatTheyAre(String field) throws IOException {
    Map<String, byte[]> entries = entries();
    ObjectNode manifest = (ObjectNode) Console.JSON.readTree(entries.get("2/head.json"));
    manifest.remove(field);
    entries.put("2/head.json", Console.JSON.writeValueAsBytes(manifest));
    refused(zip(entries), "\"" + field + "\" is missing");
  }

  @Test
  void memberships() throws IOException {
    Map<String, byte[]> entries = entries();
    byte[] sound = entries.get("2/samples.json");
    entries.put("2/samples.json", "{\"trained\":[\"abc\"]}".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "'abc'");
    entries.put("2/samples.json", "{\"judged\":[null]}".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "no sha-256");
    entries.put("2/samples.json", sound);
    entries.put("3/samples.json", sound);
    refused(zip(entries), "not in it");
  }

  @Test
  void whatFailsOnTheWayIsTakenBack() throws Exception {
    abroad.run("teach", "other", "--data", data, "--epochs", 1).expect(0);
    String database = "jdbc:sqlite:" + abroad.workspace().resolve("headstart.db");
    try (Connection connection = DriverManager.getConnection(database);
        Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TRIGGER full BEFORE INSERT ON membership WHEN NEW.version = 2"
              + " BEGIN SELECT RAISE(ABORT, 'no more'); END");
    }
    assertTrue(
        abroad
            .run("heads", "import", "head", "--bundle", bundle)
            .expect(1)
            .err()
            .contains("no more"));
    assertEquals(
        List.of("other"),
        abroad.run("heads", "list", "--json").expect(0).lines().stream()
            .map(head -> head.get("head").asText())
            .toList());
    try (Stream<Path> left = Files.list(abroad.workspace().resolve("heads/head"))) {
      assertEquals(
          Set.of(".last", ".lock"),
          left.map(file -> file.getFileName().toString()).collect(Collectors.toSet()));
    }
  }

  @Test
  void bombs() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("1/zeros", new byte[64 << 20]);
    refused(zip(entries), "far more bytes");
  }

  @Test
  void versionsThatLackSomething() throws IOException {
    Map<String, byte[]> entries = entries();
    byte[] manifest = entries.remove("2/head.json");
    refused(zip(entries), "lacks its head.json");
    entries.put("2/head.json", entries.get("1/head.json"));
    refused(zip(entries), "of version 1");
    entries.put("2/head.json", "{\"format\": 1}".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "not the head.json");
    entries.put("2/head.json", manifest);
    entries.put("bundle.json", "{\"format\":1,\"live\":7}".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "live version 7");
    entries.put("bundle.json", "{\"format\":9}".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "format 9");
    entries.put("bundle.json", "[".getBytes(StandardCharsets.UTF_8));
    refused(zip(entries), "bundle.json");
    entries.remove("bundle.json");
    refused(zip(entries), "no bundle.json");
  }

  @Test
  void filesThatAreNoZip() throws IOException {
    refused(Files.writeString(folder.resolve("text.zip"), "hello"), "no bundle.json");
    ByteArrayOutputStream half = new ByteArrayOutputStream();
    half.write(Files.readAllBytes(bundle), 0, (int) Files.size(bundle) / 2);
    refused(Files.write(folder.resolve("half.zip"), half.toByteArray()), "no bundle");
    refused(folder, "no bundle");
  }
}
