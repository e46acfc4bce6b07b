package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.artifact.Loss;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadKind;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.ort.SessionSettings;
import dev.headstart.predict.Prediction;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.Split;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachRequest.Promotion;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Teaching and predicting from end to end, on text, which is quick. */
class HeadstartTest {
  private static final long SEED = Long.getLong("seed", 21);

  @TempDir Path folder;
  private Headstart headstart;
  private int handles;

  @BeforeEach
  void open() {
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
  }

  @AfterEach
  void everyHandleIsClosed() {
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static final String[] PUMPS = {
    "pump", "valve", "seal", "hose", "tank", "filter", "gasket"
  };
  private static final String[] FAULTS = {"leaks", "drips oil", "is cracked", "is worn", "hisses"};
  private static final String[] ROOMS = {
    "office", "lobby", "kitchen", "printer", "desk", "lamp", "door"
  };
  private static final String[] WISHES = {
    "needs paint", "is booked", "is new", "was moved", "looks nice"
  };

  /** Reports of two kinds, {@code count} of each, different for each {@code from}. */
  private Path reports(String name, int from, int count) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = from; i < from + count; i++) {
      lines.append(line(PUMPS, FAULTS, i, "repair"));
      lines.append(line(ROOMS, WISHES, i, "other"));
    }
    return Files.writeString(folder.resolve(name), lines);
  }

  private static String line(String[] things, String[] states, int i, String label) {
    return String.format(
        "{\"text\": \"The %s on line %d %s.\", \"label\": \"%s\"}%n",
        things[i % things.length], i, states[i % states.length], label);
  }

  private static TeachRequest request(Path data, String kind, Promotion promotion) {
    return new TeachRequest(
        "reports", data, null, "auto", RecipeOptions.of(HeadKind.parse(kind)), promotion);
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:16", "prototype"})
  void teachesPredictsEvaluatesAndExports(String kind) throws IOException {
    TeachResult taught =
        headstart.teach(
            request(reports("train.jsonl", 0, 20), kind, Promotion.IF_NOT_WORSE),
            TrainingListener.NONE);
    assertEquals(1, taught.version());
    assertTrue(taught.promoted());
    assertEquals(List.of("other", "repair"), taught.classes());
    assertEquals("minilm", taught.base());
    assertEquals("pooled", taught.cut());
    assertEquals(32, taught.samples().train());
    assertEquals(8, taught.samples().validation());
    assertTrue(taught.validation().accuracy() > 0.8, taught.validation().toString());

    Path test = reports("test.jsonl", 40, 20);
    var evaluation = headstart.evaluate("reports", null, test, TrainingListener.NONE);
    assertEquals(40, evaluation.samples());
    assertTrue(evaluation.metrics().accuracy() > 0.85, evaluation.metrics().toString());

    TextSample sample = new TextSample("text", "The oil pump leaks badly.");
    try (var predictor = headstart.predictor("reports", null)) {
      Prediction prediction = predictor.predict(sample);
      assertEquals("repair", prediction.label());
      assertEquals(1, prediction.scores().values().stream().mapToDouble(f -> f).sum(), 1e-5);
      assertFusedScoresAreTheSame(sample, prediction);
      assertThrows(
          BadInputException.class,
          () -> predictor.predict(new VectorSample("v", new float[] {1, 2})));
    }
  }

  private void assertFusedScoresAreTheSame(TextSample sample, Prediction prediction) {
    OnnxModel fused = headstart.fused("reports", null);
    assertEquals("[\"other\",\"repair\"]", fused.metadata().get("headstart.classes"));
    BaseModel base = headstart.models().get("minilm");
    try (var session = InferenceSession.open(fused, SessionSettings.cpu(1));
        var preprocessor = base.preprocessor()) {
      float[] scores = session.run(preprocessor.apply(sample)).get("scores").floats();
      assertEquals(prediction.scores().get("other"), scores[0], 1e-5);
      assertEquals(prediction.scores().get("repair"), scores[1], 1e-5);
    }
  }

  @Test
  void theSecondTimeTheBackboneDoesNotRun() throws IOException {
    Path data = reports("train.jsonl", 0, 10);
    TeachResult first =
        headstart.teach(request(data, "linear", Promotion.ALWAYS), TrainingListener.NONE);
    assertEquals(20, first.computed());
    TeachResult again =
        headstart.teach(request(data, "mlp:8", Promotion.ALWAYS), TrainingListener.NONE);
    assertEquals(0, again.computed(), "samples through the backbone the second time");
    assertEquals(2, again.version());
  }

  @Test
  void theSameSeedGivesTheSameVersionBitForBit() throws IOException {
    Path data = reports("train.jsonl", 0, 12);
    byte[][] models = new byte[2][];
    for (int i = 0; i < 2; i++) {
      int version =
          headstart
              .teach(request(data, "mlp:8", Promotion.ALWAYS), TrainingListener.NONE)
              .version();
      models[i] = Files.readAllBytes(headstart.heads().load("reports", version).model());
    }
    assertArrayEquals(models[0], models[1]);
  }

  /** The same reports, but every sample that trains (and none that judges) has the wrong label. */
  private Path mislabelled(Path data) throws IOException {
    List<String> lines = Files.readAllLines(data);
    List<String> digests =
        lines.stream().map(l -> new TextSample("l", l.split("\"")[3]).sha256()).toList();
    int[] strata = lines.stream().mapToInt(l -> l.contains("\"other\"") ? 0 : 1).toArray();
    Split split = Split.of("reports", digests, strata, 0.2, Set.of());
    StringBuilder wrong = new StringBuilder();
    for (int row = 0; row < lines.size(); row++) {
      int line = row;
      boolean judges = Arrays.stream(split.validation()).anyMatch(r -> r == line);
      String other = strata[row] == 0 ? "repair" : "other";
      String[] parts = lines.get(row).split("\"");
      parts[7] = judges ? parts[7] : other;
      wrong.append(String.join("\"", parts)).append('\n');
    }
    return Files.writeString(folder.resolve("mislabelled.jsonl"), wrong);
  }

  @Test
  void aWorseVersionDoesNotGoLive() throws IOException {
    Path data = reports("train.jsonl", 0, 20);
    headstart.teach(request(data, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    TeachResult worse =
        headstart.teach(
            request(mislabelled(data), "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    assertFalse(worse.promoted(), worse.reason());
    assertTrue(worse.reason().contains("is worse than"), worse.reason());
    assertEquals(1, headstart.heads().live("reports").orElseThrow());
    assertEquals(List.of(1, 2), headstart.heads().versions("reports"));
    TeachResult better =
        headstart.teach(request(data, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    assertTrue(better.promoted(), better.reason());
    assertEquals(3, headstart.heads().live("reports").orElseThrow());
  }

  /** Without memory of what the live version trained on, nothing may claim to compare fairly. */
  @Test
  void aVersionOfUnknownSamplesIsNotCompared() throws IOException {
    Path data = reports("train.jsonl", 0, 20);
    headstart.teach(request(data, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    headstart.close();
    try (var files = Files.list(folder.resolve("workspace"))) {
      for (Path file : files.filter(f -> f.toString().contains("headstart.db")).toList()) {
        Files.delete(file);
      }
    }
    headstart = Headstart.open(folder.resolve("workspace"));
    TeachResult taught =
        headstart.teach(request(data, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    assertFalse(taught.promoted(), taught.reason());
    assertTrue(taught.reason().contains("not known"), taught.reason());
  }

  /** The live version stands on another cut: its features are fetched for the comparison. */
  @Test
  void versionsOnDifferentCutsAreCompared() throws IOException {
    Path data = reports("train.jsonl", 0, 15);
    headstart.teach(
        new TeachRequest("reports", data, null, "layer3", RecipeOptions.DEFAULTS, Promotion.ALWAYS),
        TrainingListener.NONE);
    TeachResult taught =
        headstart.teach(request(data, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    assertTrue(taught.reason().contains("samples that neither trained on"), taught.reason());
  }

  @Test
  void dataOfNothingButJudgesIsRefused() throws IOException {
    StringBuilder csv = new StringBuilder("a,b,label\n");
    for (int i = 0; i < 10; i++) {
      csv.append(i).append(',').append(i * i).append(',').append(3 * i).append('\n');
    }
    Path data = Files.writeString(folder.resolve("numbers.csv"), csv);
    RecipeOptions regression = RecipeOptions.DEFAULTS.with(dev.headstart.sample.Task.REGRESSION);
    TeachRequest request =
        new TeachRequest("numbers", data, null, "auto", regression, Promotion.ALWAYS);
    headstart.teach(request, TrainingListener.NONE);
    List<String> lines = csv.toString().lines().toList();
    List<String> digests =
        lines.stream()
            .skip(1)
            .map(l -> l.split(","))
            .map(
                c ->
                    new VectorSample(
                            "v", new float[] {Float.parseFloat(c[0]), Float.parseFloat(c[1])})
                        .sha256())
            .toList();
    Split split = Split.of("numbers", digests, new int[10], 0.2, Set.of());
    StringBuilder judges = new StringBuilder("a,b,label\n");
    for (int row : split.validation()) {
      judges.append(lines.get(row + 1)).append('\n');
    }
    Files.writeString(data, judges);
    var error =
        assertThrows(
            BadInputException.class, () -> headstart.teach(request, TrainingListener.NONE));
    assertTrue(error.getMessage().contains("has judged"), error.getMessage());
  }

  @Test
  void newClassesAreAppended() throws IOException {
    headstart.teach(
        request(reports("two.jsonl", 0, 8), "linear", Promotion.ALWAYS), TrainingListener.NONE);
    Path three = reports("three.jsonl", 0, 8);
    StringBuilder more = new StringBuilder(Files.readString(three));
    for (int i = 0; i < 8; i++) {
      more.append("{\"text\": \"Lunch menu number " + i + ": soup\", \"label\": \"food\"}\n");
    }
    Files.writeString(three, more);
    TeachResult taught =
        headstart.teach(request(three, "linear", Promotion.ALWAYS), TrainingListener.NONE);
    assertEquals(List.of("other", "repair", "food"), taught.classes());
  }

  @Test
  void headsOnOtherCutsWork() throws IOException {
    Path data = reports("train.jsonl", 0, 10);
    TeachResult taught =
        headstart.teach(
            new TeachRequest(
                "reports", data, "minilm", "layer3", RecipeOptions.DEFAULTS, Promotion.ALWAYS),
            TrainingListener.NONE);
    assertEquals("layer3", taught.cut());
    TextSample sample = new TextSample("text", "The oil pump leaks badly.");
    try (var predictor = headstart.predictor("reports", null)) {
      assertFusedScoresAreTheSame(sample, predictor.predict(sample));
    }
    var error =
        assertThrows(
            NotFoundException.class,
            () ->
                headstart.teach(
                    new TeachRequest(
                        "reports",
                        data,
                        "minilm",
                        "poled",
                        RecipeOptions.DEFAULTS,
                        Promotion.ALWAYS),
                    TrainingListener.NONE));
    assertTrue(error.getMessage().contains("pooled"), error.getMessage());
  }

  @Test
  void featureVectorsNeedNoBase() throws IOException {
    Random random = new Random(SEED);
    System.out.println("seed " + SEED);
    StringBuilder csv = new StringBuilder("temperature,pressure,label\n");
    for (int i = 0; i < 60; i++) {
      boolean hot = i % 2 == 0;
      csv.append(
          String.format(
              Locale.ROOT,
              "%.2f,%.1f,%s%n",
              (hot ? 80 : 40) + 5 * random.nextGaussian(),
              100000 + 50 * random.nextGaussian(),
              hot ? "hot" : "cold"));
    }
    Path data = Files.writeString(folder.resolve("sensor.csv"), csv);
    TeachResult taught =
        headstart.teach(request(data, "linear", Promotion.ALWAYS), TrainingListener.NONE);
    assertNull(taught.base());
    assertNull(taught.cut());
    assertTrue(taught.validation().accuracy() > 0.9, taught.validation().toString());
    try (var predictor = headstart.predictor("reports", null)) {
      assertEquals(
          "hot", predictor.predict(new VectorSample("v", new float[] {85, 100000})).label());
    }
    float[] scores;
    try (var session =
        InferenceSession.open(headstart.fused("reports", null), SessionSettings.cpu(1))) {
      scores =
          session
              .run(Map.of("features", Tensor.of(new float[] {85, 100000}, 1, 2)))
              .get("scores")
              .floats();
    }
    assertTrue(scores[1] > 0.5);
  }

  /** A table's columns have names: another order of them is the same data, others are refused. */
  @Test
  void columnsAreKnownByTheirNames() throws IOException {
    StringBuilder one = new StringBuilder("a,b,label\n");
    StringBuilder swapped = new StringBuilder("label,b,a\n");
    for (int i = 0; i < 40; i++) {
      String label = i % 2 == 0 ? "even" : "odd";
      one.append(i % 2).append(',').append(i).append(',').append(label).append('\n');
      swapped.append(label).append(',').append(i).append(',').append(i % 2).append('\n');
    }
    Path taught = Files.writeString(folder.resolve("one.csv"), one);
    Path other = Files.writeString(folder.resolve("swapped.csv"), swapped);
    headstart.teach(request(taught, "linear", Promotion.ALWAYS), TrainingListener.NONE);
    assertEquals(
        1.0,
        headstart.evaluate("reports", null, other, TrainingListener.NONE).metrics().accuracy());
    TeachResult again =
        headstart.teach(request(other, "linear", Promotion.IF_NOT_WORSE), TrainingListener.NONE);
    assertTrue(again.promoted(), again.reason());
    assertEquals(List.of("a", "b"), again.manifest().columns());
    Path foreign =
        Files.writeString(folder.resolve("c.csv"), one.toString().replace("b,label", "c,label"));
    var error =
        assertThrows(
            BadInputException.class,
            () -> headstart.evaluate("reports", null, foreign, TrainingListener.NONE));
    assertTrue(error.getMessage().contains("missing: b; not known: c"), error.getMessage());
  }

  /** Labels with fractions are measurements; both losses of regression learn them. */
  @Test
  void tablesOfNumbersAreRegressions() throws IOException {
    StringBuilder csv = new StringBuilder("a,b,label\n");
    Random random = new Random(SEED);
    for (int i = 0; i < 120; i++) {
      double a = random.nextGaussian();
      double b = random.nextGaussian();
      csv.append(String.format(Locale.ROOT, "%.3f,%.3f,%.3f%n", a, b, 100 + 20 * a - 5 * b));
    }
    Path data = Files.writeString(folder.resolve("numbers.csv"), csv);
    for (Loss loss : List.of(Loss.MSE, Loss.L1)) {
      RecipeOptions options =
          RecipeOptions.DEFAULTS
              .with(new RecipeOptions.LossOptions(loss, null, null))
              .with(RecipeOptions.Passes.of(100, null));
      TeachResult taught =
          headstart.teach(
              new TeachRequest(loss.toString(), data, null, "auto", options, Promotion.ALWAYS),
              TrainingListener.NONE);
      assertTrue(taught.validation().r2() > 0.98, taught.validation().toString());
      try (var predictor = headstart.predictor(loss.toString(), null)) {
        double value = predictor.predict(new VectorSample("v", new float[] {1, 1})).value();
        assertEquals(115, value, 4);
      }
    }
  }

  /** The same text alone, among others, twice at once: bit for bit the same features. */
  @Test
  void featuresDoNotDependOnNeighbours() throws IOException {
    BaseModel base = headstart.models().get("minilm");
    try (Backbone backbone = Backbone.open(base, base.cut("auto"), List.of(Provider.CPU))) {
      var samples =
          java.util.stream.IntStream.range(0, 24)
              .mapToObj(i -> new TextSample("t" + i, "word ".repeat(i + 1) + "pump " + i))
              .toList();
      float[][] together = new float[24][];
      try (var extractor =
          new dev.headstart.backbone.FeatureExtractor(
              backbone, dev.headstart.backbone.FeatureStore.NONE)) {
        extractor.extract(
            samples,
            new dev.headstart.backbone.FeatureExtractor.Sink() {
              @Override
              public void features(int index, dev.headstart.backbone.Features features) {
                together[index] = features.first().floats();
              }

              @Override
              public void unreadable(int index, String reason) {
                throw new AssertionError(reason);
              }
            });
      }
      for (int i = 0; i < 24; i++) {
        float[] alone = backbone.run(backbone.preprocess(samples.get(i))).first().floats();
        assertArrayEquals(alone, together[i], "text " + i);
      }
    }
  }
}
