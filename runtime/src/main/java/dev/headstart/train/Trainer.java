package dev.headstart.train;

import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.error.FailureException;
import dev.headstart.head.Scaling;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Trains a head's network: artifacts, then mini-batches through ONNX Runtime's training session,
 * judged after every epoch. Samples of one form are stacked; where a batch has several forms, their
 * gradients are added up before the optimizer takes its step.
 *
 * <p>The order of samples follows from the recipe's seed alone, and ONNX Runtime divides a step
 * among threads by their number alone, so the same seed gives the same weights bit for bit.
 */
public final class Trainer {
  /** Optimizer steps before early stopping may end a training. */
  private static final int FEWEST_STEPS = 200;

  /** For more classes than this the history leaves out each epoch's confusion. */
  private static final int CONFUSIONS = 50;

  private final TrainableNetwork initial;
  private final LabeledExamples data;
  private final Recipe recipe;
  private final RecipeArtifacts artifacts;
  private final int cores;

  /**
   * What a training gave.
   *
   * @param network with the best weights: those of the lowest validation loss, or the last ones
   * @param best the epoch they are of, from 1
   * @param metrics on the validation samples, of these weights; null without any
   * @param stoppedEarly whether patience ran out
   */
  public record Outcome(
      TrainableNetwork network,
      int best,
      Metrics metrics,
      List<Epoch> history,
      boolean stoppedEarly) {}

  /**
   * @param initial network to start from
   * @param target for regression, mean and deviation of the targets; else null
   */
  public Trainer(
      TrainableNetwork initial, Examples examples, Targets targets, Scaling target, Recipe recipe) {
    this(initial, examples, targets, target, recipe, Integer.MAX_VALUE);
  }

  /**
   * @param cores that a step may use at most
   */
  Trainer(
      TrainableNetwork initial,
      Examples examples,
      Targets targets,
      Scaling target,
      Recipe recipe,
      int cores) {
    this.cores = cores;
    this.initial = initial;
    this.data = new LabeledExamples(examples, targets, target);
    this.recipe = recipe;
    this.artifacts =
        new RecipeArtifacts(initial, recipe, examples.forms() > 1 || recipe.accumulate() > 1);
  }

  /**
   * Writes the artifacts into {@code folder} and trains. In the end the folder's checkpoint holds
   * the weights of the outcome.
   *
   * @param train rows to train on, at least one
   * @param validation rows to judge by; may be empty
   * @param epochs how many of the recipe's epochs to train: the schedule is the recipe's
   * @throws FailureException if the loss diverges, or the platform cannot train
   */
  public Outcome train(
      Path folder, int[] train, int[] validation, int epochs, TrainingListener listener) {
    return train(folder, train, validation, epochs, listener, TrainingRun.Stage.TRAIN, null);
  }

