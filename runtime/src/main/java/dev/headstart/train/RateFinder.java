package dev.headstart.train;

import dev.headstart.error.FailureException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.head.TrainableNetwork;
import java.nio.file.Path;

/**
 * Finds a learning rate by a range test (Smith, Cyclical Learning Rates for Training Neural
 * Networks, 2017): mini-batch after mini-batch from fresh weights while the rate grows from a tenth
 * of the usual one to ten times it, so that the loss falls ever faster, until the rate is too high
 * and it rises. Taken is the geometric mean of the rate at which it fell fastest and a tenth of the
 * one at which it was lowest.
 *
 * <p>The usual rate follows from the features' width and is near the best already (see {@link
 * RecipeOptions#resolve}), and what a few noisy steps say is rough: so the rate found stays within
 * the decade about the usual one. The same seed finds the same rate.
 */
public final class RateFinder {
  private static final int STEPS = 60;

  /** How much of the loss so far each step forgets. */
  private static final double FORGETS = 0.1;

  /** A loss this many times the lowest is rising for good. */
  private static final double RISEN = 4;

  private RateFinder() {}

  /**
   * A rate for a linear or mlp head.
   *
   * @param features pooled
   * @param targets of all rows
   * @param train rows to try on, at least one
   * @param recipe whose rate is the usual one
   * @param each whether features have units of their own, as columns of a table
   * @param folder that is written to
   * @throws FailureException if the platform cannot train
   */
  public static double find(
      FeatureTable features,
      Targets targets,
      int[] train,
      Recipe recipe,
      boolean each,
      Path folder) {
    if (recipe.kind() instanceof HeadKind.Prototype) {
      return recipe.rate();
    }
    HeadNetwork initial =
        FreshHead.network(recipe.kind(), features, train, each, targets.outputs(), recipe.seed());
    Scaling target = FreshHead.target(targets, train);
    return find(initial, new LabeledExamples(features, targets, target), train, recipe, folder, 1);
  }

  /**
   * A rate for any network.
   *
   * @param initial weights to start from, which stay as they are
   * @param recipe whose rate is the usual one
   * @param cores that a step may use at most
   */
  static double find(
      TrainableNetwork initial,
      LabeledExamples data,
      int[] train,
      Recipe recipe,
      Path folder,
      int cores) {
    double[] rates = new double[STEPS];
    for (int i = 0; i < STEPS; i++) {
      rates[i] = recipe.rate() / 10 * Math.pow(100, i / (STEPS - 1.0));
    }
    RecipeArtifacts artifacts =
        new RecipeArtifacts(
            initial, recipe, data.examples().forms() > 1 || recipe.accumulate() > 1);
    double[] losses;
    try (TrainingLoop loop =
        new TrainingLoop(
            data, initial, recipe, artifacts, folder, train, TrainingRun.Progress.NONE, cores)) {
      losses = loop.losses(rates);
    }
    double widest = Math.sqrt(10);
    double found = choose(rates, losses);
    double within =
        Double.isNaN(found)
            ? recipe.rate()
            : Math.max(recipe.rate() / widest, Math.min(recipe.rate() * widest, found));
    return RecipeOptions.rounded(within);
  }

  /**
   * @param losses one a rate, from the first on; may end before the rates do
   * @return NaN where the loss never fell
   */
  static double choose(double[] rates, double[] losses) {
    double[] smooth = new double[losses.length];
    double mean = 0;
    double known = 1;
    int lowest = 0;
    int count = 0;
    for (; count < losses.length; count++) {
      mean += FORGETS * (losses[count] - mean);
      known *= 1 - FORGETS;
      smooth[count] = mean / (1 - known); // as Adam's moments are corrected for their start at 0
      if (smooth[count] < smooth[lowest]) {
        lowest = count;
      } else if (smooth[count] > RISEN * smooth[lowest]) {
        break;
      }
    }
    double steepest = 0;
    int at = -1;
    for (int i = 1; i < Math.min(count, lowest + 1); i++) {
      double fall = smooth[i - 1] - smooth[i]; // the rates' logarithms are evenly spaced
      if (fall > steepest) {
        steepest = fall;
        at = i;
      }
    }
    return at < 0 ? Double.NaN : Math.sqrt(rates[at] * rates[lowest] / 10);
  }
}
