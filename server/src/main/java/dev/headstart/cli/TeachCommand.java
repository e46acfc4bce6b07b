package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.artifact.Loss;
import dev.headstart.head.HeadKind;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.Task;
import dev.headstart.train.Recipe;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.Schedule;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code teach}: labelled samples in, a new version of a head out. */
@Command(
    name = "teach",
    customSynopsis = "headstart teach HEAD --data PATH [OPTIONS]",
    description = {
      "Teaches a head from labelled samples.",
      "",
      "The base model stays as it is: it turns each sample into features once, which are kept, and"
          + " the head is trained on those. What comes of it is a new version; it goes live unless"
          + " it does worse than the live one on samples that neither was trained on."
    },
    footer = {
      "  ./headstart teach animals --data photos",
      "      photos/cat/1.jpg, photos/dog/7.png: a folder a class",
      "  ./headstart teach mail --data mail.jsonl --head mlp:64",
      "      a line each: {\"text\": \"Dear friend\", \"label\": \"spam\"}",
      "  ./headstart teach topics --data topics.jsonl --task multi",
      "      a line each: {\"text\": \"Rates fall\", \"label\": [\"money\", \"news\"]}",
      "  ./headstart teach clothes --data photos --unfreeze 2",
      "      the last two blocks of the base model train too",
      "  ./headstart teach pump --data measurements.csv --task regression",
      "      a header, a column label, and a column of numbers for each feature"
    })
