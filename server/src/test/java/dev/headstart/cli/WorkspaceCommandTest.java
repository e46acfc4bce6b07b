package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A workspace in one file, back again, and looked through. */
class WorkspaceCommandTest {
  @TempDir Path folder;

  private CommandLine taught() throws IOException {
    CommandLine home = new CommandLine(folder.resolve("home"));
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 6; i++) {
      lines.append("{\"text\": \"apple number ").append(i).append("\", \"label\": \"fruit\"}\n");
      lines.append("{\"text\": \"hammer number ").append(i).append("\", \"label\": \"tool\"}\n");
    }
    Path data = Files.writeString(folder.resolve("data.jsonl"), lines);
    home.run("teach", "things", "--data", data, "--head", "prototype").expect(0);
    return home;
  }

  @Test
  void aWorkspaceGoesIntoAFileAndBack() throws IOException {
    CommandLine home = taught();
    JsonNode whole = home.run("workspace", "check", "--json").expect(0).json();
    assertEquals(1, whole.get("checked").get("versions").asInt());
    assertEquals(12, whole.get("checked").get("samples").asInt(), "what teach remembered");
    assertEquals(12, whole.get("checked").get("features").asInt());
    assertEquals(0, whole.get("faults").size());

    Path file = folder.resolve("backup.zip");
    JsonNode written = home.run("workspace", "backup", file, "--json").expect(0).json();
    assertTrue(written.get("files").asInt() > 2, written::toString);
    CommandLine abroad = new CommandLine(folder.resolve("abroad"));
    assertEquals(
        written.get("bytes"),
        abroad.run("workspace", "restore", file, "--json").expect(0).json().get("bytes"));
    Object[] ask = {"predict", "things", "an apple", "--json"};
    assertEquals(home.run(ask).expect(0).out(), abroad.run(ask).expect(0).out());
    assertTrue(abroad.run("workspace", "check").expect(0).out().contains("is whole"));
    assertTrue(abroad.run("workspace", "restore", file).expect(3).err().contains("is not empty"));
    assertTrue(home.run("workspace", "backup", file).expect(0).out().contains("MB"));
  }

  @Test
  void faultsAreNamed() throws IOException {
    CommandLine home = taught();
    Files.writeString(home.workspace().resolve("heads/things/1/model.onnx"), "other");
    CommandLine.Result found = home.run("workspace", "check").expect(3);
    assertTrue(found.out().contains("version 1 of head 'things'"), found.out());
    assertTrue(found.out().contains("restore it from a backup"), found.out());
    JsonNode json = home.run("workspace", "check", "--json").expect(3).json();
    assertEquals(1, json.get("faults").size());

    CommandLine nowhere = new CommandLine(folder.resolve("nowhere"));
    nowhere.run("workspace", "check").expect(4);
    assertFalse(Files.exists(nowhere.workspace()), "a check makes nothing");
    nowhere.run("workspace", "restore", folder.resolve("none.zip")).expect(4);
    nowhere.run("workspace", "restore", folder.resolve("data.jsonl")).expect(3);
    nowhere.run("workspace", "backup").expect(2);
    nowhere.run("workspace").expect(2);
  }
}
