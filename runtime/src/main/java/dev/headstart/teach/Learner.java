package dev.headstart.teach;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.Pooling;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import dev.headstart.sample.VectorSample;
import dev.headstart.serving.FeatureSource;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.Overlay;
import dev.headstart.serving.Overlays;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one head's samples say: which there are, the means of their classes, and the overlay that
 * follows. It holds what the store holds, brought in line whenever something changes. Safe for
 * several threads.
 */
final class Learner implements AutoCloseable {
  /*
   * One lock a head. Under it, samples get ready and are forgotten, so that no features are written of
   * a sample that is forgotten already. Answers never wait for it: what they need lies in a Snapshot,
   * made anew with every change.
   */
  private static final Logger LOG = LoggerFactory.getLogger(Learner.class);

  /** Features that are read from the store at a time. */
  private static final int CHUNK = 64;

  /** Of feature vectors, which no backbone makes. */
  private static final String VECTORS = FeatureStore.space("vectors", "");

  private final String head;
  private final SampleStore store;
  private final FeatureStore features;
  private final BaseModels models;
  private final ModelRepository repository;

  private volatile HeadSettings settings;
  private volatile Snapshot snapshot = Snapshot.EMPTY;
  private final Map<String, StoredSample> samples = new LinkedHashMap<>();
  private ClassMeans means = new ClassMeans();
  private FeatureSource source;
  private volatile BaseModel base;
  private Taught taught;
  private boolean closed;

  /**
   * What answers need.
   *
   * @param classes in the store's order
   * @param means unit vectors by class
   */
  private record Snapshot(
      List<String> classes,
      List<Renaming> renamings,
      Map<String, float[]> means,
      float sharpness,
      int width) {
    static final Snapshot EMPTY = new Snapshot(List.of(), List.of(), Map.of(), 0, 0);
  }

  /**
   * What a version learned from.
   *
   * @param labels by sample; null where it is not known
   */
  record Taught(int version, Map<String, Optional<Label>> labels) {}

  Learner(HeadSettings settings, TeachingStores stores, ModelRepository repository) {
    this.head = settings.head();
    this.settings = settings;
    this.store = stores.samples();
    this.features = stores.features();
    this.models = stores.models();
    this.repository = repository;
    store.samples(head).forEach(sample -> samples.put(sample.id(), sample));
    // Who has another name answers by it from the start; means come when features are read.
    this.snapshot = new Snapshot(List.of(), store.renamings(head), Map.of(), 0, 0);
  }

  String head() {
    return head;
  }

  HeadSettings settings() {
    return settings;
  }

  /** What changed in the settings takes effect. */
  void settings(HeadSettings changed) {
    settings = changed;
  }

  /**
   * Brings all in line with the store.
   *
   * @return ids of samples whose features are to be computed, oldest first
   */
  synchronized List<String> sync() {
    List<StoredSample> all = store.samples(head);
    if (all.stream().map(this::settle).reduce(false, Boolean::logicalOr)) {
      all = store.samples(head);
    }
    Map<String, StoredSample> now = new LinkedHashMap<>();
    all.forEach(sample -> now.put(sample.id(), sample));
    Set<String> ids = new LinkedHashSet<>(samples.keySet());
    ids.addAll(now.keySet());
    List<String> changed = ids.stream().filter(id -> !inLine(id, now.get(id))).toList();
    bringInLine(changed, now, Map.of());
    publish();
    return samples.values().stream()
        .filter(sample -> sample.state() == StoredSample.State.PENDING || lacks(sample))
        .map(StoredSample::id)
        .toList();
  }

  /**
   * A sample whose original is gone is of use while its features are of the head's base and cut:
   * with others it cannot be read, and it is ready again once they fit. What the command line
   * recorded may be of a tail's cut, and stays as it is.
   *
   * @return whether it is another now
   */
  private boolean settle(StoredSample sample) {
    if (sample.kept()
        || sample.space() == null
        || sample.source() == StoredSample.Source.TEACH
        || settings.base() == null) {
      return false;
    }
    boolean fits = fits(sample);
    if (fits && sample.state() == StoredSample.State.UNREADABLE) {
      store.ready(head, sample.id(), sample.space());
      return true;
    }
    if (!fits && sample.state() == StoredSample.State.READY) {
      FeaturesOnlySample without =
          new FeaturesOnlySample(sample.name(), settings.modality(), sample.id(), sample.space());
      unreadable(sample, without.missing());
      return true;
    }
    return false;
  }

