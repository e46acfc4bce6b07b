package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Headstart;
import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.ClassLabel;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.train.TeachRequest.Promotion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Heads on feature vectors that runs train, in a workspace: read this first. */
@Timeout(120)
class RunsTest {
  private static final long SEED = Long.getLong("seed", 9);
  private static final int WIDTH = 8;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HeadDraft ANY = HeadDraft.of("parts");

  /** So long that a test can do something meanwhile. */
  private static final String LONG = "{'epochs': 20000, 'patience': 0, 'refit': false}";

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Headstart headstart;
  private ModelRepository repository;
  private Teaching teaching;
  private Runs runs;

  @BeforeEach
  void open() {
    Training.require();
    System.out.println("seed " + SEED);
    start();
  }

  private void start() {
    headstart = Headstart.open(folder.resolve("workspace"));
    ServingSettings defaults = ServingSettings.defaults();
    ServingSettings serving =
        new ServingSettings(
            List.of("parts"),
            defaults.providers(),
            Map.of(),
            2,
            defaults.queue(),
            defaults.maxBatch(),
            defaults.timeout(),
            defaults.poll());
    repository = headstart.repository(serving, ServingListener.NONE);
    teaching =
        headstart.teaching(
            repository,
            new TeachingSettings(0, 0, new RunSettings(1, 1, 3, Duration.ofSeconds(10))));
    runs = teaching.runs();
  }

  @AfterEach
  void close() {
    if (teaching != null) {
      teaching.close();
      repository.close();
      headstart.close();
    }
  }

