package dev.headstart.train;

import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Optimizer;
import dev.headstart.artifact.ParameterOptions;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.TrainableNetwork;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The training artifacts that a recipe asks for, which may differ from epoch to epoch. */
final class RecipeArtifacts {
  /** Between the seeds of two epochs' dropout masks: more than a graph has nodes. */
  private static final long EPOCH_SEEDS = 1_000_003;

  private final TrainableNetwork network;
  private final Recipe recipe;
  private final boolean accumulated;

  /** The last that were generated, and what for: a refit mostly takes the same. */
  private Artifacts generated;

  private boolean generatedWhole;
  private float[] generatedWeights;

  /**
   * @param accumulated see {@link #accumulated()}
   */
  RecipeArtifacts(TrainableNetwork network, Recipe recipe, boolean accumulated) {
    this.network = network;
    this.recipe = recipe;
    this.accumulated = accumulated;
  }

  /** All that the recipe trains, of classes that weigh alike, a batch a step. */
  static Artifacts of(TrainableNetwork network, Recipe recipe) {
    return new RecipeArtifacts(network, recipe, false).generate(true, null);
  }

  /**
   * Those of an epoch: their dropout masks are its own.
   *
   * @param weights of the classes in the loss; null where they weigh alike
   */
  Artifacts of(int epoch, float[] weights) {
    boolean whole = network.pretrained().isEmpty() || epoch > recipe.gradual();
    if (generated == null || generatedWhole != whole || !Arrays.equals(generatedWeights, weights)) {
      generated = generate(whole, weights);
      generatedWhole = whole;
      generatedWeights = weights;
    }
    return generated.dropout() ? generated.reseeded(EPOCH_SEEDS * epoch) : generated;
  }

  /** Whether several batches may make one step. */
  boolean accumulated() {
    return accumulated;
  }

  /** Whether the base's layers train from this epoch on, and did not before. */
  boolean joins(int epoch) {
    return !network.pretrained().isEmpty() && epoch == recipe.gradual() + 1 && epoch > 1;
  }

  /**
   * @param whole whether the base's layers train too
   */
  private Artifacts generate(boolean whole, float[] weights) {
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
    if (whole) {
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
            .accumulated(accumulated)
            .batchNorms(recipe.batchNorm() == Recipe.BatchNorm.TRAIN)
            .seed(recipe.seed());
    return Artifacts.generate(network.network(), options).observable(HeadNetwork.LOGITS);
  }
}
