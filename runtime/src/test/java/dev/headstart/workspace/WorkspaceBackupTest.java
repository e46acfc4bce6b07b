package dev.headstart.workspace;

import static dev.headstart.workspace.HeadDirectoryTest.assertMessage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.StoredSample;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkspaceBackupTest {
  private static final String SPACE = "5a";

  @TempDir Path temp;

  /** Two samples of a head with two versions, features of both kinds, an added base model. */
  private Map<String, Features> furnish(Workspace workspace) throws IOException {
    workspace.samples().create(Stored.pictures("fruit"), List.of("a"));
    List<NewSample> samples = Stored.pictures("a", "one", "two");
    workspace.samples().add("fruit", samples);
    Map<String, Features> features =
        Map.of(
            Stored.id(samples.get(0)), FeatureCacheTest.vector(1, 3),
            Stored.id(samples.get(1)), FeatureCacheTest.vector(2, 80_000));
    workspace.features().put(SPACE, features);
    for (String id : features.keySet()) {
      workspace.samples().ready("fruit", id, SPACE);
    }
    workspace.samples().thumbnail("fruit", stored(workspace, 0), new byte[] {1, 2, 3});
    Versions.publish(workspace.heads(), "fruit");
    Versions.publish(workspace.heads(), "fruit");
    workspace.heads().promote("fruit", 1);
    workspace.heads().promote("fruit", 2);
    workspace.runs().record("fruit", 1, Map.of("ab", true));
    Path model = Files.createDirectories(workspace.models().resolve("mine"));
    Files.writeString(model.resolve("model.onnx"), "model");
    Files.writeString(workspace.root().resolve("keys.json"), "secret");
    return features;
  }

  private static StoredSample stored(Workspace workspace, int index) {
    return workspace.samples().samples("fruit").get(index);
  }

  private Path backup(Workspace workspace) {
    Path file = temp.resolve("backup.zip");
    WorkspaceBackup.write(workspace, "0.1.0", file, TrainingListener.NONE);
    return file;
  }

  @Test
  void allOfItComesBack() throws IOException {
    Map<String, Features> features;
    Path file;
    List<StoredSample> samples;
    try (Workspace workspace = Workspace.open(temp.resolve("w"))) {
      features = furnish(workspace);
      samples = workspace.samples().samples("fruit");
      file = backup(workspace);
      assertEquals(List.of("backup.zip", "w"), names(temp), "nothing else is left");
      backup(workspace); // replaces
      assertMessage(
          BadInputException.class,
          () ->
              WorkspaceBackup.write(
                  workspace, "0", workspace.root().resolve("b.zip"), TrainingListener.NONE),
          "in the workspace itself");
      assertMessage(
          NotFoundException.class,
          () ->
              WorkspaceBackup.write(
                  workspace, "0", temp.resolve("none/b.zip"), TrainingListener.NONE),
          "no folder");
    }
    Path restored = temp.resolve("deep/restored");
    WorkspaceBackup.restore(file, restored, TrainingListener.NONE);
    try (Workspace workspace = Workspace.open(restored)) {
      assertEquals(samples, workspace.samples().samples("fruit"));
      assertEquals(features, workspace.features().get(SPACE, features.keySet()));
      assertEquals("one", Files.readString(workspace.samples().original(samples.get(0))));
      assertTrue(workspace.samples().thumbnail(samples.get(0)).isPresent());
      assertEquals(2, workspace.heads().loadLive("fruit").manifest().version());
      assertEquals(1, workspace.heads().rollback("fruit"));
      assertEquals(Set.of("ab"), workspace.runs().judgedBy("fruit"));
      assertEquals("model", Files.readString(restored.resolve("models/mine/model.onnx")));
      assertFalse(Files.exists(restored.resolve("keys.json")));
      assertEquals(List.of(), WorkspaceCheck.of(workspace, TrainingListener.NONE).faults());
    }
    assertMessage(
        BadInputException.class,
        () -> WorkspaceBackup.restore(file, restored, TrainingListener.NONE),
        "not empty");
    assertMessage(
        NotFoundException.class,
        () -> WorkspaceBackup.restore(temp.resolve("none"), restored, TrainingListener.NONE),
        "no backup");
    Path empty = temp.resolve("empty");
    Workspace.open(empty).close();
    WorkspaceBackup.restore(file, empty, TrainingListener.NONE);
    assertTrue(Files.exists(empty.resolve("headstart.db")));
  }

  @Test
  void whatIsNoWholeBackupLeavesNothing() throws IOException {
    Path file;
    try (Workspace workspace = Workspace.open(temp.resolve("w"))) {
      furnish(workspace);
      file = backup(workspace);
    }
    Map<String, byte[]> entries = entries(file);
    String head = "heads/fruit/1/head.json";
    refused(Map.of(), "no backup.json");
    Map<String, byte[]> changed = new LinkedHashMap<>(entries);
    changed.put(head, "{}".getBytes(StandardCharsets.UTF_8));
    refused(changed, "'" + head + "' in it was changed");
    Map<String, byte[]> fewer = new LinkedHashMap<>(entries);
    fewer.remove(head);
    refused(fewer, "it lacks files");
    Map<String, byte[]> more = new LinkedHashMap<>(entries);
    more.put("heads/evil/1/head.json", new byte[] {1});
    refused(more, "does not name");
    for (String path : List.of("../evil", "heads/../../evil", "keys.json", "/etc/evil")) {
      Map<String, byte[]> escaping = new LinkedHashMap<>();
      escaping.put(path, new byte[0]);
      String manifest =
          "{\"format\":1,\"headstart\":\"0\",\"created\":\"\",\"files\":{\""
              + path
              + "\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}";
      escaping.put("backup.json", manifest.getBytes(StandardCharsets.UTF_8));
      refused(escaping, "no workspace has");
    }
    byte[] newer = "{\"format\":2,\"files\":{}}".getBytes(StandardCharsets.UTF_8);
    refused(Map.of("backup.json", newer), "update Headstart");
    Path noZip = Files.writeString(temp.resolve("no.zip"), "not a zip file");
    assertMessage(
        BadInputException.class,
        () -> WorkspaceBackup.restore(noZip, temp.resolve("r"), TrainingListener.NONE),
        "no whole backup");
  }

  private void refused(Map<String, byte[]> entries, String said) throws IOException {
    Path file = temp.resolve("bad.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
      }
      if (entries.isEmpty()) {
        zip.putNextEntry(new ZipEntry("other"));
      }
    }
    Path root = temp.resolve("refused");
    assertMessage(
        BadInputException.class,
        () -> WorkspaceBackup.restore(file, root, TrainingListener.NONE),
        said);
    assertEquals(List.of(), names(root));
  }

  private static Map<String, byte[]> entries(Path file) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : zip.stream().collect(Collectors.toList())) {
        try (InputStream in = zip.getInputStream(entry)) {
          entries.put(entry.getName(), in.readAllBytes());
        }
      }
    }
    return entries;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(e -> e.getFileName().toString()).sorted().toList();
    }
  }

  /** Another process adds and deletes all the while. */
  @Test
  void aBackupIsTakenWhileOthersTeach() throws Exception {
    Path root = temp.resolve("w");
    try (Workspace workspace = Workspace.open(root)) {
      workspace.samples().create(Stored.pictures("taught"), List.of("a", "b"));
    }
    Path folder = Files.createDirectory(temp.resolve("child"));
    Process child = Child.start(folder, "samples", "x", "1", root.toString());
    AtomicBoolean ended = new AtomicBoolean();
    try (Workspace workspace = Workspace.open(root)) {
      while (!Files.readString(Child.output(folder).toPath()).contains("taught 2")) {
        assertTrue(child.isAlive(), () -> "it ended");
        Thread.sleep(5);
      }
      for (int i = 0; i < 3; i++) {
        Path file = temp.resolve("b" + i + ".zip");
        WorkspaceBackup.write(workspace, "0", file, TrainingListener.NONE);
        Path restored = temp.resolve("restored" + i);
        WorkspaceBackup.restore(file, restored, TrainingListener.NONE);
        try (Workspace copy = Workspace.open(restored)) {
          assertEquals(List.of(), WorkspaceCheck.of(copy, TrainingListener.NONE).faults());
          assertTrue(copy.heads().live("taught").isPresent());
          assertTrue(copy.samples().count("taught", null, null) > 0);
        }
        assertEquals(
            List.of(),
            WorkspaceCheck.of(workspace, TrainingListener.NONE).faults(),
            "while the other goes on");
      }
      ended.set(!child.isAlive());
    } finally {
      child.destroyForcibly().waitFor();
    }
    assertFalse(ended.get(), () -> "the child ended");
  }

  @Test
  void aCheckFindsWhatIsWrong() throws Exception {
    Path root = temp.resolve("w");
    Map<String, Features> features;
    try (Workspace workspace = Workspace.open(root)) {
      features = furnish(workspace);
      assertEquals(
          Map.of(
              "heads",
              1,
              "versions",
              2,
              "schema",
              Database.MIGRATIONS.size(),
              "samples",
              2,
              "features",
              2,
              "originals",
              2,
              "runs",
              0),
          WorkspaceCheck.of(workspace, TrainingListener.NONE).checked());
      Files.writeString(workspace.samples().original(stored(workspace, 0)), "other");
      Files.delete(workspace.samples().original(stored(workspace, 1)));
      Files.writeString(root.resolve("heads/fruit/1/model.onnx"), "other");
      Files.writeString(root.resolve("heads/fruit/live"), "7\n");
      Path orphan = root.resolve("blobs/00").resolve("00".repeat(32));
      Files.createDirectories(orphan.getParent());
      Files.writeString(orphan, "left");
      WorkspaceCheck.Report report = WorkspaceCheck.of(workspace, TrainingListener.NONE);
      assertFalse(report.clean());
      String said = report.faults().toString();
      for (String part :
          List.of(
              "was changed or is damaged",
              "cannot be read",
              "version 1 of head 'fruit'",
              "a version that is not there",
              "no sample has it")) {
        assertTrue(said.contains(part), said);
      }
      assertEquals(5, report.faults().size(), said);
      assertEquals(List.of(), report.notes());
      try (Stream<Path> large = Files.walk(root.resolve("features"))) {
        for (Path one : large.filter(Files::isRegularFile).toList()) {
          Files.delete(one);
        }
      }
      assertTrue(
          WorkspaceCheck.of(workspace, TrainingListener.NONE)
              .notes()
              .toString()
              .contains("computed when needed"));
    }
    assertEquals(2, features.size());
  }
}
