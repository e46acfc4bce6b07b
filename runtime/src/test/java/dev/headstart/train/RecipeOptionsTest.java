package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.Unfreeze;
import dev.headstart.sample.Task;
import org.junit.jupiter.api.Test;

/** What cannot be meant, or cannot work, is refused before anything is read. */
class RecipeOptionsTest {
  private static final RecipeOptions TAIL =
      RecipeOptions.DEFAULTS.with(RecipeOptions.FineTuning.unfreeze("1"));

  private static void refused(RecipeOptions options, String why) {
    String message =
        assertThrows(UsageException.class, () -> options.resolve(Task.SINGLE, 4)).getMessage();
    assertTrue(message.contains(why), message);
  }

  private static RecipeOptions.FineTuning tuning(
      String unfreeze, Double baseRate, Recipe.BatchNorm batchNorm) {
    return new RecipeOptions.FineTuning(
        unfreeze, java.util.List.of(), baseRate, RecipeOptions.Start.FRESH, null, batchNorm);
  }

  private static RecipeOptions.OptimizerOptions decay(double decay) {
    return new RecipeOptions.OptimizerOptions(null, null, null, null, decay, null);
  }

  @Test
  void ratesAndDecaysThatFloatsCannotCarry() {
    for (double rate : new double[] {0, 1e-7, 1e-45, 1.1, Double.NaN}) {
      refused(TAIL.with(tuning("1", rate, null)), "from 1.0E-6 to 1");
    }
    assertEquals(1e-6, TAIL.with(tuning("1", 1e-6, null)).resolve(Task.SINGLE, 4).baseRate());
    for (double decay : new double[] {-1, 1.01, 99, Double.NaN}) {
      refused(TAIL.with(decay(decay)), "from 0 to 1");
    }
    assertEquals(1, TAIL.with(decay(1)).resolve(Task.SINGLE, 4).weightDecay());
  }

  @Test
  void whatHasNoMeaningBesideTheRest() {
    refused(
        TAIL.with(tuning("1", null, Recipe.BatchNorm.TRAIN)).with(RecipeOptions.Passes.of(null, 1)),
        "--batch 2");
    refused(RecipeOptions.DEFAULTS.with(tuning("head", 0.5, null)), "--base-rate");
    refused(RecipeOptions.DEFAULTS.with(tuning(null, 0.5, null)), "--base-rate");
    refused(
        RecipeOptions.of(HeadKind.parse("prototype")).with(new RecipeOptions.Passes(null, null, 2)),
        "--accumulate");
  }

  @Test
  void everyIntegerIsANumberOfBlocks() {
    assertEquals(new Unfreeze.Blocks(3), Unfreeze.parse("3"));
    for (String many : new String[] {"2147483647", "2147483648", "99999999999999999999"}) {
      assertEquals(new Unfreeze.Blocks(Integer.MAX_VALUE), Unfreeze.parse(many));
    }
    for (String none : new String[] {"0", "-1", "-99999999999999999999"}) {
      assertThrows(UsageException.class, () -> Unfreeze.parse(none));
    }
  }
}
