package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Modality;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import dev.headstart.sample.VectorSample;
import dev.headstart.serving.Heads;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.workspace.Workspace;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Heads on feature vectors that are taught while they answer: read this first. */
@Timeout(120)
class TeachingTest {
  private static final long SEED = Long.getLong("seed", 5);
  private static final int WIDTH = 6;
  private static final HeadDraft ANY = HeadDraft.of("parts");

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private SampleStore store;
  private Workspace workspace;
  private BaseModels models;
  private ModelRepository repository;
  private Teaching teaching;
  private int handles;

  @BeforeEach
  void open() throws Exception {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    workspace = Workspace.open(folder.resolve("workspace"));
    store = workspace.samples();
    models = new BaseModels(workspace.models());
    start();
  }

  private void start() throws Exception {
    ServingSettings defaults = ServingSettings.defaults();
    ServingSettings settings =
        new ServingSettings(
            List.of("parts"),
            defaults.providers(),
            Map.of(),
            2,
            defaults.queue(),
            defaults.maxBatch(),
            defaults.timeout(),
            defaults.poll());
    repository = ModelRepository.open(models, workspace.heads(), settings, ServingListener.NONE);
    teaching =
        Teaching.open(
            new TeachingStores(
                store,
                workspace.runLog(),
                workspace.runs(),
                workspace.heads(),
                models,
                workspace.features()),
            repository,
            TeachingSettings.defaults(),
            "test");
    until(repository::ready);
  }

  private void stop() {
    teaching.close();
    teaching.close();
    repository.close();
  }

