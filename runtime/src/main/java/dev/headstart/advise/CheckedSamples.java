package dev.headstart.advise;

import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Labelled samples as {@link Checkup} takes them, row by row.
 *
 * @param ids SHA-256 of the samples
 * @param names for people
 * @param labels of the task's kind
 * @param features pooled, of a row; all of one width
 * @param embedded whether they are a base model's, of which alone near duplicates can be told
 * @param originals the samples themselves, to look for blank ones; empty if they are not at hand
 * @param judges which of them judge instead of training; null if that is not decided
 * @param unreadable samples that were left out, the first of them; not among the rows
 * @param left how many were left out
 */
public record CheckedSamples(
    Task task,
    List<String> ids,
    List<String> names,
    List<Label> labels,
    IntFunction<float[]> features,
    boolean embedded,
    List<Sample> originals,
    boolean[] judges,
    List<Unreadable> unreadable,
    int left) {

  public CheckedSamples {
    ids = List.copyOf(ids);
    names = List.copyOf(names);
    labels = List.copyOf(labels);
    originals = List.copyOf(originals);
    unreadable = List.copyOf(unreadable);
    if (labels.size() != ids.size() || ids.size() != names.size()) {
      throw new IllegalArgumentException(
          labels.size() + " labels and " + names.size() + " names of " + ids.size() + " samples");
    }
  }

  /**
   * The samples of a study, by their features at the advised tap.
   *
   * @param judges which of them judge instead of training; null if that is not decided
   * @param unreadable samples that were left out, the first of them
   * @param left how many were left out
   */
  public static CheckedSamples of(
      Study study, boolean[] judges, List<Unreadable> unreadable, int left) {
    float[][] rows = study.advised();
    return new CheckedSamples(
        study.task(),
        study.digests(),
        study.names(),
        study.labels(),
        row -> rows[row],
        study.advice().base() != null,
        study.samples(),
        judges,
        unreadable,
        left);
  }

  int count() {
    return labels.size();
  }
}