  /** Whether a sample's features are there, and those of the head's base and cut. */
  synchronized boolean fits(StoredSample sample) {
    return sample.space() != null
        && (settings.base() == null || FeatureStore.alike(sample.space(), source().space()));
  }

  private boolean inLine(String id, StoredSample now) {
    return now != null && now.equals(samples.get(id)) && counts(now) == (means.classOf(id) != null);
  }

  /** Its features are said to be there, are not, and can be computed again. */
  private boolean lacks(StoredSample sample) {
    return sample.state() == StoredSample.State.READY
        && sample.kept()
        && counts(sample)
        && means.classOf(sample.id()) == null;
  }

  /** Brings these samples in line with the store. */
  synchronized void refresh(Collection<String> ids) {
    Map<String, StoredSample> now = new HashMap<>();
    ids.forEach(id -> store.find(head, id).ifPresent(sample -> now.put(id, sample)));
    bringInLine(ids, now, Map.of());
    publish();
  }

  /**
   * Forgets samples.
   *
   * @param forget does so in the store
   */
  synchronized <T> T forget(Collection<String> ids, Supplier<T> forget) {
    // They are gone afterwards, and must be known to be taken out of the means.
    Map<String, float[]> rows =
        rows(ids.stream().filter(id -> means.classOf(id) != null).map(samples::get).toList());
    T result = forget.get();
    Map<String, StoredSample> now = new HashMap<>();
    ids.forEach(id -> store.find(head, id).ifPresent(sample -> now.put(id, sample)));
    bringInLine(ids, now, rows);
    publish();
    return result;
  }

  /** A class has another name, or none any more. */
  synchronized void changeClass(String from, String to, Runnable change) {
    change.run();
    if (to != null) {
      means.rename(from, to);
    } else if (settings.task() == Task.SINGLE) {
      means.clear(from);
    }
    sync();
  }

  /** Under the lock. */
  private void bringInLine(
      Collection<String> ids, Map<String, StoredSample> now, Map<String, float[]> known) {
    List<String> moved = new ArrayList<>();
    for (String id : ids) {
      StoredSample sample = now.get(id);
      String to = sample != null && counts(sample) ? className(sample) : null;
      if (!Objects.equals(means.classOf(id), to)) {
        moved.add(id);
      }
    }
    Map<String, StoredSample> wanted = new LinkedHashMap<>();
    for (String id : moved) {
      StoredSample sample = now.containsKey(id) ? now.get(id) : samples.get(id);
      if (sample != null && !known.containsKey(id)) {
        wanted.put(id, sample);
      }
    }
    Map<String, float[]> rows = new HashMap<>(known);
    rows.putAll(rows(wanted.values()));
    Set<String> broken = new LinkedHashSet<>();
    for (String id : moved) {
      String from = means.classOf(id);
      float[] row = rows.get(id);
      if (from != null && row != null) {
        means.remove(id, row);
      } else if (from != null) {
        broken.add(from); // what is to be taken out is not known any more
      }
    }
    for (String id : ids) {
      StoredSample sample = now.get(id);
      if (sample == null) {
        samples.remove(id);
      } else {
        samples.put(id, sample);
      }
    }
    for (String name : broken) {
      means.clear(name);
      List<StoredSample> its =
          samples.values().stream()
              .filter(sample -> counts(sample) && name.equals(className(sample)))
              .toList();
      rows.putAll(rows(its.stream().filter(s -> !rows.containsKey(s.id())).toList()));
      its.forEach(sample -> moved.add(sample.id()));
    }
    for (String id : moved) {
      StoredSample sample = samples.get(id);
      float[] row = rows.get(id);
      if (sample != null && counts(sample) && row != null && means.classOf(id) == null) {
        if (means.width() == 0 || means.width() == row.length) {
          means.add(id, className(sample), row);
        }
      }
    }
  }

  /** Whether it has a part in the means. */
  private boolean counts(StoredSample sample) {
    return settings.task() == Task.SINGLE && sample.state() == StoredSample.State.READY;
  }

  private static String className(StoredSample sample) {
    return ((ClassLabel) sample.label()).name();
  }

