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
    LossOptions losses,
    OptimizerOptions steps,
    Passes passes,
    Judging judging,
    FineTuning tuning,
    String augment,
    Long seed) {

  private static final String HEAD = "head";

  /** What a user says of what is made small. */
  public record LossOptions(Loss loss, Double labelSmoothing, Boolean balanced) {
    public static final LossOptions NONE = new LossOptions(null, null, null);
  }

  /**
   * What a user says of how weights are moved.
   *
   * @param findRate whether the rate is to be found by trying, see {@link RateFinder}
   */
  public record OptimizerOptions(
      Recipe.OptimizerName optimizer,
      Double rate,
      Schedule schedule,
      Double warmup,
      Double weightDecay,
      Double clip,
      boolean findRate) {

    public static final OptimizerOptions NONE = rate(null);

    public OptimizerOptions {
      if (findRate && rate != null) {
        throw new UsageException("the rate is either to be found (auto) or " + rate);
      }
    }

    /** Without a search for the rate. */
    public OptimizerOptions(
        Recipe.OptimizerName optimizer,
        Double rate,
        Schedule schedule,
        Double warmup,
        Double weightDecay,
        Double clip) {
      this(optimizer, rate, schedule, warmup, weightDecay, clip, false);
    }

    public static OptimizerOptions rate(Double rate) {
      return new OptimizerOptions(null, rate, null, null, null, null);
    }

    /** The same, but for a rate that {@link RateFinder} is to find. */
    public OptimizerOptions findingRate() {
      return new OptimizerOptions(optimizer, null, schedule, warmup, weightDecay, clip, true);
    }
  }

  /** What a user says of how often samples are seen, and how many at once. */
  public record Passes(Integer epochs, Integer batch, Integer accumulate) {
    public static final Passes NONE = of(null, null);

    public static Passes of(Integer epochs, Integer batch) {
      return new Passes(epochs, batch, null);
    }
  }

  /** What a user says of the samples that judge. */
  public record Judging(Double validation, Integer patience, Boolean refit) {
    public static final Judging NONE = patience(null);

    public static Judging patience(Integer epochs) {
      return new Judging(null, epochs, null);
    }
  }

  /** Where weights begin. */
  public enum Start {
    /** Anew. */
    FRESH,
    /** With the live version's; it must be of the same shape. */
    WARM,
    /** With the live version's if there is one of the same shape, else anew. */
    WARM_IF_ALIKE
  }

  /** What a user says of how layers that know something already train on. */
  public record FineTuning(
      String unfreeze,
      List<String> freeze,
      Double baseRate,
      Start start,
      Integer gradual,
      Recipe.BatchNorm batchNorm) {

    public static final FineTuning NONE = unfreeze(null);

    public FineTuning {
      freeze = List.copyOf(freeze);
    }

    public static FineTuning unfreeze(String what, String... freeze) {
      return new FineTuning(what, List.of(freeze), null, Start.FRESH, null, null);
    }

    /** The same, from the live version's weights on. */
    public FineTuning warm() {
      return new FineTuning(unfreeze, freeze, baseRate, Start.WARM, gradual, batchNorm);
    }
  }

  /** Nothing said. */
  public static final RecipeOptions DEFAULTS = of(null);

  /** A head of this kind, and otherwise nothing said; null for the default kind. */
  public static RecipeOptions of(HeadKind kind) {
    return new RecipeOptions(
        kind,
        null,
        LossOptions.NONE,
        OptimizerOptions.NONE,
        Passes.NONE,
        Judging.NONE,
        FineTuning.NONE,
        null,
        null);
  }

  /** Without a word of augmentation. */
  public RecipeOptions(
      HeadKind kind,
      Task task,
      LossOptions losses,
      OptimizerOptions steps,
      Passes passes,
      Judging judging,
      FineTuning tuning,
      Long seed) {
    this(kind, task, losses, steps, passes, judging, tuning, null, seed);
  }

  /** As {@code --augment} says it. */
  public RecipeOptions augment(String said) {
    return new RecipeOptions(kind, task, losses, steps, passes, judging, tuning, said, seed);
  }

  public RecipeOptions with(Task said) {
    return new RecipeOptions(kind, said, losses, steps, passes, judging, tuning, augment, seed);
  }

  public RecipeOptions with(LossOptions said) {
    return new RecipeOptions(kind, task, said, steps, passes, judging, tuning, augment, seed);
  }

  public RecipeOptions with(OptimizerOptions said) {
    return new RecipeOptions(kind, task, losses, said, passes, judging, tuning, augment, seed);
  }

  public RecipeOptions with(Passes said) {
    return new RecipeOptions(kind, task, losses, steps, said, judging, tuning, augment, seed);
  }

  public RecipeOptions with(Judging said) {
    return new RecipeOptions(kind, task, losses, steps, passes, said, tuning, augment, seed);
  }

  public RecipeOptions with(FineTuning said) {
    return new RecipeOptions(kind, task, losses, steps, passes, judging, said, augment, seed);
  }

  public RecipeOptions seed(long said) {
    return new RecipeOptions(kind, task, losses, steps, passes, judging, tuning, augment, said);
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
    Recipe.OptimizerName name =
        steps.optimizer == null ? Recipe.OptimizerName.ADAMW : steps.optimizer;
    double highest = head instanceof HeadKind.Mlp ? 0.01 : 0.1;
    double usual =
        switch (name) {
          case ADAMW -> tail ? 0.001 : Math.min(highest, Math.max(0.001, 0.5 / width));
          case SGD -> tail ? 0.01 : Math.min(0.1, 5.0 / width);
        };
    if (name == Recipe.OptimizerName.SGD && steps.weightDecay != null && steps.weightDecay > 0) {
      throw new UsageException(
          "weight decay goes with the optimizer adamw: leave out --weight-decay or --optimizer sgd");
    }
    return new Recipe(
        head,
        dataTask,
        loss(dataTask),
        name,
        or(steps.rate, rounded(usual)),
        steps.schedule == null ? Schedule.COSINE : steps.schedule,
        or(steps.warmup, tail ? 0.1 : 0),
        or(passes.epochs, tail ? 8 : 50),
        or(passes.batch, tail ? 16 : 32),
        or(steps.weightDecay, name == Recipe.OptimizerName.ADAMW ? 0.01 : 0),
        or(losses.labelSmoothing, 0),
        losses.balanced != null && losses.balanced,
        or(judging.validation, 0.2),
        or(judging.patience, tail ? 5 : 10),
        judging.refit == null || judging.refit,
        tail ? tuning.unfreeze : HEAD,
        tuning.freeze,
        or(tuning.baseRate, 0.1),
        or(steps.clip, 0),
        tuning.start == Start.WARM,
        or(tuning.gradual, 0),
        or(passes.accumulate, 1),
        tuning.batchNorm == null ? Recipe.BatchNorm.FROZEN : tuning.batchNorm,
        augment == null ? Recipe.NO_AUGMENTATION : augment,
        seed == null ? 1 : seed);
  }

  /** A rate as people say it: in two digits. */
  static double rounded(double rate) {
    return new BigDecimal(rate).round(new MathContext(2)).doubleValue();
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
    if (!beyond && tuning.baseRate != null) {
      throw new UsageException(
          "--base-rate is that of the layers of --unfreeze: say which, or leave it out");
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
    if (losses.loss != null && !fit.contains(losses.loss)) {
      throw new UsageException(
          "the loss "
              + losses.loss
              + " does not go with the task "
              + dataTask.id()
              + ", expected "
              + fit);
    }
    return losses.loss == null ? fit.get(0) : losses.loss;
  }

  private static int or(Integer said, int otherwise) {
    return said == null ? otherwise : said;
  }

  private static double or(Double said, double otherwise) {
    return said == null ? otherwise : said;
  }
}
