package dev.headstart.advise;

import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.Tail;
import dev.headstart.head.Unfreeze;
import dev.headstart.sample.Task;
import dev.headstart.train.MemoryCheck;
import dev.headstart.train.Recipe;
import dev.headstart.train.RecipeOptions;
import java.util.List;
import java.util.Locale;

/**
 * How much of a base to unfreeze for many samples: as many of the last blocks as are asked for, as
 * long as gradients come through them, and the training takes minutes and fits into memory.
 *
 * @param blocks 0 where none can be
 * @param cut where they begin; null without any
 * @param seconds that the training is predicted to take
 * @param words why not more; null if as many as were asked for
 */
record Unfreezing(int blocks, String cut, double seconds, String words) {
  /** What people wait for who asked for nothing. */
  static final double PATIENCE = 600;

  /**
   * A multiplication of a training step against one of the frozen part: forward, and backward for
   * inputs and weights, on kernels that were measured to be about four times slower than those of
   * an inference session (docs/decisions).
   */
  private static final double STEP = 3 * 4;

  /** Tokens of a long text. */
  private static final int LENGTH = 256;

  /**
   * Finds how many blocks.
   *
   * @param wanted last blocks, at most; all there are if they are fewer
   * @param samples that train
   * @param pace seconds a sample that the base takes; 0 if it is not known
   * @param free bytes that may be taken
   */
  static Unfreezing of(
      BaseModel base, int wanted, int samples, int outputs, Task task, double pace, long free) {
    String words = null;
    int most = Math.min(wanted, Math.max(1, base.manifest().blocks().size()));
    for (int blocks = most; blocks >= 1; blocks = blocks > 4 ? blocks / 2 : blocks - 1) {
      RecipeOptions options = RecipeOptions.DEFAULTS.with(tuning(blocks));
      Recipe recipe = options.resolve(task, 1);
      try {
        Tail tail = Tail.of(base, Unfreeze.parse(String.valueOf(blocks)), List.of());
        Operations operations = Operations.of(base, tail);
        double sample =
            pace > 0
                ? pace * operations.tail() / operations.whole()
                : operations.tail() / Operations.A_SECOND;
        double seconds = 2.0 * recipe.epochs() * samples * STEP * sample;
        long bytes = new MemoryCheck(recipe, samples, outputs, free).peakBytes(tail, LENGTH);
        if (seconds > PATIENCE) {
          words =
              String.format(
                  Locale.ROOT,
                  "to unfreeze %d blocks would take about %.0f minutes",
                  blocks,
                  seconds / 60);
        } else if (bytes > free) {
          words =
              String.format(
                  Locale.ROOT,
                  "to unfreeze %d blocks would take about %d MB of memory, and %d MB are free",
                  blocks,
                  bytes >> 20,
                  free >> 20);
        } else {
          return new Unfreezing(blocks, tail.cut().name(), seconds, words);
        }
      } catch (BadInputException | UsageException e) {
        words = e.getMessage();
      }
    }
    return new Unfreezing(0, null, 0, words);
  }

  static RecipeOptions.FineTuning tuning(int blocks) {
    return RecipeOptions.FineTuning.unfreeze(String.valueOf(blocks));
  }
}