final class TeachCommand extends HeadstartCommand {
  @Parameters(paramLabel = "HEAD", description = "The head's name; a new one or one to improve")
  private String head;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "PATH",
      description =
          "A directory with one folder a class (pictures, or texts that end in .txt), a .jsonl or a"
              + " .csv file")
  private Path data;

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "Base model. Default: by what the samples are (headstart models list)")
  private String base;

  @Option(
      names = "--cut",
      paramLabel = "NAME",
      defaultValue = "auto",
      description =
          "Where the base model is cut: auto (as advise says; a head with a live version stays as"
              + " that is), a tap or a tensor")
  private String cut;

  @Option(
      names = "--head",
      paramLabel = "KIND",
      description =
          "linear (default), mlp:H with H hidden units, prototype (class means, needs no"
              + " training) or tail (the base's own layers train too, see --unfreeze)")
  private HeadKind kind;

  @Option(
      names = "--unfreeze",
      paramLabel = "WHAT",
      description =
          "What of the base model trains: head (nothing of it, and for few samples the default, see"
              + " advise), a number of blocks from"
              + " the end, a tap or tensor (all after it), a pattern of parameter names with *, or"
              + " all")
  private String unfreeze;

  @Option(
      names = "--freeze",
      paramLabel = "PATTERN",
      description =
          "Parameters or layers that stay as they are all the same, by their names with *; may be"
              + " given several times")
  private List<String> freeze = List.of();

  @Option(
      names = "--base-rate",
      paramLabel = "PART",
      description = "Rate of the base's own layers, as a part of --rate. Default: 0.1")
  private Double baseRate;

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      description = "Largest norm of a step's gradients. Default: 0, as they are")
  private Double clip;

  @Option(
      names = "--warm-start",
      description =
          "Begin from the live version's weights, where kind, base, cut and what is unfrozen are"
              + " the same; classes that it does not know begin at zero")
  private boolean warmStart;

  @Option(
      names = "--resume",
      description =
          "Go on with the training of this head that was stopped, of the same data and options; the"
              + " weights come out the same, bit for bit")
  private boolean resume;

  @Option(
      names = "--gradual",
      paramLabel = "N",
      description =
          "With --unfreeze: the classifier alone trains for the first N epochs. Default: 0")
  private Integer gradual;

  @Option(
      names = "--accumulate",
      paramLabel = "N",
      description =
          "Batches whose gradients make one step: as a batch N times as large, in the memory of"
              + " one. Default: 1")
  private Integer accumulate;

  @Option(
      names = "--batch-norm",
      paramLabel = "HOW",
      description =
          "With --unfreeze: frozen (default) keeps the running statistics of batch norms, train"
              + " moves those of layers that train")
  private Recipe.BatchNorm batchNorm;

  @Option(
      names = "--task",
      paramLabel = "TASK",
      description =
          "single (one class a sample), multi (any number of them) or regression (a"
              + " number). Default: as the labels look")
  private Task task;

  @Option(
      names = "--loss",
      paramLabel = "LOSS",
      description = "For regression: mse (default) or l1; classes have ce, several labels bce")
  private Loss loss;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Passes over the samples, at most. Default: 50, of a tail 8")
  private Integer epochs;

  @Option(
      names = "--rate",
      paramLabel = "RATE",
      converter = AskedRate.Converter.class,
      description =
          "Highest learning rate, or auto: found by a range test. Default: by the width of the"
              + " features")
  private AskedRate rate;

  @Option(
      names = "--augment",
      paramLabel = "HOW",
      description =
          "Variants of pictures that train beside them: none (default), some of"
              + " flip,crop,colour,noise,rotate, or auto: those that are measured to help")
  private String augment;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples a step. Default: 32, of a tail 16")
  private Integer batch;

  @Option(names = "--optimizer", paramLabel = "NAME", description = "adamw (default) or sgd")
  private Recipe.OptimizerName optimizer;

  @Option(names = "--weight-decay", paramLabel = "DECAY", description = "Of adamw. Default: 0.01")
  private Double weightDecay;

  @Option(
      names = "--label-smoothing",
      paramLabel = "PART",
      description = "From 0 (default) to under 1, for a single label")
  private Double labelSmoothing;

  @Option(
      names = "--class-weights",
      paramLabel = "HOW",
      description = "none (default) or balanced: rare classes weigh more")
  private ClassWeights classWeights;

  @Option(
      names = "--validation",
      paramLabel = "PART",
      description =
          "Part of the samples that judges instead of training, from 0 to 0.5. Default:" + " 0.2")
  private Double validation;

  @Option(
      names = "--patience",
      paramLabel = "N",
      description =
          "Epochs without a better validation loss before training stops; 0 never stops."
              + " Default: 10, of a tail 5")
  private Integer patience;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description = "How the learning rate goes: constant, linear, cosine (default) or one-cycle")
  private Schedule schedule;

  @Option(
      names = "--warmup",
      paramLabel = "PART",
      description =
          "Part of the steps over which the rate rises first, from 0 (default) to under 1")
  private Double warmup;

  @Option(
      names = "--no-refit",
      description = "Leave out the last training on all samples, after the head was judged")
  private boolean noRefit;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The same seed gives the same weights. Default: 1")
  private Long seed;

  @Option(
      names = "--promote",
      paramLabel = "WHEN",
      defaultValue = "if-not-worse",
      description = "When the new version goes live: if-not-worse (default), always or never")
  private TeachRequest.Promotion promotion;

  @Mixin private ProviderOption provider;

  /** Of {@code --class-weights}. */
  enum ClassWeights {
    BALANCED,
    NONE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public Integer call() {
    RecipeOptions recipe =
        new RecipeOptions(
            kind,
            task,
            new RecipeOptions.LossOptions(
                loss,
                labelSmoothing,
                classWeights == null ? null : classWeights == ClassWeights.BALANCED),
            new RecipeOptions.OptimizerOptions(
                optimizer,
                rate == null ? null : rate.value(),
                schedule,
                warmup,
                weightDecay,
                clip,
                rate != null && rate.value() == null),
            new RecipeOptions.Passes(epochs, batch, accumulate),
            new RecipeOptions.Judging(validation, patience, noRefit ? Boolean.FALSE : null),
            new RecipeOptions.FineTuning(
                unfreeze,
                freeze,
                baseRate,
                warmStart ? RecipeOptions.Start.WARM : RecipeOptions.Start.FRESH,
                gradual,
                batchNorm),
            augment,
            seed);
    TeachResult result =
        teach(new TeachRequest(head, DataSource.at(data), base, cut, recipe, promotion, resume));
    if (json()) {
      console().json(result);
    } else {
      console().print(TeachReport.of(result));
      next(result);
    }
    return Main.DONE;
  }

  private TeachResult teach(TeachRequest request) {
    try (Headstart headstart = open(provider.providers());
        Progress progress = new Progress(console())) {
      return headstart.teach(request, progress);
    }
  }

  private void next(TeachResult result) {
    console().message("Next:");
    console().message(next("predict " + head + " " + example(result)));
    if (!result.promoted()) {
      console().message(next("heads promote " + head + " " + result.version()));
    }
    console().message(next("heads export " + head + " --out " + head + ".onnx"));
  }

  private static String example(TeachResult result) {
    return switch (result.manifest().modality()) {
      case IMAGE -> "FILE";
      case TEXT -> "\"some text\"";
      case VECTOR -> "\"[0.1, 0.2, …]\"";
    };
  }
}