  private List<String> post(int count, String... labels) {
    List<NewSample> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String label = labels[i % labels.length];
      float[] values = NewSamples.around(random, WIDTH, label.charAt(0) % WIDTH, 6, 1);
      samples.add(NewSamples.vector(values, label));
    }
    return teaching.add("parts", ANY, samples).stream().map(a -> a.sample().id()).toList();
  }

  private static JsonNode recipe(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (java.io.IOException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  private Run submit(String recipe) {
    return runs.submit("parts", recipe(recipe), Run.Cause.REQUEST);
  }

  private Run over(Run run) {
    until(() -> runs.get("parts", run.id()).run().state().ended());
    return runs.get("parts", run.id()).run();
  }

  private void running(Run run) {
    until(() -> !runs.get("parts", run.id()).epochs().isEmpty());
  }

  private static void until(BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!holds.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "waited too long");
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private List<RunEvent> events(Run run) throws Exception {
    List<RunEvent> heard = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch end = new CountDownLatch(1);
    runs.follow("parts", run.id(), -1, heard::add, end::countDown);
    assertTrue(end.await(60, TimeUnit.SECONDS));
    return heard;
  }

  @Test
  void aRunMakesAVersionThatAnswersAndTellsHowItWent() throws Exception {
    post(40, "a", "b");
    Run run = submit("{'epochs': 6, 'patience': 0}");
    assertEquals(Run.State.QUEUED, run.state());
    List<RunEvent> heard = events(run);
    run = over(run);
    assertEquals(Run.State.DONE, run.state(), run.reason());
    assertEquals(1, run.version());
    assertTrue(run.promoted());
    assertEquals(40, run.samples());
    List<String> types = heard.stream().map(RunEvent::type).distinct().toList();
    assertEquals("state", types.get(0));
    assertEquals("end", types.get(types.size() - 1));
    assertTrue(types.containsAll(List.of("stage", "epoch")));
    for (int i = 1; i < heard.size(); i++) {
      assertTrue(heard.get(i).id() > heard.get(i - 1).id());
    }
    assertEquals("done", heard.get(heard.size() - 1).data().get("state"));
    assertEquals(
        runs.get("parts", run.id()).epochs().size(),
        heard.stream().filter(e -> e.type().equals("epoch")).count());
    until(() -> repository.metadata("parts", null).versions().contains(1));
    assertEquals(1, teaching.head("parts").version());
    Versions.VersionView view = teaching.versions().get("parts", 1);
    assertEquals(run.id(), view.run());
    assertEquals(List.of("a", "b"), view.classes());
    assertEquals("run " + run.id() + " of the workspace", view.provenance().data());

    long middle = heard.get(heard.size() / 2).id();
    List<RunEvent> rest = new ArrayList<>();
    runs.follow("parts", run.id(), middle, rest::add, () -> {});
    assertEquals(heard.stream().filter(e -> e.id() > middle).toList(), rest);

    close();
    start();
    List<String> again = events(run).stream().map(RunEvent::type).distinct().toList();
    assertEquals(List.of("state", "stage", "epoch", "end"), again);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'epochs': 'many'}|'epochs' must be a whole number",
        "{'epochs': 0}|the number of epochs must be",
        "{'epochs': 1.5}|'epochs' must be a whole number",
        "{'colour': 1}|a recipe has no 'colour'",
        "{'kind': 'deep'}|unknown head kind 'deep'",
        "{'optimizer': 'adam'}|'optimizer' must be one of [adamw, sgd]",
        "{'warmStart': 'yes'}|'warmStart' must be true or false",
        "{'cut': 'pooled'}|'cut' needs a base model",
        "{'freeze': [1]}|'freeze' must be a text, or a list of texts",
        "[1]|a recipe must be an object",
      })
  void aWrongRecipeIsRefusedByName(String recipe, String expected) {
    post(10, "a", "b");
    HeadstartException e =
        assertThrows(HeadstartException.class, () -> submit(recipe.replace("''", "'")));
    assertTrue(e.getMessage().contains(expected.replace("''", "'")), e.getMessage());
    assertTrue(runs.list("parts", 10).isEmpty());
  }

  @Test
  void runsWaitForEachOtherAndCanBeCancelled() {
    post(40, "a", "b");
    Run first = submit(LONG);
    running(first);
    Run second = submit("{'epochs': 2}");
    Run third = submit("{}");
    assertEquals(Run.State.QUEUED, runs.get("parts", second.id()).run().state());
    assertEquals(first.id(), teaching.head("parts").run().id());
    submit("{}");
    assertThrows(UnavailableException.class, () -> submit("{}"));
    assertNotNull(runs.get("parts", first.id()).eta());
    runs.cancel("parts", third.id());
    runs.cancel("parts", first.id());
    assertEquals(Run.State.CANCELLED, over(first).state());
    assertEquals(Run.State.DONE, over(second).state());
    assertEquals(Run.State.CANCELLED, over(third).state());
    assertThrows(ConflictException.class, () -> runs.cancel("parts", first.id()));
    assertThrows(ConflictException.class, () -> runs.resume("parts", first.id()));
    assertThrows(NotFoundException.class, () -> runs.cancel("parts", 99));
    assertThrows(NotFoundException.class, () -> runs.submit("nobody", null, Run.Cause.REQUEST));
    assertFalse(headstart.heads().run("parts").toFile().exists());
  }

  @Test
  void aRunThatCannotSaysWhy() {
    post(4, "a");
    Run run = over(submit("{}"));
    assertEquals(Run.State.FAILED, run.state());
    assertTrue(run.reason().contains("two classes"), run.reason());
  }

  @Test
  void whatIsDeletedMeanwhileIsNotLearned() throws Exception {
    List<String> ids = post(60, "a", "b");
    Run run = submit(LONG);
    running(run);
    post(6, "a", "b"); // for the next run
    teaching.delete("parts", ids.subList(0, 10));
    until(() -> runs.get("parts", run.id()).run().samples() == 56);
    teaching.relabel("parts", ids.get(20), new ClassLabel("b"));
    List<RunEvent> heard = Collections.synchronizedList(new ArrayList<>());
    runs.follow("parts", run.id(), -1, heard::add, () -> {});
    until(() -> heard.stream().filter(e -> e.type().equals("restart")).count() == 2);
    runs.cancel("parts", run.id());
    over(run);
    Run next = over(submit("{'epochs': 3}"));
    Set<String> members =
        Set.copyOf(
            teaching.versions().evaluate("parts", next.version(), false).samples().stream()
                .map(Versions.Answer::id)
                .toList());
    assertEquals(56, members.size());
    assertFalse(members.contains(ids.get(0)));
    assertEquals(56, next.samples());
    assertEquals(0, teaching.versions().get("parts", next.version()).forgotten());
    teaching.delete("parts", ids.subList(10, 12));
    assertEquals(2, teaching.versions().get("parts", next.version()).forgotten());
  }

  @Test
  void aRunGoesOnInTheNextProcess() throws Exception {
    post(60, "a", "b");
    Run run = submit(LONG);
    running(run);
    until(() -> headstart.heads().run("parts").toFile().exists());
    close();
    start();
    Run open = runs.get("parts", run.id()).run();
    assertEquals(Run.State.RUNNING, open.state());
    int before = runs.get("parts", run.id()).epochs().size();
    until(() -> runs.get("parts", run.id()).epochs().size() > before + 100);
    runs.cancel("parts", run.id());
    assertEquals(Run.State.CANCELLED, over(run).state());
  }

  @Test
  void ofTwoProcessesOneTrains() {
    post(20, "a", "b");
    try (Headstart other = Headstart.open(folder.resolve("workspace"));
        ModelRepository its = other.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching second = other.teaching(its, TeachingSettings.defaults())) {
      assertThrows(
          UnavailableException.class, () -> second.runs().submit("parts", null, Run.Cause.REQUEST));
      assertEquals(Run.State.DONE, over(submit("{'epochs': 2}")).state());
      assertEquals(1, second.runs().list("parts", 10).size());
    }
  }

  @Test
  void rulesStartRunsAndKeepTheNewestVersions() {
    post(6, "a", "b");
    teaching.change(
        "parts",
        new HeadChange(null, recipe("{'epochs': 2}"), new Rules(4, null, Promotion.ALWAYS, 2)));
    for (int i = 1; i <= 4; i++) {
      int version = i;
      post(4, "a", "b");
      until(() -> headstart.heads().live("parts").orElse(0) == version);
    }
    until(() -> headstart.heads().versions("parts").equals(List.of(3, 4)));
    assertTrue(runs.list("parts", 10).stream().allMatch(r -> r.run().cause() == Run.Cause.RULE));
    assertEquals(4, runs.list("parts", 10).size());
  }

  @Test
  void aRunBeginsWithTheLiveVersionUnderPresentNames() {
    post(40, "a", "b");
    over(submit("{'epochs': 20}"));
    teaching.renameClass("parts", "a", "alpha");
    post(12, "c");
    Run run = over(submit("{'epochs': 3, 'promote': 'always'}"));
    assertEquals(Run.State.DONE, run.state(), run.reason());
    HeadStore.Stored stored = headstart.heads().load("parts", 2);
    assertEquals(List.of("alpha", "b", "c"), stored.manifest().classes());
    assertTrue(stored.manifest().recipe().get("warmStart").booleanValue());
    Versions.Comparison comparison = teaching.versions().compare("parts", 1, 2);
    assertEquals(52, comparison.samples());
    assertEquals(List.of("alpha", "b", "c"), comparison.a().classes());
    assertTrue(comparison.a().metrics().accuracy() < comparison.b().metrics().accuracy());
    assertTrue(comparison.changed().stream().allMatch(c -> c.label().equals(new ClassLabel("c"))));
    teaching.removeClass("parts", "b");
    Run last = over(submit("{'epochs': 3}"));
    assertEquals(List.of("alpha", "c"), teaching.versions().get("parts", last.version()).classes());
    assertEquals(List.of("alpha", "c"), teaching.versions().get("parts", 2).classes());
    Run anew = over(submit("{'epochs': 3, 'warmStart': false}"));
    assertFalse(
        headstart
            .heads()
            .load("parts", anew.version())
            .manifest()
            .recipe()
            .get("warmStart")
            .booleanValue());
  }

  @Test
  void versionsArePromotedRolledBackAndRemovedAtOnce() {
    post(30, "a", "b");
    over(submit("{'epochs': 3}"));
    over(submit("{'epochs': 3, 'promote': 'never'}"));
    Versions versions = teaching.versions();
    assertEquals(
        List.of(2, 1), versions.list("parts").stream().map(Versions.VersionView::version).toList());
    assertTrue(versions.get("parts", 1).live());
    assertEquals(2, versions.promote("parts", 2));
    assertEquals(2, teaching.head("parts").version());
    assertThrows(ConflictException.class, () -> versions.remove("parts", 2));
    assertEquals(1, versions.rollback("parts"));
    versions.remove("parts", 2);
    assertThrows(NotFoundException.class, () -> versions.get("parts", 2));
    Versions.Evaluation all = versions.evaluate("parts", 1, false);
    assertEquals(30, all.samples().size());
    Versions.Evaluation unseen = versions.evaluate("parts", 1, true);
    assertEquals(6, unseen.samples().size());
    assertTrue(all.metrics().accuracy() > 0.9, String.format(Locale.ROOT, "%s", all.metrics()));
  }

  @Test
  void twoClientsTeachOneHead() throws Exception {
    post(20, "a", "b");
    List<Thread> clients = new ArrayList<>();
    List<Run> made = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 2; i++) {
      Thread client = new Thread(() -> made.add(submit("{'epochs': 2}")));
      client.start();
      clients.add(client);
    }
    for (Thread client : clients) {
      client.join();
    }
    for (Run run : made) {
      assertEquals(Run.State.DONE, over(run).state());
    }
    assertEquals(List.of(1, 2), headstart.heads().versions("parts"));
    assertThrows(BadInputException.class, () -> submit("{'batch': null, 'rates': 1}"));
  }

  /** A table that refuses writing stands for a disk that is full. */
  @Test
  void aRunWhoseEndCouldNotBeWrittenIsTriedAgain() throws Exception {
    post(40, "a", "b");
    String database = "jdbc:sqlite:" + folder.resolve("workspace").resolve("headstart.db");
    try (var connection = java.sql.DriverManager.getConnection(database);
        var statement = connection.createStatement()) {
      statement.execute(
          "CREATE TRIGGER full BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'no space'); END");
      Run run = submit("{'epochs': 3}");
      List<String> told = Collections.synchronizedList(new ArrayList<>());
      runs.follow("parts", run.id(), -1, event -> told.add(event.type()), () -> told.add("over"));
      until(() -> told.contains("over"));
      assertFalse(runs.get("parts", run.id()).run().state().ended());
      statement.execute("DROP TRIGGER full");
      assertEquals(Run.State.DONE, over(run).state());
    }
  }

  @Test
  void aHeadIsRemovedWhileARunGoesOn() {
    post(40, "a", "b");
    Run run = submit(LONG);
    running(run);
    teaching.remove("parts");
    assertThrows(NotFoundException.class, () -> teaching.head("parts"));
    assertTrue(runs.open().isEmpty());
    assertTrue(headstart.heads().versions("parts").isEmpty());
  }
}
