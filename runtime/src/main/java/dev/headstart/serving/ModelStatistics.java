package dev.headstart.serving;

import java.util.List;

/**
 * What a version of a model has done since the process started, as the statistics extension of the
 * protocol counts: durations are sums over requests, or over batches, in nanoseconds.
 *
 * @param name the model's name
 * @param version the version
 * @param lastInference milliseconds since 1970; 0 for never
 * @param inferences samples answered
 * @param executions calls of the model; fewer than inferences where samples were batched
 * @param success requests answered, from arrival to answer
 * @param fail requests that failed, from arrival to failure
 * @param queue waiting
 * @param computeInput preprocessing
 * @param computeInfer in the model
 * @param computeOutput what comes after it
 * @param batches by batch size, ascending
 */
public record ModelStatistics(
    String name,
    int version,
    long lastInference,
    long inferences,
    long executions,
    Total success,
    Total fail,
    Total queue,
    Total computeInput,
    Total computeInfer,
    Total computeOutput,
    List<Batches> batches) {

  /** How often, and how long in all. */
  public record Total(long count, long nanos) {}

  /** Calls of the model with this many samples. */
  public record Batches(int size, Total computeInput, Total computeInfer, Total computeOutput) {}
}
