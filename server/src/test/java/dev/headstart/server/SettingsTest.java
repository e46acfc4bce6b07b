package dev.headstart.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
  private static final Pattern ROW =
      Pattern.compile(
          "\\| `(headstart\\.[a-z.-]+)` \\| `([A-Z_]+)` \\| (.*?) \\| (.*?) \\| .+ \\|");

  @TempDir Path folder;

  @Test
  void theTableOfTheDocumentationIsExactlyTheSettings() throws Exception {
    Map<String, String> documented = new TreeMap<>();
    for (String line : Files.readAllLines(Path.of("../docs/configuration.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        String standard = row.group(4).startsWith("`") ? row.group(4).replace("`", "") : null;
        documented.put(row.group(1), row.group(2) + " " + standard);
      }
    }
    Map<String, String> there = new TreeMap<>();
    for (Settings.Setting setting : Settings.all()) {
      there.put(setting.name(), setting.variable() + " " + setting.standard());
    }
    assertEquals(
        String.join("\n", there.entrySet().stream().map(Object::toString).toList()),
        String.join("\n", documented.entrySet().stream().map(Object::toString).toList()));
  }

  @Test
  void flagsWinOverTheEnvironmentAndThatOverTheFile() throws Exception {
    Path file = folder.resolve("headstart.yml");
    Files.writeString(
        file,
        "headstart:\n  port: 1\n  grpc-port: 1\n  queue: 1\n  models: [a, b]\n"
            + "  limits:\n    body: 1000000\n");
    Map<String, Object> read =
        Settings.read(
            file,
            Map.of("HEADSTART_PORT", "2", "HEADSTART_GRPC_PORT", "2", "HEADSTART_OPTS", "-Xmx1g"),
            Map.of("headstart.port", 3));
    ServerSettings settings = Settings.make(ServerSettings.class, read);
    assertEquals(3, settings.port());
    assertEquals(2, settings.grpcPort());
    assertEquals(1, settings.queue());
    assertEquals(List.of("a", "b"), settings.models());
    assertEquals("127.0.0.1", settings.host());
  }

  @Test
  void propertiesAreReadAsWell() throws Exception {
    Path file = folder.resolve("headstart.properties");
    Files.writeString(
        file, "headstart.log.format=json\nheadstart.model-providers=minilm=cuda:cpu\n");
    assertEquals(
        "{minilm=[cuda, cpu]}",
        Settings.make(ServerSettings.class, Settings.read(file, Map.of(), Map.of()))
            .providersByModel()
            .toString());
  }

  @Test
  void whatKubernetesPutsIntoTheEnvironmentForAServiceIsNoPort() {
    Map<String, Object> read =
        Settings.read(null, Map.of("HEADSTART_PORT", "tcp://10.0.0.1:8080"), Map.of());
    assertFalse(read.containsKey("headstart.port"));
  }

  @Test
  void anUnknownKeyIsRefusedWithTheNearestRightName() throws Exception {
    Path file = folder.resolve("headstart.yaml");
    Files.writeString(file, "headstart:\n  grpc_port: 1\n");
    BadInputException e =
        assertThrows(BadInputException.class, () -> Settings.read(file, Map.of(), Map.of()));
    assertTrue(e.getMessage().contains("did you mean 'headstart.grpc-port'"), e.getMessage());
    for (Map.Entry<String, String> content :
        Map.of(
                "port: 1", "did you mean 'headstart.port'?",
                "headstart: 5", "expected settings below 'headstart'",
                "headstart:\n  tls: on", "expected settings below 'headstart.tls'",
                "headstart:\n  port: x", "not 'x' (" + file + ")")
            .entrySet()) {
      Files.writeString(file, content.getKey());
      BadInputException wrong =
          assertThrows(BadInputException.class, () -> Settings.read(file, Map.of(), Map.of()));
      assertTrue(wrong.getMessage().contains(content.getValue()), wrong.getMessage());
    }
    assertThrows(
        UsageException.class, () -> Settings.read(null, Map.of(), Map.of("headstart.prot", "1")));
    assertThrows(
        NotFoundException.class,
        () -> Settings.read(folder.resolve("none.yml"), Map.of(), Map.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "HEADSTART_PORT | 99999 | headstart.port must be from 0 to 65535, not '99999' (HEADSTART_PORT)",
        "HEADSTART_PORT | http | headstart.port must be a whole number, not 'http'",
        "HEADSTART_TIMEOUT | soon | headstart.timeout must be a time with its unit",
        "HEADSTART_AUTH | maybe | headstart.auth must be one of auto, keys, none, not 'maybe'",
        "HEADSTART_PROVIDERS | cpu,gpu | headstart.providers must be a list of cpu, cuda",
        "HEADSTART_MODEL_PROVIDERS | minilm | headstart.model-providers must be MODEL=PROVIDER",
        "HEADSTART_TLS_CERTIFICATE | a.pem | headstart.tls.key must be a PEM file",
        "HEADSTART_LOG_ACCESS | often | headstart.log.access must be true or false, not 'often'"
      })
  void aWrongValueIsNamedWithWhatWasExpectedAndWhatCame(
      String variable, String value, String message) {
    BadInputException e =
        assertThrows(
            BadInputException.class, () -> Settings.read(null, Map.of(variable, value), Map.of()));
    assertTrue(e.getMessage().startsWith(message), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"a: [", "'headstart: \"'", "- a"})
  void whatIsNoYamlIsRefused(String content) throws Exception {
    Path file = folder.resolve("headstart.yml");
    Files.writeString(file, content);
    assertThrows(BadInputException.class, () -> Settings.read(file, Map.of(), Map.of()));
  }
}
