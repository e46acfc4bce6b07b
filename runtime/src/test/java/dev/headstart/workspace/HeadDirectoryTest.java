package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadDirectoryTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path temp;
  private Path root;
  private Workspace workspace;
  private HeadStore heads;

  @BeforeEach
  void open() {
    root = temp.resolve("a b?c#d%41ü"); // any directory's name will do
    workspace = Workspace.open(root);
    heads = workspace.heads();
  }

  @AfterEach
  void close() {
    workspace.close();
  }

  @Test
  void aVersionIsFoundAgainAsItWasPublished() throws IOException {
    byte[] model = {9, 8, 7};
    assertEquals(1, Versions.publish(heads, "fruit", model));
    HeadStore.Stored stored = heads.load("fruit", 1);
    assertArrayEquals(model, Files.readAllBytes(stored.model()));
    HeadManifest expected = Versions.draft("fruit").published(1, stored.manifest().files());
    assertEquals(JSON.valueToTree(expected), JSON.<JsonNode>valueToTree(stored.manifest()));
    assertEquals(Set.of("model.onnx", "checkpoint"), stored.manifest().files().keySet());
    JsonNode json = JSON.readTree(file("fruit/1/head.json").toFile());
    assertEquals("single", json.get("task").asText());
    assertEquals("tensor", json.get("modality").asText());
    assertEquals("mlp:64", json.get("kind").asText());
    assertEquals("äpfel", json.get("classes").get(0).asText());
    assertTrue(json.get("base").isNull());
    assertEquals( // printf '\x09\x08\x07' | sha256sum
        "06df4f7e1394f1c57cc6583fba4d8060a5a66f4f4771c14aeff6b9af8a28c9b3",
        json.at("/files/model.onnx").asText());
    assertFalse(Files.readString(file("fruit/1/head.json")).lines().count() < 10, "pretty-printed");
  }

  @Test
  void versionsAreNumberedAndOneIsLive() throws IOException {
    assertEquals(List.of(), heads.heads());
    assertEquals(List.of(), heads.versions("fruit"));
    assertEquals(OptionalInt.empty(), heads.live("fruit"));
    for (int i = 1; i <= 11; i++) {
      assertEquals(i, Versions.publish(heads, "fruit"));
    }
    Versions.publish(heads, "Ant");
    assertEquals(List.of("Ant", "fruit"), heads.heads());
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), heads.versions("fruit"));
    assertEquals(OptionalInt.empty(), heads.live("fruit"));
    assertMessage(
        NotFoundException.class, () -> heads.loadLive("fruit"), "'fruit'", "promote", "11");
    heads.promote("fruit", 2);
    heads.promote("fruit", 10);
    assertEquals(OptionalInt.of(10), heads.live("fruit"));
    assertEquals(10, heads.loadLive("fruit").manifest().version());
    assertEquals("10\n", Files.readString(file("fruit/live")));
  }

  @Test
  void rollbackGoesBackOnlyToWhatWasLive() throws IOException {
    for (int i = 1; i <= 6; i++) {
      Versions.publish(heads, "fruit");
    }
    assertMessage(NotFoundException.class, () -> heads.rollback("nope"), "'nope'");
    assertFalse(Files.exists(file("nope")), "asking leaves nothing behind");
    assertMessage(NotFoundException.class, () -> heads.rollback("fruit"), "is live", "promote");
    heads.promote("fruit", 2);
    assertMessage(NotFoundException.class, () -> heads.rollback("fruit"), "before", "promote");
    heads.promote("fruit", 2); // changes nothing
    heads.promote("fruit", 6);
    heads.promote("fruit", 1);
    heads.promote("fruit", 6);
    heads.promote("fruit", 4);
    workspace.close();
    open();
    assertEquals(6, heads.rollback("fruit"));
    assertEquals(OptionalInt.of(6), heads.live("fruit"));
    assertEquals(1, heads.rollback("fruit"));
    assertEquals(6, heads.rollback("fruit"));
    assertEquals(2, heads.rollback("fruit"));
    assertMessage(NotFoundException.class, () -> heads.rollback("fruit"), "version 2", "promote");
    assertEquals(OptionalInt.of(2), heads.live("fruit"));
    assertEquals("2\n", Files.readString(file("fruit/live")));
  }

  @Test
  void rollbackPassesOverWhatIsGoneAndNotOverWhatIsDamaged() throws IOException {
    for (int i = 1; i <= 4; i++) {
      Versions.publish(heads, "fruit");
      heads.promote("fruit", i);
    }
    heads.remove("fruit", 3);
    // As after a crash between the two files that a rollback writes.
    Files.writeString(file("fruit/.previous"), "1\n2\n3\n4\nnonsense\n");
    Files.write(file("fruit/4/model.onnx"), new byte[] {7}); // what a rollback is for
    assertEquals(2, heads.rollback("fruit"));
    Files.write(file("fruit/1/model.onnx"), new byte[] {7});
    assertMessage(BadInputException.class, () -> heads.rollback("fruit"), "sha-256");
    assertEquals(OptionalInt.of(2), heads.live("fruit"));
    heads.remove("fruit");
    assertEquals(Set.of(".last", ".lock"), names(file("fruit")));
    Versions.publish(heads, "fruit");
    heads.promote("fruit", 5);
    assertMessage(NotFoundException.class, () -> heads.rollback("fruit"), "before");
  }

  @Test
  void whatIsStagedIsDiscarded() throws IOException {
    Path staged = heads.stage("fruit");
    Files.writeString(staged.resolve("model.onnx"), "half");
    heads.discard(staged);
    assertFalse(Files.exists(staged));
    heads.discard(staged); // as after it was published
    Versions.publish(heads, "fruit");
    assertThrows(IllegalArgumentException.class, () -> heads.discard(file("fruit/1")));
    assertEquals(1, heads.load("fruit", 1).manifest().version());
  }

  @Test
  void nobodyDecidesWhileSomebodyReads() throws Exception {
    Versions.publish(heads, "fruit");
    ExecutorService other = Executors.newSingleThreadExecutor();
    try (Workspace second = Workspace.open(root)) {
      Future<?> promotion =
          heads.reading(
              "fruit",
              () -> {
                Future<?> begun = other.submit(() -> second.heads().promote("fruit", 1));
                assertThrows(TimeoutException.class, () -> begun.get(100, TimeUnit.MILLISECONDS));
                assertEquals(OptionalInt.empty(), heads.live("fruit"));
                return begun;
              });
      promotion.get(60, TimeUnit.SECONDS);
      assertEquals(OptionalInt.of(1), heads.live("fruit"));
    } finally {
      other.shutdownNow();
    }
    assertEquals(3, heads.reading("nope", () -> 3));
    assertFalse(Files.exists(file("nope")), "reading leaves nothing behind");
  }

  @Test
  void aNumberIsNeverGivenTwice() throws IOException {
    Versions.publish(heads, "fruit");
    Versions.publish(heads, "fruit");
    heads.remove("fruit", 2);
    assertEquals(List.of(1), heads.versions("fruit"));
    assertEquals(3, Versions.publish(heads, "fruit"));
    heads.remove("fruit", 1);
    assertEquals(4, Versions.publish(heads, "fruit"));
    heads.promote("fruit", 4);
    heads.remove("fruit");
    assertEquals(List.of(), heads.heads());
    assertEquals(OptionalInt.empty(), heads.live("fruit"));
    workspace.close();
    open();
    assertEquals(5, Versions.publish(heads, "fruit"));
    assertEquals(OptionalInt.empty(), heads.live("fruit"));
  }

  @Test
  void whatIsRemovedTakesItsFilesAndMembershipsAlong() throws IOException {
    Versions.publish(heads, "fruit");
    Versions.publish(heads, "fruit");
    workspace.runs().record("fruit", 1, Map.of("aa", true, "bb", false));
    workspace.runs().record("fruit", 2, Map.of("cc", true, "dd", false));
    heads.promote("fruit", 2);
    heads.remove("fruit", 1);
    assertFalse(Files.exists(file("fruit/1")));
    assertEquals(Set.of("aa", "cc"), workspace.runs().judgedBy("fruit"), "what judged stays known");
    assertEquals(Set.of(), workspace.runs().trainedOn("fruit", 1));
    assertEquals(Set.of("dd"), workspace.runs().trainedOn("fruit", 2));
    heads.remove("fruit");
    assertEquals(Set.of(), workspace.runs().judgedBy("fruit"));
    assertEquals(Set.of(".last", ".lock"), names(file("fruit")));
  }

  @Test
  void theLiveVersionIsNotRemovedAlone() throws IOException {
    Versions.publish(heads, "fruit");
    heads.promote("fruit", 1);
    assertMessage(BadInputException.class, () -> heads.remove("fruit", 1), "version 1", "live");
    assertEquals(1, heads.loadLive("fruit").manifest().version());
  }

  @Test
  void whatIsNotThereIsNamedWithWhatIs() throws IOException {
    assertMessage(NotFoundException.class, () -> heads.load("fruit", 1), "'fruit'", "none yet");
    Versions.publish(heads, "fruit");
    assertMessage(NotFoundException.class, () -> heads.loadLive("fuit"), "did you mean 'fruit'?");
    assertMessage(NotFoundException.class, () -> heads.load("fruit", 7), "no version 7", "1");
    assertMessage(NotFoundException.class, () -> heads.promote("fruit", 0), "no version 0");
    assertMessage(NotFoundException.class, () -> heads.promote("nope", 1), "'nope'");
    assertMessage(NotFoundException.class, () -> heads.remove("nope"), "'nope'");
    assertMessage(NotFoundException.class, () -> heads.remove("fruit", 2), "no version 2");
    assertFalse(Files.exists(file("nope")), "asking leaves nothing behind");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", ".", "..", ".x", "-x", "a/b", "../x", "a b", "ä", "a\0b", "a\n", "a\\b", "LONG"
      })
  void aHeadThatCannotBeAFolderIsRefused(String name) {
    String tried = name.equals("LONG") ? "x".repeat(65) : name;
    List<Executable> all =
        List.of(
            () -> heads.versions(tried),
            () -> heads.live(tried),
            () -> heads.load(tried, 1),
            () -> heads.loadLive(tried),
            () -> heads.stage(tried),
            () -> heads.publish(root, Versions.draft(tried)),
            () -> heads.promote(tried, 1),
            () -> heads.rollback(tried),
            () -> heads.reading(tried, () -> 1),
            () -> heads.deciding(tried, () -> 1),
            () -> heads.remove(tried),
            () -> heads.remove(tried, 1));
    for (Executable one : all) {
      assertMessage(UsageException.class, one, "1 to 64 letters");
    }
  }

  @Test
  void theLongestNameIsGood() throws IOException {
    String name = "_" + "x".repeat(61) + ".Z";
    assertEquals(1, Versions.publish(heads, name));
    assertEquals(List.of(name), heads.heads());
  }

  @Test
  void foreignFilesAreLetBe() throws IOException {
    Versions.publish(heads, "fruit");
    Files.writeString(file("README.txt"), "mine");
    Files.writeString(file("3"), "mine");
    Files.createDirectories(file("lost+found"));
    Files.createDirectories(file("empty"));
    Files.createDirectories(file("fruit/notes"));
    Files.createDirectories(file("fruit/5"));
    Files.writeString(file("fruit/007"), "mine");
    Files.writeString(file("fruit/6"), "mine");
    Files.writeString(file("fruit/99999999999"), "mine");
    Files.writeString(file("fruit/1/notes.txt"), "mine");
    assertEquals(List.of("fruit"), heads.heads());
    assertEquals(List.of(1), heads.versions("fruit"));
    assertEquals(1, heads.load("fruit", 1).manifest().version());
    assertEquals(7, Versions.publish(heads, "fruit"), "a number in use is not taken");
    heads.remove("fruit");
    assertEquals("mine", Files.readString(file("fruit/6")));
    assertEquals("mine", Files.readString(file("README.txt")));
    assertEquals(List.of(), heads.versions("README.txt"));
    assertEquals(List.of(), heads.versions("3"));
  }

  @Test
  void theLastNumberIsTheLast() throws IOException {
    Files.createDirectories(file("fruit/999999999"));
    assertMessage(FailureException.class, () -> Versions.publish(heads, "fruit"), "used up");
  }

  @Test
  void aFileThatWasChangedIsNamed() throws IOException {
    Versions.publish(heads, "fruit");
    Versions.publish(heads, "fruit");
    Path model = file("fruit/1/model.onnx");
    Files.write(model, new byte[] {1, 2, 4});
    assertMessage(
        BadInputException.class, () -> heads.load("fruit", 1), model.toString(), "sha-256");
    assertMessage(BadInputException.class, () -> heads.promote("fruit", 1), model.toString());
    assertEquals(OptionalInt.empty(), heads.live("fruit"));
    Files.delete(model);
    assertMessage(
        BadInputException.class, () -> heads.load("fruit", 1), model.toString(), "missing");
    Files.createDirectory(model);
    assertMessage(FailureException.class, () -> heads.load("fruit", 1), "cannot be read");
    heads.remove("fruit", 1);
    assertEquals(2, heads.load("fruit", 2).manifest().version());
  }

  @Test
  void aHeadJsonThatIsNoneIsNamed() throws IOException {
    Versions.publish(heads, "fruit");
    byte[] good = Files.readAllBytes(file("fruit/1/head.json"));
    refused(new byte[0], "head.json", "format");
    refused("[]".getBytes(), "format");
    refused("nonsense".getBytes(), "nonsense");
    refused("{\"format\":1,\"format\":1}".getBytes(), "Duplicate");
    refused("[".repeat(100_000).getBytes(), "head.json");
    for (int length = 1; length < good.length; length += 97) {
      refused(Arrays.copyOf(good, length), "head.json");
    }
    changed(json -> json.put("format", 2), "format 2", "update Headstart");
    changed(json -> json.put("format", 0), "format");
    changed(json -> json.remove("format"), "format");
    changed(json -> json.put("version", 2), "version 2", "version 1");
    changed(json -> json.put("head", "other"), "'other'", "'fruit'");
    changed(json -> json.putNull("version"), "head.json");
    changed(json -> json.put("kind", "cubic"), "unknown head kind 'cubic'");
    changed(json -> json.put("task", "dance"), "dance");
    for (String field :
        List.of(
            "head",
            "task",
            "kind",
            "modality",
            "shape",
            "classes",
            "recipe",
            "result",
            "provenance",
            "files")) {
      changed(json -> json.putNull(field), field);
      changed(json -> json.remove(field), field);
    }
    changed(json -> json.put("recipe", 1), "recipe");
    changed(json -> object(json, "result").remove("train"), "train");
    changed(json -> object(json, "result").put("train", -1), "negative");
    changed(json -> object(json, "result").putNull("history"), "history");
    changed(json -> object(json, "result").putObject("metrics"), "metrics");
    changed(
        json -> ((ObjectNode) json.at("/result/metrics")).putArray("confusion").addArray().add(1),
        "confusion");
    changed(json -> object(json, "provenance").remove("created"), "provenance");
    changed(json -> json.putObject("base").put("id", "b").put("sha256", "0".repeat(64)), "both");
    changed(json -> json.putObject("cut").put("name", "c").put("tensor", "t"), "both");
    changed(json -> withBase(json).put("id", " "), "base.id");
    changed(json -> withBase(json).put("sha256", "x"), "base.sha256");
    changed(
        json -> {
          withBase(json);
          object(json, "cut").putNull("tensor");
        },
        "cut.tensor");
    changed(json -> json.put("modality", "image"), "no base model");
    changed(json -> json.putArray("shape"), "shape");
    changed(json -> json.putArray("shape").add(0), "shape");
    changed(json -> json.putArray("classes"), "0 classes");
    changed(json -> json.putArray("classes").add("a"), "1 classes");
    changed(json -> json.putArray("classes").add("a").add("a"), "different names");
    changed(json -> json.putArray("classes").add("a").add(" "), "different names");
    changed(json -> json.putArray("classes").add("a").addNull(), "different names");
    changed(json -> json.put("task", "regression"), "classes");
    changed(json -> json.putObject("files"), "model.onnx");
    changed(json -> files(json).put("../../../headstart.db", "0".repeat(64)), "headstart.db");
    changed(json -> files(json).put("head.json", "0".repeat(64)), "head.json");
    changed(json -> files(json).put("model.onnx", "xyz"), "xyz");
    changed(json -> files(json).putNull("model.onnx"), "model.onnx");
    changed(json -> files(json).put("gone", "0".repeat(64)), "gone is missing");
    Files.write(file("fruit/1/head.json"), good);
    assertEquals(1, heads.load("fruit", 1).manifest().version());
    ObjectNode more = (ObjectNode) JSON.readTree(good);
    more.put("novelty", "a field that this Headstart does not know");
    Files.write(file("fruit/1/head.json"), JSON.writeValueAsBytes(more));
    assertEquals(1, heads.load("fruit", 1).manifest().version());
  }

  private static ObjectNode files(ObjectNode json) {
    return object(json, "files");
  }

  private static ObjectNode object(ObjectNode json, String field) {
    return (ObjectNode) json.get(field);
  }

  /** The base, which is sound, as the cut is. */
  private static ObjectNode withBase(ObjectNode json) {
    json.putObject("cut").put("name", "c").put("tensor", "t");
    return json.putObject("base").put("id", "b").put("sha256", "0".repeat(64));
  }

  private void refused(byte[] headJson, String... said) throws IOException {
    Path file = file("fruit/1/head.json");
    byte[] before = Files.readAllBytes(file);
    Files.write(file, headJson);
    assertMessage(BadInputException.class, () -> heads.load("fruit", 1), said);
    assertEquals(List.of(1), heads.versions("fruit"), "it still is a version");
    Files.write(file, before);
  }

  private void changed(Consumer<ObjectNode> change, String... said) throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(file("fruit/1/head.json").toFile());
    change.accept(json);
    refused(JSON.writeValueAsBytes(json), said);
  }

  @Test
  void aLiveFileThatIsNoneIsNamed() throws IOException {
    Versions.publish(heads, "fruit");
    for (String text : List.of("", "x", "-1", "0", "1 2", "99999999999")) {
      Files.writeString(file("fruit/live"), text);
      assertMessage(BadInputException.class, () -> heads.loadLive("fruit"), "live", "promote");
    }
    heads.promote("fruit", 1);
    assertEquals(1, heads.loadLive("fruit").manifest().version());
    Files.writeString(file("fruit/live"), "5");
    assertEquals(OptionalInt.empty(), heads.live("fruit"), "a version deleted by hand");
    Files.delete(file("fruit/live"));
    Files.createDirectory(file("fruit/live"));
    assertMessage(FailureException.class, () -> heads.live("fruit"), "live", "cannot be read");
  }

  @Test
  void onlyWhatIsWholeIsPublished() throws IOException {
    Path staged = heads.stage("fruit");
    assertMessage(
        BadInputException.class,
        () -> heads.publish(staged, Versions.draft("fruit")),
        "model.onnx");
    Files.createDirectory(staged.resolve("model.onnx"));
    assertMessage(
        BadInputException.class,
        () -> heads.publish(staged, Versions.draft("fruit")),
        "model.onnx",
        "not a file");
    Files.delete(staged.resolve("model.onnx"));
    Files.createSymbolicLink(staged.resolve("model.onnx"), root.resolve("headstart.db"));
    assertMessage(
        BadInputException.class,
        () -> heads.publish(staged, Versions.draft("fruit")),
        "not a file");
    Files.delete(staged.resolve("model.onnx"));
    Files.writeString(staged.resolve("model.onnx"), "m");
    assertThrows(
        IllegalArgumentException.class, () -> heads.publish(staged, Versions.draft("other")));
    Path elsewhere = Files.createDirectories(file("fruit/elsewhere"));
    assertThrows(
        IllegalArgumentException.class, () -> heads.publish(elsewhere, Versions.draft("fruit")));
    assertEquals(List.of(), heads.versions("fruit"));
    assertEquals(1, heads.publish(staged, Versions.draft("fruit")));
    assertMessage(
        HeadstartException.class,
        () -> heads.publish(staged, Versions.draft("fruit")),
        "model.onnx");
  }

  @Test
  void whatDeadProcessesLeftIsRemovedAtTheNextOpening() throws Exception {
    Versions.publish(heads, "fruit");
    Process gone = new ProcessBuilder("true").start();
    gone.waitFor();
    Path mine = heads.stage("fruit");
    String[] parts = mine.getFileName().toString().split("-");
    Path dead =
        folder(mine, String.join("-", parts[0], parts[1], String.valueOf(gone.pid()), parts[3]));
    Path abroad =
        folder(mine, String.join("-", parts[0], "00000000", String.valueOf(gone.pid()), parts[3]));
    Path old = folder(mine, String.join("-", parts[0], "00000000", "1", parts[3]));
    for (Path path : List.of(old.resolve("model.onnx"), old)) {
      Files.setLastModifiedTime(path, FileTime.from(Instant.now().minus(Duration.ofHours(25))));
    }
    Path foreign = folder(mine, ".staged-by-hand");
    workspace.close();
    open();
    assertTrue(Files.exists(mine), "its process lives");
    assertFalse(Files.exists(dead));
    assertTrue(Files.exists(abroad), "nobody here knows whether its process lives");
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(foreign));
    assertEquals(1, heads.load("fruit", 1).manifest().version());
  }

  private static Path folder(Path sibling, String name) throws IOException {
    Path folder = Files.createDirectory(sibling.resolveSibling(name));
    Files.writeString(folder.resolve("model.onnx"), "half");
    return folder;
  }

  @Test
  void oneDecidesAtATime() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    int[] count = new int[1]; // not atomic on purpose
    int threads = 4;
    int times = 50;
    CountDownLatch start = new CountDownLatch(1);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (Workspace other = Workspace.open(temp.resolve(".").resolve(root.getFileName()))) {
      List<Future<?>> done =
          Stream.of(heads, heads, other.heads(), other.heads())
              .<Future<?>>map(
                  store ->
                      pool.submit(
                          () -> {
                            start.await();
                            for (int i = 0; i < times; i++) {
                              store.deciding(
                                  "fruit",
                                  () -> {
                                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                                    count[0]++;
                                    Thread.yield();
                                    return inside.decrementAndGet();
                                  });
                            }
                            return null;
                          }))
              .toList();
      start.countDown();
      for (Future<?> future : done) {
        future.get(60, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
    assertEquals(1, most.get());
    assertEquals(threads * times, count[0]);
  }

  @Test
  void aDecisionMayPublishAndPromoteAndItsErrorsPass() throws IOException {
    int live =
        heads.deciding(
            "fruit",
            () -> {
              try {
                int number = Versions.publish(heads, "fruit");
                heads.promote("fruit", number);
                return heads.live("fruit").orElseThrow();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    assertEquals(1, live);
    assertThrows(ArithmeticException.class, () -> heads.deciding("fruit", () -> 1 / (live - 1)));
    assertEquals(2, heads.deciding("fruit", () -> 2), "the lock is free again");
  }

  @Test
  void anInterruptedThreadDecidesNothing() {
    Thread.currentThread().interrupt();
    assertMessage(FailureException.class, () -> heads.deciding("fruit", () -> 1), "interrupted");
    assertTrue(Thread.interrupted(), "the thread still knows");
  }

  private Path file(String name) {
    return workspace.root().resolve("heads").resolve(name);
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return Set.copyOf(entries.map(e -> e.getFileName().toString()).toList());
    }
  }

  static void assertMessage(
      Class<? extends HeadstartException> type, Executable call, String... parts) {
    HeadstartException e = assertThrows(type, call);
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), () -> "'" + part + "' in: " + e.getMessage());
    }
  }
}
