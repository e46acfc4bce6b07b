package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.TailNetwork;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.Task;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LiveFeaturesTest {
  private static final long SEED = Long.getLong("seed", 4);
  private static final int WIDTH = 6;
  private static final List<TensorInfo> LIVE =
      List.of(
          new TensorInfo("tokens", ElementType.FLOAT, new long[] {-1, -1, WIDTH}),
          new TensorInfo("unread", ElementType.INT64, new long[] {}));

  @TempDir Path folder;
  private final Random random = new Random(SEED);

  private Tensor tokens(int count, int label) {
    float[] values = new float[count * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() + (i % WIDTH == label ? 1 : 0);
    }
    return Tensor.of(values, 1, count, WIDTH);
  }

  /** Of what a tail takes, in memory or, without any room there, in a file. */
  private LiveFeatures live(long inMemory) {
    return new LiveFeatures(LIVE, Set.of("tokens"), folder, inMemory);
  }

  @Test
  void rowsComeBackFromMemoryAndFromTheFile() {
    for (long inMemory : new long[] {1L << 30, 0}) {
      try (LiveFeatures features = live(inMemory)) {
        Tensor[] rows = new Tensor[40];
        for (int row = 0; row < rows.length; row++) {
          rows[row] = tokens(1 + row % 3, 0);
          features.add(new Features(List.of(rows[row], Tensor.of(new long[] {row}))));
        }
        assertEquals(40, features.rows());
        assertEquals(3, features.forms());
        ByteBuffer target = Tensor.allocate(4L * 2 * 2 * WIDTH);
        features.gather(new int[] {37, 1}, 2, List.of(target));
        float[] both = new float[4 * WIDTH];
        target.asFloatBuffer().get(both);
        float[] expected = new float[4 * WIDTH];
        System.arraycopy(rows[37].floats(), 0, expected, 0, 2 * WIDTH);
        System.arraycopy(rows[1].floats(), 0, expected, 2 * WIDTH, 2 * WIDTH);
        assertArrayEquals(expected, both);
        assertEquals(rows[39], features.row(39).first());
        assertEquals(39, features.row(39).tensors().get(1).longs()[0]);
      }
    }
    assertEquals(0, folder.toFile().list().length, "the file is gone");
  }

  @Test
  void whatCannotBeStackedIsRefused() {
    try (LiveFeatures features = live(0)) {
      Tensor two = Tensor.zeros(ElementType.FLOAT, 2, 3, WIDTH);
      Features unstackable = new Features(List.of(two, Tensor.of(new long[] {0})));
      assertThrows(BadInputException.class, () -> features.add(unstackable));
    }
  }

  /** Sequences of many lengths give the weights that their means give a linear head. */
  @Test
  void gradientsOfSeveralFormsAddUpToThoseOfTheWholeBatch() {
    System.out.println("seed " + SEED);
    int rows = 48;
    FeatureTable means = new FeatureTable(WIDTH);
    int[] labels = new int[rows];
    try (LiveFeatures sequences = live(1 << 20)) {
      for (int row = 0; row < rows; row++) {
        labels[row] = row % 3;
        Tensor tokens = tokens(1 + random.nextInt(5), labels[row]);
        sequences.add(new Features(List.of(tokens, Tensor.of(new long[] {0}))));
        means.add(Pooling.pool(tokens));
      }
      Targets targets = Targets.classes(3, labels);
      Recipe recipe =
          RecipeOptions.of(new HeadKind.Linear())
              .with(RecipeOptions.OptimizerOptions.rate(0.05))
              .with(RecipeOptions.Passes.of(10, 16))
              .with(RecipeOptions.Judging.patience(0))
              .seed(1)
              .resolve(Task.SINGLE, WIDTH);
      Scaling scaling = new Scaling(new float[WIDTH], new float[] {1});
      HeadNetwork linear = HeadNetwork.fresh(new HeadKind.Linear(), scaling, 3, 1);
      int[] all = IntStream.range(0, rows).toArray();
      var one = train("linear", new Trainer(linear, means, targets, null, recipe), all);
      GraphBuilder graph = new GraphBuilder("mean", 17);
      var x = graph.input("tokens", ElementType.FLOAT, -1, -1, WIDTH);
      var mean =
          graph.named(
              "mean",
              Operator.REDUCE_MEAN,
              List.of(x),
              Attribute.of("axes", new long[] {1}),
              Attribute.of("keepdims", 0));
      graph.output(mean, ElementType.FLOAT, -1, WIDTH);
      TailNetwork tail =
          new TailNetwork(graph.build(), "mean", new long[] {WIDTH}, linear, List.of());
      var two = train("tail", new Trainer(tail, sequences, targets, null, recipe), all);
      assertArrayEquals(
          ((HeadNetwork) one.network()).weights().get("output.weight").floats(),
          ((TailNetwork) two.network()).classifier().weights().get("output.weight").floats(),
          1e-3f);
    }
  }

  private Trainer.Outcome train(String name, Trainer trainer, int[] rows) {
    return trainer.train(folder.resolve(name), rows, new int[0], 10, TrainingListener.NONE);
  }
}
