package dev.headstart.train;

import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.artifact.Optimizer;
import dev.headstart.artifact.ParameterOptions;
import dev.headstart.artifact.TrainingPlan;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.TrainingSession;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.LongStream;

/**
 * Trains a head's network: artifacts, then mini-batches through ONNX Runtime's training session,
 * judged after every epoch. Samples of one form are stacked; where a batch has several forms, their
 * gradients are added up before the optimizer takes its step.
 *
 * <p>The order of samples follows from the recipe's seed alone, and ONNX Runtime divides a step
 * among threads by their number alone, so the same seed gives the same weights bit for bit.
 */
public final class Trainer {
  /** A loss this many times the first one is no longer learning. */
  private static final double DIVERGED = 1000;

  /** Optimizer steps before early stopping may end a training. */
  private static final int FEWEST_STEPS = 200;

  /** For more classes than this the history leaves out each epoch's confusion. */
  private static final int CONFUSIONS = 50;

  /** Nanoseconds of steps that are measured before it is said how long an epoch takes. */
  private static final long PACE = 500_000_000;

  /** Between the seeds of two epochs' dropout masks: more than a graph has nodes. */
  private static final long EPOCH_SEEDS = 1_000_003;

  private final TrainableNetwork initial;
  private final Examples examples;
  private final Targets targets;
  private final Recipe recipe;
  private final Scaling target;

  /** Whether masks are drawn: each epoch then has a session and a seed of its own. */
  private final boolean dropout;

  private final int cores;

  /** Those in the folder now, and what they were made for: a refit may need only fresh weights. */
  private Artifacts artifacts;

  private Made made;