  /**
   * The same, from where the run is in this stage, and telling it after every epoch.
   *
   * @param run null for a training that is not kept
   */
  Outcome train(
      Path folder,
      int[] train,
      int[] validation,
      int epochs,
      TrainingListener listener,
      TrainingRun.Stage stage,
      TrainingRun run) {
    Path checkpoint = folder.resolve(Artifacts.CHECKPOINT);
    TrainingRun.Progress progress = run == null ? null : run.progress(stage);
    if (progress == null) {
      progress = TrainingRun.Progress.NONE;
    }
    Map<String, Tensor> best = progress.bestEpoch() == 0 ? null : run.best();
    if (run != null && run.passed(stage)) {
      return outcome(best, progress);
    }
    if (progress.epoch() > 0) {
      run.restore(checkpoint);
      // Once more: whoever stopped the run may have done so before it was told.
      listener.epoch(progress.history().get(progress.epoch() - 1));
    }
    try (TrainingLoop loop =
        new TrainingLoop(data, initial, recipe, artifacts, folder, train, progress, cores)) {
      Pace pace = new Pace(listener, epochs, loop.stepsAnEpoch());
      while (progress.epoch() < epochs && !progress.stopped()) {
        int epoch = progress.epoch() + 1;
        TrainingLoop.Passed passed = loop.epoch(epoch, pace);
        Metrics metrics = null;
        Metrics bestMetrics = progress.bestMetrics();
        int bestEpoch = progress.bestEpoch();
        boolean stopped = false;
        if (validation.length > 0) {
          TrainingLoop.Judgement judgement = loop.judge(validation, epoch);
          metrics = judgement.metrics();
          if (bestMetrics == null || metrics.loss() < bestMetrics.loss()) {
            best = judgement.weights();
            bestMetrics = metrics;
            bestEpoch = epoch;
          }
          stopped = impatient(epoch, bestEpoch, train.length);
        }
        List<Epoch> history = new ArrayList<>(progress.history());
        history.add(
            new Epoch(epoch, loop.rate(), passed.loss(), passed.accuracy(), brief(metrics)));
        progress =
            new TrainingRun.Progress(
                epoch, history, bestEpoch, bestMetrics, loop.firstLoss(), stopped);
        if (run != null) {
          run.reached(stage, progress, best);
          if (run.due()) {
            loop.save();
            run.save(checkpoint);
          }
        }
        listener.epoch(history.get(epoch - 1));
      }
      loop.finish(progress.epoch(), progress.bestEpoch() < progress.epoch() ? best : null);
    }
    return outcome(best == null ? Checkpoint.read(checkpoint).weights() : best, progress);
  }

  /**
   * Trains for so many epochs and says what rows that did not train score.
   *
   * @param folder for the artifacts
   * @param judged rows that are not among those that train
   * @param listener hears of steps, and of epochs that are done as progress
   * @return logits [judged, outputs]; for regression numbers in their own units
   * @throws FailureException if the loss diverges, or the platform cannot train
   */
  float[] heldOut(Path folder, int[] train, int[] judged, int epochs, TrainingListener listener) {
    try (TrainingLoop loop =
        new TrainingLoop(
            data, initial, recipe, artifacts, folder, train, TrainingRun.Progress.NONE, cores)) {
      Pace pace = new Pace(listener, epochs, loop.stepsAnEpoch());
      for (int epoch = 1; epoch <= epochs; epoch++) {
        loop.epoch(epoch, pace);
        listener.progress(epoch);
      }
      float[] logits = loop.logits(judged, epochs);
      if (data.targets().task() == Task.REGRESSION) {
        data.activate(logits);
      }
      return logits;
    }
  }

  /** Whether the best epoch is too long ago to go on. */
  private boolean impatient(int epoch, int best, int rows) {
    return recipe.patience() > 0 && epoch - Math.max(best, fewestEpochs(rows)) >= recipe.patience();
  }

  /** As the history keeps them; null for null. */
  private Metrics brief(Metrics metrics) {
    return metrics != null && data.targets().outputs() > CONFUSIONS ? metrics.brief() : metrics;
  }

  private Outcome outcome(Map<String, Tensor> best, TrainingRun.Progress progress) {
    best.forEach(Trainer::requireFinite);
    return new Outcome(
        initial.with(best),
        progress.bestEpoch() == 0 ? progress.epoch() : progress.bestEpoch(),
        progress.bestMetrics(),
        progress.history(),
        progress.stopped());
  }

  /** The last update has no loss after it that would tell. */
  private static void requireFinite(String name, Tensor weights) {
    if (!weights.finite()) {
      throw new FailureException(
          "training diverged: the weights '" + name + "' are not finite. Try a lower --rate");
    }
  }

  /**
   * Epochs that are trained at least: with few samples to judge by, a minimum of the loss in the
   * first steps is chance.
   *
   * @param rows that train
   */
  int fewestEpochs(int rows) {
    return fewestEpochs(recipe, rows);
  }

  /** The same for a recipe. */
  static int fewestEpochs(Recipe recipe, int rows) {
    int together = recipe.batch() * recipe.accumulate();
    int steps = (rows + together - 1) / together;
    return Math.min(recipe.epochs(), (FEWEST_STEPS + steps - 1) / steps);
  }
}
