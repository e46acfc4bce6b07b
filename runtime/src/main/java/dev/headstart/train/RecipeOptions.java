package dev.headstart.train;

import dev.headstart.artifact.Loss;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.sample.Task;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;

/**
 * What a user says of a recipe; null for what follows from the task and the features. Fields as in
 * {@link Recipe}.
 */
public record RecipeOptions(
    HeadKind kind,
    Task task,
    Loss loss,
    Recipe.OptimizerName optimizer,
    Double rate,
    Schedule schedule,
    Double warmup,
    Integer epochs,
    Integer batch,
    Double weightDecay,
    Double labelSmoothing,
    Boolean balanced,
    Double validation,
    Integer patience,
    Boolean refit,
    FineTuning tuning,
    Long seed) {

  private static final String HEAD = "head";

  /** What a user says of how layers that know something already train on; null as above. */
  public record FineTuning(
      String unfreeze,
      List<String> freeze,
      Double baseRate,
      Double clip,
      boolean warmStart,
      Integer gradual,
      Integer accumulate,
      Recipe.BatchNorm batchNorm) {

    /** Nothing said. */
    public static final FineTuning NONE =
        new FineTuning(null, List.of(), null, null, false, null, null, null);

    public FineTuning {
      freeze = List.copyOf(freeze);
    }

    FineTuning unfreezing(String what, List<String> frozen) {
      return new FineTuning(
          what, frozen, baseRate, clip, warmStart, gradual, accumulate, batchNorm);
    }

    FineTuning warm() {
      return new FineTuning(unfreeze, freeze, baseRate, clip, true, gradual, accumulate, batchNorm);
    }

    FineTuning gradually(int epochs) {
      return new FineTuning(
          unfreeze, freeze, baseRate, clip, warmStart, epochs, accumulate, batchNorm);
    }

    FineTuning accumulating(int batches) {
      return new FineTuning(
          unfreeze, freeze, baseRate, clip, warmStart, gradual, batches, batchNorm);
    }

    FineTuning batchNorms(Recipe.BatchNorm how) {
      return new FineTuning(unfreeze, freeze, baseRate, clip, warmStart, gradual, accumulate, how);
    }
  }

  /** Nothing said. */
  public static final RecipeOptions DEFAULTS = of(null);

  /** With nothing said of fine-tuning. */
  public RecipeOptions(
      HeadKind kind,
      Task task,
      Loss loss,
      Recipe.OptimizerName optimizer,
      Double rate,
      Schedule schedule,
      Double warmup,
      Integer epochs,
      Integer batch,
      Double weightDecay,
      Double labelSmoothing,
      Boolean balanced,
      Double validation,
      Integer patience,
      Boolean refit,
      Long seed) {
    this(
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
        FineTuning.NONE,
        seed);
  }

  /** The same with this said of fine-tuning. */
  public RecipeOptions tuning(FineTuning said) {
    return new RecipeOptions(
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
        said,
        seed);
  }

  /** The same with this said of unfreezing. */
  public RecipeOptions unfreezing(String what, List<String> frozen) {
    return tuning(tuning.unfreezing(what, frozen));
  }

  /** The same, from the live version's weights on. */
  public RecipeOptions warmStart() {
    return tuning(tuning.warm());
  }

  /** The same, a tail's classifier alone for so many epochs first. */
  public RecipeOptions gradual(int classifierEpochs) {
    return tuning(tuning.gradually(classifierEpochs));
  }

  /** The same, so many batches a step. */
  public RecipeOptions accumulate(int batches) {
    return tuning(tuning.accumulating(batches));
  }

  /** The same, batch normalisations treated so. */
  public RecipeOptions batchNorm(Recipe.BatchNorm how) {
    return tuning(tuning.batchNorms(how));
  }

  /** The default head with this kind and otherwise nothing said. */
  public static RecipeOptions of(HeadKind kind) {
    return new RecipeOptions(
        kind, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        null);
  }

  /**
   * Fills in what was not said.
   *
   * <p>The rate suits features of unit size (see {@code Scaling}): a step of AdamW moves every
   * weight by the rate, so logits by up to rate × width, and a step of SGD by rate × width × error.
   *
   * @param dataTask what the labels mean
   * @param width features a sample
   * @throws UsageException naming the field that is out of range
   */
  public Recipe resolve(Task dataTask, int width) {
    HeadKind head = head();
    boolean tail = head instanceof HeadKind.Tail;
    Recipe.OptimizerName name = optimizer == null ? Recipe.OptimizerName.ADAMW : optimizer;
    double highest = head instanceof HeadKind.Mlp ? 0.01 : 0.1;
    double usual =
        switch (name) {
          case ADAMW -> tail ? 0.001 : Math.min(highest, Math.max(0.001, 0.5 / width));
          case SGD -> tail ? 0.01 : Math.min(0.1, 5.0 / width);
        };
    if (name == Recipe.OptimizerName.SGD && weightDecay != null && weightDecay > 0) {
      throw new UsageException(
          "weight decay goes with the optimizer adamw: leave out --weight-decay or --optimizer sgd");
    }
    return new Recipe(
        head,
        dataTask,
        loss(dataTask),
        name,
        or(rate, new BigDecimal(usual).round(new MathContext(2)).doubleValue()),
        schedule == null ? Schedule.COSINE : schedule,
        or(warmup, tail ? 0.1 : 0),
        epochs == null ? (tail ? 8 : 50) : epochs,
        batch == null ? (tail ? 16 : 32) : batch,
        or(weightDecay, name == Recipe.OptimizerName.ADAMW ? 0.01 : 0),
        or(labelSmoothing, 0),
        balanced != null && balanced,
        or(validation, 0.2),
        patience == null ? (tail ? 5 : 10) : patience,
        refit == null || refit,
        tail ? tuning.unfreeze : HEAD,
        tuning.freeze,
        or(tuning.baseRate, 0.1),
        or(tuning.clip, 0),
        tuning.warmStart,
        tuning.gradual == null ? 0 : tuning.gradual,
        tuning.accumulate == null ? 1 : tuning.accumulate,
        tuning.batchNorm == null ? Recipe.BatchNorm.FROZEN : tuning.batchNorm,
        seed == null ? 1 : seed);
  }

  /** What the head is made of; to unfreeze a part of the base makes it a tail. */
  private HeadKind head() {
    String unfreeze = tuning.unfreeze;
    boolean beyond = unfreeze != null && !unfreeze.equals(HEAD);
    boolean tail = kind instanceof HeadKind.Tail;
    if (tail && !beyond) {
      throw new UsageException(
          "a tail head trains layers of the base model: say which with --unfreeze (a number of"
              + " blocks from the end, a tap or tensor, a pattern of parameter names, or all)");
    }
    if (beyond && kind != null && !tail) {
      throw new UsageException(
          "--unfreeze "
              + unfreeze
              + " makes a tail head, which --head "
              + kind
              + " is not: leave out one of them");
    }
    if (!beyond && !tuning.freeze.isEmpty()) {
      throw new UsageException(
          "--freeze exempts what --unfreeze would train: say what with --unfreeze");
    }
    return beyond ? new HeadKind.Tail() : kind == null ? new HeadKind.Linear() : kind;
  }

  private Loss loss(Task dataTask) {
    List<Loss> fit =
        switch (dataTask) {
          case SINGLE -> List.of(Loss.CE);
          case MULTI -> List.of(Loss.BCE);
          case REGRESSION -> List.of(Loss.MSE, Loss.L1);
        };
    if (loss != null && !fit.contains(loss)) {
      throw new UsageException(
          "the loss " + loss + " does not go with the task " + dataTask.id() + ", expected " + fit);
    }
    return loss == null ? fit.get(0) : loss;
  }

  private static double or(Double said, double otherwise) {
    return said == null ? otherwise : said;
  }
}
