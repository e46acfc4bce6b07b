package dev.headstart.workspace;

import static dev.headstart.workspace.HeadDirectoryTest.assertMessage;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import dev.headstart.teach.Added;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadSettings.Keep;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Renaming;
import dev.headstart.teach.Rules;
import dev.headstart.teach.SampleStore;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.StoredSample.Source;
import dev.headstart.teach.StoredSample.State;
import dev.headstart.train.TeachRequest.Promotion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplesTest {
  private static final String SPACE = "5a";

  @TempDir Path temp;
  private Workspace workspace;
  private SampleStore store;

  @BeforeEach
  void open() {
    workspace = Workspace.open(temp.resolve("w"));
    store = workspace.samples();
  }

  @AfterEach
  void close() {
    workspace.close();
  }

  private void reopen() {
    close();
    open();
  }

  @Test
  void settingsAreAsTheyWereGiven() {
    HeadSettings all =
        new HeadSettings(
            "parts",
            Modality.IMAGE,
            Task.MULTI,
            "efficientnet-lite0",
            "pooled",
            Keep.FEATURES,
            JsonNodeFactory.instance.objectNode().put("rate", 0.1).putNull("kind"),
            new Rules(10, LocalTime.of(2, 30), Promotion.NEVER, 3),
            Instant.ofEpochMilli(1_700_000_000_123L));
    HeadSettings least = Stored.head("aa", Modality.VECTOR, Task.REGRESSION, Keep.SAMPLES);
    store.create(all, List.of("b", "a"));
    store.create(least, List.of());
    reopen();
    assertEquals(List.of(least, all), store.heads());
    assertEquals(Optional.of(all), store.settings("parts"));
    assertEquals(Optional.empty(), store.settings("none"));
    assertEquals(List.of("b", "a"), List.copyOf(store.classes("parts").keySet()));
    HeadSettings changed = Stored.head("parts", Modality.IMAGE, Task.MULTI, Keep.SAMPLES);
    store.update(changed);
    assertEquals(Optional.of(changed), store.settings("parts"));
    assertMessage(ConflictException.class, () -> store.create(all, List.of()), "'parts'");
    assertMessage(
        BadInputException.class,
        () -> store.create(Stored.pictures("../x"), List.of()),
        "name is 1 to 64");
    assertMessage(
        BadInputException.class, () -> store.create(Stored.pictures("x"), List.of(" ")), "blank");
    assertMessage(
        BadInputException.class,
        () ->
            store.create(
                Stored.head("x", Modality.VECTOR, Task.REGRESSION, Keep.SAMPLES), List.of("a")),
        "no classes");
    assertThrows(NotFoundException.class, () -> store.update(Stored.pictures("none")));
  }

  @Test
  void whatIsAddedIsThereAfterwards() throws IOException {
    store.create(Stored.pictures("parts"), List.of("good"));
    NewSample sample = Stored.picture("one", "bent");
    List<Added> added = store.add("parts", List.of(sample, Stored.picture("two", "good"), sample));
    assertEquals(
        List.of(Added.Status.ADDED, Added.Status.ADDED, Added.Status.KNOWN),
        added.stream().map(Added::status).toList());
    reopen();
    StoredSample stored = store.find("parts", Stored.id(sample)).orElseThrow();
    assertEquals(added.get(0).sample(), stored);
    assertEquals(new ClassLabel("bent"), stored.label());
    assertEquals("one.png", stored.name());
    assertEquals(State.PENDING, stored.state());
    assertEquals(3, stored.bytes());
    assertTrue(stored.kept());
    assertEquals(Source.API, stored.source());
    assertEquals("image/png", stored.type());
    assertEquals(Map.of("good", 1, "bent", 1), store.classes("parts"));
    assertEquals(List.of("good", "bent"), List.copyOf(store.classes("parts").keySet()));
    assertEquals("one", Files.readString(store.original(stored)));
    Sample opened = store.open("parts", stored);
    assertEquals(Stored.id(sample), opened.sha256());
    assertArrayEquals(sample.sample().bytes(), opened.bytes());
    assertEquals(
        List.of(Stored.id(sample), added.get(1).sample().id()),
        store.samples("parts").stream().map(StoredSample::id).toList());
    assertEquals(Optional.empty(), store.find("parts", "../../etc/passwd"));
    assertEquals(Optional.empty(), store.find("parts", "00".repeat(32)));
  }

  @Test
  void theLastLabelCounts() {
    store.create(Stored.pictures("parts"), List.of());
    store.add("parts", Stored.pictures("good", "one", "two"));
    List<Added> again =
        store.add("parts", List.of(Stored.picture("one", "bent"), Stored.picture("one", "bent")));
    assertEquals(Added.Status.MOVED, again.get(0).status());
    assertEquals(Added.Status.KNOWN, again.get(1).status());
    assertEquals(Map.of("good", 1, "bent", 1), store.classes("parts"));
    List<Added> both =
        store.add("parts", List.of(Stored.picture("new", "x"), Stored.picture("new", "y")));
    assertEquals(
        List.of(Added.Status.ADDED, Added.Status.MOVED), both.stream().map(Added::status).toList());
    assertEquals(new ClassLabel("y"), both.get(0).sample().label(), "as it is remembered now");
    String id = Stored.id(Stored.picture("two", "good"));
    long sequence = store.find("parts", id).orElseThrow().sequence();
    StoredSample moved = store.relabel("parts", id, new ClassLabel("late"));
    assertEquals(new ClassLabel("late"), moved.label());
    assertEquals(sequence, moved.sequence());
    assertTrue(store.classes("parts").containsKey("late"));
    assertThrows(
        NotFoundException.class,
        () -> store.relabel("parts", "00".repeat(32), new ClassLabel("x")));
    assertThrows(NotFoundException.class, () -> store.relabel("none", id, new ClassLabel("x")));
  }

  @Test
  void newClassesComeSortedBehindTheOthers() {
    store.create(Stored.pictures("parts"), List.of("zebra"));
    store.add(
        "parts",
        List.of(
            Stored.picture("1", "\uD83D\uDE00"),
            Stored.picture("2", "\uFFFC"),
            Stored.picture("3", "b"),
            Stored.picture("4", "a")));
    assertEquals(
        List.of("zebra", "a", "b", "\uFFFC", "\uD83D\uDE00"),
        List.copyOf(store.classes("parts").keySet()));
  }

  @Test
  void whatDoesNotFitIsRefusedAndNothingIsStored() throws IOException {
    store.create(Stored.pictures("parts"), List.of());
    NewSample good = Stored.picture("good", "a");
    for (NewSample bad :
        List.of(
            Stored.text("text", "a"),
            Stored.sample(good.sample(), Stored.number(1)),
            Stored.sample(good.sample(), Stored.classes("a")),
            Stored.sample(good.sample(), new ClassLabel(" ")))) {
      assertThrows(BadInputException.class, () -> store.add("parts", List.of(good, bad)));
    }
    assertEquals(List.of(), store.samples("parts"));
    assertEquals(Map.of(), store.classes("parts"));
    assertEquals(List.of(), files("blobs"));
    assertThrows(NotFoundException.class, () -> store.add("none", List.of(good)));
    assertEquals(List.of(), store.add("parts", List.of()));
  }

  @Test
  void labelsAreOfTheHeadsTask() {
    store.create(Stored.head("m", Modality.TEXT, Task.MULTI, Keep.SAMPLES), List.of());
    store.create(Stored.head("r", Modality.VECTOR, Task.REGRESSION, Keep.SAMPLES), List.of());
    Sample text = new TextSample("t", "grüße \uD83D\uDE00");
    Sample none = new TextSample("n", "");
    Sample vector = new VectorSample("v", new float[] {1, -0f, Float.MIN_VALUE});
    store.add(
        "m",
        List.of(
            Stored.sample(text, Stored.classes("b", "a")), Stored.sample(none, Stored.classes())));
    store.add("r", List.of(Stored.sample(vector, Stored.number(-0.1))));
    reopen();
    StoredSample m = store.find("m", text.sha256()).orElseThrow();
    assertEquals(Stored.classes("a", "b"), m.label());
    assertEquals(Stored.classes(), store.find("m", none.sha256()).orElseThrow().label());
    assertEquals(
        "grüße \uD83D\uDE00", ((TextSample) store.open("m", m)).text(), "read from its file");
    StoredSample r = store.find("r", vector.sha256()).orElseThrow();
    assertEquals(Stored.number(-0.1), r.label());
    assertArrayEquals(
        new float[] {1, -0f, Float.MIN_VALUE}, ((VectorSample) store.open("r", r)).values());
    assertEquals(List.of(m), store.page("m", "a", null, Long.MAX_VALUE, 10));
    assertEquals(
        List.of(none.sha256()),
        store.page("m", "", null, Long.MAX_VALUE, 10).stream().map(StoredSample::id).toList());
    assertEquals(1, store.count("m", "", null));
  }

  @Test
  void classesAreRenamedAndRemoved() throws IOException {
    store.create(Stored.head("m", Modality.IMAGE, Task.MULTI, Keep.SAMPLES), List.of());
    Sample both = ImageSample.of("both", new byte[] {1});
    Sample one = ImageSample.of("one", new byte[] {2});
    store.add(
        "m",
        List.of(
            Stored.sample(both, Stored.classes("a", "b")),
            Stored.sample(one, Stored.classes("a"))));
    store.addClass("m", "later");
    store.renameClass("m", "a", "c", 2);
    assertEquals(List.of("c", "b", "later"), List.copyOf(store.classes("m").keySet()));
    assertEquals(Stored.classes("b", "c"), store.find("m", both.sha256()).orElseThrow().label());
    assertThrows(ConflictException.class, () -> store.addClass("m", "b"));
    assertThrows(ConflictException.class, () -> store.renameClass("m", "c", "b", 2));
    assertThrows(NotFoundException.class, () -> store.renameClass("m", "a", "x", 2));
    assertThrows(NotFoundException.class, () -> store.removeClass("m", "a", 2));
    store.removeClass("m", "c", 3);
    assertEquals(Stored.classes("b"), store.find("m", both.sha256()).orElseThrow().label());
    assertEquals(Optional.empty(), store.find("m", one.sha256()));
    assertEquals(1, files("blobs").size());
    assertEquals(
        List.of(new Renaming(2, "a", "c"), new Renaming(3, "c", null)), store.renamings("m"));
  }

  @Test
  void pagesAreNewestFirst() {
    store.create(Stored.pictures("parts"), List.of());
    for (int i = 0; i < 7; i++) {
      store.add("parts", Stored.pictures(i % 2 == 0 ? "even" : "odd", "picture " + i));
    }
    List<StoredSample> first = store.page("parts", null, null, Long.MAX_VALUE, 3);
    assertEquals(List.of("picture 6.png", "picture 5.png", "picture 4.png"), names(first));
    List<StoredSample> next = store.page("parts", null, null, first.get(2).sequence(), 3);
    assertEquals(List.of("picture 3.png", "picture 2.png", "picture 1.png"), names(next));
    assertEquals(
        List.of("picture 5.png", "picture 3.png", "picture 1.png"),
        names(store.page("parts", "odd", State.PENDING, Long.MAX_VALUE, 9)));
    store.ready("parts", first.get(0).id(), SPACE);
    store.unreadable("parts", first.get(1).id(), "no picture");
    assertEquals(1, store.count("parts", null, State.READY));
    assertEquals(1, store.count("parts", "odd", State.UNREADABLE));
    assertEquals(5, store.count("parts", null, State.PENDING));
    assertEquals(7, store.count("parts", null, null));
    assertEquals(Map.of("even", 4, "odd", 2), store.classes("parts"));
    assertEquals("no picture", store.find("parts", first.get(1).id()).orElseThrow().reason());
    store.unreadable("parts", "00".repeat(32), "gone");
  }

  private static List<String> names(List<StoredSample> samples) {
    return samples.stream().map(StoredSample::name).toList();
  }

  @Test
  void headsShareWhatIsTheSame() throws IOException {
    store.create(Stored.pictures("a"), List.of());
    store.create(Stored.pictures("b"), List.of());
    NewSample sample = Stored.picture("same", "x");
    store.add("a", List.of(sample));
    store.add("b", List.of(sample));
    String id = Stored.id(sample);
    workspace.features().put(SPACE, Map.of(id, FeatureCacheTest.vector(1, 3)));
    store.ready("a", id, SPACE);
    assertEquals(1, store.delete("a", List.of(id, "00".repeat(32), "nonsense")));
    assertEquals(0, store.delete("a", List.of(id)));
    assertEquals(1, files("blobs").size());
    assertEquals(Set.of(id), workspace.features().get(SPACE, List.of(id)).keySet());
    store.remove("b");
    assertEquals(List.of(), files("blobs"));
    assertEquals(Map.of(), workspace.features().get(SPACE, List.of(id)));
    assertEquals(Optional.empty(), store.settings("b"));
  }

  @Test
  void onlyFeaturesAreKeptWhereThatIsAsked() throws IOException {
    store.create(Stored.head("p", Modality.IMAGE, Task.SINGLE, Keep.FEATURES), List.of());
    NewSample sample = Stored.picture("private", "x");
    StoredSample stored = store.add("p", List.of(sample)).get(0).sample();
    store.thumbnail("p", stored, new byte[] {1, 2});
    assertTrue(store.thumbnail(stored).isPresent());
    store.ready("p", stored.id(), SPACE);
    assertTrue(
        store.find("p", stored.id()).orElseThrow().kept(),
        "without features nothing is thrown away");
    workspace.features().put(SPACE, Map.of(stored.id(), FeatureCacheTest.vector(1, 70_000)));
    store.ready("p", stored.id(), SPACE);
    StoredSample now = store.find("p", stored.id()).orElseThrow();
    assertFalse(now.kept());
    assertEquals(State.READY, now.state());
    assertEquals(SPACE, now.space());
    assertEquals(List.of(), files("blobs"));
    assertEquals(List.of(), files("thumbnails"));
    assertMessage(NotFoundException.class, () -> store.original(now), "not kept");
    Sample opened = store.open("p", now);
    assertEquals(stored.id(), opened.sha256());
    assertMessage(BadInputException.class, opened::bytes, "not kept");
    store.thumbnail("p", now, new byte[] {1});
    assertEquals(List.of(), files("thumbnails"));
    assertEquals(Added.Status.KNOWN, store.add("p", List.of(sample)).get(0).status());
    assertEquals(List.of(), files("blobs"));
  }

  @Test
  void whatTheCommandLineTaughtIsRecorded() throws IOException {
    HeadSettings settings = Stored.pictures("p");
    List<StoredSample> taught =
        IntStream.range(0, 1200)
            .mapToObj(i -> taught(FeatureCacheTest.digest(i), i % 2 == 0 ? "b" : "a"))
            .toList();
    store.record(settings, taught);
    assertEquals(Optional.of(settings), store.settings("p"));
    assertEquals(Map.of("a", 600, "b", 600), store.classes("p"));
    StoredSample first = store.samples("p").get(0);
    assertEquals(Source.TEACH, first.source());
    assertEquals(State.READY, first.state());
    assertEquals(SPACE, first.space());
    assertEquals(new ClassLabel("b"), first.label());
    NewSample client = Stored.picture("client", "c");
    store.add("p", List.of(client));
    NewSample again = Stored.picture("again", "a");
    store.record(settings, List.of(taught(Stored.id(again), "a"), taught(Stored.id(client), "a")));
    assertEquals(Map.of("a", 1, "b", 0, "c", 1), store.classes("p"), "the client's label stays");
    Added known = store.add("p", List.of(again)).get(0);
    assertEquals(Added.Status.KNOWN, known.status());
    assertEquals(Source.API, known.sample().source(), "its bytes are here now");
    assertTrue(known.sample().kept());
    assertEquals(State.READY, known.sample().state());
    assertEquals(2, files("blobs").size());
    store.record(settings, List.of());
    assertEquals(2, store.count("p", null, null), "what clients brought stays");
    assertMessage(
        ConflictException.class,
        () -> store.record(Stored.texts("p"), List.of()),
        "pictures",
        "texts");
  }

  private static StoredSample taught(String id, String label) {
    return new StoredSample(
        id,
        0,
        new ClassLabel(label),
        id.substring(0, 5),
        State.READY,
        null,
        "application/octet-stream",
        0,
        false,
        SPACE,
        Source.TEACH,
        Instant.now());
  }

  @Test
  void theRevisionTellsOfChanges() {
    store.create(Stored.pictures("p"), List.of());
    long before = store.revision();
    assertEquals(before, store.revision());
    try (Workspace other = Workspace.open(workspace.root())) {
      other.samples().add("p", Stored.pictures("a", "one"));
      assertNotEquals(before, store.revision());
      long then = store.revision();
      workspace.runLog().create("p", JsonNodeFactory.instance.objectNode(), REQUEST);
      assertNotEquals(then, other.samples().revision());
    }
  }

  private static final dev.headstart.teach.Run.Cause REQUEST =
      dev.headstart.teach.Run.Cause.REQUEST;

  @Test
  void severalThreadsAndProcessesAddAndDeleteTheSame() throws Exception {
    store.create(Stored.pictures("a"), List.of());
    store.create(Stored.pictures("b"), List.of());
    try (Workspace other = Workspace.open(workspace.root())) {
      ExecutorService threads = Executors.newFixedThreadPool(4);
      List<Future<?>> done = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        SampleStore its = t < 2 ? store : other.samples();
        String head = t % 2 == 0 ? "a" : "b";
        done.add(
            threads.submit(
                (Callable<Void>)
                    () -> {
                      for (int i = 0; i < 40; i++) {
                        NewSample sample = Stored.picture("content " + i % 5, "x");
                        its.add(head, List.of(sample));
                        if (i % 3 == 0) {
                          its.delete(head, List.of(Stored.id(sample)));
                        }
                      }
                      return null;
                    }));
      }
      threads.shutdown();
      for (Future<?> future : done) {
        future.get();
      }
    }
    for (String head : List.of("a", "b")) {
      for (StoredSample sample : store.samples(head)) {
        assertEquals(
            sample.id(), Sample.sha256(Files.readAllBytes(store.original(sample))), sample.name());
      }
    }
  }

  @Test
  void aClockThatJumpsChangesNoOrder() throws Exception {
    store.create(Stored.pictures("p"), List.of());
    store.add("p", Stored.pictures("a", "one", "two", "three"));
    workspace.requireWritable();
    // As if the clock had been far ahead for the first, and had jumped back since.
    try (var connection =
            java.sql.DriverManager.getConnection(
                "jdbc:sqlite:" + workspace.root().resolve("headstart.db"));
        var statement = connection.createStatement()) {
      statement.execute("UPDATE sample SET added = 4102444800000 WHERE sequence = 1");
    }
    store.add("p", Stored.pictures("a", "four"));
    assertEquals(
        List.of("four.png", "three.png", "two.png", "one.png"),
        names(store.page("p", null, null, Long.MAX_VALUE, 9)));
    store.delete("p", List.of(store.samples("p").get(3).id()));
    long last = store.samples("p").get(2).sequence();
    store.add("p", Stored.pictures("a", "five"));
    assertTrue(store.samples("p").get(3).sequence() > last + 1, "numbers are never given twice");
  }

  private List<Path> files(String folder) throws IOException {
    Path root = workspace.root().resolve(folder);
    if (!Files.exists(root)) {
      return List.of();
    }
    try (var all = Files.walk(root)) {
      return all.filter(f -> Files.isRegularFile(f) && !f.endsWith(".lock")).toList();
    }
  }
}
