package dev.headstart.train;

import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.TrainingSession;
import dev.headstart.sample.Task;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleConsumer;

/**
 * Epoch after epoch of steps over the samples that train, in a training session, which is opened
 * anew where an epoch has other artifacts than the one before. The caller closes it.
 */
final class TrainingLoop implements AutoCloseable {
  /** A loss this many times the first one is no longer learning. */
  private static final double DIVERGED = 1000;

  private final LabeledExamples data;
  private final TrainableNetwork network;
  private final Recipe recipe;
  private final RecipeArtifacts source;
  private final Path folder;
  private final Path checkpoint;

  /** In the order of the last epoch. */
  private final int[] rows;

  /** Of classes in the loss; null where they weigh alike. */
  private final float[] weights;

  /** Samples a step, but for the last of an epoch. */
  private final int together;

  private final int threads;
  private final SplittableRandom random;
  private final MiniBatches batches;
  private Artifacts artifacts;
  private TrainingSession session;
  private long step;
  private double firstLoss;
  private float rate = Float.NaN;

  /**
   * @param folder for the artifacts; its checkpoint is gone on from where epochs are done
   * @param train rows to train on
   * @param done the epochs that are done
   * @param cores that a step may use at most
   */
  TrainingLoop(
      LabeledExamples data,
      TrainableNetwork network,
      Recipe recipe,
      RecipeArtifacts source,
      Path folder,
      int[] train,
      TrainingRun.Progress done,
      int cores) {
    this.threads = Math.min(cores, network.threads());
    this.data = data;
    this.network = network;
    this.recipe = recipe;
    this.source = source;
    this.folder = folder;
    this.checkpoint = folder.resolve(Artifacts.CHECKPOINT);
    this.rows = train.clone();
    this.weights = recipe.balanced() ? data.targets().balance(train) : null;
    this.random = new SplittableRandom(recipe.seed());
    int size = Math.min(recipe.batch(), train.length);
    this.together = size * recipe.accumulate();
    this.batches = new MiniBatches(data, recipe.loss(), size, source.accumulated());
    this.step = (long) done.epoch() * stepsAnEpoch();
    this.firstLoss = done.firstLoss();
    for (int epoch = 1; epoch <= done.epoch(); epoch++) {
      shuffle(); // of the order that the last epoch had
    }
  }

  int stepsAnEpoch() {
    return (rows.length + together - 1) / together;
  }

  /** The rate of the last step. */
  float rate() {
    return rate;
  }

  /** The loss of the first step of all; NaN before it. */
  double firstLoss() {
    return firstLoss;
  }

  /**
   * What the steps of an epoch said of the samples, each before it changed the weights.
   *
   * @param loss mean of the samples' losses
   * @param accuracy as {@link Metrics#accuracy}
   */
  record Passed(double loss, Double accuracy) {}

