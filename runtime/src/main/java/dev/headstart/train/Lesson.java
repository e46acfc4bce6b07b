package dev.headstart.train;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.Unfreeze;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Duplicates;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.SkippedSamples;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import dev.headstart.sample.VectorSample;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
  private final Backbone backbone;
  private final Tail tail;
  private final LiveFeatures unpooled;
  private final Rehearsal rehearsal;
  private final SkippedSamples skipped = new SkippedSamples();
  private final Duplicates duplicates = new Duplicates();

  /** Samples by row; empty for feature vectors, which are in the table already. */
  private final List<Sample> samples = new ArrayList<>();

  private final List<String> digests = new ArrayList<>();
  private final List<Label> labels = new ArrayList<>();
  private FeatureTable features;
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
      BaseModel base,
      Backbone backbone,
      Tail tail,
      LiveFeatures unpooled,
      Rehearsal rehearsal) {
    this.data = data;
    this.models = models;
    this.cache = cache;
    this.providers = providers;
    this.cores = cores;
    this.base = base;
    this.backbone = backbone;
    this.tail = tail;
    this.unpooled = unpooled;
    this.rehearsal = rehearsal;
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
    BaseModel base = base(request, data, models);
    Tail tail = tail(request, recipe, base, data);
    boolean trains = !(recipe.kind() instanceof HeadKind.Prototype);
    Rehearsal rehearsal = base != null && trains ? new Rehearsal() : null;
    Backbone backbone = null;
    try {
      Cut cut = tail != null ? tail.cut() : base == null ? null : base.cut(request.cut());
      backbone = base == null ? null : Backbone.open(base, cut, providers);
      if (backbone != null && tail == null) {
        backbone.requireFloat();
      }
    } catch (RuntimeException e) {
      if (rehearsal != null) {
        rehearsal.end();
      }
      if (backbone != null) {
        backbone.close();
      }
      throw e;
    }
    LiveFeatures unpooled =
        tail == null
            ? null
            : new LiveFeatures(
                backbone.live(),
                tail.layers().inputs().stream().map(TensorInfo::name).collect(Collectors.toSet()),
                staged);
    Lesson lesson =
        new Lesson(
            data, models, cache, providers, cores, base, backbone, tail, unpooled, rehearsal);
    try {
      lesson.collect(listener);
      boolean checked = !trains || lesson.requireMemory(recipe, freeMemory);
      if (lesson.features == null || tail != null) {
        lesson.extract(listener);
      }
      if (!checked) {
        lesson.requireMemory(recipe, freeMemory);
      }
      lesson.skipped.check(lesson.labels.size() + lesson.skipped.count());
      lesson.label(known.orElse(new Known(List.of(), List.of(), false)), request);
      return lesson;
    } catch (RuntimeException e) {
      lesson.close();
      throw e;
    }
  }

  /** What of the base trains; null for nothing. */
  private static Tail tail(TeachRequest request, Recipe recipe, BaseModel base, DataSet data) {
    if (!(recipe.kind() instanceof HeadKind.Tail)) {
      return null;
    }
    if (base == null || ready(data, base)) {
      throw new BadInputException(
          "--unfreeze trains layers of a base model on samples that go through it, but "
              + request.data()
              + " holds ready features: leave it out");
    }
    Tail tail = Tail.of(base, Unfreeze.parse(recipe.unfreeze()), recipe.freeze());
    if (!request.cut().equals("auto")
        && !base.cut(request.cut()).tensor().equals(tail.cut().tensor())) {
      throw new UsageException(
          "--unfreeze "
              + recipe.unfreeze()
              + " cuts "
              + base
              + " at '"
              + tail.cut().name()
              + "', which --cut "
              + request.cut()
              + " contradicts: leave out one of them");
    }
    requireGradients(tail, recipe);
    return tail;
  }

  /** What cannot be differentiated is refused before the long work. */
  private static void requireGradients(Tail tail, Recipe recipe) {
    Scaling scaling = new Scaling(new float[Pooling.width(tail.shape())], new float[] {1});
    TailNetwork network = TailNetwork.fresh(tail, scaling, 2);
    RecipeArtifacts.of(network, recipe);
  }

  private static DataSet inKnownOrder(DataSet data, Optional<Known> known) {
    List<String> columns = known.map(Known::columns).orElse(List.of());
    boolean same =
        !columns.isEmpty()
            && columns.size() == data.columns().size()
            && Set.copyOf(data.columns()).equals(Set.copyOf(columns));
    return same ? data.inColumns(columns) : data;
  }

  private static BaseModel base(TeachRequest request, DataSet data, BaseModels models) {
    if (request.base() == null) {
      if (data.modality() == Modality.VECTOR) {
        if (!request.cut().equals("auto")) {
          throw new BadInputException(
              "--cut needs a base model, and feature vectors have none: add --base or leave it out");
        }
        return null;
      }
      return models.byDefault(data.modality());
    }
    BaseModel base = models.get(request.base());
    Modality takes = base.manifest().modality();
    if (data.modality() != takes && data.modality() != Modality.VECTOR) {
      throw new BadInputException(
          "the base model "
              + base
              + " takes "
              + takes.plural()
              + ", but "
              + request.data()
              + " holds "
              + data.modality().plural()
              + ": choose another --base or leave it out");
    }
    return base;
  }

  /** Whether the samples are features of the base's cut already. */
  private boolean ready() {
    return ready(data, base);
  }

  private static boolean ready(DataSet data, BaseModel base) {
    return data.modality() == Modality.VECTOR
        && (base == null || base.manifest().modality() != Modality.VECTOR);
  }

  private void collect(TrainingListener listener) {
    long start = System.nanoTime();
    listener.stage("read", -1);
    try (Items items = data.items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof Unreadable unreadable) {
          skip(unreadable, listener);
        } else {
          add((LabeledSample) item, listener);
        }
        listener.progress(labels.size());
      }
    }
    if (labels.isEmpty()) {
      skipped.check(skipped.count());
      throw new BadInputException("there are no samples in the data");
    }
    decodeSeconds += (System.nanoTime() - start) / 1e9;
  }

  private void skip(Unreadable unreadable, TrainingListener listener) {
    skipped.add(unreadable);
    listener.warning("skipped " + unreadable);
  }

  private void add(LabeledSample item, TrainingListener listener) {
    Sample sample = item.sample();
    float[] values;
    try {
      sample.sha256();
      values = ready() ? values(sample) : null;
    } catch (BadInputException e) {
      skip(Unreadable.of(sample.name(), e), listener);
      return;
    }
    if (!duplicates.add(item)) {
      return;
    }
    if (values != null) {
      if (features == null) {
        requireWidth(sample, values.length);
        features = new FeatureTable(values.length);
      }
      features.add(values);
    } else {
      samples.add(sample);
    }
    digests.add(sample.sha256());
    labels.add(item.label());
  }

  /** Of a vector; of one whose original was not kept, what is remembered in its place. */
  private float[] values(Sample sample) {
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

  private void extract(TrainingListener listener) {
    listener.stage("features", samples.size());
    if (tail == null) {
      features = new FeatureTable(Pooling.width(backbone.shape()));
    }
    boolean[] readable = new boolean[samples.size()];
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, cache, cores)) {
      extractor.extract(
          samples,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features found) {
              if (tail == null) {
                features.add(Pooling.pool(found.first()));
              } else {
                unpooled.add(found);
              }
              readable[index] = true;
              listener.progress(index + 1);
            }

            @Override
            public void unreadable(int index, String reason) {
              skip(new Unreadable(samples.get(index).name(), reason), listener);
              listener.progress(index + 1);
            }
          });
      decodeSeconds += extractor.decodeSeconds();
      featureSeconds += extractor.featureSeconds();
    }
    keep(samples, readable);
    keep(digests, readable);
    keep(labels, readable);
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
                2, (int) labels.stream().flatMap(l -> l.names().stream()).distinct().count());
    MemoryCheck check = new MemoryCheck(recipe, labels.size(), outputs, freeMemory.getAsLong());
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

  private static <T> void keep(List<T> rows, boolean[] kept) {
    int[] next = {0};
    rows.removeIf(row -> !kept[next[0]++]);
  }

  private void label(Known known, TeachRequest request) {
    if (data.task() != Task.REGRESSION) {
      Set<String> found = new TreeSet<>(BY_CODE_POINT);
      labels.forEach(label -> found.addAll(label.names()));
      Set<String> ordered = new LinkedHashSet<>(known.classes);
      ordered.removeIf(name -> name == null || !known.stay && !found.contains(name));
      ordered.addAll(found);
      classes = List.copyOf(ordered);
      requireClasses(request);
    }
    targets = Targets.of(data.task(), classes, labels);
  }

  private void requireClasses(TeachRequest request) {
    boolean single = data.task() == Task.SINGLE;
    if (classes.size() < (single ? 2 : 1)) {
      throw new BadInputException(
          "a head needs samples of at least "
              + (single ? "two classes" : "one class")
              + " to tell apart, but all "
              + labels.size()
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

  /** SHA-256 of the samples, by row. */
  List<String> digests() {
    return digests;
  }

  /** What is remembered of the samples. */
  TeachResult.Learned learned() {
    return samples.isEmpty()
        ? new TeachResult.Learned(null, List.of(), List.of(), List.of())
        : new TeachResult.Learned(
            backbone.space(), samples.stream().map(Sample::name).toList(), digests, labels);
  }

  /** What to keep the shares of in validation: the class, or the set of classes. */
  int[] strata() {
    return switch (data.task()) {
      case SINGLE -> targets.labels();
      case MULTI -> {
        Map<Label, Integer> sets = new HashMap<>();
        yield labels.stream()
            .mapToInt(label -> sets.computeIfAbsent(label, l -> sets.size()))
            .toArray();
      }
      case REGRESSION -> new int[labels.size()];
    };
  }

  SkippedSamples skipped() {
    return skipped;
  }

  int duplicates() {
    return duplicates.count();
  }

  double decodeSeconds() {
    return decodeSeconds;
  }

  double featureSeconds() {
    return featureSeconds;
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

  /** Features of the lesson's samples as some version of the head takes them; to be closed. */
  interface Source extends AutoCloseable {

    /** The features of these rows, one sample each. */
    List<Features> features(int[] rows);

    @Override
    void close();
  }

  /**
   * Features from a version's own base and cut: those of the table where they are the same.
   *
   * @throws BadInputException if it takes features that these samples cannot give
   */
  Source source(HeadManifest version) {
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
      return new RowSource(row -> unpooled.row(row));
    }
    if (sameCut
        && version.tail() == null
        && version.shape().length == 1
        && version.shape()[0] == features.width()) {
      return new RowSource(
          row -> new Features(List.of(Tensor.of(features.row(row), 1, features.width()))));
    }
    if (samples.isEmpty() || version.base() == null) {
      throw new BadInputException("it takes other features than these");
    }
    BaseModel its = models.get(version.base().id(), version.base().sha256());
    return new BackboneSource(Backbone.open(its, its.cut(version.cut().tensor()), providers));
  }

  /** Of features that are here already. */
  private record RowSource(IntFunction<Features> row) implements Source {
    @Override
    public List<Features> features(int[] rows) {
      return IntStream.of(rows).mapToObj(row).toList();
    }

    @Override
    public void close() {}
  }

  private final class BackboneSource implements Source {
    private final Backbone opened;
    private final FeatureExtractor extractor;

    BackboneSource(Backbone opened) {
      this.opened = opened;
      this.extractor = new FeatureExtractor(opened, cache, cores);
    }

    @Override
    public List<Features> features(int[] rows) {
      List<Sample> wanted = IntStream.of(rows).mapToObj(samples::get).toList();
      List<Features> found = new ArrayList<>();
      extractor.extract(
          wanted,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features features) {
              found.add(features);
            }

            @Override
            public void unreadable(int index, String reason) {
              throw new BadInputException(wanted.get(index).name() + ": " + reason);
            }
          });
      return found;
    }

    @Override
    public void close() {
      extractor.close();
      opened.close();
    }
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
