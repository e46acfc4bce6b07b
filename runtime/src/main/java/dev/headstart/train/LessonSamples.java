package dev.headstart.train;

import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Duplicates;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.SkippedSamples;
import dev.headstart.sample.Unreadable;
import dev.headstart.sample.VectorSample;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
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
   * Reads a data set, a stage of progress.
   *
   * @param cache where the features of samples are whose originals were not kept; null if samples
   *     are more than features
   * @param vectors takes samples that are features, row by row; they are not kept here
   * @throws BadInputException if it holds none, or too many cannot be read
   */
  public void read(DataSet data, FeatureStore cache, BiConsumer<Sample, float[]> vectors) {
    listener.stage("read", -1);
    try (Items items = data.items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof Unreadable unreadable) {
          skip(unreadable);
        } else {
          add((LabeledSample) item, cache, vectors);
        }
        listener.progress(labels.size());
      }
    }
    if (labels.isEmpty()) {
      skipped.check(skipped.count());
      throw new BadInputException("there are no samples in the data");
    }
  }

  private void add(LabeledSample item, FeatureStore cache, BiConsumer<Sample, float[]> vectors) {
    Sample sample = item.sample();
    float[] vector;
    try {
      sample.sha256();
      vector = cache == null ? null : values(sample, cache);
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

  /** Of a vector; of one whose original was not kept, what is remembered in its place. */
  private static float[] values(Sample sample, FeatureStore cache) {
    if (sample instanceof VectorSample vector) {
      return vector.values();
    }
    FeaturesOnlySample remembered = (FeaturesOnlySample) sample;
    Features known =
        remembered.space() == null
            ? null
            : cache.get(remembered.space(), List.of(sample.sha256())).get(sample.sha256());
    if (known == null) {
      throw remembered.missing();
    }
    return known.first().floats();
  }

  /**
   * Takes the features of all samples, a stage of progress; those that turn out to be unreadable
   * are left out from then on.
   *
   * @param row takes them, in the order of the rows
   */
  public void extract(FeatureExtractor extractor, BiConsumer<Sample, Features> row) {
    boolean[] readable = new boolean[samples.size()];
    listener.stage("features", samples.size());
    extractor.extract(
        samples,
        new FeatureExtractor.Sink() {
          @Override
          public void features(int index, Features found) {
            row.accept(samples.get(index), found);
            readable[index] = true;
            listener.progress(index + 1);
          }

          @Override
          public void unreadable(int index, String reason) {
            skip(new Unreadable(samples.get(index).name(), reason));
            listener.progress(index + 1);
          }
        });
    keep(readable);
  }

  private void skip(Unreadable unreadable) {
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
