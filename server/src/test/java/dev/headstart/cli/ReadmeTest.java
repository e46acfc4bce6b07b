package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.server.Server;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README tells a user to type at the server works as it is printed. */
class ReadmeTest {
  private static final Path ROOT = Path.of("..");

  @TempDir Path folder;

  @Test
  void everyCurlIsAnswered() throws Exception {
    teach();
    try (Server server =
        Server.start(
            Map.of(
                "headstart.workspace",
                folder.resolve("workspace").toString(),
                "headstart.port",
                0,
                "headstart.grpc-port",
                -1))) {
      awaitReady(server);
      List<String> commands = curls();
      assertTrue(commands.size() >= 5, commands::toString);
      for (String command : commands) {
        JsonNode answer = answer(command, server.port());
        JsonNode first = answer.isArray() ? answer.get(0) : answer;
        if (command.contains("/v1/heads/")) {
          assertFalse(first.path("label").asText().isEmpty(), answer::toString);
          assertTrue(first.path("scores").size() >= 2, answer::toString);
          assertEquals(1, first.path("version").asInt(), answer::toString);
        } else if (command.contains("/infer")) {
          assertEquals("scores", answer.at("/outputs/0/name").asText(), answer::toString);
        } else {
          assertEquals("mail", answer.path("name").asText(), answer::toString);
        }
      }
    }
  }

  /** The README's two heads, of fewer samples than there. */
  private void teach() throws IOException {
    Path train = ROOT.resolve("examples/fashion/train");
    for (String kind : List.of("bag", "sandal")) {
      Path to = Files.createDirectories(folder.resolve("train").resolve(kind));
      try (Stream<Path> pictures = Files.list(train.resolve(kind))) {
        for (Path picture : pictures.sorted(Comparator.naturalOrder()).limit(4).toList()) {
          Files.copy(picture, to.resolve(picture.getFileName()));
        }
      }
    }
    List<String> mails = Files.readAllLines(ROOT.resolve("examples/mail/train.jsonl"));
    Path few = folder.resolve("mail.jsonl");
    Files.write(
        few,
        Stream.of("\"ham\"", "\"spam\"")
            .flatMap(label -> mails.stream().filter(mail -> mail.contains(label)).limit(4))
            .toList());
    CommandLine line = new CommandLine(folder.resolve("workspace"));
    line.run("teach", "clothes", "--data", folder.resolve("train"), "--epochs", 2).expect(0);
    line.run("teach", "mail", "--data", few, "--epochs", 2).expect(0);
  }

  private static void awaitReady(Server server) throws Exception {
    while (!run("curl -s http://localhost:" + server.port() + "/v2/health/ready")
        .contains("\"ready\":true")) {
      Thread.sleep(50);
    }
  }

  /** Commands of all shell blocks that begin with curl, their lines joined. */
  private static List<String> curls() throws IOException {
    List<String> commands = new ArrayList<>();
    for (String line :
        Files.readString(ROOT.resolve("README.md")).replace("\\\n", " ").split("\n")) {
      if (line.startsWith("curl ")) {
        commands.add(line);
      }
    }
    return commands;
  }

  private static JsonNode answer(String command, int port) throws Exception {
    assertTrue(command.contains("localhost:8080"), command);
    String out =
        run(
            command
                .replace("localhost:8080", "localhost:" + port)
                .replaceFirst("^curl", "curl -sS"));
    JsonNode answer = Console.JSON.readTree(out);
    assertFalse(answer.has("error"), command + "\n" + out);
    return answer;
  }

  private static String run(String command) throws Exception {
    Process process =
        new ProcessBuilder("sh", "-c", command)
            .directory(ROOT.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (InputStream out = process.getInputStream()) {
      String text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(30, TimeUnit.SECONDS), command);
      assertEquals(0, process.exitValue(), command);
      return text;
    }
  }
}
