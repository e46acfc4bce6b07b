package dev.headstart.advise;

import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Map;

/**
 * Labelled samples with what the taps of a base say of them, a row a sample, each once.
 *
 * @param names for people
 * @param digests SHA-256
 * @param samples the samples themselves; empty where they are feature vectors
 * @param classes in the order of the outputs; empty for regression
 * @param features pooled, by tap from deep to shallow: [rows][width]
 * @param advice what follows
 */
public record Study(
    Task task,
    List<String> names,
    List<String> digests,
    List<Sample> samples,
    List<Label> labels,
    List<String> classes,
    Map<String, float[][]> features,
    Advice advice) {

  /** Pooled features of the advised tap. */
  public float[][] advised() {
    return features.get(advice.tap().cut());
  }
}
