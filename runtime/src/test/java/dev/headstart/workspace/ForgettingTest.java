package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.Features;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.TextSample;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Run;
import dev.headstart.teach.SampleStore;
import dev.headstart.teach.StoredSample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is deleted is in no file of the workspace any more, while the process goes on. */
class ForgettingTest {
  private static final String SPACE = "5a".repeat(32);
  private static final String OTHER_SPACE = "6b".repeat(32);

  @TempDir Path temp;

  /** A sample that says who it is in every field, and features like none other's. */
  private record Person(NewSample sample, Features features, Features large) {

    static Person of(int number, Random random) {
      String text =
          "Secret text of person " + number + ", " + random.nextLong() + ". ".repeat(number % 50);
      return new Person(
          new NewSample(
              new TextSample("Letter of Jane Doe " + random.nextLong(), text),
              new ClassLabel(number % 2 == 0 ? "even" : "odd"),
              "text/plain",
              StoredSample.Source.API),
          features(number % 3 == 0 ? 1280 : 384, random),
          number % 10 == 0 ? features(80_000, random) : null);
    }

    private static Features features(int width, Random random) {
      float[] values = new float[width];
      for (int i = 0; i < width; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return new Features(List.of(Tensor.of(values, 1, width)));
    }

    String id() {
      return Stored.id(sample);
    }

    /** What must not be found. */
    List<byte[]> traces() {
      List<byte[]> traces = new ArrayList<>();
      traces.add(sample.sample().bytes());
      traces.add(sample.sample().name().getBytes(StandardCharsets.UTF_8));
      traces.add(HexFormat.of().parseHex(id()));
      traces.add(id().getBytes(StandardCharsets.UTF_8));
      for (Features some : large == null ? List.of(features) : List.of(features, large)) {
        byte[] record = FeatureRecord.encode(some);
        for (int at = 64; at + 32 < record.length; at += Math.max(160, record.length / 50)) {
          traces.add(Arrays.copyOfRange(record, at, at + 32));
        }
      }
      return traces;
    }
  }

