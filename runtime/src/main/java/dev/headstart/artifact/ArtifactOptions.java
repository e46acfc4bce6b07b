package dev.headstart.artifact;

import java.util.List;

/**
 * What to write artifacts for.
 *
 * @param trainable names of the parameters to train; null for all: every float32 initializer with
 *     at least one axis that the output depends on in a differentiable way (a scalar in a graph is
 *     nearly always a constant of the formula; it is trained when it is named)
 * @param loss what to make small
 * @param optimizer how
 * @param weights for {@link Loss#CE} a weight a class, for {@link Loss#BCE} the weight of each
 *     class's positives; null for none
 * @param smoothing label smoothing for {@link Loss#CE}, from 0 to under 1
 * @param seed of the dropout masks: the same seed gives the same masks step by step
 * @param output the tensor that the loss is taken of; null for the model's only output
 */
public record ArtifactOptions(
    List<String> trainable,
    Loss loss,
    Optimizer optimizer,
    float[] weights,
    float smoothing,
    long seed,
    String output) {

  /** All parameters, no weights, no smoothing, seed 0, the only output. */
  public static ArtifactOptions of(Loss loss, Optimizer optimizer) {
    return new ArtifactOptions(null, loss, optimizer, null, 0, 0, null);
  }

  public ArtifactOptions trainable(List<String> names) {
    return new ArtifactOptions(names, loss, optimizer, weights, smoothing, seed, output);
  }

  public ArtifactOptions weights(float[] values) {
    return new ArtifactOptions(trainable, loss, optimizer, values, smoothing, seed, output);
  }

  public ArtifactOptions smoothing(float value) {
    return new ArtifactOptions(trainable, loss, optimizer, weights, value, seed, output);
  }

  public ArtifactOptions seed(long value) {
    return new ArtifactOptions(trainable, loss, optimizer, weights, smoothing, value, output);
  }

  public ArtifactOptions output(String name) {
    return new ArtifactOptions(trainable, loss, optimizer, weights, smoothing, seed, name);
  }
}
