package dev.headstart.train;

import dev.headstart.error.BadInputException;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Duplicates;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.SkippedSamples;
import dev.headstart.sample.Unreadable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The samples of a data set in its order, each once; what cannot be read is left out, and told to a
 * listener.
 */
public final class LessonSamples {
  private final TrainingListener listener;
  private final SkippedSamples skipped = new SkippedSamples();
  private final Duplicates duplicates = new Duplicates();
  private final List<Sample> samples = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final List<String> digests = new ArrayList<>();
  private final List<Label> labels = new ArrayList<>();

  /**
   * @param listener hears of samples that are left out
   */
  public LessonSamples(TrainingListener listener) {
    this.listener = listener;
  }

  /**
   * Reads a data set.
   *
   * @param values the features that a sample is, where it is nothing else; null if samples are more
   * @param vectors takes these features row by row; such samples are not kept here
   * @throws BadInputException if it holds none, or too many cannot be read
   */
  public void read(
      DataSet data, Function<Sample, float[]> values, BiConsumer<Sample, float[]> vectors) {
    try (Items items = data.items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof Unreadable unreadable) {
          skip(unreadable);
        } else {
          add((LabeledSample) item, values, vectors);
        }
        listener.progress(labels.size());
      }
    }
    if (labels.isEmpty()) {
      skipped.check(skipped.count());
      throw new BadInputException("there are no samples in the data");
    }
  }

  private void add(
      LabeledSample item, Function<Sample, float[]> values, BiConsumer<Sample, float[]> vectors) {
    Sample sample = item.sample();
    float[] vector;
    try {
      sample.sha256();
      vector = values == null ? null : values.apply(sample);
    } catch (BadInputException e) {
      skip(Unreadable.of(sample.name(), e));
      return;
    }
    if (!duplicates.add(item)) {
      return;
    }
    if (vector != null) {
      vectors.accept(sample, vector);
    } else {
      samples.add(sample);
    }
    names.add(sample.name());
    digests.add(sample.sha256());
    labels.add(item.label());
  }

  /** Names a sample that is left out. */
  public void skip(Unreadable unreadable) {
    skipped.add(unreadable);
    listener.warning("skipped " + unreadable);
  }

  /** Keeps these rows only. */
  public void keep(boolean[] kept) {
    keep(samples, kept);
    keep(names, kept);
    keep(digests, kept);
    keep(labels, kept);
  }

  private static <T> void keep(List<T> rows, boolean[] kept) {
    int[] next = {0};
    rows.removeIf(row -> !kept[next[0]++]);
  }

  /**
   * @throws BadInputException if too many samples were left out
   */
  public void requireMost() {
    skipped.check(labels.size() + skipped.count());
  }

  public int count() {
    return labels.size();
  }

  /** Empty where feature vectors were taken. */
  public List<Sample> samples() {
    return samples;
  }

  /** For people. */
  public List<String> names() {
    return names;
  }

  /** SHA-256 of the samples. */
  public List<String> digests() {
    return digests;
  }

  public List<Label> labels() {
    return labels;
  }

  public SkippedSamples skipped() {
    return skipped;
  }

  /** How many samples were there before. */
  public int duplicates() {
    return duplicates.count();
  }

  /** SHA-256 over all digests and labels, whatever their order. */
  String digest() {
    return sha256(rows().sorted());
  }

  /** SHA-256 over all digests and labels as they are ordered. */
  String ordered() {
    return sha256(rows());
  }

  private Stream<String> rows() {
    return IntStream.range(0, digests.size()).mapToObj(i -> digests.get(i) + " " + labels.get(i));
  }

  private static String sha256(Stream<String> rows) {
    return Sample.sha256(String.join("\n", rows.toList()).getBytes(StandardCharsets.UTF_8));
  }
}
