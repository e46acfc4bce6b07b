package dev.headstart.train;

import dev.headstart.head.HeadKind;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether training and validation have parted ways: the head learns its own samples by heart
 * instead of what they have in common. Said only where it is more than chance.
 */
final class Parting {
  /** Epochs at the end that are looked at together: one of them may be chance. */
  private static final int LAST = 5;

  /** How far over its lowest value the validation loss must have come. */
  private static final double RISE = 1.2;

  /** Smaller differences of accuracy are not worth a word. */
  private static final double GAP = 0.1;

  /** Standard errors that such a difference must be. */
  private static final double ERRORS = 3;

  private Parting() {}

  /**
   * @param history of the judged training
   * @param validation how many samples judged
   * @param tried whether it was tried already to vary the samples
   * @return what has happened and what to do, for people
   */
  static Optional<String> of(
      List<Epoch> history, int validation, Recipe recipe, Modality modality, boolean tried) {
    if (history.size() < 2 || history.get(0).validation() == null) {
      return Optional.empty();
    }
    Epoch last = history.get(history.size() - 1);
    Epoch best = history.get(0);
    for (Epoch epoch : history) {
      best = epoch.validation().loss() < best.validation().loss() ? epoch : best;
    }
    String what = null;
    if (rises(history, best)) {
      what =
          String.format(
              Locale.ROOT,
              "from epoch %d to %d the validation loss rose from %.3g to %.3g while the loss in"
                  + " training fell from %.3g to %.3g; the weights kept are those of epoch %d",
              best.epoch(),
              last.epoch(),
              best.validation().loss(),
              last.validation().loss(),
              best.trainLoss(),
              last.trainLoss(),
              best.epoch());
    } else if (gapes(last, best, validation, recipe.task())) {
      what =
          String.format(
              Locale.ROOT,
              "%.0f %% of the samples that train are answered right, but %.0f %% of those that"
                  + " judge",
              100 * last.trainAccuracy(),
              100 * best.validation().accuracy());
    }
    return Optional.ofNullable(what)
        .map(
            said ->
                "training and validation part ways: "
                    + said
                    + ". The head learns these samples by heart; what may help: "
                    + String.join(", ", cures(recipe, modality, tried)));
  }

  /** Every one of the last epochs is over the lowest, and training went on getting better. */
  private static boolean rises(List<Epoch> history, Epoch best) {
    Epoch last = history.get(history.size() - 1);
    if (last.epoch() - best.epoch() < LAST || last.trainLoss() >= best.trainLoss()) {
      return false;
    }
    return history.subList(history.size() - LAST, history.size()).stream()
        .allMatch(
            epoch -> epoch.validation().loss() > RISE * Math.max(best.validation().loss(), 1e-3));
  }

  private static boolean gapes(Epoch last, Epoch best, int validation, Task task) {
    if (task == Task.REGRESSION || last.trainAccuracy() == null) {
      return false;
    }
    double judged = best.validation().accuracy();
    double gap = last.trainAccuracy() - judged;
    double share = (judged * validation + 1) / (validation + 2); // never without any doubt
    return gap > GAP && gap > ERRORS * Math.sqrt(share * (1 - share) / validation);
  }

  private static List<String> cures(Recipe recipe, Modality modality, boolean tried) {
    List<String> cures = new ArrayList<>();
    cures.add("more samples that differ");
    if (recipe.kind() instanceof HeadKind.Tail) {
      cures.add("less of --unfreeze");
      cures.add("a lower --base-rate");
    } else if (modality == Modality.IMAGE && !tried) {
      cures.add("--augment auto");
    }
    if (recipe.kind() instanceof HeadKind.Mlp) {
      cures.add("a smaller head (--head linear, or a smaller mlp)");
    }
    if (recipe.optimizer() == Recipe.OptimizerName.ADAMW) {
      cures.add(
          "more weight decay (--weight-decay " + Math.max(0.1, 10 * recipe.weightDecay()) + ")");
    }
    return cures;
  }
}