  /** What artifacts follow from, beside what a trainer has once for all. */
  private record Made(
      Path folder, boolean whole, long seed, int effectiveBatch, List<Float> weights) {}

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
    this.examples = examples;
    this.targets = targets;
    this.target = target;
    this.recipe = recipe;
    this.dropout =
        initial.network().proto().getGraph().getNodeList().stream()
            .anyMatch(node -> node.getOpType().equals("Dropout"));
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
    }
    try (Batches batches = new Batches(folder, train, progress, epochs, listener)) {
      while (progress.epoch() < epochs && !progress.stopped()) {
        int epoch = progress.epoch() + 1;
        double loss = batches.epoch(epoch);
        Metrics metrics = null;
        Metrics bestMetrics = progress.bestMetrics();
        int bestEpoch = progress.bestEpoch();
        boolean stopped = false;
        if (validation.length > 0) {
          Judgement judgement = batches.judge(validation);
          metrics = judgement.metrics;
          if (!Double.isFinite(metrics.loss())) {
            throw batches.diverged(metrics.loss(), epoch);
          }
          if (bestMetrics == null || metrics.loss() < bestMetrics.loss()) {
            best = judgement.weights;
            bestMetrics = metrics;
            bestEpoch = epoch;
          }
          stopped =
              recipe.patience() > 0
                  && epoch - Math.max(bestEpoch, fewestEpochs(train.length)) >= recipe.patience();
        }
        boolean many = targets.outputs() > CONFUSIONS;
        List<Epoch> history = new ArrayList<>(progress.history());
        history.add(
            new Epoch(
                epoch, batches.rate, loss, metrics != null && many ? metrics.brief() : metrics));
        progress =
            new TrainingRun.Progress(
                epoch, history, bestEpoch, bestMetrics, batches.firstLoss, stopped);
        if (run != null) {
          run.reached(stage, progress, best);
          if (run.due()) {
            batches.session.save(checkpoint, true);
            run.save(checkpoint);
          }
        }
        listener.epoch(history.get(epoch - 1));
      }
      if (batches.session == null) {
        make(folder, train, progress.epoch());
      } else {
        batches.session.save(checkpoint, true);
      }
    }
    if (best == null) {
      best = Checkpoint.read(checkpoint).weights();
    } else if (progress.bestEpoch() < progress.epoch()) {
      artifacts.checkpoint(complete(best)).write(checkpoint);
    }
    return outcome(best, progress);
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
    int together = recipe.batch() * recipe.accumulate();
    int steps = (rows + together - 1) / together;
    return Math.min(recipe.epochs(), (FEWEST_STEPS + steps - 1) / steps);
  }

  /**
   * Makes the folder ready for an epoch: artifacts, and the checkpoint that lies there, but for the
   * first epoch a fresh one, and one without moments where the base's layers join.
   */
  private void prepare(Path folder, int[] train, int epoch) {
    Path checkpoint = folder.resolve(Artifacts.CHECKPOINT);
    make(folder, train, epoch);
    if (epoch == 1) {
      artifacts.checkpoint().write(checkpoint);
    } else if (joins(epoch)) {
      artifacts.checkpoint(complete(Checkpoint.read(checkpoint).weights())).write(checkpoint);
    }
  }

  /** Whether the base's layers train from this epoch on, and did not before. */
  private boolean joins(int epoch) {
    return !initial.pretrained().isEmpty() && epoch == recipe.gradual() + 1 && epoch > 1;
  }

  /** Writes an epoch's artifacts, if those in the folder are others; the checkpoint stays. */
  private void make(Path folder, int[] train, int epoch) {
    int together = Math.min(train.length, recipe.batch() * recipe.accumulate());
    float[] weights = weights(train);
    Made wanted =
        new Made(
            folder,
            initial.pretrained().isEmpty() || epoch > recipe.gradual(),
            dropout ? recipe.seed() + EPOCH_SEEDS * epoch : recipe.seed(),
            examples.forms() > 1 || recipe.accumulate() > 1 ? together : 0,
            weights == null ? null : floats(weights));
    if (wanted.equals(made)) {
      return;
    }
    Path checkpoint = folder.resolve(Artifacts.CHECKPOINT);
    artifacts = generate(initial, recipe, wanted, weights);
    made = wanted;
    try {
      byte[] before = epoch == 1 ? null : Files.readAllBytes(checkpoint);
      artifacts.writeTo(folder);
      if (before != null) {
        Files.write(checkpoint, before);
      }
    } catch (IOException e) {
      throw new FailureException("the checkpoint " + checkpoint + " cannot be kept: " + e, e);
    }
  }

  private static Artifacts generate(
      TrainableNetwork network, Recipe recipe, Made wanted, float[] weights) {
    Float clip = recipe.clip() > 0 ? (float) recipe.clip() : null;
    Optimizer optimizer =
        switch (recipe.optimizer()) {
          case ADAMW ->
              Optimizer.AdamW.pytorch().weightDecay((float) recipe.weightDecay()).maxGradNorm(clip);
          case SGD -> new Optimizer.Sgd(clip);
        };
    ParameterOptions slower = ParameterOptions.rate((float) recipe.baseRate());
    Map<String, ParameterOptions> own = new HashMap<>();
    List<String> trainable = new ArrayList<>(network.trainable());
    if (wanted.whole) {
      network.pretrained().forEach(name -> own.put(name, slower));
    } else {
      trainable.removeAll(network.pretrained());
    }
    ArtifactOptions options =
        ArtifactOptions.of(recipe.loss(), optimizer)
            .trainable(trainable)
            .parameters(own)
            .decayVectors(network.pretrained().isEmpty())
            .weights(weights)
            .smoothing((float) recipe.labelSmoothing())
            .effectiveBatch(wanted.effectiveBatch)
            .batchNorms(recipe.batchNorm() == Recipe.BatchNorm.TRAIN)
            .seed(wanted.seed);
    return Artifacts.generate(network.network(), options).observable(HeadNetwork.LOGITS);
  }

  /**
   * What training a network would take.
   *
   * @param inputs what it takes for one sample, with a leading 1 for the batch
   * @param outputs classes, or values of a regression
   * @param features bytes of all samples' features that are yet to be taken into memory
   * @return by the size of a batch
   */
  static IntFunction<TrainingPlan> plans(
      TrainableNetwork network,
      Recipe recipe,
      List<TensorInfo> inputs,
      int outputs,
      long features) {
    Artifacts artifacts =
        generate(network, recipe, new Made(null, true, recipe.seed(), 0, null), null);
    return batch -> {
      Map<String, long[]> shapes = new HashMap<>();
      for (TensorInfo input : inputs) {
        long[] shape = input.shape().clone();
        shape[0] = batch;
        shapes.put(input.name(), shape);
      }
      shapes.put(
          recipe.loss().input(),
          recipe.task() == Task.SINGLE ? new long[] {batch} : new long[] {batch, outputs});
      return TrainingPlan.of(artifacts, shapes).withFeatures(features);
    };
  }

  /** With what the network began with where a stage did not train it. */
  private Map<String, Tensor> complete(Map<String, Tensor> weights) {
    Map<String, Tensor> all = new LinkedHashMap<>(artifacts.checkpoint().weights());
    all.putAll(weights);
    return all;
  }

  private static List<Float> floats(float[] values) {
    List<Float> floats = new ArrayList<>();
    for (float value : values) {
      floats.add(value);
    }
    return floats;
  }

  /** What classes weigh in the loss; null where they weigh alike. */
  private float[] weights(int[] train) {
    if (!recipe.balanced() || recipe.task() == Task.REGRESSION) {
      return null;
    }
    return recipe.task() == Task.SINGLE ? classWeights(train) : positiveWeights(train);
  }

  /** What {@link HeadNetwork#model} does to logits. */
  private void activate(float[] logits) {
    int outputs = targets.outputs();
    switch (recipe.task()) {
      case SINGLE -> {
        for (int row = 0; row < logits.length; row += outputs) {
          double max = logits[row + Metrics.best(logits, row, outputs)];
          double sum = 0;
          for (int k = row; k < row + outputs; k++) {
            sum += Math.exp(logits[k] - max);
          }
          for (int k = row; k < row + outputs; k++) {
            logits[k] = (float) (Math.exp(logits[k] - max) / sum);
          }
        }
      }
      case MULTI -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = (float) (1 / (1 + Math.exp(-logits[i])));
        }
      }
      case REGRESSION -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = logits[i] * target.scale()[0] + target.mean()[0];
        }
      }
    }
  }

  /** Inverse to each class's share, 1 on average over the samples; a class without any weighs 1. */
  private float[] classWeights(int[] train) {
    int classes = targets.outputs();
    int[] counts = targets.counts(train);
    float[] weights = new float[classes];
    for (int c = 0; c < classes; c++) {
      weights[c] = counts[c] == 0 ? 1 : (float) train.length / (classes * (float) counts[c]);
    }
    return weights;
  }

  /** Negatives over positives for each class, within 1/100 and 100. */
  private float[] positiveWeights(int[] train) {
    int classes = targets.outputs();
    int[] counts = targets.counts(train);
    float[] weights = new float[classes];
    for (int c = 0; c < classes; c++) {
      weights[c] =
          counts[c] == 0
              ? 1
              : Math.min(100, Math.max(0.01f, (train.length - counts[c]) / (float) counts[c]));
    }
    return weights;
  }

  private record Judgement(Metrics metrics, Map<String, Tensor> weights) {}

  /** The samples as mini-batches, in buffers that are used again for every step. */
  private final class Batches implements AutoCloseable {
    private final Path folder;
    private final int[] train;
    private final int[] rows;
    private final int size;
    private final int together;
    private final long steps;
    private final Map<List<Integer>, TrainingSession.Batch> bound = new HashMap<>();
    private final List<ByteBuffer> x;
    private final Tensor y;
    private final Stack[] stacks;
    private final SplittableRandom random;
    private final int epochs;
    private final TrainingListener listener;
    private TrainingSession session;
    private long step;
    private long paceFrom;
    private int paceSteps;
    private boolean paced;
    private double firstLoss;
    private float rate = Float.NaN;

    /** Behind the epochs that are done. */
    Batches(
        Path folder,
        int[] train,
        TrainingRun.Progress done,
        int epochs,
        TrainingListener listener) {
      this.epochs = epochs;
      this.listener = listener;
      this.folder = folder;
      this.train = train;
      this.rows = train.clone();
      this.random = new SplittableRandom(recipe.seed());
      this.size = Math.min(recipe.batch(), train.length);
      this.together = size * recipe.accumulate();
      int stepsAnEpoch = (train.length + together - 1) / together;
      this.steps = (long) recipe.epochs() * stepsAnEpoch;
      this.step = (long) done.epoch() * stepsAnEpoch;
      this.firstLoss = done.firstLoss();
      for (int epoch = 1; epoch <= done.epoch(); epoch++) {
        shuffle(); // of the order that the last epoch had
      }
      this.stacks = new Stack[examples.forms()];
      Arrays.setAll(stacks, Stack::new);
      this.x = buffers();
      this.y =
          recipe.task() == Task.SINGLE
              ? Tensor.zeros(ElementType.INT64, size)
              : Tensor.zeros(ElementType.FLOAT, size, targets.outputs());
    }

    /** A buffer for every input, large enough for a batch of any form. */
    private List<ByteBuffer> buffers() {
      long[] bytes = new long[examples.inputs(0).size()];
      for (int form = 0; form < examples.forms(); form++) {
        List<TensorInfo> inputs = examples.inputs(form);
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = Math.max(bytes[i], bytes(inputs.get(i)));
        }
      }
      return LongStream.of(bytes).mapToObj(b -> Tensor.allocate(size * b)).toList();
    }

    private static long bytes(TensorInfo input) {
      return Tensor.elements(input.shape()) * input.type().bytes();
    }

    private TrainingSession.Batch bind(int form, int count) {
      Map<String, Tensor> inputs = new LinkedHashMap<>();
      List<TensorInfo> infos = examples.inputs(form);
      for (int i = 0; i < infos.size(); i++) {
        TensorInfo info = infos.get(i);
        long[] shape = info.shape().clone();
        shape[0] = count;
        ByteBuffer data = x.get(i).slice(0, Math.toIntExact(count * bytes(info)));
        inputs.put(info.name(), new Tensor(info.type(), shape, data));
      }
      inputs.put(recipe.loss().input(), first(y, count));
      return session.bind(inputs);
    }

    /** The first rows of a tensor, in the same memory. */
    private static Tensor first(Tensor tensor, int count) {
      long[] shape = tensor.shape().clone();
      int bytes = (int) (tensor.data().remaining() / shape[0] * count);
      shape[0] = count;
      return new Tensor(tensor.type(), shape, tensor.data().slice(0, bytes));
    }

    /** What the rows are in the buffers as; made when it is first asked for. */
    private TrainingSession.Batch batch(Stack stack) {
      return bound.computeIfAbsent(
          List.of(stack.form, stack.count), key -> bind(stack.form, stack.count));
    }

    private void fill(Stack stack) {
      examples.gather(stack.rows, stack.count, x);
      if (recipe.task() == Task.SINGLE) {
        targets.gather(stack.rows, stack.count, y.longBuffer());
      } else {
        float mean = target == null ? 0 : target.mean()[0];
        float deviation = target == null ? 1 : target.scale()[0];
        targets.gather(stack.rows, stack.count, mean, deviation, y.floatBuffer());
      }
    }

    /** Rows of one form, and their positions in the order that they came in. */
    private final class Stack {
      private final int form;
      private final int[] rows = new int[size];
      private final int[] positions = new int[size];
      private int count;

      Stack(int form) {
        this.form = form;
      }
    }

    /** Fills the buffers with batch after batch, in the rows' order as far as forms allow. */
    private void each(int[] order, Consumer<Stack> use) {
      for (int position = 0; position < order.length; position++) {
        Stack stack = stacks[examples.form(order[position])];
        stack.positions[stack.count] = position;
        stack.rows[stack.count++] = order[position];
        if (stack.count == size) {
          use(stack, use);
        }
      }
      for (Stack stack : stacks) {
        if (stack.count > 0) {
          use(stack, use);
        }
      }
    }

    private void use(Stack stack, Consumer<Stack> use) {
      fill(stack);
      use.accept(stack);
      stack.count = 0;
    }

    /** Trains on every sample once; returns the mean of the samples' losses. */
    double epoch(int epoch) {
      if (session == null || dropout || joins(epoch)) {
        if (session != null) {
          session.save(folder.resolve(Artifacts.CHECKPOINT), true);
          close();
        }
        prepare(folder, train, epoch);
        session = TrainingSession.open(folder, Math.min(cores, initial.threads()));
        rate = Float.NaN; // a session begins with one of its own
      }
      shuffle();
      double[] sum = new double[1];
      for (int from = 0; from < rows.length; from += together) {
        float factor = (float) recipe.schedule().factor(step++, steps, recipe.warmup());
        if (factor * (float) recipe.rate() != rate) {
          rate = factor * (float) recipe.rate();
          session.learningRate(rate);
        }
        each(
            Arrays.copyOfRange(rows, from, Math.min(rows.length, from + together)),
            stack -> {
              double loss = session.accumulate(batch(stack));
              check(loss, epoch);
              sum[0] += loss * stack.count;
            });
        session.update();
        pace();
        listener.step();
      }
      return sum[0] / rows.length;
    }

    /** Says once how long an epoch takes; the first step is slower than those that follow. */
    private void pace() {
      long now = System.nanoTime();
      if (paceSteps++ == 0) {
        paceFrom = now;
      } else if (!paced && now - paceFrom >= PACE) {
        paced = true;
        double each = (now - paceFrom) / 1e9 / (paceSteps - 1);
        listener.pace(each * ((rows.length + together - 1) / together), epochs);
      }
    }

    /** Judges the weights as they are. */
    Judgement judge(int[] judges) {
      int width = targets.outputs();
      float[] scores = new float[judges.length * width];
      Map<String, Tensor> outputs = new HashMap<>();
      each(
          judges,
          stack -> {
            outputs.putAll(session.evaluate(batch(stack)));
            FloatBuffer logits = outputs.get(HeadNetwork.LOGITS).floatBuffer();
            for (int i = 0; i < stack.count; i++) {
              logits.get(i * width, scores, stack.positions[i] * width, width);
            }
          });
      Map<String, Tensor> weights = new LinkedHashMap<>();
      for (String name : artifacts.checkpoint().weights().keySet()) {
        weights.put(name, outputs.get(Artifacts.VALUE + name));
      }
      activate(scores);
      return new Judgement(Metrics.of(scores, targets, judges), weights);
    }

    private void check(double loss, int epoch) {
      if (Double.isNaN(firstLoss)) {
        firstLoss = loss;
      }
      if (Double.isFinite(loss) && loss <= DIVERGED * Math.max(1, firstLoss)) {
        return;
      }
      throw diverged(loss, epoch);
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

    @Override
    public void close() {
      bound.values().forEach(TrainingSession.Batch::close);
      bound.clear();
      if (session != null) {
        session.close();
        session = null;
      }
    }
  }
}
