package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.backbone.Backbone;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What models answer, against the models themselves run one sample at a time. */
class ModelRepositoryTest {
  private static final long SEED = Long.getLong("seed", 31);
  private static final List<String> COLOURS = List.of("rot", "grün", "\"blau\"");
  private static final List<String> TEXTS =
      List.of("the pump leaks", "a much longer report about the door of the office", "ok");

  @TempDir static Path folder;
  private static Headstart headstart;
  private static ModelRepository repository;
  private static int handles;

  @BeforeAll
  static void open() throws Exception {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
    Heads heads = new Heads(headstart.heads(), headstart.models());
    heads.vectors("vectors", Task.SINGLE, 5, COLOURS, SEED);
    heads.onBase("single", "minilm", Task.SINGLE, COLOURS, SEED + 1);
    heads.onBase("several", "minilm", Task.MULTI, COLOURS, SEED + 2);
    heads.onBase("number", "minilm", Task.REGRESSION, List.of(), SEED + 3);
    heads.onBase(
        "tokens", "minilm", "layer1", new long[] {-1, 384}, Task.SINGLE, COLOURS, SEED + 4);
    heads.onBase("pictures", "efficientnet-lite0", Task.SINGLE, COLOURS, SEED + 5);
    repository = headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
    while (!repository.ready()) {
      Thread.sleep(10);
    }
  }

