package dev.headstart.train;

import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.Unfreeze;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Locale;

/**
 * Everything that decides a training, given the samples.
 *
 * @param kind what the head is made of
 * @param task what it answers
 * @param loss ce (single), bce (multi), mse or l1 (regression)
 * @param optimizer adamw or sgd
 * @param rate the highest learning rate of the schedule
 * @param schedule how the rate goes over the epochs
 * @param warmup the part of all steps over which the rate rises from 0, in [0, 1)
 * @param epochs passes over the training samples, at most
 * @param batch samples a step
 * @param weightDecay decoupled, as AdamW's
 * @param labelSmoothing in [0, 1), for ce
 * @param balanced whether classes weigh the inverse of their share of the samples
 * @param validation part of the samples to judge by, in [0, 0.5]
 * @param patience epochs without a lower validation loss after which training stops; 0 never stops
 * @param refit whether the head is trained once more on all samples after it was judged
 * @param unfreeze what of the base trains: {@code head} for nothing, else as {@link Unfreeze} reads
 *     it
 * @param freeze patterns of parameters that stay as they are all the same
 * @param baseRate the rate of the base's own layers, as a part of the rate
 * @param clip largest norm of all gradients together; 0 leaves them as they are
 * @param warmStart whether training begins from the live version's weights instead of fresh ones
 * @param gradual epochs at first in which a tail's classifier trains alone
 * @param accumulate batches whose gradients make up one step
 * @param batchNorm what becomes of the running statistics of a tail's batch normalisations
 * @param augment what pictures are varied by: {@code none}, {@code auto}, or names with commas
 * @param seed decides fresh weights and the order of samples
 */
public record Recipe(
    HeadKind kind,
    Task task,
    Loss loss,
    OptimizerName optimizer,
    double rate,
    Schedule schedule,
    double warmup,
    int epochs,
    int batch,
    double weightDecay,
    double labelSmoothing,
    boolean balanced,
    double validation,
    int patience,
    boolean refit,
    String unfreeze,
    List<String> freeze,
    double baseRate,
    double clip,
    boolean warmStart,
    int gradual,
    int accumulate,
    BatchNorm batchNorm,
    String augment,
    long seed) {

  /** The augmentation that is chosen by what it gains. */
  public static final String AUTOMATIC = "auto";

  /** The augmentation that is none. */
  public static final String NO_AUGMENTATION = "none";

  /** Smaller ones are lost in float32: weights are kept divided by it. */
  private static final double SMALLEST_BASE_RATE = 1e-6;

  /** An optimizer by its name on the command line. */
  public enum OptimizerName {
    ADAMW,
    SGD;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What becomes of running statistics. */
  public enum BatchNorm {
    /** They stay as the base has them, and normalise in training too. */
    FROZEN,
    /** Where the layer trains, each batch is normalised by its own, and moves them. */
    TRAIN;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * @throws UsageException naming the field that is out of range
   */
  public Recipe {
    freeze = List.copyOf(freeze);
    if (!augment.equals(NO_AUGMENTATION)) {
      if (!augment.equals(AUTOMATIC)) {
        Variation.parse(augment);
      }
      if (kind instanceof HeadKind.Tail) {
        throw new UsageException(
            "--augment goes with heads on pooled features: leave it out, or --unfreeze");
      }
    }
    require(rate >= 1e-12 && rate <= 1000, "the rate", "from 1e-12 to 1000", rate);
    require(warmup >= 0 && warmup < 1, "the warm-up", "in [0, 1)", warmup);
    require(epochs >= 1 && epochs <= 100_000, "the number of epochs", "1 to 100000", epochs);
    require(batch >= 1 && batch <= 65_536, "the batch", "1 to 65536", batch);
    require(
        weightDecay >= 0 && weightDecay <= Optimizer.AdamW.LARGEST_DECAY,
        "the weight decay",
        "from 0 to " + Optimizer.AdamW.LARGEST_DECAY,
        weightDecay);
    require(
        labelSmoothing >= 0 && labelSmoothing < 1, "label smoothing", "in [0, 1)", labelSmoothing);
    require(validation >= 0 && validation <= 0.5, "the validation part", "in [0, 0.5]", validation);
    require(
        baseRate >= SMALLEST_BASE_RATE && baseRate <= 1,
        "the rate of the base",
        "from " + SMALLEST_BASE_RATE + " to 1 (freeze what must not move)",
        baseRate);
    require(clip >= 0 && clip <= 1e9, "the norm to clip at", "from 0 (never) to 1e9", clip);
    require(accumulate >= 1 && accumulate <= 65_536, "to accumulate", "1 to 65536", accumulate);
    require(
        (long) batch * accumulate <= 1 << 24,
        "batch times accumulate",
        "at most 16777216",
        (double) batch * accumulate);
    require(gradual >= 0, "gradual unfreezing", "0 (none) epochs or more", gradual);
    boolean tail = kind instanceof HeadKind.Tail;
    if (gradual > 0 && (!tail || gradual >= epochs)) {
      throw new UsageException(
          tail
              ? "gradual unfreezing must leave epochs for the base's layers: --gradual "
                  + gradual
                  + " of --epochs "
                  + epochs
              : "--gradual says when the layers of --unfreeze join: say which");
    }
    if (batchNorm == BatchNorm.TRAIN && !tail) {
      throw new UsageException(
          "--batch-norm train goes with --unfreeze, of whose layers it speaks");
    }
    if (batchNorm == BatchNorm.TRAIN && batch < 2) {
      throw new UsageException(
          "--batch-norm train normalises a batch by its own variance, which one sample does not"
              + " have: say --batch 2 or more, or leave it out");
    }
    if (accumulate > 1 && kind instanceof HeadKind.Prototype) {
      throw new UsageException(
          "a prototype head is made of its samples at once, without steps: leave out --accumulate");
    }
    require(patience >= 0, "patience", "0 (never stop early) or more", patience);
    if (labelSmoothing > 0 && loss != Loss.CE) {
      throw new UsageException("label smoothing goes with a single label only, not with " + loss);
    }
    if (warmStart && kind instanceof HeadKind.Prototype) {
      throw new UsageException(
          "a prototype head is made of its samples at once, with nothing to start from: leave out"
              + " --warm-start");
    }
    if (kind instanceof HeadKind.Prototype && task != Task.SINGLE) {
      throw new UsageException(
          "a prototype head answers one class a sample; for the task "
              + task.id()
              + " use linear or mlp:H");
    }
  }

  /** The same, from the live version's weights on. */
  Recipe warm() {
    return with(rate, true, augment);
  }

  /** The same with another rate. */
  Recipe withRate(double other) {
    return with(other, warmStart, augment);
  }

  /** The same with another augmentation. */
  Recipe withAugment(String other) {
    return with(rate, warmStart, other);
  }

  private Recipe with(double rate, boolean warmStart, String augment) {
    return new Recipe(
        kind,
        task,
        loss,
        optimizer,
        rate,
        schedule,
        warmup,
        epochs,
        batch,
        weightDecay,
        labelSmoothing,
        balanced,
        validation,
        patience,
        refit,
        unfreeze,
        freeze,
        baseRate,
        clip,
        warmStart,
        gradual,
        accumulate,
        batchNorm,
        augment,
        seed);
  }

  private static void require(boolean holds, String what, String expected, double given) {
    if (!holds) {
      throw new UsageException(
          what
              + " must be "
              + expected
              + ", got "
              + (given == Math.rint(given) && Math.abs(given) < 1e9
                  ? String.valueOf((long) given)
                  : String.valueOf(given)));
    }
  }
}
