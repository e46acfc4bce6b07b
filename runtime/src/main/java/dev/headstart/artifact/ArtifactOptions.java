package dev.headstart.artifact;

import java.util.List;
import java.util.Map;

/**
 * What to write artifacts for. Made by {@link #of} and changed by the methods named after what they
 * set.
 *
 * @param selection which parameters train, and how
 * @param criterion what to make small
 * @param optimizer how
 * @param batchNorms whether batch normalisations whose scale is trained take the batch's own
 *     statistics, and move their running ones, which are then frozen parameters of the checkpoint;
 *     else all keep the statistics that they have
 * @param seed of the dropout masks: the same seed gives the same masks step by step
 */
public record ArtifactOptions(
    Selection selection, Criterion criterion, Optimizer optimizer, boolean batchNorms, long seed) {

  /**
   * Which parameters train, and how.
   *
   * @param trainable the parameters to train, names or patterns ({@link ParameterNames}); null for
   *     all: every float32 initializer with at least one axis that the output depends on in a
   *     differentiable way (a scalar in a graph is nearly always a constant of the formula; it is
   *     trained when it is named)
   * @param frozen names or patterns of those among them that stay as they are; empty for none
   * @param own by name, how single parameters train
   * @param decayVectors whether weight decay holds for parameters of one axis too, which are biases
   *     and norms' scales
   */
  public record Selection(
      List<String> trainable,
      List<String> frozen,
      Map<String, ParameterOptions> own,
      boolean decayVectors) {

    public Selection {
      trainable = trainable == null ? null : List.copyOf(trainable);
      frozen = List.copyOf(frozen);
      own = Map.copyOf(own);
    }

    /** How a parameter of this shape trains. */
    ParameterOptions of(String name, long[] shape) {
      ParameterOptions said = own.getOrDefault(name, ParameterOptions.DEFAULT);
      return decayVectors || shape.length > 1 ? said : new ParameterOptions(said.rate(), 0);
    }
  }

  /**
   * What to make small.
   *
   * @param output the tensor that the loss is taken of; null for the model's only output
   * @param weights for {@link Loss#CE} a weight a class, for {@link Loss#BCE} the weight of each
   *     class's positives; null for none
   * @param smoothing label smoothing for {@link Loss#CE}, from 0 to under 1
   * @param accumulated whether an optimizer step follows several training steps and is to be the
   *     mean over all their samples, however they are cut into batches. The graphs then take one
   *     more input, {@link Artifacts#EFFECTIVE_BATCH}: the number B of samples until the optimizer
   *     steps (under {@link Loss#CE} with class weights, what their classes weigh together), and
   *     gradients of n samples are scaled by n/B, so that the sum which the session keeps is that
   *     mean. The loss that a step gives is its own batch's. Else gradients add up
   */
  public record Criterion(
      Objective loss, String output, float[] weights, float smoothing, boolean accumulated) {}

  /** All parameters alike, no weights, no smoothing, seed 0, the only output. */
  public static ArtifactOptions of(Objective loss, Optimizer optimizer) {
    return new ArtifactOptions(
        new Selection(null, List.of(), Map.of(), true),
        new Criterion(loss, null, null, 0, false),
        optimizer,
        false,
        0);
  }

  private ArtifactOptions with(Selection other) {
    return new ArtifactOptions(other, criterion, optimizer, batchNorms, seed);
  }

  private ArtifactOptions with(Criterion other) {
    return new ArtifactOptions(selection, other, optimizer, batchNorms, seed);
  }

  public ArtifactOptions trainable(List<String> names) {
    return with(new Selection(names, selection.frozen, selection.own, selection.decayVectors));
  }

  public ArtifactOptions frozen(List<String> names) {
    return with(new Selection(selection.trainable, names, selection.own, selection.decayVectors));
  }

  public ArtifactOptions parameters(Map<String, ParameterOptions> byName) {
    return with(
        new Selection(selection.trainable, selection.frozen, byName, selection.decayVectors));
  }

  public ArtifactOptions decayVectors(boolean value) {
    return with(new Selection(selection.trainable, selection.frozen, selection.own, value));
  }

  public ArtifactOptions output(String name) {
    return with(
        new Criterion(
            criterion.loss, name, criterion.weights, criterion.smoothing, criterion.accumulated));
  }

  public ArtifactOptions weights(float[] values) {
    return with(
        new Criterion(
            criterion.loss, criterion.output, values, criterion.smoothing, criterion.accumulated));
  }

  public ArtifactOptions smoothing(float value) {
    return with(
        new Criterion(
            criterion.loss, criterion.output, criterion.weights, value, criterion.accumulated));
  }

  public ArtifactOptions accumulated(boolean value) {
    return with(
        new Criterion(
            criterion.loss, criterion.output, criterion.weights, criterion.smoothing, value));
  }

  public ArtifactOptions batchNorms(boolean value) {
    return new ArtifactOptions(selection, criterion, optimizer, value, seed);
  }

  public ArtifactOptions seed(long value) {
    return new ArtifactOptions(selection, criterion, optimizer, batchNorms, value);
  }
}
