package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.Provider;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Unreadable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Features of many samples: from the cache where they are known, else decoded and run through the
 * backbone, over all cores. For one thread, whose priority its own threads take.
 */
public final class FeatureExtractor implements AutoCloseable {
  /** Samples decoded before the backbone runs: bounds memory, and is enough for every core. */
  private static final int CHUNK = 64;

  /** Takes what comes of each sample, in the samples' order, on the caller's thread. */
  public interface Sink {

    /** The sample's features. */
    void features(int index, Features features);

    /** The sample cannot be read; the reason is without its name. */
    void unreadable(int index, String reason);
  }

  private final Backbone backbone;
  private final FeatureStore store;
  private final ExecutorService decoders;
  private final ExecutorService runners;
  private long decodeNanos;
  private long runNanos;

  /**
   * @param backbone stays the caller's to close
   * @param store the cache
   */
  public FeatureExtractor(Backbone backbone, FeatureStore store) {
    this(backbone, store, Runtime.getRuntime().availableProcessors());
  }

  /**
   * @param backbone stays the caller's to close
   * @param store the cache
   * @param cores to use at most
   */
  public FeatureExtractor(Backbone backbone, FeatureStore store, int cores) {
    this.backbone = backbone;
    this.store = store;
    this.decoders = pool("headstart-decode", cores);
    this.runners = backbone.provider() == Provider.CPU ? decoders : pool("headstart-backbone", 1);
  }

  private static ExecutorService pool(String name, int threads) {
    return Executors.newFixedThreadPool(
        threads,
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  /** Seconds spent so far on reading, decoding and preprocessing samples. */
  public double decodeSeconds() {
    return decodeNanos / 1e9;
  }

  /** Seconds spent so far in the backbone and the cache. */
  public double featureSeconds() {
    return runNanos / 1e9;
  }

  /** Extracts the features of all samples; see {@link Sink}. */
  public void extract(List<? extends Sample> samples, Sink sink) {
    extract(samples, null, sink);
  }

  /**
   * Extracts the features of a variant of each sample; see {@link Sink}.
   *
   * @param variant null for the samples themselves
   */
  public void extract(List<? extends Sample> samples, Variation.Variant variant, Sink sink) {
    for (int from = 0; from < samples.size(); from += CHUNK) {
      chunk(samples.subList(from, Math.min(samples.size(), from + CHUNK)), variant, from, sink);
    }
  }

  /**
   * Features of samples that are preprocessed already, over all cores.
   *
   * @param inputs of {@link Backbone#preprocess}, one map a sample
   */
  public List<Features> run(List<Map<String, Tensor>> inputs) {
    Features[] features = new Features[inputs.size()];
    each(runners, inputs, i -> features[i] = backbone.run(inputs.get(i)));
    return Arrays.asList(features);
  }

  /** A sample's way through the chunk: exactly one of the last two is set in the end. */
  private static final class Entry {
    String digest;
    Map<String, Tensor> inputs;
    Features features;
    String reason;
  }

  private void chunk(
      List<? extends Sample> samples, Variation.Variant variant, int offset, Sink sink) {
    String space = variant == null ? backbone.space() : backbone.space(variant);
    long start = System.nanoTime();
    List<Entry> entries = new ArrayList<>();
    samples.forEach(sample -> entries.add(new Entry()));
    each(
        decoders,
        entries,
        i -> attempt(samples.get(i), entries.get(i), e -> e.digest = samples.get(i).sha256()));
    long hashed = System.nanoTime();
    Map<String, Features> known =
        store.get(
            space, entries.stream().map(e -> e.digest).filter(d -> d != null).distinct().toList());
    long looked = System.nanoTime();
    each(
        decoders,
        entries,
        i -> {
          Entry entry = entries.get(i);
          entry.features = known.get(entry.digest);
          if (entry.features == null && samples.get(i) instanceof FeaturesOnlySample remembered) {
            entry.features = variant == null ? remembered(remembered) : null;
          }
          if (entry.reason == null && entry.features == null) {
            attempt(
                samples.get(i),
                entry,
                e ->
                    e.inputs =
                        variant == null
                            ? backbone.preprocess(samples.get(i))
                            : backbone.preprocess(samples.get(i), variant));
          }
        });
    long decoded = System.nanoTime();
    List<Entry> decodedEntries = entries.stream().filter(e -> e.inputs != null).toList();
    List<Features> computed = run(decodedEntries.stream().map(e -> e.inputs).toList());
    for (int i = 0; i < computed.size(); i++) {
      if (computed.get(i).finite()) {
        decodedEntries.get(i).features = computed.get(i);
      } else {
        decodedEntries.get(i).reason = "its features are not finite numbers";
      }
    }
    Map<String, Features> fresh = new LinkedHashMap<>();
    for (Entry entry : entries) {
      if (entry.inputs != null && entry.features != null) {
        fresh.put(entry.digest, entry.features);
      }
    }
    if (!fresh.isEmpty()) {
      store.put(space, fresh);
    }
    long end = System.nanoTime();
    decodeNanos += hashed - start + decoded - looked;
    runNanos += looked - hashed + end - decoded;
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      if (entry.features != null) {
        sink.features(offset + i, entry.features);
      } else {
        sink.unreadable(offset + i, entry.reason);
      }
    }
  }

  /** From the space that it is remembered in; null if there are none. */
  private Features remembered(FeaturesOnlySample sample) {
    return sample.space() == null || !FeatureStore.alike(sample.space(), backbone.space())
        ? null
        : store.get(sample.space(), List.of(sample.sha256())).get(sample.sha256());
  }

  private interface Step {
    void accept(Entry entry);
  }

  /** What a sample's own bytes bring about is the sample's fault; anything else goes up. */
  private static void attempt(Sample sample, Entry entry, Step step) {
    try {
      step.accept(entry);
    } catch (BadInputException e) {
      entry.reason = Unreadable.of(sample.name(), e).reason();
    }
  }

  private interface IndexedStep {
    void accept(int index);
  }

  private static void each(ExecutorService pool, List<?> entries, IndexedStep step) {
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      int index = i;
      tasks.add(
          () -> {
            step.accept(index);
            return null;
          });
    }
    try {
      for (Future<Void> done : pool.invokeAll(tasks)) {
        done.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while extracting features", e);
    }
  }

  /** Ends the threads; idempotent. */
  @Override
  public void close() {
    decoders.shutdown();
    runners.shutdown();
  }
}
