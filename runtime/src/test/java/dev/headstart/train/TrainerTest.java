package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.FailureException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.Task;
import dev.headstart.train.RecipeOptions.Passes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
  private static final long SEED = Long.getLong("seed", 5);
  private static final int WIDTH = 12;

  @TempDir Path folder;
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

  private record Problem(FeatureTable features, Targets targets, Scaling scaling) {}

  /** Gaussian clouds around random centres, one a class. */
  private static Problem clouds(int rows, int classes, double spread) {
    Random random = new Random(SEED);
    double[][] centres = new double[classes][WIDTH];
    for (double[] centre : centres) {
      Arrays.setAll(centre, i -> random.nextGaussian());
    }
    FeatureTable features = new FeatureTable(WIDTH);
    int[] labels = new int[rows];
    Scaling.Estimate estimate = new Scaling.Estimate(WIDTH);
    for (int row = 0; row < rows; row++) {
      labels[row] = row % classes;
      float[] values = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        values[i] = (float) (centres[labels[row]][i] + spread * random.nextGaussian());
      }
      features.add(values);
      estimate.add(values);
    }
    return new Problem(features, Targets.classes(classes, labels), estimate.common());
  }

  private static RecipeOptions options(String kind, Double rate, Integer epochs, Integer patience) {
    return RecipeOptions.of(HeadKind.parse(kind))
        .with(RecipeOptions.OptimizerOptions.rate(rate))
        .with(Passes.of(epochs, 16))
        .with(RecipeOptions.Judging.patience(patience))
        .seed(3);
  }

  private Trainer.Outcome train(Problem problem, RecipeOptions options, int[] train, int[] judge) {
    Recipe recipe = options.resolve(problem.targets.task(), WIDTH);
    HeadNetwork network =
        HeadNetwork.fresh(recipe.kind(), problem.scaling, problem.targets.outputs(), recipe.seed());
    Scaling target =
        recipe.task() == Task.REGRESSION ? new Scaling(new float[] {0}, new float[] {1}) : null;
    return new Trainer(network, problem.features, problem.targets, target, recipe)
        .train(folder, train, judge, recipe.epochs(), TrainingListener.NONE);
  }

  private static int[] range(int from, int to) {
    return IntStream.range(from, to).toArray();
  }

  @Test
  void theLengthOfAnEpochIsToldOnceAndOnlyWhereItTakesLong() {
    Problem problem = clouds(60, 3, 0.4);
    Recipe recipe = options("linear", null, 4, 0).resolve(Task.SINGLE, WIDTH);
    HeadNetwork network = HeadNetwork.fresh(recipe.kind(), problem.scaling, 3, recipe.seed());
    List<Double> told = new ArrayList<>();
    TrainingListener slow =
        new TrainingListener() {
          @Override
          public void pace(double seconds, int epochs) {
            assertEquals(4, epochs);
            told.add(seconds);
          }

          @Override
          public void epoch(Epoch epoch) {
            try {
              Thread.sleep(600);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    new Trainer(network, problem.features, problem.targets, null, recipe)
        .train(folder, range(0, 60), new int[0], recipe.epochs(), slow);
    assertEquals(1, told.size());
    // Four steps an epoch; 0.6 seconds or more had passed after the fifth.
    assertTrue(told.get(0) >= 0.6, told.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:8"})
  void learnsToTellCloudsApart(String kind) {
    Problem problem = clouds(203, 4, 0.4);
    var outcome = train(problem, options(kind, null, 30, 0), range(0, 150), range(150, 203));
    assertTrue(outcome.metrics().accuracy() > 0.95, outcome.metrics().toString());
    assertEquals(30, outcome.history().size());
    double first = outcome.history().get(0).trainLoss();
    assertTrue(outcome.history().get(29).trainLoss() < first / 2);
  }

  /** Where an epoch is one step, its accuracy is that of the weights that the last epoch left. */
  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:8"})
  void theAccuracyOfTrainingIsThatBeforeEachStep(String kind) {
    Problem problem = clouds(60, 3, 1.5);
    RecipeOptions options = options(kind, null, 8, 0).with(Passes.of(8, 60));
    List<Epoch> history = train(problem, options, range(0, 60), range(0, 60)).history();
    for (int i = 1; i < 8; i++) {
      assertEquals(history.get(i - 1).validation().accuracy(), history.get(i).trainAccuracy());
    }
    assertTrue(history.get(7).trainAccuracy() > history.get(0).trainAccuracy());
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:8"})
  void theSameSeedGivesTheSameWeightsBitForBit(String kind) {
    Problem problem = clouds(90, 3, 1);
    var one = train(problem, options(kind, null, 6, 0), range(0, 70), range(70, 90));
    var two = train(problem, options(kind, null, 6, 0), range(0, 70), range(70, 90));
    assertEquals(weights(one), weights(two));
    assertEquals(losses(one), losses(two));
    RecipeOptions other = options(kind, null, 6, 0).seed(4);
    var three = train(problem, other, range(0, 70), range(70, 90));
    assertNotEquals(weights(one), weights(three));
  }

  private static Map<String, Tensor> weights(Trainer.Outcome outcome) {
    return ((HeadNetwork) outcome.network()).weights();
  }

  private static List<Double> losses(Trainer.Outcome outcome) {
    return outcome.history().stream().map(Epoch::trainLoss).toList();
  }

  /**
   * Up to rounding; a small rate for AdamW, which divides by what rounding leaves of small
   * gradients. The last step of an epoch has 6 samples of 16, and is their mean all the same.
   */
  @ParameterizedTest
  @CsvSource({"ADAMW, 0.005, false", "ADAMW, 0.005, true", "SGD, 0.1, false", "SGD, 0.1, true"})
  void batchesThatMakeOneStepTogetherAreOneLargeBatch(
      Recipe.OptimizerName optimizer, double rate, boolean balanced) {
    Problem problem = clouds(120, 3, 1);
    int[] rows = range(0, 104);
    int[] train = Arrays.stream(rows).filter(row -> row % 3 > 0 || row % 4 < 2).limit(70).toArray();
    RecipeOptions options =
        options("mlp:4", null, null, 0)
            .with(new RecipeOptions.LossOptions(null, null, balanced))
            .with(
                new RecipeOptions.OptimizerOptions(
                    optimizer, rate, Schedule.CONSTANT, null, null, null));
    var large = train(problem, options.with(Passes.of(6, 16)), train, range(104, 120));
    var small = train(problem, options.with(new Passes(6, 4, 4)), train, range(104, 120));
    for (int i = 0; i < large.history().size(); i++) {
      assertEquals(
          large.history().get(i).validation().loss(),
          small.history().get(i).validation().loss(),
          1e-5,
          "epoch");
    }
    var a = ((HeadNetwork) large.network()).weights();
    var b = ((HeadNetwork) small.network()).weights();
    a.forEach((name, tensor) -> assertArrayEquals(tensor.floats(), b.get(name).floats(), 1e-4f));
  }

  @Test
  void earlyStoppingKeepsTheBestEpochAndItsCheckpoint() {
    Problem problem = clouds(60, 3, 2.5);
    var outcome = train(problem, options("mlp:64", 0.05, 200, 5), range(0, 30), range(30, 60));
    assertTrue(outcome.stoppedEarly());
    // 30 samples are 2 steps an epoch, and early stopping waits for 200 steps.
    assertEquals(Math.max(outcome.best(), 100) + 5, outcome.history().size());
    double best =
        outcome.history().stream().mapToDouble(e -> e.validation().loss()).min().orElseThrow();
    assertEquals(best, outcome.metrics().loss());
    var saved = dev.headstart.artifact.Checkpoint.read(folder.resolve("checkpoint")).trainable();
    for (String name : outcome.network().trainable()) {
      assertEquals(weights(outcome).get(name), saved.get(name));
    }
  }

  @Test
  void aLossThatDivergesSaysSoAndWhatToTry() {
    Problem problem = clouds(60, 3, 1);
    var error =
        assertThrows(
            FailureException.class,
            () -> train(problem, options("mlp:64", 900.0, 50, 0), range(0, 60), new int[0]));
    assertTrue(error.getMessage().contains("--rate 9e+01"), error.getMessage());
    assertTrue(error.getMessage().contains("diverged"), error.getMessage());
  }

  @Test
  void balancedClassesCountAlike() {
    Random random = new Random(SEED);
    FeatureTable features = new FeatureTable(WIDTH);
    int[] labels = new int[220];
    Scaling.Estimate estimate = new Scaling.Estimate(WIDTH);
    for (int row = 0; row < 220; row++) {
      labels[row] = row % 11 == 0 ? 1 : 0;
      float[] values = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        values[i] = (float) ((labels[row] == 1 ? 0.45 : -0.1) + random.nextGaussian());
      }
      features.add(values);
      estimate.add(values);
    }
    Problem problem = new Problem(features, Targets.classes(2, labels), estimate.common());
    int[] hits = new int[2];
    for (boolean balanced : new boolean[] {false, true}) {
      RecipeOptions options =
          RecipeOptions.DEFAULTS
              .with(new RecipeOptions.LossOptions(null, null, balanced))
              .with(Passes.of(40, null))
              .with(RecipeOptions.Judging.patience(0))
              .seed(1);
      var outcome = train(problem, options, range(0, 176), range(176, 220));
      hits[balanced ? 1 : 0] = outcome.metrics().confusion()[1][1];
    }
    assertTrue(hits[1] > hits[0], "rare class found " + hits[0] + " and " + hits[1] + " times");
  }

  @Test
  void learnsNumbersAndSeveralLabels() {
    Problem problem = clouds(120, 3, 0.3);
    float[] numbers = new float[120];
    float[] several = new float[360];
    for (int row = 0; row < 120; row++) {
      int label = problem.targets.labels()[row];
      numbers[row] = problem.features.row(row)[0] * 0.5f - problem.features.row(row)[3];
      several[row * 3 + label] = 1;
      several[row * 3] = label == 2 ? 1 : several[row * 3];
    }
    Problem regression = new Problem(problem.features, Targets.numbers(numbers), problem.scaling);
    var outcome = train(regression, options("linear", 0.03, 60, 0), range(0, 90), range(90, 120));
    assertTrue(outcome.metrics().r2() > 0.98, outcome.metrics().toString());
    Problem multi = new Problem(problem.features, Targets.indicators(3, several), problem.scaling);
    outcome = train(multi, options("linear", null, 60, 0), range(0, 90), range(90, 120));
    assertTrue(outcome.metrics().accuracy() > 0.95, outcome.metrics().toString());
  }

  @Test
  void metricsAgreeWithTheirDefinitions() {
    Targets targets = Targets.classes(3, new int[] {0, 0, 1, 1});
    float[] scores = {.7f, .2f, .1f, .1f, .8f, .1f, .2f, .5f, .3f, .1f, .6f, .3f};
    Metrics metrics = Metrics.of(scores, targets, new int[] {0, 1, 2, 3});
    assertEquals(0.75, metrics.accuracy());
    assertEquals((2.0 / 3 + 4.0 / 5) / 2, metrics.macroF1(), 1e-12);
    assertEquals(
        -(Math.log(.7) + Math.log(.1) + Math.log(.5) + Math.log(.6)) / 4, metrics.loss(), 1e-6);
    assertEquals(List.of(1, 1, 0), Arrays.stream(metrics.confusion()[0]).boxed().toList());
    Metrics numbers =
        Metrics.of(new float[] {1, 2, 6}, Targets.numbers(new float[] {1, 4, 4}), range(0, 3));
    assertEquals(4.0 / 3, numbers.mae(), 1e-6);
    assertEquals(Math.sqrt(8.0 / 3), numbers.rmse(), 1e-6);
    assertEquals(1 - 8.0 / 6, numbers.r2(), 1e-6);
  }

  @Test
  void schedulesRiseAndFall() {
    assertEquals(1, Schedule.CONSTANT.factor(99, 100, 0));
    assertEquals(1, Schedule.COSINE.factor(0, 100, 0));
    assertEquals(0.5, Schedule.COSINE.factor(50, 100, 0), 1e-9);
    assertEquals(0.25, Schedule.LINEAR.factor(75, 100, 0), 1e-9);
    assertEquals(0.1, Schedule.LINEAR.factor(0, 100, 0.1), 1e-9);
    assertEquals(1, Schedule.LINEAR.factor(10, 100, 0.1), 1e-9);
    // torch.optim.lr_scheduler.OneCycleLR with 100 steps
    double[] oneCycle = {0.04, 0.29516394846, 1, 0.99949653528, 0.500002, 4e-06};
    int[] steps = {0, 10, 29, 30, 64, 99};
    for (int i = 0; i < steps.length; i++) {
      assertEquals(oneCycle[i], Schedule.of("one-cycle").factor(steps[i], 100, 0), 1e-9);
    }
    assertEquals(1, Schedule.ONE_CYCLE.factor(9, 100, 0.1), 1e-9);
    assertThrows(UsageException.class, () -> Schedule.of("exponential"));
  }

  @Test
  void whatJudgedOnceNeverTrainsLater() {
    Random random = new Random(SEED);
    Set<String> judged = new HashSet<>();
    List<String> digests = new java.util.ArrayList<>();
    List<Integer> labels = new java.util.ArrayList<>();
    for (int run = 0; run < 8; run++) {
      for (int i = 0; i < 5 + random.nextInt(20); i++) {
        digests.add(Long.toHexString(random.nextLong()));
        labels.add(random.nextInt(4));
      }
      int[] strata = labels.stream().mapToInt(Integer::intValue).toArray();
      Split split = Split.of("pets", digests, strata, 0.2, judged);
      for (int row : split.train()) {
        assertFalse(judged.contains(digests.get(row)), "judged before, trains now");
      }
      for (int row : split.validation()) {
        judged.add(digests.get(row));
      }
      assertEquals(digests.size(), split.train().length + split.validation().length);
      Map<Integer, Long> sizes =
          labels.stream()
              .collect(
                  java.util.stream.Collectors.groupingBy(
                      l -> l, java.util.stream.Collectors.counting()));
      sizes.forEach(
          (label, size) -> {
            long share = Arrays.stream(split.validation()).filter(r -> strata[r] == label).count();
            assertTrue(size < 3 || Math.abs(share - size * 0.2) <= 1, label + ": " + share);
          });
    }
    int[] strata = labels.stream().mapToInt(Integer::intValue).toArray();
    var pets = Split.of("pets", digests, strata, 0.2, Set.of());
    var tools = Split.of("tools", digests, strata, 0.2, Set.of());
    assertFalse(Arrays.equals(pets.validation(), tools.validation()), "each head has its own");
  }
}
