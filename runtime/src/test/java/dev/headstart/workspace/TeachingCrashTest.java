package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.sample.ClassLabel;
import dev.headstart.teach.StoredSample;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that teach, killed at any moment. */
class TeachingCrashTest {
  @TempDir Path temp;
  private final List<Process> children = new ArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    for (Process child : children) {
      child.destroyForcibly().waitFor();
    }
  }

  /** What the children have said of their samples. */
  private static final class Said {
    /** By id; the last label that was acknowledged. */
    final Map<String, String> labels = new HashMap<>();

    /** May or may not have been done. */
    final Set<String> doubtful = new HashSet<>();

    final Set<String> deleted = new HashSet<>();
    int taught;

    void read(Path output) throws IOException {
      String text = Files.readString(output);
      for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
        String[] words = line.split(" ");
        switch (words[0]) {
          case "labelled" -> {
            labels.put(words[1], words[2]);
            doubtful.remove(words[1]);
          }
          case "relabels", "deletes" -> doubtful.add(words[1]);
          case "deleted" -> {
            labels.remove(words[1]);
            doubtful.remove(words[1]);
            deleted.add(words[1]);
          }
          case "taught" -> taught = Math.max(taught, Integer.parseInt(words[1]));
          default -> assertTrue(List.of("ready", "removed").contains(words[0]), line);
        }
      }
    }
  }

  @Test
  void nothingAcknowledgedIsLostAndNothingDeletedComesBack() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    int rounds = Integer.getInteger("rounds", 25);
    System.out.println("TeachingCrashTest -Dseed=" + seed + " -Drounds=" + rounds);
    Random random = new Random(seed);
    Path root = temp.resolve("w");
    try (Workspace workspace = Workspace.open(root)) {
      workspace.samples().create(Stored.pictures("taught"), List.of("a", "b"));
    }
    Said said = new Said();
    for (int round = 0; round < rounds; round++) {
      round(root, random, round, said);
      try (Workspace workspace = Workspace.open(root)) {
        assertWhole(workspace, said, "seed " + seed + ", round " + round);
      }
    }
    System.out.println(
        "TeachingCrashTest: "
            + said.labels.size()
            + " samples there, "
            + said.deleted.size()
            + " deleted, "
            + said.taught
            + " versions");
    assertTrue(said.labels.size() > 0 && said.deleted.size() > 0 && said.taught > 0);
  }

  /** Two processes teach the same head, and are killed. */
  private void round(Path root, Random random, int round, Said said) throws Exception {
    List<Path> folders = new ArrayList<>();
    for (int child = 0; child < 2; child++) {
      Path folder = Files.createTempDirectory(temp, "child");
      folders.add(folder);
      children.add(
          Child.start(
              folder,
              "samples",
              round + "-" + child,
              String.valueOf(random.nextLong()),
              root.toString()));
    }
    String begun = round % 5 == 4 ? "ready" : "labelled"; // some are killed while they open it
    long patience = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    for (int child = 0; child < 2; child++) {
      Path output = Child.output(folders.get(child)).toPath();
      while (!Files.readString(output).contains(begun)) {
        assertTrue(System.nanoTime() < patience, "a child does not begin");
        Thread.sleep(5);
      }
    }
    TimeUnit.MICROSECONDS.sleep(random.nextInt(400_000));
    for (Process child : children.subList(children.size() - 2, children.size())) {
      child.destroyForcibly().waitFor();
      assertEquals(
          128 + 9,
          child.exitValue(),
          () -> "it ended by itself: " + read(folders.get(0)) + read(folders.get(1)));
    }
    for (Path folder : folders) {
      said.read(Child.output(folder).toPath());
    }
  }

  private static String read(Path folder) {
    try {
      return Files.readString(folder.resolve("stderr"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertWhole(Workspace workspace, Said said, String when) {
    assertEquals(List.of(), WorkspaceCheck.of(workspace, TrainingListener.NONE).faults(), when);
    Map<String, StoredSample> there = new HashMap<>();
    workspace.samples().samples("taught").forEach(sample -> there.put(sample.id(), sample));
    for (Map.Entry<String, String> entry : said.labels.entrySet()) {
      Optional<StoredSample> sample = Optional.ofNullable(there.get(entry.getKey()));
      if (!said.doubtful.contains(entry.getKey())) {
        assertEquals(
            Optional.of(new ClassLabel(entry.getValue())),
            sample.map(StoredSample::label),
            when + ": " + entry.getKey());
      }
    }
    for (String id : said.deleted) {
      assertFalse(there.containsKey(id), when + ": " + id + " was deleted");
    }
    // From now on it is as it was found.
    for (String id : said.doubtful) {
      StoredSample sample = there.get(id);
      if (sample == null) {
        said.labels.remove(id);
        said.deleted.add(id);
      } else {
        said.labels.put(id, ((ClassLabel) sample.label()).name());
      }
    }
    said.doubtful.clear();
    if (said.taught > 0) {
      assertTrue(workspace.heads().live("taught").orElse(0) > 0, when);
      workspace.heads().loadLive("taught");
    }
  }
}