  /** Pooled features of samples, so far as they are remembered. */
  private Map<String, float[]> rows(Collection<StoredSample> wanted) {
    Map<String, float[]> rows = new HashMap<>();
    Map<String, List<String>> bySpace = new LinkedHashMap<>();
    for (StoredSample sample : wanted) {
      float[] known = means.row(sample.id());
      if (known != null) {
        rows.put(sample.id(), known);
      } else if (settings.base() == null) {
        vector(sample).ifPresent(row -> rows.put(sample.id(), row));
      } else if (sample.space() != null && FeatureStore.alike(sample.space(), source().space())) {
        bySpace.computeIfAbsent(sample.space(), key -> new ArrayList<>()).add(sample.id());
      }
    }
    bySpace.forEach(
        (space, ids) -> {
          for (int from = 0; from < ids.size(); from += CHUNK) {
            features
                .get(space, ids.subList(from, Math.min(ids.size(), from + CHUNK)))
                .forEach((id, found) -> rows.put(id, Pooling.pool(found.first())));
          }
        });
    return rows;
  }

  private Optional<float[]> vector(StoredSample sample) {
    try {
      return store.open(head, sample) instanceof VectorSample vector
          ? Optional.of(vector.values())
          : Optional.empty(); // it was not kept
    } catch (BadInputException e) {
      LOG.warn("head '{}': {}", head, e.getMessage());
      return Optional.empty();
    }
  }

  /** Under the lock: where features come from; it stays open as long as this. */
  private FeatureSource source() {
    if (closed) {
      throw new IllegalStateException("the head '" + head + "' is not taught any more");
    }
    if (source == null) {
      source = repository.features(base(), base().cut(settings.cut()));
    }
    return source;
  }

  /** The base model of a head that has one. */
  private BaseModel base() {
    if (base == null) {
      base = models.get(settings.base());
    }
    return base;
  }

  /**
   * Computes a sample's features, if it waits for them.
   *
   * @return whether anything changed
   * @throws InterruptedException if the thread is to end
   */
  boolean learn(String id) throws InterruptedException {
    StoredSample sample = store.find(head, id).orElse(null);
    if (sample == null || sample.state() == StoredSample.State.UNREADABLE || settled(sample)) {
      return false;
    }
    try {
      Sample opened = store.open(head, sample);
      if (settings.base() == null) {
        return vectorReady(sample, ((VectorSample) opened).values());
      }
      FeatureSource from;
      synchronized (this) {
        from = source();
      }
      Features found = features.get(from.space(), List.of(id)).get(id);
      if (found == null) {
        found = Waiting.join(from.of(opened));
      }
      return ready(sample, from.space(), found);
    } catch (BadInputException e) {
      unreadable(sample, e);
      refresh(List.of(id));
      return true;
    }
  }

  private synchronized boolean settled(StoredSample sample) {
    return sample.state() == StoredSample.State.READY && !lacks(sample);
  }

  private synchronized boolean vectorReady(StoredSample sample, float[] values) {
    if (means.width() > 0 && means.width() != values.length) {
      throw new BadInputException(
          "it has "
              + values.length
              + " numbers, but the other samples of the head "
              + means.width());
    }
    if (store.find(head, sample.id()).isEmpty()) {
      return false;
    }
    store.ready(head, sample.id(), VECTORS);
    refresh(List.of(sample.id()));
    return true;
  }

  private synchronized boolean ready(StoredSample sample, String space, Features found) {
    if (store.find(head, sample.id()).isEmpty()) {
      return false; // forgotten meanwhile: nothing of it must be written
    }
    features.put(space, Map.of(sample.id(), found));
    store.ready(head, sample.id(), space);
    StoredSample now = store.find(head, sample.id()).orElseThrow();
    Map<String, float[]> row =
        settings.task() == Task.SINGLE
            ? Map.of(sample.id(), Pooling.pool(found.first()))
            : Map.of();
    bringInLine(List.of(sample.id()), Map.of(sample.id(), now), row);
    publish();
    return true;
  }

  private synchronized void unreadable(StoredSample sample, BadInputException error) {
    store.unreadable(head, sample.id(), Unreadable.of(sample.name(), error).reason());
  }

  /** Whether the sharpness is that of the samples as they are. */
  synchronized boolean judged() {
    return means.judged();
  }

  /**
   * Judges how sharp scores are to be, if samples changed since; says whether it is another now.
   */
  synchronized boolean judge() {
    if (closed || means.judged()) {
      return false;
    }
    float before = means.sharpness();
    means.judge(rows(means.unknownJudges().stream().map(samples::get).toList()));
    publish();
    return Float.compare(before, means.sharpness()) != 0;
  }

  /** Under the lock. */
  private void publish() {
    snapshot =
        new Snapshot(
            store.classNames(head),
            store.renamings(head),
            means.directions(),
            means.sharpness(),
            means.width());
  }

