package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.Features;
import dev.headstart.head.HeadStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes at one workspace, killed at any moment. */
class CrashTest {
  @TempDir Path temp;
  private final List<Process> children = new ArrayList<>();
  private final List<Path> folders = new ArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    for (Process child : children) {
      child.destroyForcibly().waitFor();
    }
  }

  private void start(String... args) throws IOException {
    Path folder = Files.createTempDirectory(temp, "child");
    folders.add(folder);
    children.add(Child.start(folder, args));
  }

  @Test
  void killedProcessesLeaveNothingHalfWritten() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("CrashTest -Dseed=" + seed);
    Random random = new Random(seed);
    Path root = temp.resolve("w");
    int rounds = 5;
    for (int round = 0; round < rounds; round++) {
      int from = children.size();
      for (String head : List.of("a", "b", "b")) { // two of them contend for one head
        start("publish", head, "1000000", root.toString());
      }
      for (int i = from; i < children.size(); i++) {
        await(i, "published");
      }
      for (int i = from; i < children.size(); i++) {
        TimeUnit.MICROSECONDS.sleep(random.nextInt(60_000));
        children.get(i).destroyForcibly().waitFor();
        assertEquals(128 + 9, children.get(i).exitValue(), () -> "killed, it did not end itself");
      }
      try (Workspace workspace = Workspace.open(root)) {
        for (String head : List.of("a", "b")) {
          assertWhole(workspace.heads(), head);
          assertFalse(
              names(root.resolve("heads").resolve(head)).stream()
                  .anyMatch(name -> name.startsWith(Staging.PREFIX)),
              "what was left unfinished is removed");
        }
      }
    }
    // What was said to be done is done, all over the kills.
    Set<String> published = new HashSet<>();
    for (int i = 0; i < children.size(); i++) {
      String head = i % 3 == 0 ? "a " : "b ";
      for (String line : said(i)) {
        if (line.startsWith("published")) {
          assertTrue(published.add(head + line), () -> "a number given twice: " + head + line);
        }
      }
    }
    System.out.println("CrashTest: " + published.size() + " versions, 15 processes killed");
  }

  /** Every version listed loads, the live one is among them, none that was reported is missing. */
  private void assertWhole(HeadStore heads, String head) throws IOException {
    Set<Integer> versions = new TreeSet<>(heads.versions(head));
    for (int version : versions) {
      byte[] model = Files.readAllBytes(heads.load(head, version).model());
      byte[] expected = new byte[200_000];
      Arrays.fill(expected, model[0]);
      assertArrayEquals(expected, model);
    }
    OptionalInt live = heads.live(head);
    assertTrue(live.isPresent() && versions.contains(live.getAsInt()));
    assertEquals(live.getAsInt(), heads.loadLive(head).manifest().version());
    Set<Integer> reported = new TreeSet<>();
    int promoted = 0;
    for (int i = 0; i < children.size(); i++) {
      if ((i % 3 == 0) != head.equals("a")) {
        continue;
      }
      for (String line : said(i)) {
        String[] words = line.split(" ");
        if (words[0].equals("published")) {
          reported.add(Integer.parseInt(words[1]));
        } else if (words[0].equals("promoted") && head.equals("a")) {
          promoted = Integer.parseInt(words[1]);
        }
      }
    }
    assertTrue(live.getAsInt() >= promoted, "what was promoted stays live");
    Set<Integer> missing = new TreeSet<>(reported);
    missing.removeAll(versions);
    // Only the oldest are ever removed.
    int oldest = versions.iterator().next();
    assertTrue(missing.stream().allMatch(version -> version < oldest || head.equals("b")));
  }

  private void await(int child, String word) throws Exception {
    while (said(child).stream().noneMatch(line -> line.startsWith(word))) {
      assertTrue(
          children.get(child).isAlive(),
          () -> "the child ended:\n" + read(folders.get(child).resolve("stderr")));
      Thread.sleep(5);
    }
  }

  /** The child's whole lines. */
  private List<String> said(int child) {
    String text = read(Child.output(folders.get(child)).toPath());
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void awaitAll() throws Exception {
    for (int i = 0; i < children.size(); i++) {
      assertTrue(children.get(i).waitFor(120, TimeUnit.SECONDS), "a child hangs");
      String stderr = read(folders.get(i).resolve("stderr"));
      assertEquals(0, children.get(i).exitValue(), stderr);
    }
  }

  @Test
  void processesThatPublishTheSameHeadGetNumbersOfTheirOwn() throws Exception {
    Path root = temp.resolve("w"); // made by whichever child is first
    int times = 12;
    start("publish", "a", String.valueOf(times), root.toString());
    start("publish", "a", String.valueOf(times), root.toString());
    awaitAll();
    Set<Integer> published = new TreeSet<>();
    Set<Integer> left = new TreeSet<>();
    for (int i = 0; i < 2; i++) {
      for (String line : said(i)) {
        int version = line.equals("ready") ? 0 : Integer.parseInt(line.split(" ")[1]);
        if (line.startsWith("published")) {
          assertTrue(published.add(version), "given twice: " + version);
        } else if (line.startsWith("removed")) {
          left.add(version);
        }
      }
    }
    assertEquals(2 * times, published.size());
    published.removeAll(left);
    try (Workspace workspace = Workspace.open(root)) {
      HeadStore heads = workspace.heads();
      assertEquals(List.copyOf(published), heads.versions("a"));
      for (int version : published) {
        heads.load("a", version);
      }
      assertTrue(heads.live("a").isPresent());
      assertEquals(2 * times + 1, Versions.publish(heads, "a"));
    }
  }

  @Test
  void processesShareTheFeatures() throws Exception {
    Path root = temp.resolve("w");
    start("features", "0", "60", root.toString());
    start("features", "20", "80", root.toString());
    start("features", "0", "80", root.toString());
    await(2, "put");
    children.get(2).destroyForcibly().waitFor();
    children.remove(2);
    awaitAll();
    Map<String, Features> expected = new HashMap<>();
    for (int i = 0; i < 80; i++) {
      expected.put(FeatureCacheTest.digest(i), FeatureCacheTest.vector(i, Child.width(i)));
    }
    try (Workspace workspace = Workspace.open(root)) {
      assertEquals(expected, workspace.features().get(Child.SPACE, expected.keySet()));
      try (Stream<Path> files = Files.walk(root.resolve("features"))) {
        assertTrue(files.noneMatch(f -> f.getFileName().toString().startsWith(Staging.PREFIX)));
      }
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(e -> e.getFileName().toString()).toList();
    }
  }
}