  /**
   * Trains on every sample once; where batch norms take a batch's own statistics, without those
   * that would be a batch of one, which another epoch's order has.
   *
   * @throws FailureException if the loss diverges
   */
  Passed epoch(int epoch, Pace pace) {
    if (session == null || artifacts.dropout() || source.joins(epoch)) {
      open(epoch);
    }
    shuffle();
    long steps = (long) recipe.epochs() * stepsAnEpoch();
    double sum = 0;
    float[] scores = new float[rows.length * data.targets().outputs()];
    int[] taken = new int[rows.length];
    int seen = 0;
    for (int from = 0; from < rows.length; from += together) {
      float factor = (float) recipe.schedule().factor(step++, steps, recipe.warmup());
      rate(factor * (float) recipe.rate());
      int[] these = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + together));
      if (recipe.batchNorm() == Recipe.BatchNorm.TRAIN) {
        these = batches.withoutLone(these);
      }
      if (these.length == 0) {
        pace.step();
        continue;
      }
      int start = seen;
      System.arraycopy(these, 0, taken, start, these.length);
      seen += these.length;
      sum +=
          step(
              these,
              (logits, positions, count) -> gather(logits, scores, start, positions, count),
              loss -> check(loss, epoch));
      pace.step();
    }
    if (seen == 0) {
      throw new BadInputException(
          "--batch-norm train needs two samples of one shape in a batch, and no two of the "
              + rows.length
              + " that train are: add samples, or leave it out");
    }
    data.activate(scores);
    Metrics metrics = Metrics.of(scores, data.targets(), Arrays.copyOf(taken, seen));
    return new Passed(sum / seen, metrics.accuracy());
  }

  private void rate(float next) {
    if (next != rate) {
      rate = next;
      session.learningRate(rate);
    }
  }

  /** Takes a batch's logits and where its rows stand. */
  private interface Logits {
    void take(FloatBuffer logits, int[] positions, int count);
  }

  /**
   * A step of the optimizer.
   *
   * @param check of each batch's mean loss
   * @return the sum of the samples' losses
   */
  private double step(int[] these, Logits logits, DoubleConsumer check) {
    double[] sum = new double[1];
    batches.each(
        these,
        weight(these),
        (batch, positions, count) -> {
          double loss =
              session.accumulate(
                  batch, HeadNetwork.LOGITS, found -> logits.take(found, positions, count));
          check.accept(loss);
          sum[0] += loss * count;
        });
    session.update();
    return sum[0];
  }

  /**
   * Steps at rates of their own, pass after pass over the samples, from fresh weights.
   *
   * @return the mean loss in each step, before it; fewer than rates where one is not finite
   */
  double[] losses(double[] rates) {
    open(1);
    double[] losses = new double[rates.length];
    int from = rows.length;
    for (int i = 0; i < rates.length; i++) {
      if (from >= rows.length) {
        shuffle();
        from = 0;
      }
      rate((float) rates[i]);
      int[] these = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + together));
      from += together;
      if (recipe.batchNorm() == Recipe.BatchNorm.TRAIN) {
        these = batches.withoutLone(these);
      }
      if (these.length == 0) {
        losses[i] = i > 0 ? losses[i - 1] : 0;
        continue;
      }
      losses[i] = step(these, (logits, positions, count) -> {}, loss -> {}) / these.length;
      if (!Double.isFinite(losses[i])) {
        return Arrays.copyOf(losses, i);
      }
    }
    return losses;
  }

  /** Puts a batch's rows to their places in [samples, outputs]. */
  private void gather(FloatBuffer batch, float[] scores, int start, int[] positions, int count) {
    int width = data.targets().outputs();
    for (int i = 0; i < count; i++) {
      batch.get(i * width, scores, (start + positions[i]) * width, width);
    }
  }

  /** What the samples of a step weigh together in the loss. */
  private float weight(int[] these) {
    if (weights == null || recipe.task() != Task.SINGLE) {
      return these.length;
    }
    float sum = 0;
    for (int row : these) {
      sum += weights[data.targets().labels()[row]];
    }
    return sum;
  }

  /**
   * Opens a session for an epoch, on the checkpoint that lies there; for the first epoch on a fresh
   * one, and where the base's layers join on one without moments.
   */
  private void open(int epoch) {
    if (session != null) {
      save();
      close();
    }
    make(epoch);
    if (epoch == 1) {
      artifacts.checkpoint().write(checkpoint);
    } else if (source.joins(epoch)) {
      write(Checkpoint.read(checkpoint).weights());
    }
    session = TrainingSession.open(folder, threads);
    batches.bindTo(session);
    rate = Float.NaN; // a session begins with one of its own
  }

  private void make(int epoch) {
    artifacts = source.of(epoch, weights);
    artifacts.writeGraphs(folder);
  }

  /** A checkpoint of these weights, and the network's own where a stage did not train them. */
  private void write(Map<String, Tensor> trained) {
    Map<String, Tensor> all = new LinkedHashMap<>(artifacts.checkpoint().weights());
    all.putAll(trained);
    artifacts.checkpoint(all).write(checkpoint);
  }

  /** What validation samples say of the weights as they are, and these. */
  record Judgement(Metrics metrics, Map<String, Tensor> weights) {}

  /**
   * Judges the weights as they are, after an epoch.
   *
   * @throws FailureException if the loss is not finite
   */
  Judgement judge(int[] judges, int epoch) {
    Map<String, Tensor> outputs = new HashMap<>();
    float[] scores = logits(judges, outputs);
    data.activate(scores);
    Metrics metrics = Metrics.of(scores, data.targets(), judges);
    if (!Double.isFinite(metrics.loss())) {
      throw diverged(metrics.loss(), epoch);
    }
    Map<String, Tensor> values = new LinkedHashMap<>();
    for (String name : artifacts.checkpoint().weights().keySet()) {
      values.put(name, outputs.get(Artifacts.VALUE + name));
    }
    return new Judgement(metrics, values);
  }

  /**
   * What rows give under the weights as they are, after an epoch.
   *
   * @return [judges, outputs]
   * @throws FailureException if one is not finite
   */
  float[] logits(int[] judges, int epoch) {
    float[] logits = logits(judges, new HashMap<>());
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw diverged(logit, epoch);
      }
    }
    return logits;
  }

  /**
   * @param outputs takes the evaluation's outputs of the last batch
   */
  private float[] logits(int[] judges, Map<String, Tensor> outputs) {
    float[] logits = new float[judges.length * data.targets().outputs()];
    batches.each(
        judges,
        judges.length,
        (batch, positions, count) -> {
          outputs.putAll(session.evaluate(batch));
          gather(outputs.get(HeadNetwork.LOGITS).floatBuffer(), logits, 0, positions, count);
        });
    return logits;
  }

  /** Writes the checkpoint, with the optimizer's state. */
  void save() {
    session.save(checkpoint, true);
  }

  /**
   * Ends the session and leaves the folder's artifacts and checkpoint as they are to stay.
   *
   * @param epoch the last one
   * @param best the weights that the checkpoint is to have; null for those that were reached
   */
  void finish(int epoch, Map<String, Tensor> best) {
    if (session == null) {
      make(epoch);
    } else {
      save();
      close();
    }
    if (best != null) {
      write(best);
    }
  }

  private void check(double loss, int epoch) {
    if (Double.isNaN(firstLoss)) {
      firstLoss = loss;
    }
    if (!Double.isFinite(loss) || loss > DIVERGED * Math.max(1, firstLoss)) {
      throw diverged(loss, epoch);
    }
  }

  private FailureException diverged(double loss, int epoch) {
    return new FailureException(
        String.format(
            Locale.ROOT,
            "training diverged: the loss became %s in epoch %d (step %d; it began at %.3g) with"
                + " the rate %s. Try --rate %s, a warm-up, or check the features for values of"
                + " very different size",
            Double.isFinite(loss) ? String.format(Locale.ROOT, "%.3g", loss) : loss,
            epoch,
            step,
            firstLoss,
            Double.toString(recipe.rate()),
            String.format(Locale.ROOT, "%.1g", recipe.rate() / 10)));
  }

  /** Fisher and Yates. */
  private void shuffle() {
    for (int i = rows.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int row = rows[i];
      rows[i] = rows[j];
      rows[j] = row;
    }
  }

  /** Ends the session, if one is open; idempotent. */
  @Override
  public void close() {
    batches.close();
    if (session != null) {
      session.close();
      session = null;
    }
  }
}
