package dev.headstart.workspace;

import static dev.headstart.workspace.HeadDirectoryTest.assertMessage;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.NullNode;
import dev.headstart.backbone.Features;
import dev.headstart.error.FailureException;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Run;
import dev.headstart.teach.StoredSample;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Disks that are read-only or full. */
class UnwritableTest {
  private static final String SPACE = "5a";
  private static final Map<String, Features> FEATURES =
      Map.of("ab", FeatureCacheTest.vector(1, 3), "cd", FeatureCacheTest.vector(2, 80_000));

  private static final NewSample SAMPLE = Stored.picture("kept", "x");

  @TempDir Path temp;

  /** Two versions, of which the first is live, features in the database and in a file. */
  private static void furnish(Workspace workspace) throws IOException {
    Versions.publish(workspace.heads(), "fruit");
    Versions.publish(workspace.heads(), "fruit");
    workspace.heads().promote("fruit", 1);
    workspace.runs().record("fruit", 1, Map.of("ab", true));
    workspace.features().put(SPACE, FEATURES);
    workspace.samples().create(Stored.pictures("fruit"), List.of("x"));
    workspace.samples().add("fruit", List.of(SAMPLE));
  }

  private static void assertReadable(Workspace workspace) {
    assertEquals(List.of("fruit"), workspace.heads().heads());
    assertEquals(List.of(1, 2), workspace.heads().versions("fruit"));
    assertEquals(1, workspace.heads().loadLive("fruit").manifest().version());
    assertEquals(2, workspace.heads().load("fruit", 2).manifest().version());
    assertEquals(2, workspace.heads().reading("fruit", () -> 2));
    assertEquals(Set.of("ab"), workspace.runs().judgedBy("fruit"));
    assertEquals(FEATURES, workspace.features().get(SPACE, FEATURES.keySet()));
    StoredSample sample = workspace.samples().samples("fruit").get(0);
    assertEquals(1, workspace.samples().count("fruit", null, null));
    assertEquals("kept", new String(workspace.samples().open("fruit", sample).bytes(), UTF_8));
    assertEquals(List.of(), WorkspaceCheck.of(workspace, TrainingListener.NONE).faults());
  }

  private static List<Executable> writes(Workspace workspace) {
    return List.of(
        workspace::requireWritable,
        () -> workspace.samples().add("fruit", Stored.pictures("x", "new")),
        () -> workspace.samples().delete("fruit", List.of(Stored.id(SAMPLE))),
        () -> workspace.samples().relabel("fruit", Stored.id(SAMPLE), SAMPLE.label()),
        () -> workspace.samples().ready("fruit", Stored.id(SAMPLE), SPACE),
        () -> workspace.samples().remove("fruit"),
        () -> workspace.samples().create(Stored.pictures("new"), List.of()),
        () -> workspace.runLog().create("fruit", NullNode.instance, Run.Cause.RULE),
        () -> workspace.heads().stage("fruit"),
        () -> workspace.heads().stage("new"),
        () -> workspace.heads().promote("fruit", 2),
        () -> workspace.heads().rollback("fruit"),
        () -> workspace.heads().deciding("fruit", () -> 1),
        () -> workspace.heads().remove("fruit", 2),
        () -> workspace.heads().remove("fruit"),
        () -> workspace.runs().record("fruit", 2, Map.of("ef", true)),
        () -> workspace.runs().forget("fruit"),
        () -> workspace.runs().forget("fruit", List.of(1)));
  }

  @Test
  void aReadOnlyWorkspaceIsRead() throws Exception {
    try (Tmpfs disk = Tmpfs.mount(temp, "4m")) {
      Path root = disk.folder().resolve("w");
      try (Workspace workspace = Workspace.open(root)) {
        furnish(workspace);
      }
      disk.readOnly();
      try (Workspace workspace = Workspace.open(root)) {
        assertReadable(workspace);
        workspace.features().put(SPACE, Map.of("ef", FeatureCacheTest.vector(3, 3)));
        assertEquals(Map.of(), workspace.features().get(SPACE, List.of("ef")));
        for (Executable write : writes(workspace)) {
          assertMessage(
              FailureException.class,
              write,
              "the workspace " + root + " cannot be written",
              "read-only",
              "--workspace");
        }
        assertReadable(workspace);
      }
      assertMessage(
          FailureException.class,
          () -> Workspace.open(disk.folder().resolve("new")),
          "new cannot be written",
          "read-only",
          "--workspace");
    }
  }

  @Test
  void aDatabaseThatNeedsWritingIsDoneWithout() throws Exception {
    try (Tmpfs disk = Tmpfs.mount(temp, "4m")) {
      Path root = disk.folder().resolve("w");
      try (Workspace workspace = Workspace.open(root)) {
        furnish(workspace);
        // As a killed process leaves them: the log is not yet in the database.
        Path copy = Files.createDirectory(temp.resolve("copy"));
        for (String file : List.of("headstart.db", "headstart.db-wal")) {
          Files.copy(root.resolve(file), copy.resolve(file));
        }
      }
      for (String file : List.of("headstart.db", "headstart.db-wal")) {
        Files.copy(
            temp.resolve("copy").resolve(file),
            root.resolve(file),
            StandardCopyOption.REPLACE_EXISTING);
      }
      disk.readOnly();
      try (Workspace workspace = Workspace.open(root)) {
        assertEquals(1, workspace.heads().loadLive("fruit").manifest().version());
        assertEquals(Map.of(), workspace.features().get(SPACE, FEATURES.keySet()));
        assertEquals(Set.of(), workspace.runs().judgedBy("fruit"));
        assertThrows(FailureException.class, workspace::requireWritable);
      }
      disk.remount("rw");
      try (Workspace workspace = Workspace.open(root)) {
        assertReadable(workspace);
      }
      Files.delete(root.resolve("headstart.db"));
      disk.readOnly();
      try (Workspace workspace = Workspace.open(root)) {
        assertEquals(1, workspace.heads().loadLive("fruit").manifest().version());
      }
    }
  }