  /** How it answers without a version; see {@link Overlays#untrained}. */
  Optional<Overlays.Untrained> untrained() {
    Snapshot now = snapshot;
    List<String> names = now.classes.stream().filter(now.means::containsKey).toList();
    if (names.isEmpty()) {
      return Optional.empty();
    }
    BaseModel base = settings.base() == null ? null : base();
    int[] origin = new int[names.size()];
    Arrays.fill(origin, -1);
    return Optional.of(
        new Overlays.Untrained(
            base, base == null ? null : base.cut(settings.cut()), overlay(now, names, origin)));
  }

  /** What changes a version's answers; see {@link Overlays#of}. */
  Optional<Overlay> of(HeadManifest version) {
    if (version.task() == Task.REGRESSION) {
      return Optional.empty();
    }
    Snapshot now = snapshot;
    List<String> names = new ArrayList<>();
    List<Integer> origins = new ArrayList<>();
    for (int c = 0; c < version.classes().size(); c++) {
      String name = Renaming.name(now.renamings, version.version(), version.classes().get(c));
      if (name != null) {
        names.add(name);
        origins.add(c);
      }
    }
    List<String> unknown =
        now.classes.stream().filter(n -> !names.contains(n) && now.means.containsKey(n)).toList();
    /*
     * Against a class of which there is no sample here a new one would always win; and means of other
     * features say nothing of this version's.
     */
    if (now.means.keySet().containsAll(names) && comparable(version, now.width)) {
      unknown.forEach(
          name -> {
            names.add(name);
            origins.add(-1);
          });
    }
    if (names.equals(version.classes())) {
      return Optional.empty();
    }
    return Optional.of(overlay(now, names, origins.stream().mapToInt(Integer::intValue).toArray()));
  }

  private static Overlay overlay(Snapshot now, List<String> names, int[] origin) {
    float[][] directions = new float[names.size()][];
    Arrays.setAll(directions, c -> now.means.get(names.get(c)));
    return new Overlay(names, origin, directions, now.sharpness);
  }

  /** Whether a version takes the features that the means are of. */
  private boolean comparable(HeadManifest version, int width) {
    if (version.base() == null || settings.base() == null) {
      return version.base() == null
          && settings.base() == null
          && version.shape().length == 1
          && version.shape()[0] == width;
    }
    if (!version.base().id().equals(settings.base())) {
      return false;
    }
    return base().manifest().sha256().equals(version.base().sha256())
        && base().cut(settings.cut()).tensor().equals(version.cut().tensor());
  }

  /** Names of a version's classes now, those left out that were removed. */
  Set<String> known(HeadManifest version) {
    List<Renaming> renamings = snapshot.renamings;
    return version.classes().stream()
        .map(name -> Renaming.name(renamings, version.version(), name))
        .filter(name -> name != null)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * How many samples there are.
   *
   * @param live the live version
   * @param learned what it learned from, asked when it is not known here
   */
  synchronized HeadView.Counts counts(OptionalInt live, Supplier<Taught> learned) {
    int[] states = new int[StoredSample.State.values().length];
    samples.values().forEach(sample -> states[sample.state().ordinal()]++);
    if (live.isEmpty()) {
      taught = null;
    } else if (taught == null || taught.version() != live.getAsInt()) {
      taught = learned.get();
    }
    int unreadable = states[StoredSample.State.UNREADABLE.ordinal()];
    int since = taught == null ? samples.size() - unreadable : since(taught);
    return new HeadView.Counts(
        samples.size(),
        states[StoredSample.State.READY.ordinal()],
        states[StoredSample.State.PENDING.ordinal()],
        unreadable,
        since);
  }

  private int since(Taught version) {
    int since = 0;
    for (StoredSample sample : samples.values()) {
      Optional<Label> label = version.labels().get(sample.id());
      boolean another = label != null && label.isPresent() && !same(version, sample, label.get());
      if (sample.state() != StoredSample.State.UNREADABLE && (label == null || another)) {
        since++;
      }
    }
    for (String id : version.labels().keySet()) {
      since += samples.containsKey(id) ? 0 : 1;
    }
    return since;
  }

  /** Whether the label is the one that it was, other names of classes aside. */
  private boolean same(Taught version, StoredSample sample, Label label) {
    if (sample.label().equals(label)) {
      return true;
    }
    Set<String> names =
        label.names().stream()
            .map(name -> Renaming.name(snapshot.renamings, version.version(), name))
            .filter(name -> name != null)
            .collect(Collectors.toSet());
    return !names.isEmpty() && names.equals(sample.label().names());
  }

  /** Lets the backbone go; nothing more is learned. Idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    if (source != null) {
      source.close();
      source = null;
    }
  }
}
