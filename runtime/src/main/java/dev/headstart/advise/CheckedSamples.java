package dev.headstart.advise;

import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.SkippedSamples;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import dev.headstart.train.FeatureTable;
import java.util.List;

/**
 * Labelled samples as {@link Checkup} takes them, row by row.
 *
 * @param ids SHA-256 of the samples
 * @param names for people
 * @param labels of the task's kind
 * @param features pooled, a row a sample
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
    FeatureTable features,
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
    if (labels.size() != features.rows() || ids.size() != names.size()) {
      throw new IllegalArgumentException(
          labels.size() + " labels for " + features.rows() + " rows of features");
    }
  }

  /** What was left out while a data set was read. */
  public CheckedSamples without(SkippedSamples skipped) {
    return new CheckedSamples(
        task,
        ids,
        names,
        labels,
        features,
        embedded,
        originals,
        judges,
        skipped.named(),
        skipped.count());
  }

  int count() {
    return labels.size();
  }
}
