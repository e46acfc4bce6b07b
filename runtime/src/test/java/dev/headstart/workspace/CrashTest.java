package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.Features;
import dev.headstart.disk.Staging;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
    int rounds = Integer.getInteger("rounds", 3);
    System.out.println("CrashTest -Dseed=" + seed + " -Drounds=" + rounds);
    Random random = new Random(seed);
    Path root = temp.resolve("w");
    for (int round = 0; round < rounds; round++) {
      // Each publishes three heads at once; for one of them the two contend.
      start("publish", "a,b,shared", "1000000", root.toString());
      start("publish", "c,d,shared", "1000000", root.toString());
      int first = children.size() - 2;
      await(first, "promoted shared", "promoted a", "promoted b");
      await(first + 1, "promoted shared", "promoted c", "promoted d");
      for (Process child : children.subList(first, first + 2)) {
        TimeUnit.MICROSECONDS.sleep(random.nextInt(60_000));
        child.destroyForcibly().waitFor();
        assertEquals(128 + 9, child.exitValue(), "killed, it did not end by itself");
      }
      try (Workspace workspace = Workspace.open(root)) {
        assertEquals(List.of("a", "b", "c", "d", "shared"), workspace.heads().heads());
        for (String head : workspace.heads().heads()) {
          assertWhole(workspace.heads(), head);
          assertFalse(
              names(root.resolve("heads").resolve(head)).stream()
                  .anyMatch(name -> name.startsWith(Staging.PREFIX)),
              "what was left unfinished is removed");
        }
      }
    }
  }

  /** All versions load, one is live, and what was said to be done is done. */
  private void assertWhole(HeadStore heads, String head) throws IOException {
    List<Integer> versions = heads.versions(head);
    for (int version : versions) {
      byte[] model = Files.readAllBytes(heads.load(head, version).model());
      byte[] expected = new byte[Child.MODEL];
      Arrays.fill(expected, model[0]);
      assertArrayEquals(expected, model);
    }
    assertTrue(versions.contains(heads.live(head).orElseThrow()));
    assertEquals(heads.live(head).getAsInt(), heads.loadLive(head).manifest().version());

    List<Integer> published = said("published", head);
    Set<Integer> missing = new TreeSet<>(published);
    assertEquals(published.size(), missing.size(), () -> "a number was given twice: " + published);
    missing.removeAll(versions);
    missing.removeAll(said("removed", head));
    assertTrue( // one that was killed may have had no time to say that it removed a version
        missing.size() <= children.size(), () -> "published and now missing: " + missing);
    if (!head.equals("shared")) {
      List<Integer> promoted = said("promoted", head);
      int last = promoted.get(promoted.size() - 1);
      assertTrue(heads.live(head).getAsInt() >= last, "what was promoted stays live");
    }
  }

  /** The versions of a head that the children said this of, in their order. */
  private List<Integer> said(String done, String head) {
    String start = done + " " + head + " ";
    return IntStream.range(0, children.size())
        .boxed()
        .flatMap(child -> said(child).stream())
        .filter(line -> line.startsWith(start))
        .map(line -> Integer.valueOf(line.substring(start.length())))
        .toList();
  }

  /** Waits until the child has said all of these. */
  private void await(int child, String... lines) throws Exception {
    while (!Stream.of(lines).allMatch(l -> said(child).stream().anyMatch(s -> s.startsWith(l)))) {
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
    try (Workspace workspace = Workspace.open(root)) {
      int seen = 0;
      while (children.stream().anyMatch(Process::isAlive)) {
        seen += readWhileOthersWrite(workspace.heads());
      }
      System.out.println("CrashTest: " + seen + " versions read while others wrote");
    }
    awaitAll();
    Set<Integer> left = new TreeSet<>(said("published", "a"));
    assertEquals(2 * times, left.size(), "each number was given once");
    left.removeAll(said("removed", "a"));
    try (Workspace workspace = Workspace.open(root)) {
      HeadStore heads = workspace.heads();
      assertEquals(List.copyOf(left), heads.versions("a"));
      for (int version : left) {
        heads.load("a", version);
      }
      assertTrue(heads.live("a").isPresent());
      assertEquals(2 * times + 1, Versions.publish(heads, "a"));
    }
  }

  /** Whatever is listed is whole, unless it was removed since; what is live can be had. */
  private static int readWhileOthersWrite(HeadStore heads) {
    int seen = 0;
    for (int version : heads.versions("a")) {
      try {
        heads.load("a", version);
        seen++;
      } catch (NotFoundException e) {
        assertFalse(heads.versions("a").contains(version), e::getMessage);
      }
    }
    if (heads.live("a").isPresent()) {
      heads.loadLive("a");
    }
    return seen;
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
