package dev.headstart.train;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.Pooling;
import dev.headstart.head.Tail;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Labelled samples as numbers: features, pooled or as the cut gives them, and the targets beside,
 * rows in the data set's order, each sample once. Owns the backbone; the caller closes the lesson.
 */
final class Lesson implements AutoCloseable {
  private static final Comparator<String> BY_CODE_POINT =
      Comparator.comparing(name -> name.codePoints().toArray(), Arrays::compare);

  private final DataSet data;
  private final BaseModels models;
  private final FeatureStore cache;
  private final List<Provider> providers;
  private final int cores;
  private final BaseModel base;
  private final Tail tail;
  private final LessonSamples rows;
  private Rehearsal rehearsal;
  private Backbone backbone;
  private FeatureTable features;
  private LiveFeatures unpooled;
  private List<String> classes = List.of();
  private Targets targets;
  private double decodeSeconds;
  private double featureSeconds;

  /**
   * What of an earlier version stays.
   *
   * @param columns kept in this order where they are the same
   * @param classes come first, in this order; null for those that are gone
   * @param stay whether classes without samples stay too
   */
  record Known(List<String> columns, List<String> classes, boolean stay) {}

  private Lesson(
      DataSet data,
      BaseModels models,
      FeatureStore cache,
      List<Provider> providers,
      int cores,
      BaseChoice choice,
      TrainingListener listener) {
    this.data = data;
    this.models = models;
    this.cache = cache;
    this.providers = providers;
    this.cores = cores;
    this.base = choice.base();
    this.tail = choice.tail();
    this.rows = new LessonSamples(listener);
  }

  /**
   * Reads a data set and takes its features.
   *
   * @param known of a version of the head
   * @param cores that features may take at most
   * @param staged for features that are too large for memory
   * @param freeMemory bytes that this process may still take
   * @throws BadInputException if what is to be trained has no gradient, or does not fit into
   *     memory: before features are taken, where their shapes are known before
   */
  static Lesson read(
      TeachRequest request,
      BaseModels models,
      FeatureStore cache,
      List<Provider> providers,
      Optional<Known> known,
      int cores,
      Path staged,
      LongSupplier freeMemory,
      TrainingListener listener) {
    DataSet data = inKnownOrder(request.data().open(request.recipe().task()), known);
    // Refuses what is out of range before the long work.
    Recipe recipe = request.recipe().resolve(data.task(), 1);
    data.notes().forEach(listener::warning);
    BaseChoice choice = BaseChoice.of(request, recipe, data, models);
    Augmentation.requirePossible(recipe, choice, data);
    boolean trains = !(recipe.kind() instanceof HeadKind.Prototype);
    Lesson lesson = new Lesson(data, models, cache, providers, cores, choice, listener);
    try {
      if (choice.base() != null) {
        lesson.open(choice, trains, staged);
      }
      lesson.collect(choice.ready(data));
      boolean checked = !trains || lesson.requireMemory(recipe, freeMemory);
      if (lesson.features == null) {
        lesson.extract();
      }
      if (!checked) {
        lesson.requireMemory(recipe, freeMemory);
      }
      lesson.rows.requireMost();
      lesson.label(known.orElse(new Known(List.of(), List.of(), false)), request);
      return lesson;
    } catch (RuntimeException e) {
      lesson.close();
      throw e;
    }
  }

  private void open(BaseChoice choice, boolean trains, Path staged) {
    rehearsal = trains ? new Rehearsal() : null;
    backbone = Backbone.open(base, choice.cut(), providers);
    if (tail == null) {
      backbone.requireFloat();
      return;
    }
    unpooled =
        new LiveFeatures(
            backbone.live(),
            tail.layers().inputs().stream().map(TensorInfo::name).collect(Collectors.toSet()),
            staged);
  }

  private static DataSet inKnownOrder(DataSet data, Optional<Known> known) {
    List<String> columns = known.map(Known::columns).orElse(List.of());
    boolean same =
        !columns.isEmpty()
            && columns.size() == data.columns().size()
            && Set.copyOf(data.columns()).equals(Set.copyOf(columns));
    return same ? data.inColumns(columns) : data;
  }