  @Test
  void aFullDiskLosesNothing() throws Exception {
    try (Tmpfs disk = Tmpfs.mount(temp, "4m")) {
      Path root = disk.folder().resolve("w");
      try (Workspace workspace = Workspace.open(root)) {
        furnish(workspace);
        Path staged = workspace.heads().stage("fruit");
        Files.write(staged.resolve("model.onnx"), new byte[] {1});
        disk.fill();
        String[] said = {"the workspace " + root + " cannot be written", "no space", "--workspace"};
        Map<String, Features> many =
            IntStream.range(0, 500)
                .boxed()
                .collect(
                    Collectors.toMap(
                        FeatureCacheTest::digest, i -> FeatureCacheTest.vector(i, 1280)));
        assertMessage(
            FailureException.class,
            () -> workspace.samples().add("fruit", Stored.pictures("x", "new", "x".repeat(9000))),
            said);
        assertMessage(FailureException.class, () -> workspace.features().put(SPACE, many), said);
        assertEquals(Map.of(), workspace.features().get(SPACE, many.keySet()), "all or none");
        assertMessage(
            FailureException.class,
            () -> workspace.features().put(SPACE, Map.of("ef", FEATURES.get("cd"))),
            said);
        assertMessage(
            FailureException.class,
            () -> workspace.heads().publish(staged, Versions.draft("fruit")),
            said);
        assertMessage(FailureException.class, () -> workspace.heads().promote("fruit", 2), said);
        assertReadable(workspace);
      }
      disk.fill();
      try (Workspace workspace = Workspace.open(root)) {
        assertReadable(workspace);
        assertMessage(FailureException.class, () -> workspace.heads().promote("fruit", 2));
      }
      Files.delete(disk.folder().resolve("filler"));
      try (Workspace workspace = Workspace.open(root)) {
        workspace.requireWritable();
        assertReadable(workspace);
        assertEquals(3, Versions.publish(workspace.heads(), "fruit"));
        workspace.heads().promote("fruit", 3);
        assertEquals(OptionalInt.of(3), workspace.heads().live("fruit"));
      }
    }
  }

  /** SQLite would write on into a file that has no name any more. */
  @Test
  void aDatabaseThatIsNotAtItsPlaceTakesNothing() throws Exception {
    Path root = temp.resolve("moved");
    try (Workspace workspace = Workspace.open(root)) {
      furnish(workspace);
      Path file = root.resolve(Database.FILE);
      Files.move(file, temp.resolve("away.db"));
      String[] said = {"the workspace " + root + " cannot be written", "removed or replaced"};
      assertMessage(
          FailureException.class,
          () -> workspace.samples().add("fruit", Stored.pictures("x", "new", "y")),
          said);
      FailureException failure =
          assertThrows(
              FailureException.class, () -> workspace.features().put(SPACE, FEATURES), "gone");
      assertEquals(
          "headstart.db was removed or replaced by another program",
          failure.storage().orElseThrow());
      Files.write(file, new byte[0]);
      assertMessage(FailureException.class, () -> workspace.features().put(SPACE, FEATURES), said);
      Files.move(temp.resolve("away.db"), file, StandardCopyOption.REPLACE_EXISTING);
      workspace.features().put(SPACE, FEATURES);
    }
  }

  @Test
  void afterSpaceWasFreedTheSameProcessGoesOn() throws Exception {
    try (Tmpfs disk = Tmpfs.mount(temp, "2m")) {
      try (Workspace workspace = Workspace.open(disk.folder())) {
        disk.fill();
        Map<String, Features> features = Map.of("ab", FeatureCacheTest.vector(1, 60_000));
        assertMessage(
            FailureException.class, () -> workspace.features().put(SPACE, features), "no space");
        Files.delete(disk.folder().resolve("filler"));
        workspace.features().put(SPACE, features);
        assertEquals(features, workspace.features().get(SPACE, features.keySet()));
      }
    }
  }

  @Test
  void aWorkspaceIsNotMadeOnAFullDisk() throws Exception {
    try (Tmpfs disk = Tmpfs.mount(temp, "64k")) {
      disk.fill();
      try (Workspace workspace = Workspace.open(disk.folder().resolve("w"))) {
        for (Executable use :
            List.<Executable>of(
                workspace::requireWritable,
                () -> workspace.features().put(SPACE, FEATURES),
                () -> workspace.runs().record("fruit", 1, Map.of("ab", true)))) {
          assertMessage(FailureException.class, use, "cannot be written", "no space");
        }
      }
    }
  }
}
