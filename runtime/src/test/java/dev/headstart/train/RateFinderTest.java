package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateFinderTest {
  private static final long SEED = Long.getLong("seed", 7);
  private static final int WIDTH = 40;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private int handles;

  @BeforeEach
  void countHandles() {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
  }

  @AfterEach
  void everyHandleIsClosed() {
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private FeatureTable clouds(int[] labels, int classes, double spread) {
    double[][] centres = new double[classes][WIDTH];
    for (double[] centre : centres) {
      Arrays.setAll(centre, i -> random.nextGaussian());
    }
    FeatureTable features = new FeatureTable(WIDTH);
    for (int label : labels) {
      float[] x = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        x[i] = (float) (centres[label][i] + spread * random.nextGaussian());
      }
      features.add(x);
    }
    return features;
  }

  private static double[] rates() {
    return IntStream.range(0, 60).mapToDouble(i -> 1e-4 * Math.pow(100, i / 59.0)).toArray();
  }

  /** The loss falls fastest at 1e-3, is lowest at about 3e-3, and rises beyond. */
  @Test
  void takesTheMiddleOfTheSteepestFallAndATenthOfTheLowest() {
    double[] rates = rates();
    double[] losses =
        Arrays.stream(rates)
            .map(rate -> 1 / (1 + Math.pow(rate / 1e-3, 4)) + Math.pow(rate / 5e-3, 6))
            .toArray();
    double found = RateFinder.choose(rates, losses);
    assertTrue(found > 3e-4 && found < 1.5e-3, "found " + found);
    // A loss that ends there, as the next is not finite, says the same or less.
    assertTrue(RateFinder.choose(rates, Arrays.copyOf(losses, 50)) > 3e-4);
    assertTrue(Double.isNaN(RateFinder.choose(rates, new double[0])));
    double[] rising = Arrays.stream(rates).map(rate -> 1 + rate).toArray();
    assertTrue(Double.isNaN(RateFinder.choose(rates, rising)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:16"})
  void theSameSeedFindsTheSameRateWithinADecade(String kind) {
    int[] labels = IntStream.range(0, 90).map(row -> row % 3).toArray();
    FeatureTable features = clouds(labels, 3, 1.5);
    Targets targets = Targets.classes(3, labels);
    Recipe recipe = RecipeOptions.of(HeadKind.parse(kind)).resolve(Task.SINGLE, WIDTH);
    int[] rows = IntStream.range(0, 90).toArray();
    double found = RateFinder.find(features, targets, rows, recipe, false, folder);
    assertEquals(found, RateFinder.find(features, targets, rows, recipe, false, folder));
    double usual = recipe.rate();
    assertTrue(found >= 0.99 * usual / Math.sqrt(10), found + " of " + usual);
    assertTrue(found <= 1.01 * usual * Math.sqrt(10), found + " of " + usual);
    // Whatever happens beyond what can be computed with, a rate comes out.
    Recipe wild = recipe.withRate(1000);
    double beyond = RateFinder.find(features, targets, rows, wild, false, folder);
    assertTrue(Double.isFinite(beyond) && beyond >= 300, "found " + beyond);
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:16"})
  void doesNoHarm(String kind) {
    int[] labels = IntStream.range(0, 200).map(row -> row % 4).toArray();
    FeatureTable features = clouds(labels, 4, 2.2);
    Targets targets = Targets.classes(4, labels);
    Recipe usual = RecipeOptions.of(HeadKind.parse(kind)).resolve(Task.SINGLE, WIDTH);
    int[] rows = IntStream.range(0, 200).toArray();
    Recipe found = usual.withRate(RateFinder.find(features, targets, rows, usual, false, folder));
    double before = accuracy(features, targets, usual);
    double after = accuracy(features, targets, found);
    System.out.println(
        kind + ": " + before + " at " + usual.rate() + ", " + after + " at " + found.rate());
    assertTrue(after >= before - 0.03, before + " before, " + after + " after");
  }

  private double accuracy(FeatureTable features, Targets targets, Recipe recipe) {
    int[] rows = IntStream.range(0, features.rows()).toArray();
    Folds folds = Folds.of(targets.labels(), rows, 4, 1);
    Path own = folder.resolve("folds" + recipe.rate());
    Assertions.assertDoesNotThrow(() -> java.nio.file.Files.createDirectories(own));
    return new CrossValidation(features, targets, recipe, false, 1)
        .run(own, rows, folds, rows, some -> some, 25, TrainingListener.NONE)
        .metrics()
        .accuracy();
  }

  @Test
  void aRateIsGivenOrFound() {
    RecipeOptions.OptimizerOptions given = RecipeOptions.OptimizerOptions.rate(0.1);
    Assertions.assertNull(given.findingRate().rate());
    assertTrue(given.findingRate().findRate());
    Assertions.assertThrows(
        UsageException.class,
        () -> new RecipeOptions.OptimizerOptions(null, 0.1, null, null, null, null, true));
  }
}
