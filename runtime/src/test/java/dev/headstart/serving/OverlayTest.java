package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.backbone.Features;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.head.ClassMean;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What overlays do to all ways of asking heads. */
@Timeout(120)
class OverlayTest {
  private static final List<String> CLASSES = List.of("red", "green", "blue");

  @TempDir static Path folder;
  private static Headstart headstart;
  private static ModelRepository repository;
  private static int handles;
  private static final Map<String, Overlay> OVERLAYS = new ConcurrentHashMap<>();
  private static final Map<String, Overlays.Untrained> UNTRAINED = new ConcurrentHashMap<>();
  private static final Set<String> TAUGHT = ConcurrentHashMap.newKeySet();

  private static final class Fake implements Overlays {
    @Override
    public Set<String> heads() {
      return TAUGHT;
    }

    @Override
    public Optional<Untrained> untrained(String head) {
      return Optional.ofNullable(UNTRAINED.get(head));
    }

    @Override
    public Optional<Overlay> of(HeadManifest version) {
      return Optional.ofNullable(OVERLAYS.get(version.head()));
    }
  }

  @BeforeAll
  static void open() throws Exception {
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
    Heads heads = new Heads(headstart.heads(), headstart.models());
    heads.onBase("one", "minilm", Task.SINGLE, CLASSES, 1);
    heads.onBase("two", "minilm", Task.SINGLE, CLASSES, 2);
    heads.onBase("several", "minilm", Task.MULTI, CLASSES, 3);
    ServingSettings all = ServingSettings.defaults();
    repository =
        headstart.repository(
            new ServingSettings(
                List.of("one", "two", "several", "fresh", "minilm"),
                all.providers(),
                Map.of(),
                all.workers(),
                all.queue(),
                all.maxBatch(),
                all.timeout(),
                all.poll()),
            ServingListener.NONE);
    repository.follow(new Fake());
    while (!repository.ready()) {
      Thread.sleep(5);
    }
  }