  /**
   * @param ready whether the samples are features already
   */
  private void collect(boolean ready) {
    long start = System.nanoTime();
    rows.read(data, ready ? cache : null, this::add);
    decodeSeconds += (System.nanoTime() - start) / 1e9;
  }

  private void add(Sample sample, float[] values) {
    if (features == null) {
      requireWidth(sample, values.length);
      features = new FeatureTable(values.length);
    }
    features.add(values);
  }

  private void requireWidth(Sample sample, int width) {
    if (backbone == null) {
      return;
    }
    long[] shape = backbone.shape();
    if (shape.length != 1 || shape[0] != width) {
      throw new BadInputException(
          sample.name()
              + " has "
              + width
              + " features, but the cut '"
              + backbone.cut().name()
              + "' of "
              + base
              + " gives "
              + (shape.length == 1 ? shape[0] + "" : "no plain vector"));
    }
  }

  private void extract() {
    if (tail == null) {
      features = new FeatureTable(Pooling.width(backbone.shape()));
    }
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, cache, cores)) {
      rows.extract(
          extractor,
          (sample, found) -> {
            if (tail == null) {
              features.add(Pooling.pool(found.first()));
            } else {
              unpooled.add(found);
            }
          });
      decodeSeconds += extractor.decodeSeconds();
      featureSeconds += extractor.featureSeconds();
    }
  }

  /**
   * Takes the features of variants of the samples, which are pictures on whose pooled features a
   * head trains, as rows behind theirs.
   *
   * @return the row of the sample that each was made of; those without a picture have none
   */
  int[] vary(Variation.Variant variant, LongConsumer progress) {
    List<Integer> sources = new ArrayList<>();
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, cache, cores)) {
      extractor.extract(
          rows.samples(),
          variant,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features found) {
              features.add(Pooling.pool(found.first()));
              sources.add(index);
              progress.accept(index + 1L);
            }

            @Override
            public void unreadable(int index, String reason) {
              progress.accept(index + 1L);
            }
          });
      decodeSeconds += extractor.decodeSeconds();
      featureSeconds += extractor.featureSeconds();
    }
    return sources.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Refuses a training that would not fit into memory.
   *
   * @return false if that is not known before the features are taken, as samples differ in shape
   */
  private boolean requireMemory(Recipe recipe, LongSupplier freeMemory) {
    int outputs =
        data.task() == Task.REGRESSION
            ? 1
            : Math.max(
                2,
                (int) rows.labels().stream().flatMap(l -> l.names().stream()).distinct().count());
    MemoryCheck check =
        new MemoryCheck(
            recipe, rows.count() * Augmentation.most(recipe), outputs, freeMemory.getAsLong());
    if (tail == null) {
      int width = features != null ? features.width() : Pooling.width(backbone.shape());
      check.require(width, features != null);
      return true;
    }
    boolean taken = unpooled.rows() > 0;
    Optional<List<TensorInfo>> known =
        taken ? Optional.of(unpooled.largest()) : MemoryCheck.known(tail, List.of());
    known.ifPresent(tensors -> check.require(base, tail, tensors, taken));
    return known.isPresent();
  }

  private void label(Known known, TeachRequest request) {
    if (data.task() != Task.REGRESSION) {
      Set<String> found = new TreeSet<>(BY_CODE_POINT);
      rows.labels().forEach(label -> found.addAll(label.names()));
      Set<String> ordered = new LinkedHashSet<>(known.classes);
      ordered.removeIf(name -> name == null || !known.stay && !found.contains(name));
      ordered.addAll(found);
      classes = List.copyOf(ordered);
      requireClasses(request);
    }
    targets = Targets.of(data.task(), classes, rows.labels());
  }

  private void requireClasses(TeachRequest request) {
    boolean single = data.task() == Task.SINGLE;
    if (classes.size() < (single ? 2 : 1)) {
      throw new BadInputException(
          "a head needs samples of at least "
              + (single ? "two classes" : "one class")
              + " to tell apart, but all "
              + rows.count()
              + " samples in "
              + request.data()
              + (classes.isEmpty() ? " have no class" : " are '" + classes.get(0) + "'")
              + ": add samples of what it is not, under another label");
    }
  }

  Task task() {
    return data.task();
  }

  Modality modality() {
    return base == null ? data.modality() : base.manifest().modality();
  }

  /** The samples, in the order of all rows. */
  LessonSamples rows() {
    return rows;
  }

  /** Null for feature vectors without a base. */
  BaseModel base() {
    return base;
  }

  /** Null without a base. */
  Backbone backbone() {
    return backbone;
  }

  /** Shape of the cut's tensor for one sample; [width] without a base. */
  long[] shape() {
    return backbone == null ? new long[] {features.width()} : backbone.shape();
  }

  /** Pooled features; null where a tail trains on unpooled ones. */
  FeatureTable features() {
    return features;
  }

  /** What of the base trains; null for nothing. */
  Tail tail() {
    return tail;
  }

  /** What a tail trains on; null without one. */
  LiveFeatures unpooled() {
    return unpooled;
  }

  /** What the head trains on. */
  Examples examples() {
    return tail == null ? features : unpooled;
  }

  Targets targets() {
    return targets;
  }

  /** Names of the features, where the data has names for them. */
  List<String> columns() {
    return data.columns();
  }

  /** In the order of the outputs; empty for regression. */
  List<String> classes() {
    return classes;
  }

  /**
   * The samples as what is to be taught is looked at; features must be pooled.
   *
   * @param split which of them judge
   */
  TaughtSamples taught(Split split) {
    boolean[] judges = new boolean[rows.count()];
    IntStream.of(split.validation()).forEach(row -> judges[row] = true);
    return new TaughtSamples(
        data.task(),
        rows.digests(),
        rows.names(),
        rows.labels(),
        features::row,
        backbone != null,
        rows.samples(),
        judges,
        rows.skipped().named(),
        rows.skipped().count());
  }

  /** What is remembered of the samples. */
  TeachResult.Learned learned() {
    List<Sample> samples = rows.samples();
    return samples.isEmpty()
        ? new TeachResult.Learned(null, List.of(), List.of(), List.of())
        : new TeachResult.Learned(
            backbone.space(),
            samples.stream().map(Sample::name).toList(),
            rows.digests(),
            rows.labels());
  }

  double decodeSeconds() {
    return decodeSeconds;
  }

  double featureSeconds() {
    return featureSeconds;
  }

  /**
   * Features from a version's own base and cut: those of the table where they are the same.
   *
   * @throws BadInputException if it takes features that these samples cannot give
   */
  FeatureSource source(HeadManifest version) {
    if (!version.columns().isEmpty() && !version.columns().equals(columns())) {
      throw new BadInputException("it was taught on other columns");
    }
    boolean sameCut =
        backbone == null
            ? version.cut() == null
            : version.cut() != null
                && version.cut().tensor().equals(backbone.cut().tensor())
                && version.base().sha256().equals(base.manifest().sha256());
    if (sameCut && tail != null) {
      return new FeatureSource.Kept(row -> unpooled.row(row));
    }
    if (sameCut
        && version.tail() == null
        && version.shape().length == 1
        && version.shape()[0] == features.width()) {
      return new FeatureSource.Kept(
          row -> new Features(List.of(Tensor.of(features.row(row), 1, features.width()))));
    }
    if (rows.samples().isEmpty() || version.base() == null) {
      throw new BadInputException("it takes other features than these");
    }
    BaseModel its = models.get(version.base().id(), version.base().sha256());
    Backbone opened = Backbone.open(its, its.cut(version.cut().tensor()), providers);
    return new FeatureSource.Extracted(opened, cache, cores, rows.samples());
  }

  @Override
  public void close() {
    if (rehearsal != null) {
      rehearsal.end();
    }
    if (unpooled != null) {
      unpooled.close();
    }
    if (backbone != null) {
      backbone.close();
    }
  }
}
