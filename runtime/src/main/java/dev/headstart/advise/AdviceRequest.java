package dev.headstart.advise;

import dev.headstart.sample.DataSource;
import dev.headstart.sample.Task;

/**
 * What to advise on.
 *
 * @param data where the labelled samples are
 * @param base base model's name; null for the default of the samples' modality, and for feature
 *     vectors none
 * @param cut where the features of samples whose originals were not kept are remembered; {@code
 *     auto} for the deepest tap
 * @param task what the labels mean; null to infer it
 */
public record AdviceRequest(DataSource data, String base, String cut, Task task) {}
