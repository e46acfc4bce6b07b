package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CrossValidationTest {
  private static final long SEED = Long.getLong("seed", 11);
  private static final int WIDTH = 10;

  @TempDir Path folder;
  @TempDir Path own;
  private final Random random = new Random(SEED);
  private int handles;

  @BeforeEach
  void countHandles() {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
  }

  @AfterEach
  void everyHandleIsClosedAndNothingIsLeft() throws IOException {
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
    try (var files = Files.list(folder)) {
      assertEquals(0, files.count());
    }
  }

  private static int[] range(int to) {
    return IntStream.range(0, to).toArray();
  }

  /** Each class of singles is dealt out evenly, as by hand: no part has two more of it. */
  @Test
  void foldsHaveTheirShareOfEveryClassAndOfAll() {
    for (int trial = 0; trial < 50; trial++) {
      int rows = 2 + random.nextInt(200);
      int classes = 1 + random.nextInt(6);
      int[] strata = IntStream.range(0, rows).map(i -> random.nextInt(classes)).toArray();
      int count = 2 + random.nextInt(4);
      Folds folds = Folds.of(strata, range(rows), count, trial);
      int[][] has = new int[classes][count];
      for (int row = 0; row < rows; row++) {
        has[strata[row]][folds.of()[row]]++;
      }
      for (int[] of : has) {
        int spread = Arrays.stream(of).max().orElse(0) - Arrays.stream(of).min().orElse(0);
        assertTrue(spread <= 1, Arrays.toString(of));
      }
      Set<Integer> seen = new TreeSet<>();
      for (int fold = 0; fold < count; fold++) {
        IntStream.of(folds.judged(fold)).forEach(row -> assertTrue(seen.add(row)));
        assertEquals(rows, folds.judged(fold).length + folds.train(fold).length);
      }
      assertEquals(rows, seen.size());
      assertArrayEquals(folds.of(), Folds.of(strata, range(rows), count, trial).of());
    }
  }

  @Test
  void groupsStayTogether() {
    for (int trial = 0; trial < 50; trial++) {
      int rows = 20 + random.nextInt(100);
      int[] strata = IntStream.range(0, rows).map(i -> random.nextInt(3)).toArray();
      int[] groups = IntStream.range(0, rows).map(i -> random.nextInt(rows / 2)).toArray();
      Folds folds = Folds.of(strata, groups, 5, trial);
      for (int a = 0; a < rows; a++) {
        for (int b = 0; b < a; b++) {
          assertTrue(groups[a] != groups[b] || folds.of()[a] == folds.of()[b]);
        }
      }
    }
  }

  @Test
  void aClassThatIsOneSampleCannotBeJudged() {
    Targets targets = Targets.classes(2, new int[] {0, 0, 0, 0, 1});
    assertTrue(CrossValidation.folds(targets, targets.labels(), range(5), 1).isEmpty());
    // Two that are near duplicates are one.
    targets = Targets.classes(2, new int[] {0, 0, 0, 1, 1});
    int[] groups = {0, 1, 2, 3, 3};
    assertTrue(CrossValidation.folds(targets, targets.labels(), groups, 1).isEmpty());
    assertTrue(CrossValidation.folds(targets, targets.labels(), range(5), 1).isPresent());
    Targets one = Targets.numbers(new float[] {1});
    assertTrue(CrossValidation.folds(one, new int[1], range(1), 1).isEmpty());
  }

  private record Problem(FeatureTable features, Targets targets) {}

  private Problem clouds(int rows, Task task, double spread) {
    FeatureTable features = new FeatureTable(WIDTH);
    int[] labels = new int[rows];
    float[] values = new float[task == Task.MULTI ? 3 * rows : rows];
    for (int row = 0; row < rows; row++) {
      labels[row] = row % 3;
      float[] x = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        x[i] = (float) ((i % 3 == labels[row] ? 1 : 0) + spread * random.nextGaussian());
      }
      features.add(x);
      if (task == Task.MULTI) {
        values[3 * row + labels[row]] = 1;
      } else {
        values[row] = 5 + 3 * x[0] - x[4];
      }
    }
    return new Problem(
        features,
        switch (task) {
          case SINGLE -> Targets.classes(3, labels);
          case MULTI -> Targets.indicators(3, values);
          case REGRESSION -> Targets.numbers(values);
        });
  }

  private static Recipe recipe(String kind, Task task) {
    return RecipeOptions.of(HeadKind.parse(kind)).seed(3).resolve(task, WIDTH);
  }

  private CrossValidation.Estimate estimate(Problem problem, Recipe recipe, Folds folds) {
    return new CrossValidation(problem.features, problem.targets, recipe, false, 2)
        .run(
            folder,
            range(folds.of().length),
            folds,
            range(folds.of().length),
            rows -> rows,
            12,
            TrainingListener.NONE);
  }

  /** The same by hand: a trainer a fold, and the model that it would serve by. */
  @ParameterizedTest
  @CsvSource({"linear,single", "mlp:6,single", "linear,multi", "linear,regression"})
  void isATrainingWithoutTheFoldAndItsAnswersToIt(String kind, String task) {
    Problem problem = clouds(61, Task.of(task), 0.7);
    Recipe recipe = recipe(kind, Task.of(task));
    Folds folds = Folds.of(new int[61], range(61), 4, 1);
    CrossValidation.Estimate estimate = estimate(problem, recipe, folds);
    int outputs = problem.targets.outputs();
    float[] scores = new float[61 * outputs];
    for (int fold = 0; fold < 4; fold++) {
      int[] train = folds.train(fold);
      Scaling.Estimate scaling = new Scaling.Estimate(WIDTH);
      IntStream.of(train).forEach(row -> scaling.add(problem.features.row(row)));
      HeadNetwork fresh = HeadNetwork.fresh(recipe.kind(), scaling.common(), outputs, 3);
      Scaling target = FreshHead.target(problem.targets, train);
      HeadNetwork trained =
          (HeadNetwork)
              new Trainer(fresh, problem.features, problem.targets, target, recipe)
                  .train(own, train, new int[0], 12, TrainingListener.NONE)
                  .network();
      try (var session =
          dev.headstart.ort.InferenceSession.open(
              trained.serving(new long[] {WIDTH}, recipe.task(), target),
              dev.headstart.ort.SessionSettings.cpu(1))) {
        for (int row : folds.judged(fold)) {
          var x = dev.headstart.onnx.Tensor.of(problem.features.row(row), 1, WIDTH);
          float[] found = session.run(Map.of("features", x)).get("scores").floats();
          System.arraycopy(found, 0, scores, row * outputs, outputs);
        }
      }
    }
    Metrics metrics = Metrics.of(scores, problem.targets, range(61));
    assertEquals(metrics.loss(), estimate.metrics().loss(), 1e-4);
    assertEquals(metrics.accuracy(), estimate.metrics().accuracy());
    assertEquals(4, estimate.summary().folds());
    if (recipe.task() == Task.REGRESSION) {
      assertArrayEquals(scores, estimate.logits(), 1e-3f);
      assertEquals(metrics.rmse(), estimate.summary().rmse(), 1e-3);
      assertTrue(estimate.interval().low() < metrics.rmse());
      assertTrue(estimate.interval().high() > metrics.rmse());
    } else {
      assertEquals(
          Interval.ofShare(metrics.accuracy(), 61, Interval.Design.CROSS_VALIDATED),
          estimate.interval(),
          "every row is a group");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:6", "prototype"})
  void aSamplesOwnLabelDoesNotTouchItsScores(String kind) {
    Problem problem = clouds(45, Task.SINGLE, 0.9);
    Folds folds = Folds.of(problem.targets.labels(), range(45), 5, SEED);
    Recipe recipe = recipe(kind, Task.SINGLE);
    float[] before = estimate(problem, recipe, folds).logits();
    for (int row : new int[] {0, 17, 44}) {
      int[] labels = problem.targets.labels().clone();
      labels[row] = (labels[row] + 1) % 3;
      Problem wrong = new Problem(problem.features, Targets.classes(3, labels));
      float[] after = estimate(wrong, recipe, folds).logits();
      int changed = 0;
      for (int other = 0; other < 45; other++) {
        float[] a = Arrays.copyOfRange(before, other * 3, other * 3 + 3);
        float[] b = Arrays.copyOfRange(after, other * 3, other * 3 + 3);
        if (folds.of()[other] == folds.of()[row]) {
          assertArrayEquals(a, b, "row " + other + " of the same fold");
        } else {
          changed += Arrays.equals(a, b) ? 0 : 1;
        }
      }
      assertTrue(changed > 0, "the label trains the others");
    }
  }

  @Test
  void theSameSeedGivesTheSameScores() {
    Problem problem = clouds(40, Task.SINGLE, 1);
    Folds folds = Folds.of(problem.targets.labels(), range(40), 5, 1);
    Recipe recipe = recipe("mlp:4", Task.SINGLE);
    float[] one = estimate(problem, recipe, folds).logits();
    assertArrayEquals(one, estimate(problem, recipe, folds).logits());
    Recipe other = RecipeOptions.of(recipe.kind()).seed(4).resolve(Task.SINGLE, WIDTH);
    assertFalse(Arrays.equals(one, estimate(problem, other, folds).logits()));
  }

  /** The copies say what their samples are: with them in other folds all would be known. */
  @Test
  void whatIsMadeOfASampleNeverTrainsItsJudge() {
    Problem noise = clouds(60, Task.SINGLE, 1);
    int[] labels = random.ints(60, 0, 3).toArray();
    FeatureTable features = noise.features;
    for (int row = 0; row < 60; row++) {
      features.add(noise.features.row(row));
    }
    Targets targets =
        Targets.classes(3, IntStream.concat(IntStream.of(labels), IntStream.of(labels)).toArray());
    Folds folds = Folds.of(labels, range(60), 5, 1);
    Recipe recipe = recipe("mlp:16", Task.SINGLE);
    CrossValidation validation = new CrossValidation(features, targets, recipe, false, 1);
    UnaryOperator<int[]> own = rows -> with(rows, row -> row + 60);
    UnaryOperator<int[]> shifted = rows -> with(rows, row -> (row + 1) % 60 + 60);
    double honest =
        validation
            .run(folder, range(60), folds, range(60), own, 50, TrainingListener.NONE)
            .metrics()
            .accuracy();
    double leaking =
        validation
            .run(folder, range(60), folds, range(60), shifted, 50, TrainingListener.NONE)
            .metrics()
            .accuracy();
    assertTrue(honest < 0.6, "honest " + honest);
    assertTrue(leaking > honest + 0.15, "leaking " + leaking + ", honest " + honest);
  }

  private static int[] with(int[] rows, IntUnaryOperator copy) {
    return IntStream.concat(IntStream.of(rows), IntStream.of(rows).map(copy)).toArray();
  }

  @Test
  void nearDuplicatesAreFoundByTheirDirection() {
    float[][] raised = new float[30][];
    float[][] rows = new float[30][64];
    for (int row = 0; row < 30; row++) {
      for (int i = 0; i < 64; i++) {
        double own = row < 20 ? random.nextGaussian() : rows[row - 20][i];
        rows[row][i] = (float) (row < 20 ? own : own + 0.05 * random.nextGaussian());
      }
      raised[row] = rows[row].clone();
      for (int i = 0; i < 64; i++) {
        raised[row][i] += 100;
      }
    }
    int[] groups = NearDuplicates.groups(raised);
    for (int row = 0; row < 30; row++) {
      assertEquals(row < 20 ? row : row - 20, groups[row]);
    }
    assertEquals(20, NearDuplicates.count(groups));
    // Features that say nothing: centred, they are all zeros.
    for (int rowsOfOne : new int[] {1, 4, 12}) {
      float[][] same = new float[rowsOfOne][];
      Arrays.fill(same, new float[] {1, 2});
      assertEquals(1, NearDuplicates.count(NearDuplicates.groups(same)));
    }
  }

  /** Of scipy.stats.binomtest(k, n).proportion_ci(.95, "wilson"), and scipy.stats.t.ppf(.975). */
  @Test
  void intervalsAreThoseOfTheBooks() {
    assertInterval(0.9541818704644729, 1, Interval.ofShare(1, 80, Interval.Design.HELD_OUT));
    assertInterval(
        0.7863976856252034,
        0.9565242350681095,
        Interval.ofShare(0.9, 50, Interval.Design.HELD_OUT));
    assertInterval(0, 0.27753279986288926, Interval.ofShare(0, 10, Interval.Design.HELD_OUT));
    assertInterval(
        0.06149194472039626,
        0.7923403991979523,
        Interval.ofShare(1 / 3.0, 3, Interval.Design.HELD_OUT));
    double[] student = {12.7062, 4.30265, 3.18245, 2.77645, 2.57058};
    for (int freedom = 1; freedom <= 5; freedom++) {
      assertEquals(student[freedom - 1], Interval.student(freedom), 0.01 * student[freedom - 1]);
    }
    assertEquals(1.9839715185, Interval.student(100), 1e-6);
    assertNotEquals(
        0, Interval.ofRootMeanSquare(new double[] {1}, Interval.Design.HELD_OUT).high());
  }

  private static void assertInterval(double low, double high, Interval interval) {
    assertEquals(low, interval.low(), 1e-9);
    assertEquals(high, interval.high(), 1e-9);
  }

  /** In how many of many draws the true root mean squared error lies within. */
  @Test
  void theIntervalOfNumbersHoldsTheTruth() {
    int held = 0;
    for (int draw = 0; draw < 1000; draw++) {
      Interval interval =
          Interval.ofRootMeanSquare(
              IntStream.range(0, 40).mapToDouble(i -> 2 * random.nextGaussian()).toArray(),
              Interval.Design.HELD_OUT);
      held += interval.low() <= 2 && interval.high() >= 2 ? 1 : 0;
    }
    assertTrue(held >= 900, "held " + held + " of 1000");
  }
}