  @AfterAll
  static void everyHandleIsClosed() {
    repository.close();
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static InferenceResult ask(String model, Integer version, String... texts)
      throws Exception {
    List<byte[]> bytes = Arrays.stream(texts).map(t -> t.getBytes(StandardCharsets.UTF_8)).toList();
    try {
      return repository
          .infer(
              new InferenceRequest(
                  model,
                  version,
                  Map.of("text", Tensor.strings(bytes, bytes.size())),
                  List.of(),
                  0,
                  null))
          .toCompletableFuture()
          .get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  private static float[] mean(String text) throws Exception {
    var base = headstart.models().get("minilm");
    try (FeatureSource source = repository.features(base, base.cut("auto"))) {
      Features features =
          source.of(new TextSample("t", text)).toCompletableFuture().get(30, TimeUnit.SECONDS);
      ClassMean mean = new ClassMean(384);
      mean.add(Pooling.pool(features.first()));
      return mean.direction();
    }
  }

  private static String text(InferenceResult result, String output, int sample) {
    return new String(result.outputs().get(output).strings().get(sample), StandardCharsets.UTF_8);
  }

  @Test
  void aGrownHeadIsTheSameWhicheverWayItIsAsked() throws Exception {
    String pump = "the pump leaks oil";
    float[] plain = ask("one", null, pump, "hello").outputs().get("scores").floats();
    OVERLAYS.put(
        "one",
        new Overlay(
            List.of("rot", "green", "blue", "pump"),
            new int[] {0, 1, 2, -1},
            new float[][] {mean("red"), mean("green"), mean("blue"), mean(pump)},
            30));
    repository.refresh("one");
    InferenceResult result = ask("one", null, pump, "hello");
    assertEquals("pump", text(result, "label", 0));
    assertEquals(List.of("rot", "green", "blue", "pump"), result.head().classes());
    float[] scores = result.outputs().get("scores").floats();
    assertEquals(8, scores.length);
    for (int i = 0; i < 2; i++) {
      double rest = 1 - scores[4 * i + 3];
      for (int c = 0; c < 3; c++) {
        assertEquals(rest * plain[3 * i + c], scores[4 * i + c], 1e-5);
      }
    }
    ModelMetadata metadata = repository.metadata("one", null);
    assertEquals(result.head().classes(), metadata.classes().get("scores"));
    assertEquals(4, metadata.outputs().get(0).shape()[1]);
    InferenceResult all = ask(AllHeads.nameOf("minilm"), null, pump, "hello");
    assertArrayEquals(scores, all.outputs().get("one.scores").floats(), 0f);
    assertEquals(6, all.outputs().get("two.scores").floats().length);
    List<InferenceResult> both =
        repository
            .inferAll(
                List.of("two", "one"),
                Map.of("text", Tensor.strings(List.of(pump.getBytes(StandardCharsets.UTF_8)), 1)),
                0,
                null)
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
    assertArrayEquals(
        Arrays.copyOf(scores, 4), both.get(1).outputs().get("scores").floats(), 1e-6f);
    assertArrayEquals(plain, ask("one", 1, pump, "hello").outputs().get("scores").floats(), 0f);
    assertEquals(CLASSES, repository.metadata("one", 1).classes().get("scores"));
    OVERLAYS.remove("one");
    repository.refresh("one");
    assertArrayEquals(plain, ask("one", null, pump, "hello").outputs().get("scores").floats(), 0f);
  }

  @Test
  void withSeveralLabelsTheScoresOfWhatStaysStay() throws Exception {
    float[] plain = ask("several", null, "hello").outputs().get("scores").floats();
    OVERLAYS.put(
        "several", new Overlay(List.of("green", "x\"y"), new int[] {1, 2}, new float[2][], 1));
    repository.refresh("several");
    InferenceResult result = ask("several", null, "hello");
    assertArrayEquals(
        new float[] {plain[1], plain[2]}, result.outputs().get("scores").floats(), 0f);
    String label = text(result, "label", 0);
    assertEquals(plain[2] >= 0.5f, label.contains("x\\\"y"), label);
    OVERLAYS.put("several", new Overlay(List.of(), new int[0], new float[0][], 1));
    repository.refresh("several");
    UnavailableException none =
        assertThrows(UnavailableException.class, () -> ask("several", null, "hello"));
    assertTrue(none.getMessage().contains("removed"), none.getMessage());
    assertArrayEquals(plain, ask("several", 1, "hello").outputs().get("scores").floats(), 0f);
    OVERLAYS.remove("several");
    repository.refresh("several");
    assertArrayEquals(plain, ask("several", null, "hello").outputs().get("scores").floats(), 0f);
  }

  @Test
  void aHeadWithoutAVersionComesAnswersBecomesOneAndGoes() throws Exception {
    assertThrows(NotFoundException.class, () -> ask("fresh", null, "hello"));
    TAUGHT.add("fresh");
    repository.refresh("fresh");
    assertThrows(UnavailableException.class, () -> ask("fresh", null, "hello"));
    var base = headstart.models().get("minilm");
    float[][] means = {mean("the pump leaks oil"), mean("a friendly greeting, hello")};
    UNTRAINED.put(
        "fresh",
        new Overlays.Untrained(
            base,
            base.cut("auto"),
            new Overlay(List.of("pump", "greeting"), new int[] {-1, -1}, means, 20)));
    repository.refresh("fresh");
    InferenceResult result = ask("fresh", null, "oil drips from a pump", "good day to you");
    assertEquals("pump", text(result, "label", 0));
    assertEquals("greeting", text(result, "label", 1));
    assertEquals(0, result.version());
    assertTrue(ask(AllHeads.nameOf("minilm"), null, "hello").outputs().containsKey("fresh.label"));
    assertEquals(List.of(), repository.metadata("fresh", null).versions());
    assertTrue(
        repository.index().stream()
            .anyMatch(s -> s.name().equals("fresh") && s.state() == ModelStatus.State.READY));
    new Heads(headstart.heads(), headstart.models())
        .onBase("fresh", "minilm", Task.SINGLE, CLASSES, 4);
    repository.refresh("fresh"); // which looks at once
    assertEquals(1, ask("fresh", null, "hello").version());
    headstart.heads().remove("fresh");
    TAUGHT.remove("fresh");
    repository.refresh("fresh");
    assertThrows(NotFoundException.class, () -> ask("fresh", null, "hello"));
  }
}
