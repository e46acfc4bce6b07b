package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A workspace on a disk that is read-only or full, even for root. Linux, root only. */
class UnwritableTest {
  @TempDir Path temp;

  private Path disk;
  private CommandLine line;
  private Path data;

  @BeforeEach
  void teachOnADiskOfItsOwn() throws IOException {
    disk = Files.createDirectory(temp.resolve("disk"));
    String error;
    try {
      error = system("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.toString());
    } catch (IOException e) {
      error = e.getMessage();
    }
    if (error != null) {
      System.err.println("SKIPPED: a test disk cannot be mounted: " + error);
      disk = null;
      Assumptions.abort(error);
    }
    line = new CommandLine(disk.resolve("w"));
    StringBuilder csv = new StringBuilder("x,label\n");
    for (int i = 0; i < 40; i++) {
      csv.append(i % 2 + 0.01 * i).append(',').append("ab".charAt(i % 2)).append('\n');
    }
    data = Files.writeString(temp.resolve("data.csv"), csv);
    line.run("teach", "head", "--data", data, "--epochs", 2).expect(0);
    line.run("teach", "head", "--data", data, "--epochs", 2, "--promote", "always").expect(0);
  }

  @AfterEach
  void unmount() throws IOException {
    if (disk != null) {
      assertEquals(null, system("umount", disk.toString()));
    }
  }

  /** What the command said if it failed, else null. */
  private static String system(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.onExit().join().exitValue() == 0 ? null : said.strip();
  }

  private void assertReadable() {
    assertEquals("a", label("0.1"));
    assertEquals("b", label("1.3"));
    assertEquals(
        "[1,2]", line.run("heads", "list", "--json").expect(0).json().at("/versions") + "");
    line.run("heads", "show", "head").expect(0);
    line.run("evaluate", "head", "--data", data).expect(0);
    line.run("heads", "export", "head", "--out", temp.resolve("head.onnx")).expect(0);
    line.run("heads", "export", "head", "--bundle", temp.resolve("head.zip")).expect(0);
  }

  private String label(String input) {
    JsonNode answer = line.run("predict", "head", input, "--json").expect(0).json();
    return answer.get("label").asText();
  }

  private void refused(String reason, Object... args) {
    CommandLine.Result result = line.run(args).expect(1);
    assertTrue(result.err().contains("the workspace " + line.workspace()), result.err());
    assertTrue(result.err().contains(reason), result.err());
    assertTrue(result.err().contains("--workspace"), result.err());
    assertFalse(result.err().contains("\tat "), result.err());
    assertFalse(result.err().contains("fault in Headstart"), result.err());
    assertEquals("", result.out());
  }

  @Test
  void aReadOnlyWorkspaceAnswersAndRefuses() throws IOException {
    assertEquals(null, system("mount", "-o", "remount,ro", disk.toString()));
    assertReadable();
    refused("read-only", "teach", "head", "--data", data, "--epochs", 1);
    refused("read-only", "heads", "promote", "head", 1);
    refused("read-only", "heads", "rollback", "head");
    refused("read-only", "heads", "remove", "head");
    refused("read-only", "heads", "import", "new", "--bundle", temp.resolve("head.zip"));
    refused("read-only", "models", "add", temp.resolve("head.onnx"));
  }

  @Test
  void aFullWorkspaceAnswersAndLosesNothing() throws IOException {
    Path filler = disk.resolve("filler");
    try (OutputStream out = Files.newOutputStream(filler)) {
      while (true) {
        out.write(new byte[4096]);
      }
    } catch (IOException e) {
      assertTrue(e.getMessage().contains("No space left"), e.getMessage());
    }
    assertReadable();
    refused("no space", "teach", "head", "--data", data, "--epochs", 1);
    refused("no space", "heads", "import", "new", "--bundle", temp.resolve("head.zip"));
    refused("no space", "models", "add", temp.resolve("head.onnx"));
    assertEquals(1, line.run("heads", "list", "--json").expect(0).lines().size());
    Files.delete(filler);
    assertReadable();
    line.run("heads", "import", "new", "--bundle", temp.resolve("head.zip")).expect(0);
    JsonNode taught =
        line.run("teach", "head", "--data", data, "--epochs", 1, "--json").expect(0).json();
    assertEquals(3, taught.get("version").asInt());
  }
}
