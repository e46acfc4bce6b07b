package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes at one head. */
class ProcessesTest {
  @TempDir Path folder;
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    for (Process process : started) {
      process.destroyForcibly().waitFor();
    }
  }

  private Path data(int rows) throws IOException {
    StringBuilder csv = new StringBuilder("x,label\n");
    for (int i = 0; i < rows; i++) {
      csv.append(i % 2 + 0.0001 * i).append(',').append("ab".charAt(i % 2)).append('\n');
    }
    return Files.writeString(folder.resolve("data.csv"), csv);
  }

  private Process start(Path output, Object... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(output.resolveSibling(output.getFileName() + ".out").toFile())
            .redirectError(output.resolveSibling(output.getFileName() + ".err").toFile())
            .start();
    started.add(process);
    return process;
  }

  private JsonNode result(Process process, Path output) throws Exception {
    int status = process.waitFor();
    assertEquals(0, status, Files.readString(Path.of(output + ".err")));
    return Console.JSON.readTree(Path.of(output + ".out").toFile());
  }

  @Test
  void twoThatTeachAtOnceBothGetAVersion() throws Exception {
    Path data = data(200);
    CommandLine line = new CommandLine(folder.resolve("w"));
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    Object[] teach = {
      "teach", "head", "--data", data, "--epochs", 30, "--json", "--workspace", line.workspace()
    };
    Process first = start(one, teach);
    Process second = start(two, teach);
    Set<Integer> versions = new TreeSet<>();
    versions.add(result(first, one).get("version").asInt());
    versions.add(result(second, two).get("version").asInt());
    assertEquals(Set.of(1, 2), versions);
    for (int version : versions) {
      line.run("predict", "head", "0.1", "--version", version).expect(0);
    }
    JsonNode list = line.run("heads", "list", "--json").expect(0).json();
    assertEquals("[1,2]", list.get("versions").toString());
    assertTrue(versions.contains(list.get("live").asInt()), list::toString);
  }

  /** The version that was being taught is the head's first again, under a number of its own. */
  @Test
  void aHeadIsRemovedWhileItIsTaught() throws Exception {
    Path data = data(200);
    CommandLine line = new CommandLine(folder.resolve("w"));
    line.run("teach", "head", "--data", data, "--epochs", 1).expect(0);
    Path one = folder.resolve("one");
    Process teaching =
        start(
            one,
            "teach",
            "head",
            "--data",
            data,
            "--epochs",
            3000,
            "--patience",
            0,
            "--json",
            "--workspace",
            line.workspace());
    Path err = Path.of(one + ".err");
    while (teaching.isAlive() && !Files.readString(err).contains("epoch")) {
      Thread.sleep(5);
    }
    line.run("heads", "remove", "head").expect(0);
    JsonNode taught = result(teaching, one);
    assertEquals(2, taught.get("version").asInt());
    JsonNode list = line.run("heads", "list", "--json").expect(0).json();
    assertEquals("[2]", list.get("versions").toString());
    line.run("heads", "rollback", "head").expect(4);
  }
}
