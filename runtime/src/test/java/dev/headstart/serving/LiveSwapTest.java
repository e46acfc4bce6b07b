package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
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

/** Heads that change, come and go while they are asked. */
@Timeout(300)
class LiveSwapTest {
  private static final int WIDTH = 3;
  private static final int SWAPS = Integer.getInteger("swaps", 300);

  @TempDir Path folder;
  private Headstart headstart;
  private Heads heads;
  private ModelRepository repository;
  private int handles;

  /** With the heads that were there at the start, each once, and one that no test touches. */
  private int idle;

  @BeforeEach
  void open() {
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
    heads = new Heads(headstart.heads(), headstart.models());
  }

  @AfterEach
  void everyHandleIsClosed() {
    repository.close();
    repository.close();
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  /** Without base models, which take time to load. */
  private void serve(ServingListener listener) throws Exception {
    repository = headstart.repository(settings(null), listener);
    until(repository::ready);
    repository.unload("minilm");
    repository.unload("efficientnet-lite0");
    publish("steady", 1);
    until(() -> served("steady") != null);
    idle = OrtRuntime.openHandles();
  }

  private static ServingSettings settings(List<String> load) {
    ServingSettings defaults = ServingSettings.defaults();
    return new ServingSettings(
        load,
        List.of(Provider.CPU),
        Map.of(),
        2,
        defaults.queue(),
        defaults.maxBatch(),
        defaults.timeout(),
        Duration.ofMillis(2));
  }

  private static void until(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(1);
    }
  }

  /** A regression whose answer is 10·value·(sum of the features) + 3; see {@link Heads}. */
  private int publish(String head, float value) {
    return heads.publish(
        head,
        Task.REGRESSION,
        Modality.VECTOR,
        null,
        null,
        new long[] {WIDTH},
        List.of(),
        (outputs, width) -> new float[] {value, value, value});
  }

