package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
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

/** Training that begins from the live version's weights. */
class WarmStartTest {
  private static final long SEED = Long.getLong("seed", 21);
  private static final int WIDTH = 6;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Headstart headstart;

  @BeforeEach
  void open() {
    System.out.println("seed " + SEED);
    headstart = Headstart.open(folder.resolve("workspace"));
  }

  @AfterEach
  void close() {
    headstart.close();
  }

  private Path data(int rows, String... classes) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < rows; row++) {
      String label = classes[row % classes.length];
      int hot = label.charAt(0) % WIDTH;
      lines.append("{\"features\": [");
      for (int i = 0; i < WIDTH; i++) {
        double value = random.nextGaussian() + (i == hot ? 3 : 0);
        lines.append(String.format(Locale.ROOT, "%s%.4f", i == 0 ? "" : ", ", value));
      }
      lines.append("], \"label\": ");
      lines.append(label.matches("-?\\d.*") ? label : "\"" + label + "\"").append("}\n");
    }
    return Files.writeString(folder.resolve(random.nextInt(1 << 30) + ".jsonl"), lines);
  }

  private TeachResult teach(Path data, RecipeOptions recipe) {
    return headstart.teach(
        new TeachRequest("it", data, null, "auto", recipe, TeachRequest.Promotion.ALWAYS),
        TrainingListener.NONE);
  }

  /** So slow that what comes out is what went in. */
  private static RecipeOptions still(String kind) {
    return RecipeOptions.of(HeadKind.parse(kind))
        .with(RecipeOptions.OptimizerOptions.rate(1e-12))
        .with(RecipeOptions.Passes.of(1, null))
        .with(RecipeOptions.FineTuning.NONE.warm());
  }

  private Map<String, Tensor> weights(int version, String file) {
    Path model = headstart.heads().load("it", version).folder().resolve(file);
    return OnnxModel.read(model).initializers();
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:5"})
  void knownClassesKeepTheirRowsAndNewOnesBeginAtZero(String kind) throws IOException {
    teach(data(60, "b", "d"), RecipeOptions.of(HeadKind.parse(kind)));
    var taught = teach(data(90, "a", "b", "d"), still(kind));
    assertEquals(List.of("b", "d", "a"), taught.classes());
    assertTrue(taught.recipe().warmStart());
    Map<String, Tensor> before = weights(1, HeadStore.JUDGED);
    Map<String, Tensor> after = new HashMap<>(weights(2, HeadStore.MODEL));
    before.forEach(
        (name, tensor) -> {
          float[] expected = tensor.floats();
          float[] actual = after.remove(name).floats();
          if (name.startsWith("output")) {
            expected = Arrays.copyOf(expected, expected.length / 2 * 3);
          }
          assertArrayEquals(expected, actual, 1e-6f, name);
        });
    assertEquals(Set.of("logits.temperature"), after.keySet(), "what serves has one more");
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:5"})
  void knownClassesWithoutSamplesStay(String kind) throws IOException {
    teach(data(90, "a", "b", "d"), RecipeOptions.of(HeadKind.parse(kind)));
    var taught = teach(data(60, "a", "c"), still(kind));
    assertEquals(List.of("a", "b", "d", "c"), taught.classes());
    Map<String, Tensor> before = weights(1, HeadStore.JUDGED);
    Map<String, Tensor> after = weights(2, HeadStore.MODEL);
    for (String name : List.of("output.weight", "output.bias")) {
      float[] expected = before.get(name).floats();
      assertArrayEquals(
          Arrays.copyOf(expected, expected.length / 3 * 4), after.get(name).floats(), 1e-6f, name);
    }
  }

  @Test
  void aVersionThatLostClassesDoesNotGoLiveByItself() throws IOException {
    teach(data(90, "a", "b", "d"), RecipeOptions.DEFAULTS);
    TeachResult fewer =
        headstart.teach(
            new TeachRequest(
                "it",
                data(60, "a", "b"),
                null,
                "auto",
                RecipeOptions.DEFAULTS,
                TeachRequest.Promotion.IF_NOT_WORSE),
            TrainingListener.NONE);
    assertFalse(fewer.promoted());
    assertTrue(fewer.reason().contains("[d]"), fewer.reason());
  }

  @Test
  void aRegressionKeepsItsUnits() throws IOException {
    teach(data(60, "1.5", "2.5", "9.25"), RecipeOptions.of(HeadKind.parse("linear")));
    teach(data(60, "100", "200", "400"), still("linear"));
    Map<String, Tensor> before = weights(1, HeadStore.JUDGED);
    Map<String, Tensor> after = weights(2, HeadStore.MODEL);
    assertEquals(before.get("target.mean"), after.get("target.mean"));
    assertEquals(before.get("target.deviation"), after.get("target.deviation"));
    assertArrayEquals(
        before.get("output.weight").floats(), after.get("output.weight").floats(), 1e-6f);
  }

  @Test
  void whatItHasSeenDoesNotJudgeIt() throws IOException {
    Path first = data(10, "b", "d");
    RecipeOptions all =
        RecipeOptions.DEFAULTS
            .with(RecipeOptions.Passes.of(2, null))
            .with(new RecipeOptions.Judging(0.0, null, null));
    teach(first, all);
    Path more = data(10, "b", "d");
    Files.writeString(more, Files.readString(first), java.nio.file.StandardOpenOption.APPEND);
    var warm = teach(more, still("linear"));
    assertEquals(20, warm.samples().train() + warm.samples().validation());
    var cold = teach(first, still("linear"));
    assertEquals(0, cold.samples().validation(), "all have trained");
  }

  @Test
  void whatDoesNotFitIsRefused() throws IOException {
    Path data = data(30, "b", "d");
    UsageException none = assertThrows(UsageException.class, () -> teach(data, still("linear")));
    assertTrue(none.getMessage().contains("no version"), none.getMessage());
    teach(data, RecipeOptions.of(HeadKind.parse("mlp:4")));
    UsageException kind = assertThrows(UsageException.class, () -> teach(data, still("linear")));
    assertTrue(kind.getMessage().contains("kind is mlp:4"), kind.getMessage());
    UsageException prototype =
        assertThrows(UsageException.class, () -> teach(data, still("prototype")));
    assertTrue(prototype.getMessage().contains("prototype"), prototype.getMessage());
    assertEquals(List.of(1), headstart.heads().versions("it"));
  }
}
