package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import java.util.List;
import java.util.Map;

/**
 * What to write artifacts for. Made by {@link #of} and changed by the methods named after what they
 * set.
 *
 * @param trainable the parameters to train, names or patterns ({@link ParameterNames}); null for
 *     all: every float32 initializer with at least one axis that the output depends on in a
 *     differentiable way (a scalar in a graph is nearly always a constant of the formula; it is
 *     trained when it is named)
 * @param frozen names or patterns of those among them that stay as they are; empty for none
 * @param loss what to make small
 * @param optimizer how
 * @param weights for {@link Loss#CE} a weight a class, for {@link Loss#BCE} the weight of each
 *     class's positives; null for none
 * @param smoothing label smoothing for {@link Loss#CE}, from 0 to under 1
 * @param seed of the dropout masks: the same seed gives the same masks step by step
 * @param output the tensor that the loss is taken of; null for the model's only output
 * @param parameters by name, how single parameters train
 * @param decayVectors whether weight decay holds for parameters of one axis too, which are biases
 *     and norms' scales
 * @param effectiveBatch samples B that an optimizer step is to be the mean over, where it follows
 *     several training steps: each gradient is scaled by n/B for its n samples, so that the sum
 *     which the session keeps is the mean over the B samples, however they are cut into batches.
 *     With class weights under {@link Loss#CE}, whose mean divides by the weights that a batch
 *     happens to hold, it is the sum of weighted losses over B: B is what the weights add up to
 *     where they are 1 in the mean. The loss that a step gives is its own batch's. 0 for no
 *     scaling: then gradients add up
 * @param batchNorms whether batch normalisations whose scale is trained take the batch's own
 *     statistics, and move their running ones, which are then frozen parameters of the checkpoint;
 *     else all keep the statistics that they have
 */
public record ArtifactOptions(
    List<String> trainable,
    List<String> frozen,
    Objective loss,
    Optimizer optimizer,
    float[] weights,
    float smoothing,
    long seed,
    String output,
    Map<String, ParameterOptions> parameters,
    boolean decayVectors,
    int effectiveBatch,
    boolean batchNorms) {

  public ArtifactOptions {
    trainable = trainable == null ? null : List.copyOf(trainable);
    frozen = List.copyOf(frozen);
    parameters = Map.copyOf(parameters);
    if (effectiveBatch < 0) {
      throw new BadInputException(
          "the effective batch must be 1 sample or more, or 0 for none; got " + effectiveBatch);
    }
  }

  /** All parameters alike, no weights, no smoothing, seed 0, the only output. */
  public static ArtifactOptions of(Objective loss, Optimizer optimizer) {
    return new ArtifactOptions(
        null, List.of(), loss, optimizer, null, 0, 0, null, Map.of(), true, 0, false);
  }

  public ArtifactOptions trainable(List<String> names) {
    return new ArtifactOptions(
        names,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions frozen(List<String> names) {
    return new ArtifactOptions(
        trainable,
        names,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions weights(float[] values) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        values,
        smoothing,
        seed,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions smoothing(float value) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        value,
        seed,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions seed(long value) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        value,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions output(String name) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        name,
        parameters,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions parameters(Map<String, ParameterOptions> byName) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        byName,
        decayVectors,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions decayVectors(boolean value) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        parameters,
        value,
        effectiveBatch,
        batchNorms);
  }

  public ArtifactOptions effectiveBatch(int samples) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        parameters,
        decayVectors,
        samples,
        batchNorms);
  }

  public ArtifactOptions batchNorms(boolean value) {
    return new ArtifactOptions(
        trainable,
        frozen,
        loss,
        optimizer,
        weights,
        smoothing,
        seed,
        output,
        parameters,
        decayVectors,
        effectiveBatch,
        value);
  }

  /** How a parameter of this shape trains. */
  ParameterOptions parameter(String name, long[] shape) {
    ParameterOptions own = parameters.getOrDefault(name, ParameterOptions.DEFAULT);
    return decayVectors || shape.length > 1 ? own : new ParameterOptions(own.rate(), 0);
  }
}