  private InferenceResult infer(String head, Integer version, int samples) throws Exception {
    float[] ones = new float[samples * WIDTH];
    java.util.Arrays.fill(ones, 1f);
    return repository
        .infer(
            new InferenceRequest(
                head,
                version,
                Map.of("features", Tensor.of(ones, samples, WIDTH)),
                List.of(),
                0,
                null))
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  private static float only(InferenceResult result) {
    return result.outputs().get("scores").floats()[0];
  }

  private Integer served(String head) {
    return repository.index().stream()
        .filter(s -> s.name().equals(head) && s.state() == ModelStatus.State.READY)
        .map(ModelStatus::version)
        .findFirst()
        .orElse(null);
  }

  @Test
  void anAnswerIsOfTheVersionThatItNamesWhateverSwapsMeanwhile() throws Exception {
    int versions = 5;
    for (int v = 1; v <= versions; v++) {
      assertEquals(v, publish("head", v));
    }
    AtomicInteger lives = new AtomicInteger();
    serve(
        new ServingListener() {
          @Override
          public void live(String model, int version) {
            lives.incrementAndGet();
          }
        });
    AtomicBoolean stop = new AtomicBoolean();
    ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    AtomicInteger answers = new AtomicInteger();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      int samples = 1 + t * 7;
      Thread caller =
          new Thread(
              () -> {
                while (!stop.get()) {
                  try {
                    InferenceResult result = infer("head", null, samples);
                    for (float score : result.outputs().get("scores").floats()) {
                      assertEquals(30f * result.version() + 3, score, 1e-3);
                    }
                    assertEquals(result.version(), result.head().version());
                    answers.incrementAndGet();
                  } catch (Exception | AssertionError e) {
                    wrong.add(e);
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (int i = 0; i < 60; i++) {
      int next = 1 + i % versions;
      headstart.heads().promote("head", next);
      if (i % 4 == 0) {
        until(() -> served("head") != null && served("head") == next);
      }
    }
    stop.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertEquals(List.of(), List.copyOf(wrong));
    System.out.println(answers + " answers while " + lives + " versions went live");
    assertTrue(lives.get() >= 15 && answers.get() > lives.get(), lives + ", " + answers);
    assertEquals(1, only(infer("head", 1, 1)) > 0 ? 1 : 0);
    until(() -> OrtRuntime.openHandles() <= idle + 1); // version 1, which was asked for
  }

  /**
   * By promotions and rollbacks, as people do it. The head's weights are 64 KiB and the first swaps
   * fill whatever is filled once, so that what a swap leaves behind adds up to more than the rest.
   * A swap takes some 25 ms, most of them the disk's; {@code -Dswaps=1000} for the long run.
   */
  @Test
  @Timeout(300)
  void swapsLeaveNothingBehind() throws Exception {
    int width = 4096;
    float[] ones = new float[width];
    java.util.Arrays.fill(ones, 1f);
    for (int v = 1; v <= 2; v++) {
      heads.vectors("head", Task.MULTI, width, List.of("a", "b", "c", "d"), v);
    }
    serve(ServingListener.NONE);
    Tensor features = Tensor.of(ones, 1, width);
    swap(100, features);
    Footprint before = Footprint.now();
    swap(SWAPS, features);
    Footprint after = Footprint.now();
    System.out.println(SWAPS + " swaps: " + before + ", then " + after);
    assertEquals(before.handles(), after.handles(), "native handles");
    assertTrue(after.heap() - before.heap() < 4 << 20, "heap");
    assertTrue(after.allocated() - before.allocated() < 12 << 20, "native memory");
    assertTrue(after.resident() - before.resident() < 48 << 20, "resident memory");
  }

  private void swap(int times, Tensor features) throws Exception {
    HeadStore store = headstart.heads();
    for (int i = 0; i < times; i++) {
      int next;
      if (i % 2 == 0) {
        store.promote("head", next = 3 - store.live("head").orElseThrow());
      } else {
        next = store.rollback("head");
      }
      until(() -> served("head") == next);
      if (i % 10 == 0) {
        repository
            .infer(
                new InferenceRequest(
                    "head", null, Map.of("features", features), List.of(), 0, null))
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void countsOfVersionsThatAreNotOpenAreLetGo() throws Exception {
    AtomicInteger answered = new AtomicInteger();
    publish("head", 1);
    serve(
        new ServingListener() {
          @Override
          public void succeeded(String model, long nanos) {
            answered.incrementAndGet();
          }
        });
    int versions = 30;
    for (int v = 1; v <= versions; v++) {
      int next = v == 1 ? 1 : publish("head", v);
      until(() -> served("head") != null && served("head") == next);
      infer("head", null, 1);
    }
    infer("head", 7, 1);
    assertEquals(
        List.of(7, versions),
        repository.statistics("head", null).stream().map(ModelStatistics::version).toList());
    assertEquals(versions + 1, answered.get());
    headstart.heads().remove("head");
    until(() -> repository.index().stream().noneMatch(s -> s.name().equals("head")));
    infer("steady", null, 1);
    assertEquals(
        List.of("steady"),
        repository.statistics(null, null).stream().map(ModelStatistics::name).toList());
  }

  /** A store whose heads of one name cannot be read before the latch opens. */
  private static HeadStore slow(HeadStore store, String head, CountDownLatch latch) {
    return (HeadStore)
        Proxy.newProxyInstance(
            HeadStore.class.getClassLoader(),
            new Class<?>[] {HeadStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().startsWith("load") && head.equals(arguments[0])) {
                latch.await();
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void whatIsSlowToOpenKeepsNobodyWaiting() throws Exception {
    publish("slow", 1);
    publish("head", 1);
    CountDownLatch latch = new CountDownLatch(1);
    repository =
        ModelRepository.open(
            headstart.models(),
            slow(headstart.heads(), "slow", latch),
            settings(List.of("slow", "head")),
            ServingListener.NONE);
    until(() -> served("head") != null);
    for (int v = 2; v <= 4; v++) {
      int next = publish("head", v);
      until(() -> served("head") == next);
    }
    assertEquals(false, repository.ready());
    headstart.heads().remove("slow"); // while it is being opened
    until(() -> repository.index().stream().noneMatch(s -> s.name().equals("slow")));
    latch.countDown();
    until(repository::ready);
  }

  @Test
  void aVersionThatOpensTooLateIsATimeoutAndLetGo() throws Exception {
    publish("head", 1);
    publish("head", 2);
    CountDownLatch latch = new CountDownLatch(1);
    repository =
        ModelRepository.open(
            headstart.models(),
            slow(headstart.heads(), "head", latch),
            settings(List.of("head")),
            ServingListener.NONE);
    until(() -> !repository.index().isEmpty());
    var late =
        assertThrows(
            ExecutionException.class,
            () ->
                repository
                    .infer(
                        new InferenceRequest(
                            "head",
                            1,
                            Map.of("features", Tensor.of(new float[WIDTH], 1, WIDTH)),
                            List.of(),
                            0,
                            Duration.ofMillis(40)))
                    .toCompletableFuture()
                    .get(20, TimeUnit.SECONDS));
    assertEquals(
        UnavailableException.Reason.TIMEOUT,
        ((UnavailableException) late.getCause()).reason(),
        late.toString());
    latch.countDown();
    until(() -> served("head") != null);
    assertEquals(1, infer("head", 1, 1).version());
  }

  @Test
  void aVersionThatWasRestoredIsServedAgain() throws Exception {
    publish("head", 1);
    Path model = headstart.heads().load("head", 1).model();
    byte[] sound = Files.readAllBytes(model);
    Files.write(model, new byte[] {1, 2, 3});
    serve(ServingListener.NONE);
    assertEquals(null, served("head"));
    Files.write(model, sound);
    until(() -> served("head") != null);
    assertEquals(33f, only(infer("head", null, 1)), 1e-3);
  }

  @Test
  void headsComeAndGo() throws Exception {
    serve(ServingListener.NONE);
    assertThrows(NotFoundException.class, () -> repository.metadata("late", null));
    publish("late", 2);
    until(() -> served("late") != null);
    assertEquals(63f, only(infer("late", null, 1)), 1e-3);
    assertEquals(1, repository.statistics("late", 1).get(0).inferences());
    headstart.heads().remove("late");
    until(() -> repository.index().stream().noneMatch(s -> s.name().equals("late")));
    var gone = assertThrows(ExecutionException.class, () -> infer("late", null, 1));
    assertTrue(gone.getCause() instanceof NotFoundException, gone.toString());
    until(() -> OrtRuntime.openHandles() == idle);
    publish("late", 3);
    until(() -> served("late") != null);
    assertEquals(2, infer("late", null, 1).version());
  }

  @Test
  void aDamagedVersionLeavesTheOldOneServing() throws Exception {
    publish("head", 1);
    serve(ServingListener.NONE);
    int second = publish("head", 2);
    until(() -> served("head") == second);
    int third = publish("other", 1);
    Path model = headstart.heads().load("head", 1).model();
    byte[] sound = Files.readAllBytes(model);
    Path live = model.resolve("../../live").normalize();
    Files.write(model, new byte[] {1, 2, 3});
    // As another process would: by a rename.
    Path next = Files.writeString(live.resolveSibling("next"), "1\n");
    Files.move(
        next,
        live,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    until(
        () ->
            repository.index().stream()
                .anyMatch(s -> s.name().equals("head") && s.reason() != null));
    ModelStatus damaged =
        repository.index().stream()
            .filter(s -> s.reason() != null && s.name().equals("head"))
            .findFirst()
            .orElseThrow();
    assertEquals(1, damaged.version());
    assertTrue(damaged.reason().contains("sha-256"), damaged.reason());
    assertEquals(2, infer("head", null, 1).version());
    assertThrows(dev.headstart.error.BadInputException.class, () -> repository.load("head"));
    Files.write(model, sound);
    repository.load("head");
    assertEquals(1, infer("head", null, 1).version());
    until(() -> repository.ready("other", third));
  }

  @Test
  void unloadingFreesAndLoadingBringsBack() throws Exception {
    publish("head", 1);
    publish("head", 2);
    serve(ServingListener.NONE);
    int loaded = OrtRuntime.openHandles();
    assertEquals(33f, only(infer("head", 1, 1)), 1e-3);
    repository.unload("head");
    until(() -> OrtRuntime.openHandles() == loaded - 1);
    assertEquals(false, repository.ready("head", null));
    for (Integer version : java.util.Arrays.asList(null, 1, 2)) {
      var refused = assertThrows(ExecutionException.class, () -> infer("head", version, 1));
      assertTrue(refused.getCause() instanceof UnavailableException, refused.toString());
    }
    repository.load("head");
    assertEquals(loaded, OrtRuntime.openHandles());
    assertEquals(2, infer("head", null, 1).version());
    assertThrows(NotFoundException.class, () -> repository.load("heed"));
    var none = assertThrows(ExecutionException.class, () -> infer("head", 7, 1));
    assertTrue(none.getCause() instanceof NotFoundException, none.toString());
    HeadStore store = headstart.heads();
    assertEquals(List.of(1, 2), repository.metadata("head", 1).versions());
    assertEquals(2, store.live("head").orElseThrow());
  }
}