  @Test
  void whatIsDeletedIsInNoFile() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("ForgettingTest -Dseed=" + seed);
    Random random = new Random(seed);
    Path root = temp.resolve("w");
    try (Workspace workspace = Workspace.open(root)) {
      SampleStore store = workspace.samples();
      store.create(Stored.texts("a"), List.of());
      List<Person> people = new ArrayList<>();
      List<Person> gone = new ArrayList<>();
      int next = 0;
      for (int round = 0; round < 12; round++) {
        List<Person> fresh = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
          fresh.add(Person.of(next++, random));
        }
        furnish(workspace, fresh, round);
        people.addAll(fresh);
        Collections.shuffle(people, random);
        int count = round % 4 == 3 ? people.size() * 3 / 4 : 1 + random.nextInt(8);
        List<Person> doomed = people.subList(0, count);
        assertEquals(count, store.delete("a", doomed.stream().map(Person::id).toList()));
        gone.addAll(doomed);
        doomed.clear();
        assertEquals(Set.of(), found(root, gone), "in round " + round);
      }
      assertEquals(
          people.stream().map(Person::id).collect(Collectors.toSet()),
          store.samples("a").stream().map(StoredSample::id).collect(Collectors.toSet()));
      for (Person person : people) {
        assertEquals(
            Map.of(person.id(), person.features),
            workspace.features().get(SPACE, List.of(person.id())));
      }
      // The test finds what is there.
      assertFalse(found(root, people.subList(0, 1)).isEmpty());
    }
  }

  private static void furnish(Workspace workspace, List<Person> people, int round) {
    SampleStore store = workspace.samples();
    store.add("a", people.stream().map(Person::sample).toList());
    LinkedHashMap<String, Label> snapshot = new LinkedHashMap<>();
    Map<String, Boolean> membership = new HashMap<>();
    for (Person person : people) {
      workspace.features().put(SPACE, Map.of(person.id(), person.features));
      if (person.large != null) {
        workspace.features().put(OTHER_SPACE, Map.of(person.id(), person.large));
      }
      StoredSample stored = store.find("a", person.id()).orElseThrow();
      store.thumbnail("a", stored, person.sample.sample().bytes());
      if (Math.floorMod(person.id().hashCode(), 5) == 0) {
        store.ready("a", person.id(), SPACE);
      }
      snapshot.put(person.id(), person.sample.label());
      membership.put(person.id(), snapshot.size() % 5 == 0);
    }
    Run run =
        workspace.runLog().create("a", JsonNodeFactory.instance.objectNode(), Run.Cause.REQUEST);
    workspace.runLog().start(run.id(), snapshot);
    workspace.runs().record("a", round + 1, membership);
  }

  /** Where traces of people are. */
  private static Set<String> found(Path root, List<Person> people) throws IOException {
    // By the first bytes of every trace, so that each file is read once.
    Map<Long, List<byte[]>> traces = new HashMap<>();
    BitSet begins = new BitSet(1 << 24);
    for (Person person : people) {
      for (byte[] trace : person.traces()) {
        traces.computeIfAbsent(first(trace, 0), k -> new ArrayList<>()).add(trace);
        begins.set(begin(trace, 0));
      }
    }
    Set<String> found = new java.util.TreeSet<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        byte[] content = Files.readAllBytes(file);
        for (int at = 0; at + 8 <= content.length; at++) {
          if (!begins.get(begin(content, at))) {
            continue;
          }
          for (byte[] trace : traces.getOrDefault(first(content, at), List.of())) {
            if (at + trace.length <= content.length
                && Arrays.equals(content, at, at + trace.length, trace, 0, trace.length)) {
              found.add(root.relativize(file) + " has " + HexFormat.of().formatHex(trace));
            }
          }
        }
        String name = file.getFileName().toString();
        people.stream().filter(p -> name.contains(p.id())).forEach(p -> found.add(name));
      }
    }
    return found;
  }

  private static int begin(byte[] bytes, int at) {
    return (bytes[at] & 0xff) << 16 | (bytes[at + 1] & 0xff) << 8 | bytes[at + 2] & 0xff;
  }

  private static long first(byte[] bytes, int at) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | bytes[at + i] & 0xff;
    }
    return value;
  }

  @Test
  void versionsRememberHowManyAreForgotten() {
    try (Workspace workspace = Workspace.open(temp)) {
      SampleStore store = workspace.samples();
      store.create(Stored.pictures("a"), List.of());
      List<String> ids =
          store.add("a", Stored.pictures("x", "1", "2", "3", "4")).stream()
              .map(added -> added.sample().id())
              .toList();
      workspace.runs().record("a", 1, Map.of(ids.get(0), false, ids.get(1), true));
      workspace.runs().record("a", 2, Map.of(ids.get(0), false, ids.get(2), false));
      workspace.runs().record("b", 1, Map.of(ids.get(0), false));
      assertEquals(Map.of(), store.forgotten("a"));
      store.delete("a", ids.subList(0, 1));
      assertEquals(Map.of(1, 1, 2, 1), store.forgotten("a"));
      store.delete("a", ids.subList(1, 2));
      assertEquals(Map.of(1, 2, 2, 1), store.forgotten("a"));
      assertEquals(Map.of(), store.forgotten("b"));
      assertEquals(2, workspace.runs().trainedOn("a", 2).size(), "counts stay true");
      assertFalse(workspace.runs().trainedOn("a", 2).contains(ids.get(0)));
      assertTrue(workspace.runs().trainedOn("b", 1).contains(ids.get(0)), "another head's");
      assertFalse(workspace.runs().judgedBy("a").contains(ids.get(1)));
      workspace.runs().forget("a", List.of(1));
      assertEquals(Map.of(2, 1), store.forgotten("a"), "a version that is gone has no mark");
    }
  }

  /** A worker computes features, and meanwhile the sample is deleted. */
  @Test
  void featuresThatComeLateAreNotKept() {
    try (Workspace workspace = Workspace.open(temp);
        Workspace other = Workspace.open(temp)) {
      SampleStore store = workspace.samples();
      store.create(Stored.pictures("a"), List.of());
      String id = store.add("a", Stored.pictures("x", "1")).get(0).sample().id();
      store.delete("a", List.of(id));
      Map<String, Features> features = Map.of(id, FeatureCacheTest.vector(1, 3));
      workspace.features().put(SPACE, features);
      assertEquals(Map.of(), workspace.features().get(SPACE, List.of(id)));
      other.features().put(SPACE, features); // which cannot know
      other.samples().ready("a", id, SPACE);
      assertEquals(Map.of(), workspace.features().get(SPACE, List.of(id)));
      store.add("a", Stored.pictures("x", "1"));
      workspace.features().put(SPACE, features);
      assertEquals(features, workspace.features().get(SPACE, List.of(id)), "it came back");
    }
  }

  /** What a killed process had deleted from the database only. */
  @Test
  void whatWasLeftGoesAtTheNextOpening() throws IOException {
    String id;
    try (Workspace workspace = Workspace.open(temp)) {
      workspace.samples().create(Stored.pictures("a"), List.of());
      id = workspace.samples().add("a", Stored.pictures("x", "1")).get(0).sample().id();
    }
    Path orphan = temp.resolve("blobs/00").resolve("00".repeat(32));
    Files.createDirectories(orphan.getParent());
    Files.writeString(orphan, "left");
    Path thumbnail = temp.resolve("thumbnails/00").resolve("00".repeat(32) + ".jpg");
    Files.createDirectories(thumbnail.getParent());
    Files.writeString(thumbnail, "left");
    Path features = temp.resolve("features/00").resolve(SPACE + "-" + "00".repeat(32) + ".bin");
    Files.createDirectories(features.getParent());
    Files.writeString(features, "left");
    Path foreign = Files.writeString(temp.resolve("blobs/00/notes.txt"), "mine");
    try (Workspace workspace = Workspace.open(temp)) {
      workspace.requireWritable();
      assertTrue(workspace.samples().find("a", id).isPresent());
    }
    assertFalse(Files.exists(orphan));
    assertFalse(Files.exists(thumbnail));
    assertFalse(Files.exists(features));
    assertTrue(Files.exists(foreign));
    assertTrue(Files.exists(temp.resolve("blobs").resolve(id.substring(0, 2)).resolve(id)));
  }

  @Test
  void manyAreForgottenInOneGo() {
    try (Workspace workspace = Workspace.open(temp)) {
      SampleStore store = workspace.samples();
      store.create(Stored.pictures("a"), List.of());
      List<String> ids =
          store
              .add(
                  "a",
                  IntStream.range(0, 1300).mapToObj(i -> Stored.picture("p" + i, "x")).toList())
              .stream()
              .map(added -> added.sample().id())
              .toList();
      store.removeClass("a", "x", 0);
      assertEquals(0, store.count("a", null, null));
      assertEquals(0, store.delete("a", ids));
      assertEquals(Map.of(), store.classes("a"));
    }
  }
}
