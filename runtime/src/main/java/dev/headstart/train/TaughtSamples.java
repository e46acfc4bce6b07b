package dev.headstart.train;

import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Labelled samples and their features, row by row, as what is to be taught is looked at.
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
public record TaughtSamples(
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

  public TaughtSamples {
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

  /** Rows. */
  public int count() {
    return labels.size();
  }
}