  @AfterEach
  void everyHandleIsClosed() {
    stop();
    workspace.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static void until(BooleanSupplier condition) throws InterruptedException {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < limit, "it never came");
      Thread.sleep(1);
    }
  }

  /** Vectors of a class lie around its own axis. */
  private float[] around(int axis) {
    return NewSamples.around(random, WIDTH, axis, 1, 0.2);
  }

  private static float[] axis(int axis) {
    float[] values = new float[WIDTH];
    values[axis] = 1;
    return values;
  }

  private List<String> add(String label, int axis, int count) {
    List<NewSample> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      samples.add(NewSamples.vector(around(axis), label));
    }
    return teaching.add("parts", ANY, samples).stream().map(a -> a.sample().id()).toList();
  }

  /** Until all features are there, and what follows from them. */
  private void settle() throws Exception {
    until(teaching::settled);
  }

  private InferenceResult ask(Integer version, float[] values) throws Exception {
    try {
      return repository
          .infer(
              new InferenceRequest(
                  "parts",
                  version,
                  Map.of("features", Tensor.of(values, 1, WIDTH)),
                  List.of(),
                  0,
                  null))
          .toCompletableFuture()
          .get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  private String label(float[] values) throws Exception {
    return new String(
        ask(null, values).outputs().get("label").strings().get(0), StandardCharsets.UTF_8);
  }

  private boolean knows(String name) {
    try {
      return ask(null, axis(0)).head().classes().contains(name);
    } catch (Exception e) {
      return false;
    }
  }

  /** A version that knows a and b by their axes; live. */
  private void publish() throws Exception {
    new Heads(workspace.heads(), models)
        .publish(
            "parts",
            Task.SINGLE,
            Modality.VECTOR,
            null,
            null,
            new long[] {WIDTH},
            List.of("a", "b"),
            (outputs, width) -> {
              float[] weights = new float[outputs * width];
              weights[0] = 5;
              weights[width + 1] = 5;
              return weights;
            });
    until(
        () -> {
          try {
            return ask(null, axis(0)).version() > 0;
          } catch (Exception e) {
            return false;
          }
        });
  }

  @Test
  void aHeadAnswersFromItsFirstSampleOn() throws Exception {
    teaching.create(
        new HeadDraft(
            "parts", Modality.VECTOR, null, null, null, List.of("good", "bent"), null, null, null));
    assertThrows(ConflictException.class, () -> teaching.create(ANY));
    assertThrows(UnavailableException.class, () -> ask(null, axis(0)));
    assertEquals(null, teaching.head("parts").version());
    add("good", 0, 1);
    until(() -> knows("good"));
    InferenceResult alone = ask(null, axis(3));
    assertEquals(0, alone.version());
    assertEquals(
        List.of("good"), alone.head().classes(), "a class without samples is not answered");
    assertArrayEquals(new float[] {1}, alone.outputs().get("scores").floats());
    add("bent", 1, 3);
    until(() -> knows("bent"));
    settle();
    assertEquals("good", label(axis(0)));
    assertEquals("bent", label(axis(1)));
    assertEquals(
        List.of(-1L, 2L),
        Arrays.stream(repository.metadata("parts", null).outputs().get(0).shape())
            .boxed()
            .toList());
    HeadView view = teaching.head("parts");
    assertEquals(
        List.of(new HeadView.ClassView("good", 1, false), new HeadView.ClassView("bent", 3, false)),
        view.classes());
    assertEquals(new HeadView.Counts(4, 4, 0, 0, 4), view.samples());
    assertEquals(List.of("features"), view.takes());
    assertThrows(NotFoundException.class, () -> teaching.head("nobody"));
  }

  @Test
  void aClassThatTheVersionDoesNotKnowIsAnsweredBesideItsOwn() throws Exception {
    publish();
    assertArrayEquals(
        ask(1, axis(0)).outputs().get("scores").floats(),
        ask(null, axis(0)).outputs().get("scores").floats());
    add("a", 0, 5);
    add("b", 1, 5);
    settle();
    float[] before = ask(1, axis(0)).outputs().get("scores").floats();
    assertArrayEquals(
        before,
        ask(null, axis(0)).outputs().get("scores").floats(),
        "nothing new, nothing changes");
    add("c", 2, 1);
    until(() -> knows("c"));
    settle();
    assertEquals(List.of("a", "b", "c"), ask(null, axis(0)).head().classes());
    assertEquals(1, ask(null, axis(0)).version());
    assertEquals("a", label(axis(0)));
    assertEquals("b", label(axis(1)));
    assertEquals("c", label(axis(2)));
    assertArrayEquals(
        before,
        ask(1, axis(0)).outputs().get("scores").floats(),
        "by number it is as it was trained");
    float[] now = ask(null, axis(0)).outputs().get("scores").floats();
    assertEquals(before[0] / before[1], now[0] / now[1], 1e-3 * before[0] / before[1]);
    assertEquals(1, now[0] + now[1] + now[2], 1e-6);
    HeadView view = teaching.head("parts");
    assertEquals(List.of(true, true, false), view.classes().stream().map(c -> c.known()).toList());
    assertEquals(11, view.samples().since(), "the version learned from none of them");
  }

  /** Against a class of which there are no samples a new one would always win. */
  @Test
  void aNewClassWaitsForARunWhereAnOldOneHasNoSamples() throws Exception {
    publish();
    add("a", 0, 3);
    add("c", 2, 3);
    settle();
    assertEquals(List.of("a", "b"), ask(null, axis(2)).head().classes());
    add("b", 1, 1);
    until(() -> knows("c"));
  }

  @Test
  void namesAndRemovalsCountAtOnce() throws Exception {
    publish();
    add("a", 0, 3);
    add("b", 1, 3);
    List<String> third = add("c", 2, 3);
    until(() -> knows("c"));
    float[] before = ask(1, axis(1)).outputs().get("scores").floats();
    teaching.renameClass("parts", "b", "scratch");
    assertEquals(List.of("a", "scratch", "c"), ask(null, axis(1)).head().classes());
    assertEquals("scratch", label(axis(1)));
    assertThrows(ConflictException.class, () -> teaching.renameClass("parts", "scratch", "c"));
    assertEquals(List.of("a", "b"), ask(1, axis(1)).head().classes());
    teaching.delete("parts", third);
    assertEquals(List.of("a", "scratch"), ask(null, axis(1)).head().classes());
    assertArrayEquals(
        before,
        ask(null, axis(1)).outputs().get("scores").floats(),
        "bit for bit the version's own");
    teaching.removeClass("parts", "a");
    assertEquals(List.of("scratch"), ask(null, axis(0)).head().classes());
    assertArrayEquals(new float[] {1}, ask(null, axis(0)).outputs().get("scores").floats());
    teaching.removeClass("parts", "scratch");
    UnavailableException none = assertThrows(UnavailableException.class, () -> ask(null, axis(0)));
    assertTrue(none.getMessage().contains("removed"), none.getMessage());
    assertThrows(NotFoundException.class, () -> teaching.removeClass("parts", "scratch"));
    add("a", 3, 1); // of another kind than the one that was removed
    until(() -> knows("a"));
    assertEquals(List.of("a"), ask(null, axis(0)).head().classes());
  }

  @Test
  void aDeletedOrMovedSampleCountsNoMore() throws Exception {
    List<String> one = add("good", 0, 4);
    List<String> other = add("bent", 1, 1);
    until(() -> knows("bent"));
    settle();
    teaching.relabel("parts", other.get(0), new ClassLabel("good"));
    assertEquals(List.of("good"), ask(null, axis(1)).head().classes());
    teaching.relabel("parts", other.get(0), new ClassLabel("bent"));
    assertEquals("bent", label(axis(1)));
    assertEquals(1, teaching.delete("parts", List.of(other.get(0), "00".repeat(32))));
    assertEquals(List.of("good"), ask(null, axis(1)).head().classes());
    teaching.delete("parts", one);
    assertThrows(UnavailableException.class, () -> ask(null, axis(0)));
    teaching.remove("parts");
    assertThrows(NotFoundException.class, () -> ask(null, axis(0)));
    assertThrows(NotFoundException.class, () -> teaching.head("parts"));
  }

  @Test
  void theSameScoresBitForBitAfterARestart() throws Exception {
    publish();
    List<String> gone = add("a", 0, 20);
    add("b", 1, 15);
    List<String> third = add("c", 2, 7);
    add("d", 3, 1);
    settle();
    teaching.delete("parts", gone.subList(3, 9));
    teaching.relabel("parts", third.get(0), new ClassLabel("d"));
    settle();
    List<float[]> asked = new ArrayList<>();
    List<float[]> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      asked.add(around(i % 4));
      answers.add(ask(null, asked.get(i)).outputs().get("scores").floats());
    }
    stop();
    start();
    until(() -> knows("d"));
    settle();
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(
          answers.get(i), ask(null, asked.get(i)).outputs().get("scores").floats(), 0f);
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAndNothingIsStored() throws Exception {
    add("a", 0, 2);
    until(() -> knows("a"));
    NewSample text = NewSamples.text("text", "a");
    assertThrows(
        BadInputException.class,
        () -> teaching.add("parts", ANY, List.of(NewSamples.vector(around(0), "a"), text)));
    NewSample number =
        new NewSample(
            new VectorSample("v", around(0)), new NumberLabel(1), "", StoredSample.Source.API);
    assertThrows(BadInputException.class, () -> teaching.add("parts", ANY, List.of(number)));
    assertEquals(2, store.samples("parts").size());
    teaching.add("parts", ANY, List.of(NewSamples.vector(new float[] {1, 2}, "a")));
    until(() -> teaching.head("parts").samples().unreadable() == 1);
    StoredSample odd =
        store.samples("parts").stream()
            .filter(s -> s.state() == StoredSample.State.UNREADABLE)
            .findFirst()
            .orElseThrow();
    assertTrue(odd.reason().contains("2 numbers") && odd.reason().contains("6"), odd.reason());
    assertThrows(BadInputException.class, () -> teaching.create(HeadDraft.of("minilm")));
    assertThrows(
        BadInputException.class,
        () -> teaching.change("parts", new HeadChange(HeadSettings.Keep.FEATURES, null, null)));
  }

  @Test
  void twoClientsTeachOneHead() throws Exception {
    ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    List<List<NewSample>> mine = new ArrayList<>();
    for (int client = 0; client < 2; client++) {
      List<NewSample> samples = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        samples.add(NewSamples.vector(around(client), "class " + client));
      }
      mine.add(samples);
    }
    float[] both = around(4); // the last who says so is right
    List<Thread> clients = new ArrayList<>();
    for (int client = 0; client < 2; client++) {
      int number = client;
      Thread thread =
          new Thread(
              () -> {
                try {
                  for (NewSample sample : mine.get(number)) {
                    teaching.add("parts", ANY, List.of(sample));
                    teaching.add("parts", ANY, List.of(NewSamples.vector(both, "class " + number)));
                  }
                } catch (RuntimeException | Error e) {
                  wrong.add(e);
                }
              });
      clients.add(thread);
      thread.start();
    }
    for (Thread client : clients) {
      client.join();
    }
    assertEquals(List.of(), List.copyOf(wrong));
    settle();
    assertEquals(new HeadView.Counts(25, 25, 0, 0, 25), teaching.head("parts").samples());
    float[] answer = ask(null, both).outputs().get("scores").floats();
    stop();
    start();
    until(() -> knows("class 1"));
    settle();
    assertArrayEquals(
        answer,
        ask(null, both).outputs().get("scores").floats(),
        "what memory held is what was stored");
  }

  /** Every answer is of one state: classes, names and scores belong together. */
  @Test
  void whileAHeadIsTaughtNoAnswerIsLostOrMixed() throws Exception {
    publish();
    add("a", 0, 3);
    add("b", 1, 3);
    settle();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger answers = new AtomicInteger();
    Set<List<String>> seen = ConcurrentHashMap.newKeySet();
    ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      Thread caller =
          new Thread(
              () -> {
                while (!over.get()) {
                  try {
                    InferenceResult result = ask(null, axis(2));
                    float[] scores = result.outputs().get("scores").floats();
                    List<String> classes = result.head().classes();
                    seen.add(classes);
                    assertEquals(classes.size(), scores.length);
                    double sum = 0;
                    for (float score : scores) {
                      sum += score;
                    }
                    assertEquals(1, sum, 1e-5);
                    String label =
                        new String(
                            result.outputs().get("label").strings().get(0), StandardCharsets.UTF_8);
                    assertTrue(classes.contains(label), label + " of " + classes);
                    answers.incrementAndGet();
                  } catch (Exception | AssertionError e) {
                    wrong.add(e);
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (int round = 0; round < 15; round++) {
      List<String> ids = add("c" + round % 3, 2, 2);
      if (round % 2 == 0) {
        String name = "c" + round % 3;
        until(() -> knows(name));
      }
      if (round % 5 == 3) {
        publish();
      }
      teaching.renameClass("parts", round % 2 == 0 ? "b" : "B", round % 2 == 0 ? "B" : "b");
      teaching.delete("parts", ids);
    }
    over.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertEquals(List.of(), List.copyOf(wrong));
    System.out.println(answers + " answers, classes: " + seen);
    assertTrue(seen.size() >= 4, seen.toString());
  }

  @Test
  void whatChangedSinceTheVersionWasTaughtIsCounted() throws Exception {
    List<String> first = add("a", 0, 4);
    List<String> second = add("b", 1, 4);
    settle();
    publish();
    Map<String, Boolean> members = new HashMap<>();
    first.forEach(id -> members.put(id, false));
    second.forEach(id -> members.put(id, true));
    workspace.runs().record("parts", 1, members);
    assertEquals(0, teaching.head("parts").samples().since());
    add("c", 2, 3);
    assertEquals(3, teaching.head("parts").samples().since());
    teaching.delete("parts", first.subList(0, 1));
    assertEquals(4, teaching.head("parts").samples().since());
    teaching.renameClass("parts", "b", "B");
    assertEquals(4, teaching.head("parts").samples().since(), "another name is no change");
    stop();
    start();
    assertEquals(4, teaching.head("parts").samples().since());
  }

  /** Another process on the same workspace teaches, removes and makes heads. */
  @Test
  void whatAnotherProcessChangesIsFollowed() throws Exception {
    add("a", 0, 2);
    add("b", 1, 2);
    settle();
    try (Workspace other = Workspace.open(folder.resolve("workspace"))) {
      List<Added> added = other.samples().add("parts", List.of(NewSamples.vector(around(2), "c")));
      until(() -> knows("c"));
      other.samples().delete("parts", List.of(added.get(0).sample().id()));
      until(() -> !knows("c"));
      other.samples().renameClass("parts", "b", "B", 0);
      until(() -> knows("B") && !knows("b"));
      other.samples().remove("parts");
      until(() -> store.settings("parts").isEmpty() && !knows("a"));
    }
    assertThrows(NotFoundException.class, () -> teaching.head("parts"));
  }

  /**
   * A disk that is full for a moment: what waits is learned afterwards, what is new before that.
   */
  @Test
  void whatFailsIsTriedAgain() throws Exception {
    stop();
    AtomicInteger failures = new AtomicInteger(3);
    SampleStore real = workspace.samples();
    store =
        (SampleStore)
            Proxy.newProxyInstance(
                SampleStore.class.getClassLoader(),
                new Class<?>[] {SampleStore.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("ready") && failures.getAndDecrement() > 0) {
                    throw new FailureException("the disk is full");
                  }
                  try {
                    return method.invoke(real, args);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    start();
    add("a", 0, 3);
    until(() -> failures.get() == 0);
    assertEquals(3, teaching.head("parts").samples().pending());
    add("b", 1, 1);
    until(() -> knows("b"));
    until(() -> knows("a"));
    until(() -> teaching.head("parts").samples().ready() == 4);
  }

  @Test
  void eventsTellOfEverything() throws Exception {
    ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
    Events.Subscription subscription =
        teaching.events().subscribe(event -> heard.add(event.type() + " " + event.head()));
    add("a", 0, 1);
    until(() -> heard.size() >= 3);
    subscription.close();
    add("a", 0, 1);
    assertEquals(List.of("head parts", "samples parts", "samples parts"), List.copyOf(heard));
  }

  @Test
  void aNameStandsForWhatItStoodForWhenTheVersionWasMade() {
    List<Renaming> renamings =
        List.of(new Renaming(1, "a", "b"), new Renaming(2, "b", "c"), new Renaming(2, "x", null));
    assertEquals("c", Renaming.name(renamings, 1, "a"));
    assertEquals("a", Renaming.name(renamings, 2, "a"));
    assertEquals("c", Renaming.name(renamings, 2, "b"));
    assertEquals("b", Renaming.name(renamings, 3, "b"));
    assertEquals(null, Renaming.name(renamings, 1, "x"));
    assertEquals("x", Renaming.name(renamings, 3, "x"));
  }
}