  @AfterAll
  static void everyHandleIsClosed() {
    repository.close();
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static InferenceResult infer(String model, Map<String, Tensor> inputs, String... outputs)
      throws Exception {
    return repository
        .infer(new InferenceRequest(model, null, inputs, List.of(outputs), 0, null))
        .toCompletableFuture()
        .get(30, TimeUnit.SECONDS);
  }

  private static Tensor texts(List<String> texts) {
    List<byte[]> bytes = texts.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
    return Tensor.strings(bytes, bytes.size());
  }

  private static List<String> strings(Tensor tensor) {
    return tensor.strings().stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
  }

  @Test
  void aHeadAnswersAboutTextsAsItsPredictorDoes() throws Exception {
    for (String head : List.of("single", "several", "number", "tokens")) {
      InferenceResult result = infer(head, Map.of("text", texts(TEXTS)));
      List<Float> expected = new ArrayList<>();
      List<String> labels = new ArrayList<>();
      try (var predictor = headstart.predictor(head, null)) {
        for (String text : TEXTS) {
          var prediction = predictor.predict(new TextSample("text", text));
          if (prediction.value() != null) {
            expected.add(prediction.value().floatValue());
          } else {
            expected.addAll(prediction.scores().values());
            labels.add(
                prediction.label() != null
                    ? prediction.label()
                    : new com.fasterxml.jackson.databind.ObjectMapper()
                        .writeValueAsString(prediction.labels()));
          }
        }
      }
      float[] scores = result.outputs().get("scores").floats();
      assertEquals(expected.size(), scores.length);
      for (int i = 0; i < scores.length; i++) {
        assertEquals(expected.get(i), scores[i], 1e-5, head + " score " + i);
      }
      assertEquals(1, result.version());
      if (head.equals("number")) {
        assertEquals(List.of("scores"), List.copyOf(result.outputs().keySet()));
      } else {
        assertEquals(List.of("scores", "label"), List.copyOf(result.outputs().keySet()));
        assertEquals(labels, strings(result.outputs().get("label")));
      }
    }
  }

  @Test
  void theThreeWaysOfAskingAgree() throws Exception {
    try (var backbone =
        Backbone.open(
            headstart.models().get("minilm"),
            headstart.models().get("minilm").cut("pooled"),
            List.of(Provider.CPU))) {
      Map<String, Tensor> inputs = backbone.preprocess(new TextSample("t", TEXTS.get(1)));
      Tensor features = backbone.run(inputs).first();
      InferenceResult raw =
          infer("single", Map.of("text", texts(TEXTS.subList(1, 2))), "label", "features");
      InferenceResult tensors = infer("single", inputs, "features", "scores");
      assertEquals(List.of("label", "features"), List.copyOf(raw.outputs().keySet()));
      // All cores for a call, or one as in teaching: the same bits.
      assertArrayEquals(features.floats(), raw.outputs().get("features").floats());
      assertArrayEquals(features.floats(), tensors.outputs().get("features").floats());
      InferenceResult ready = infer("single", Map.of("features", features), "scores");
      assertArrayEquals(
          tensors.outputs().get("scores").floats(), ready.outputs().get("scores").floats(), 1e-5f);
    }
  }

  /** The head's features come out of the session that serves the base model. */
  @Test
  void aPicturesFeaturesAreThoseOfItsBackbone() throws Exception {
    var base = headstart.models().get("efficientnet-lite0");
    float[] pixels = new float[3 * 224 * 224];
    java.util.Random random = new java.util.Random(SEED);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    Map<String, Tensor> inputs = Map.of("pixels", Tensor.of(pixels, 1, 3, 224, 224));
    try (var backbone = Backbone.open(base, base.cut("pooled"), List.of(Provider.CPU))) {
      assertArrayEquals(
          backbone.run(inputs).first().floats(),
          infer("pictures", inputs, "features").outputs().get("features").floats(),
          1e-6f);
    }
  }

  @Test
  void allHeadsOfABaseAnswerAtOnce() throws Exception {
    Map<String, Tensor> inputs = Map.of("text", texts(TEXTS));
    InferenceResult all = infer("heads@minilm", inputs);
    for (String head : List.of("single", "several", "number", "tokens")) {
      InferenceResult one = infer(head, inputs);
      one.outputs()
          .forEach(
              (name, tensor) -> assertEquals(tensor, all.outputs().get(head + "." + name), head));
    }
    var several =
        repository
            .inferAll(List.of("tokens", "single"), inputs, 0, null)
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
    assertEquals(List.of("tokens", "single"), several.stream().map(r -> r.model()).toList());
    assertEquals(infer("tokens", inputs).outputs(), several.get(0).outputs());
  }

  @Test
  void aBaseModelGivesItsOwnOutputs() throws Exception {
    float[] pixels = new float[2 * 3 * 224 * 224];
    java.util.Random random = new java.util.Random(SEED);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    Map<String, Tensor> inputs = Map.of("pixels", Tensor.of(pixels, 2, 3, 224, 224));
    InferenceResult result = infer("efficientnet-lite0", inputs);
    Tensor logits = result.outputs().get("logits");
    assertArrayEquals(new long[] {2, 1000}, logits.shape());
    try (var session =
        InferenceSession.open(
            headstart.models().get("efficientnet-lite0").model(), SessionSettings.cpu(1))) {
      float[] expected = session.run(inputs).get("logits").floats();
      assertArrayEquals(expected, logits.floats(), 1e-4f);
    }
    ModelMetadata metadata = repository.metadata("efficientnet-lite0", null);
    assertEquals(1000, metadata.classes().get("logits").size());
    assertEquals(64, metadata.maxBatch());
  }

  @Test
  void everyModelIsListedAndReady() {
    assertEquals(
        List.of(
            "efficientnet-lite0",
            "minilm",
            "number",
            "pictures",
            "several",
            "single",
            "tokens",
            "vectors",
            "heads@efficientnet-lite0",
            "heads@minilm"),
        repository.index().stream().map(ModelStatus::name).toList());
    assertTrue(
        repository.index().stream().allMatch(s -> s.state() == ModelStatus.State.READY),
        repository.index().toString());
    assertEquals(
        List.of("sample", "tensors", "features"),
        repository.metadata("pictures", null).forms().stream().map(InputForm::name).toList());
    assertEquals(
        List.of("features"),
        repository.metadata("vectors", 1).forms().stream().map(InputForm::name).toList());
  }

  @Test
  void whatWasDoneIsCounted() throws Exception {
    ModelStatistics before = statistics();
    infer("vectors", Map.of("features", Tensor.zeros(ElementType.FLOAT, 3, 5)));
    infer("vectors", Map.of("features", Tensor.zeros(ElementType.FLOAT, 1, 5)));
    assertThrows(
        ExecutionException.class,
        () -> infer("vectors", Map.of("features", Tensor.zeros(ElementType.FLOAT, 1, 4))));
    ModelStatistics after = statistics();
    assertEquals(5, after.inferences() - before.inferences());
    assertEquals(3, after.executions() - before.executions());
    assertEquals(3, after.success().count() - before.success().count());
    assertEquals(1, after.fail().count() - before.fail().count());
    assertEquals(List.of(1, 3), after.batches().stream().map(b -> b.size()).toList());
    assertTrue(after.success().nanos() >= after.computeInfer().nanos(), after.toString());
    assertEquals(0, repository.queued("vectors"));
    assertEquals(
        List.of(), repository.statistics(null, 2), "no version 2 of any model was asked for");
  }

  @Test
  void whatAnswersHasStatisticsEvenIfNobodyAskedIt() {
    assertEquals(
        repository.index().stream().map(ModelStatus::name).sorted().toList(),
        repository.statistics(null, null).stream()
            .map(ModelStatistics::name)
            .distinct()
            .sorted()
            .toList());
    assertEquals(1, repository.statistics("heads@efficientnet-lite0", null).size());
    assertThrows(NotFoundException.class, () -> repository.statistics("heads@nothing", null));
  }

  private static ModelStatistics statistics() throws Exception {
    infer("vectors", Map.of("features", Tensor.zeros(ElementType.FLOAT, 1, 5)));
    return repository.statistics("vectors", 1).get(0);
  }

  @Test
  void aRequestThatTakesTooLongIsToldSo() {
    List<String> many = Collections.nCopies(64, "a text to wait for ".repeat(50));
    var late =
        assertThrows(
            ExecutionException.class,
            () ->
                repository
                    .infer(
                        new InferenceRequest(
                            "single",
                            null,
                            Map.of("text", texts(many)),
                            List.of(),
                            0,
                            Duration.ofMillis(5)))
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS));
    var reason = assertInstanceOf(UnavailableException.class, late.getCause()).reason();
    assertEquals(UnavailableException.Reason.TIMEOUT, reason);
  }
}
