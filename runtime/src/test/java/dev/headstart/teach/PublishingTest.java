package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Training;
import dev.headstart.backbone.BaseModels;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.workspace.Workspace;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What happens at the very moment at which a run publishes its version. */
@Timeout(60)
class PublishingTest {
  private static final long SEED = Long.getLong("seed", 11);
  private static final String HEAD = "parts";
  private static final int WIDTH = 4;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Workspace workspace;
  private ModelRepository repository;
  private Teaching teaching;

  /** Runs before a method of the head store, on the thread that calls it. */
  private volatile Consumer<String> before = method -> {};

  @BeforeEach
  void open() {
    Training.require();
    System.out.println("seed " + SEED);
    workspace = Workspace.open(folder.resolve("workspace"));
    BaseModels models = new BaseModels(workspace.models());
    repository =
        ModelRepository.open(
            models, workspace.heads(), ServingSettings.defaults(), ServingListener.NONE);
    teaching =
        Teaching.open(
            new TeachingStores(
                workspace.samples(),
                workspace.runLog(),
                workspace.runs(),
                watched(workspace.heads()),
                models,
                workspace.features()),
            repository,
            TeachingSettings.defaults(),
            "test");
  }

  private HeadStore watched(HeadStore real) {
    return (HeadStore)
        Proxy.newProxyInstance(
            HeadStore.class.getClassLoader(),
            new Class<?>[] {HeadStore.class},
            (proxy, method, args) -> {
              before.accept(method.getName());
              try {
                return method.invoke(real, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @AfterEach
  void close() {
    if (teaching != null) {
      teaching.close();
      repository.close();
      workspace.close();
    }
  }

  private List<String> add(int count) throws Exception {
    List<NewSample> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      samples.add(
          NewSamples.vector(NewSamples.around(random, WIDTH, i % 2, 6, 1), i % 2 == 0 ? "a" : "b"));
    }
    List<String> ids =
        teaching.add(HEAD, HeadDraft.of(HEAD), samples).stream()
            .map(added -> added.sample().id())
            .toList();
    while (!teaching.settled()) {
      Thread.sleep(1);
    }
    return ids;
  }

  private Run taught() throws Exception {
    JsonNode recipe = new ObjectMapper().readTree("{\"epochs\": 3, \"promote\": \"always\"}");
    Run run = teaching.runs().submit(HEAD, recipe, Run.Cause.REQUEST);
    CountDownLatch end = new CountDownLatch(1);
    teaching.runs().follow(HEAD, run.id(), -1, event -> {}, end::countDown);
    assertTrue(end.await(50, TimeUnit.SECONDS));
    run = teaching.runs().get(HEAD, run.id()).run();
    assertEquals(Run.State.DONE, run.state(), run.reason());
    return run;
  }

  private static boolean trains() {
    return Thread.currentThread().getName().equals("headstart-training");
  }

  @Test
  void whoDeletesMeanwhileWaitsAndTheVersionIsMarked() throws Exception {
    List<String> ids = add(20);
    CountDownLatch deleted = new CountDownLatch(1);
    List<Boolean> early = Collections.synchronizedList(new ArrayList<>());
    before =
        method -> {
          if (method.equals("publish") && trains()) {
            new Thread(
                    () -> {
                      teaching.delete(HEAD, ids.subList(0, 1));
                      deleted.countDown();
                    })
                .start();
            try {
              early.add(deleted.await(200, TimeUnit.MILLISECONDS));
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    Run run = taught();
    assertTrue(deleted.await(50, TimeUnit.SECONDS));
    assertEquals(List.of(false), early, "it was acknowledged before the version was there");
    assertEquals(20, run.samples());
    assertEquals(1, teaching.versions().get(HEAD, run.version()).forgotten());
    assertFalse(workspace.runs().trainedOn(HEAD, run.version()).contains(ids.get(0)));
    before = method -> {};
    Run next = taught();
    assertEquals(19, next.samples());
    assertEquals(0, teaching.versions().get(HEAD, next.version()).forgotten());
  }

  /** By another process, of which this one hears nothing: only the look under the lock is left. */
  @Test
  void whatIsDeletedJustBeforeIsNotLearned() throws Exception {
    List<String> ids = add(20);
    CountDownLatch once = new CountDownLatch(1);
    before =
        method -> {
          if (method.equals("deciding") && trains() && once.getCount() > 0) {
            once.countDown();
            workspace.samples().delete(HEAD, ids.subList(0, 1));
          }
        };
    Run run = taught();
    assertEquals(0, once.getCount());
    assertEquals(19, run.samples());
    assertEquals(1, run.version());
    assertEquals(0, teaching.versions().get(HEAD, 1).forgotten());
    assertFalse(workspace.runs().members(HEAD, 1).contains(ids.get(0)));
  }

  @Test
  void whoHearsOfTheEndIsAnsweredByTheNewVersion() throws Exception {
    add(20);
    List<String> answered = Collections.synchronizedList(new ArrayList<>());
    teaching
        .events()
        .subscribe(
            event -> {
              boolean done = event.type().equals("run") && "done".equals(event.data().get("state"));
              if (done || event.type().equals("version")) {
                answered.add(event.data().get("version") + " by " + answers());
              }
            });
    for (int i = 0; i < 3; i++) {
      taught();
    }
    teaching.close(); // what comes after the end has been told
    assertEquals(List.of("1 by 1", "1 by 1", "2 by 2", "2 by 2", "3 by 3", "3 by 3"), answered);
  }

  /** The version that answers now. */
  private int answers() {
    try {
      return repository
          .infer(
              new InferenceRequest(
                  HEAD,
                  null,
                  Map.of("features", Tensor.of(new float[WIDTH], 1, WIDTH)),
                  List.of(),
                  0,
                  null))
          .toCompletableFuture()
          .get(20, TimeUnit.SECONDS)
          .version();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
