package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.preprocess.Thumbnail;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.Modality;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.Overlay;
import dev.headstart.serving.Overlays;
import dev.headstart.train.RunStore;
import dev.headstart.train.Teacher;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Heads that are taught while they serve: samples come and go, and answers follow at once. What a
 * method has returned from is on the disk. Safe for several threads; who opens it closes it, before
 * the repository.
 */
public final class Teaching implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Teaching.class);

  /** Nanoseconds until it is looked once more for what other processes changed. */
  private static final long LOOK = TimeUnit.SECONDS.toNanos(1);

  private final SampleStore store;
  private final RunLog runLog;
  private final RunStore memberships;
  private final HeadStore heads;
  private final BaseModels models;
  private final FeatureStore features;
  private final ModelRepository repository;
  private final Feedback feedback;
  private final Events events = new Events();
  private final Map<String, Learner> learners = new ConcurrentHashMap<>();
  private final FeatureWorker worker;
  private final Runs runs;
  private final Versions versions;
  private volatile Watcher watcher = new Watcher() {};
  private long revision = -1;

  /** When it is looked next, as {@link System#nanoTime}. */
  private long looked = System.nanoTime();

  /**
   * A head that is to be made; null where it does not matter.
   *
   * @param classes that it has before any sample
   */
  public record HeadDraft(
      String head,
      Modality modality,
      Task task,
      String base,
      String cut,
      List<String> classes,
      HeadSettings.Keep keep,
      JsonNode recipe,
      Rules rules) {}

  /** What is to be different of a head; null for what stays. */
  public record HeadChange(HeadSettings.Keep keep, JsonNode recipe, Rules rules) {}

  /** Hears of changes on the thread that makes them, before they are acknowledged. */
  interface Watcher {

    /** Samples came, or their features did. */
    default void added(String head) {}

    /** Samples are gone, or have another label. */
    default void changed(String head, Collection<String> samples) {}

    /** A head is about to be removed: nothing must work on it when this returns. */
    default void removing(String head) {}
  }

  private Teaching(
      SampleStore store,
      RunLog runLog,
      RunStore memberships,
      HeadStore heads,
      BaseModels models,
      FeatureStore features,
      ModelRepository repository,
      TeachingSettings settings,
      String release) {
    this.store = store;
    this.runLog = runLog;
    this.memberships = memberships;
    this.heads = heads;
    this.models = models;
    this.features = features;
    this.repository = repository;
    this.runs =
        new Runs(
            store,
            runLog,
            heads,
            memberships,
            (base, names, cores) ->
                new Teacher(
                    models,
                    heads,
                    memberships,
                    features,
                    repository.providers(base),
                    release,
                    names,
                    cores),
            settings.runs(),
            events,
            repository::refresh,
            Clock.systemUTC());
    this.versions =
        new Versions(
            store,
            runLog,
            heads,
            memberships,
            models,
            features,
            repository::providers,
            events,
            repository::refresh);
    this.feedback = new Feedback(settings.predictions(), settings.predictionBytes());
    this.worker =
        new FeatureWorker(
            new FeatureWorker.Work() {
              @Override
              public boolean learn(String head, String id) throws InterruptedException {
                return Teaching.this.learn(head, id);
              }

              @Override
              public void finish(String head, String id) {
                store.find(head, id).ifPresent(sample -> thumbnail(head, sample));
              }

              @Override
              public void rest() {
                Teaching.this.rest();
              }
            });
  }

  /**
   * Begins to teach: heads of the repository answer by their samples as soon as those are read.
   *
   * @param repository stays the caller's to close, after this
   * @param release version of this library, for provenance
   */
  public static Teaching open(
      SampleStore store,
      RunLog runLog,
      RunStore memberships,
      HeadStore heads,
      BaseModels models,
      FeatureStore features,
      ModelRepository repository,
      TeachingSettings settings,
      String release) {
    Teaching teaching =
        new Teaching(
            store, runLog, memberships, heads, models, features, repository, settings, release);
    for (HeadSettings head : store.heads()) {
      teaching.learners.put(head.head(), teaching.learner(head));
    }
    repository.follow(teaching.new Learned());
    teaching.worker.start();
    teaching.watch(teaching.runs.watcher());
    teaching.runs.start();
    return teaching;
  }

  private Learner learner(HeadSettings settings) {
    return new Learner(settings, store, features, models, repository);
  }

  private final class Learned implements Overlays {
    @Override
    public Set<String> heads() {
      return learners.keySet();
    }

    @Override
    public Optional<Untrained> untrained(String head) {
      Learner learner = learners.get(head);
      return learner == null ? Optional.empty() : learner.untrained();
    }

    @Override
    public Optional<Overlay> of(HeadManifest version) {
      Learner learner = learners.get(version.head());
      return learner == null ? Optional.empty() : learner.of(version);
    }
  }

  /** What is on the disk; for reading only. */
  public SampleStore store() {
    return store;
  }

  /** Whether all samples are learned that there are, so that answers stay as they are. */
  boolean settled() {
    return worker.idle() && learners.values().stream().allMatch(Learner::judged);
  }

  /** What was asked last. */
  public Feedback feedback() {
    return feedback;
  }

  /** Trainings. */
  public Runs runs() {
    return runs;
  }

  /** What trainings made. */
  public Versions versions() {
    return versions;
  }

  /** Tells of changes. */
  public Events events() {
    return events;
  }

  void watch(Watcher hears) {
    watcher = hears;
  }

  /** All heads, taught here or not, by name. */
  public List<HeadView> heads() {
    Set<String> names = new TreeSet<>(learners.keySet());
    heads.heads().stream().filter(name -> !heads.versions(name).isEmpty()).forEach(names::add);
    List<HeadView> views = new ArrayList<>();
    for (String name : names) {
      try {
        views.add(head(name));
      } catch (NotFoundException e) {
        LOG.debug("the head '{}' went while heads were listed", name);
      }
    }
    return views;
  }

  /**
   * One head.
   *
   * @throws NotFoundException if there is none of that name
   */
  public HeadView head(String head) {
    List<Integer> versions = heads.versions(head);
    Learner learner = learners.get(head);
    if (learner == null && versions.isEmpty()) {
      throw unknown(head);
    }
    OptionalInt live = versions.isEmpty() ? OptionalInt.empty() : heads.live(head);
    Optional<HeadManifest> version = live.isPresent() ? manifest(head) : Optional.empty();
    HeadSettings settings =
        learner != null
            ? learner.settings()
            : version.map(this::adopted).orElseThrow(() -> unknown(head));
    Map<String, Integer> counts = learner == null ? Map.of() : store.classes(head);
    Set<String> known =
        version
            .map(v -> learner == null ? new LinkedHashSet<>(v.classes()) : learner.known(v))
            .orElse(new LinkedHashSet<>());
    Set<String> names = new LinkedHashSet<>(counts.keySet());
    names.addAll(known);
    return new HeadView(
        settings,
        live.isPresent() ? live.getAsInt() : null,
        versions,
        takes(settings),
        names.stream()
            .map(n -> new HeadView.ClassView(n, counts.getOrDefault(n, 0), known.contains(n)))
            .toList(),
        learner == null
            ? new HeadView.Counts(0, 0, 0, 0, 0)
            : learner.counts(live, () -> taught(head, live.getAsInt())),
        runLog.open().stream().filter(run -> run.head().equals(head)).findFirst().orElse(null));
  }

  /** The live version's manifest; nothing if it is damaged or gone. */
  private Optional<HeadManifest> manifest(String head) {
    try {
      return Optional.of(heads.loadLive(head).manifest());
    } catch (HeadstartException e) {
      LOG.debug("the live version of '{}' cannot be read: {}", head, e.getMessage());
      return Optional.empty();
    }
  }

  private Learner.Taught taught(String head, int version) {
    Map<String, Optional<Label>> labels = new HashMap<>();
    memberships.members(head, version).forEach(id -> labels.put(id, Optional.empty()));
    runLog
        .madeBy(head, version)
        .ifPresent(run -> runLog.snapshot(run).forEach((id, l) -> labels.put(id, Optional.of(l))));
    return new Learner.Taught(version, labels);
  }

  private List<String> takes(HeadSettings settings) {
    String own =
        switch (settings.modality()) {
          case IMAGE -> "image";
          case TEXT -> "text";
          case VECTOR -> "features";
        };
    try {
      return repository.metadata(settings.head(), null).forms().stream()
          .flatMap(form -> form.inputs().stream())
          .map(input -> input.name())
          .distinct()
          .toList();
    } catch (HeadstartException e) {
      return List.of(own); // it does not answer yet
    }
  }

  private NotFoundException unknown(String head) {
    Set<String> names = new TreeSet<>(learners.keySet());
    names.addAll(heads.heads());
    return new NotFoundException("head", head, names);
  }

  /**
   * Makes a head; what the draft leaves open is settled here.
   *
   * @return as it was made
   * @throws ConflictException if it is there
   * @throws BadInputException if it cannot be as the draft says
   */
  public HeadSettings create(HeadDraft draft) {
    HeadNames.check(draft.head());
    if (learners.containsKey(draft.head()) || !heads.versions(draft.head()).isEmpty()) {
      throw new ConflictException("there is a head '" + draft.head() + "' already");
    }
    HeadSettings settings = settled(draft);
    make(settings, draft.classes() == null ? List.of() : draft.classes());
    return settings;
  }

  private void make(HeadSettings settings, List<String> classes) {
    store.create(settings, classes);
    enter(settings);
    tell("head", settings.head(), Map.of("change", "created"));
  }

  private void enter(HeadSettings settings) {
    Learner made = learner(settings);
    Learner there = learners.putIfAbsent(settings.head(), made);
    Learner learner = there == null ? made : there;
    sync(learner);
  }

  private HeadSettings settled(HeadDraft draft) {
    String head = draft.head();
    if (models.names().contains(head)) {
      throw new BadInputException(
          "'" + head + "' is the name of a base model; give the head another one");
    }
    Modality modality = draft.modality();
    if (modality == null) {
      modality = draft.base() == null ? Modality.IMAGE : modality(draft.base());
    }
    String base = draft.base();
    String cut = null;
    if (modality == Modality.VECTOR) {
      if (base != null || draft.cut() != null) {
        throw new BadInputException("feature vectors need no base model and no cut");
      }
      if (draft.keep() == HeadSettings.Keep.FEATURES) {
        throw new BadInputException(
            "feature vectors are features themselves: 'keep' can be samples only");
      }
    } else {
      base = base == null ? models.byDefault(modality).id() : base;
      cut = cut(models.get(base), modality, draft.cut());
    }
    return new HeadSettings(
        head,
        modality,
        draft.task() == null ? Task.SINGLE : draft.task(),
        base,
        cut,
        draft.keep() == null ? HeadSettings.Keep.SAMPLES : draft.keep(),
        draft.recipe() == null ? JsonNodeFactory.instance.objectNode() : draft.recipe(),
        draft.rules() == null ? Rules.NONE : draft.rules(),
        Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }

  private Modality modality(String base) {
    return models.get(base).manifest().modality();
  }

  private static String cut(BaseModel base, Modality modality, String wanted) {
    if (base.manifest().modality() != modality) {
      throw new BadInputException(
          "the base model "
              + base
              + " takes "
              + base.manifest().modality().plural()
              + ", but the head's samples are "
              + modality.plural());
    }
    Cut cut = base.cut(wanted == null ? "auto" : wanted);
    if (!base.cutNames().contains(cut.name())) {
      try {
        ModelCutter.cut(base.model(), cut.tensor());
      } catch (NotFoundException e) {
        throw new NotFoundException("cut (or tensor) of " + base, cut.name(), base.cutNames());
      }
    }
    return cut.name();
  }

  /** What a head would be that was taught elsewhere, such as on the command line. */
  private HeadSettings adopted(HeadManifest version) {
    String base = version.base() == null ? null : version.base().id();
    String cut = version.cut() == null ? null : version.cut().name();
    if (version.tail() != null) {
      // Classes are told apart where the base's own layers end, not where the tail begins.
      BaseModel model = models.get(base);
      cut = model.manifest().taps().isEmpty() ? cut : model.cut("auto").name();
    }
    return new HeadSettings(
        version.head(),
        version.modality(),
        version.task(),
        base,
        cut,
        HeadSettings.Keep.SAMPLES,
        JsonNodeFactory.instance.objectNode(),
        Rules.NONE,
        created(version));
  }

  private static Instant created(HeadManifest version) {
    return Instant.parse(version.provenance().created());
  }

  /** The head, which is taught from now on if it was not. */
  private Learner taught(String head) {
    Learner learner = learners.get(head);
    if (learner != null) {
      return learner;
    }
    Optional<HeadSettings> made = store.settings(head);
    if (made.isPresent()) {
      enter(made.get()); // by another process
    } else {
      HeadManifest version = manifest(head).orElseThrow(() -> unknown(head));
      make(adopted(version), version.classes());
    }
    return learners.get(head);
  }

  /**
   * Changes a head's settings.
   *
   * @throws NotFoundException if there is none of that name
   */
  public void change(String head, HeadChange change) {
    Learner learner = taught(head);
    synchronized (learner) {
      HeadSettings now = learner.settings();
      if (now.modality() == Modality.VECTOR && change.keep() == HeadSettings.Keep.FEATURES) {
        throw new BadInputException(
            "feature vectors are features themselves: 'keep' can be samples only");
      }
      HeadSettings changed =
          new HeadSettings(
              head,
              now.modality(),
              now.task(),
              now.base(),
              now.cut(),
              change.keep() == null ? now.keep() : change.keep(),
              change.recipe() == null ? now.recipe() : change.recipe(),
              change.rules() == null ? now.rules() : change.rules(),
              now.created());
      store.update(changed);
      learner.settings(changed);
      if (changed.keep() == HeadSettings.Keep.FEATURES && now.keep() != changed.keep()) {
        // Said once more, it throws away the originals of those that are ready.
        store.samples(head).stream()
            .filter(s -> s.state() == StoredSample.State.READY && s.kept())
            .forEach(s -> store.ready(head, s.id(), s.space()));
        learner.sync();
      }
    }
    tell("head", head, Map.of("change", "changed"));
  }

  /**
   * Removes a head with its samples, runs and versions.
   *
   * @throws NotFoundException if there is none of that name
   */
  public void remove(String head) {
    Learner learner = learners.get(head);
    if (learner == null && heads.versions(head).isEmpty()) {
      throw unknown(head);
    }
    watcher.removing(head);
    worker.forget(head);
    if (!heads.versions(head).isEmpty()) {
      heads.remove(head);
    }
    if (learner == null) {
      repository.refresh(head);
    } else {
      synchronized (learner) {
        store.remove(head);
        learners.remove(head, learner);
      }
      repository.refresh(head);
      learner.close();
    }
    feedback.forget(head);
    tell("head", head, Map.of("change", "removed"));
  }

  /**
   * Adds samples to a head, which is made if there is none. Answers know them as soon as their
   * features are computed.
   *
   * @param ifMissing what the head is to be then
   * @return one each, in their order
   * @throws BadInputException if they are not what the head's samples are
   */
  public List<Added> add(String head, HeadDraft ifMissing, List<NewSample> samples) {
    if (samples.isEmpty()) {
      return List.of();
    }
    Learner learner = learners.get(head);
    if (learner == null && heads.versions(head).isEmpty()) {
      try {
        create(with(ifMissing, samples.get(0)));
      } catch (ConflictException e) {
        LOG.debug("the head '{}' was made by another client", head);
      }
    }
    learner = taught(head);
    boolean known = samples.stream().anyMatch(s -> store.find(head, id(s)).isPresent());
    // One that is there may move: not while a version is published that learned its old label.
    List<Added> added =
        known ? heads.deciding(head, () -> store.add(head, samples)) : store.add(head, samples);
    List<String> ids = added.stream().map(a -> a.sample().id()).toList();
    List<String> moved = new ArrayList<>();
    for (Added one : added) {
      if (one.status() == Added.Status.MOVED) {
        moved.add(one.sample().id());
      }
    }
    learner.refresh(ids);
    worker.fresh(
        head,
        added.stream()
            .filter(a -> a.sample().state() == StoredSample.State.PENDING)
            .map(a -> a.sample().id())
            .distinct()
            .toList());
    if (!moved.isEmpty()) {
      watcher.changed(head, moved);
      repository.refresh(head);
      worker.wake();
    }
    watcher.added(head);
    tell("samples", head, Map.of("added", ids.size() - moved.size(), "moved", moved.size()));
    return added;
  }

  private static String id(NewSample sample) {
    return sample.sample().sha256();
  }

  /** What the draft leaves open, the first sample says. */
  private static HeadDraft with(HeadDraft draft, NewSample first) {
    Label label = first.label();
    Task task =
        label instanceof NumberLabel
            ? Task.REGRESSION
            : label instanceof ClassesLabel ? Task.MULTI : Task.SINGLE;
    return new HeadDraft(
        draft.head(),
        draft.modality() == null ? first.sample().modality() : draft.modality(),
        draft.task() == null ? task : draft.task(),
        draft.base(),
        draft.cut(),
        draft.classes(),
        draft.keep(),
        draft.recipe(),
        draft.rules());
  }

  /**
   * Gives a sample another label; answers follow at once.
   *
   * @throws NotFoundException if it is not there
   */
  public StoredSample relabel(String head, String id, Label label) {
    Learner learner = taught(head);
    StoredSample changed = heads.deciding(head, () -> store.relabel(head, id, label));
    learner.refresh(List.of(id));
    watcher.changed(head, List.of(id));
    repository.refresh(head);
    worker.wake();
    tell("samples", head, Map.of("moved", 1));
    return changed;
  }

  /**
   * Forgets samples; see {@link SampleStore#delete}. Answers are without them at once.
   *
   * @return how many were there
   */
  public int delete(String head, Collection<String> ids) {
    Learner learner = taught(head);
    int count = learner.forget(ids, () -> heads.deciding(head, () -> store.delete(head, ids)));
    watcher.changed(head, ids);
    repository.refresh(head);
    worker.wake();
    tell("samples", head, Map.of("deleted", count));
    return count;
  }

  /**
   * Adds a class without samples.
   *
   * @throws ConflictException if it is there
   */
  public void addClass(String head, String name) {
    Learner learner = taught(head);
    store.addClass(head, name);
    learner.refresh(List.of());
    tell("head", head, Map.of("change", "classes"));
  }

  /**
   * Gives a class another name, in answers at once.
   *
   * @throws NotFoundException if there is no such class
   * @throws ConflictException if there is one of the new name
   */
  public void renameClass(String head, String from, String to) {
    changeClass(taught(head), from, to);
  }

  /**
   * Removes a class with its samples; it is answered no more.
   *
   * @throws NotFoundException if there is no such class
   */
  public void removeClass(String head, String name) {
    changeClass(taught(head), name, null);
  }

  private void changeClass(Learner learner, String from, String to) {
    String head = learner.head();
    List<String> its;
    synchronized (learner) {
      if (!store.classes(head).containsKey(from)
          && manifest(head).map(learner::known).orElse(Set.of()).contains(from)) {
        store.addClass(head, from); // a version knows it, no sample does
      }
      its =
          store.samples(head).stream()
              .filter(sample -> sample.label().names().contains(from))
              .map(StoredSample::id)
              .toList();
      learner.changeClass(
          from,
          to,
          () ->
              heads.deciding(
                  head,
                  () -> {
                    // Under the lock that versions are published under: none is between.
                    int until =
                        heads.versions(head).stream().mapToInt(Integer::intValue).max().orElse(0);
                    if (to == null) {
                      store.removeClass(head, from, until);
                    } else {
                      store.renameClass(head, from, to, until);
                    }
                    return until;
                  }));
    }
    watcher.changed(head, its);
    repository.refresh(head);
    tell("head", head, Map.of("change", "classes"));
  }

  /**
   * A JPEG of a picture, made now if there is none yet.
   *
   * @return nothing for what is no picture, or not kept
   */
  public Optional<Path> thumbnail(String head, StoredSample sample) {
    Optional<Path> there = store.thumbnail(sample);
    Learner learner = learners.get(head);
    if (there.isPresent() || learner == null) {
      return there;
    }
    makeThumbnail(learner.settings(), sample);
    return store.thumbnail(sample);
  }

  private void makeThumbnail(HeadSettings settings, StoredSample sample) {
    if (settings.modality() != Modality.IMAGE || !sample.kept()) {
      return;
    }
    try {
      byte[] jpeg = Thumbnail.of(store.open(settings.head(), sample).bytes());
      store.thumbnail(settings.head(), sample, jpeg);
    } catch (BadInputException | FailureException e) {
      LOG.debug("no thumbnail of {}: {}", sample.name(), e.getMessage());
    }
  }

  /** On the worker's thread. */
  private boolean learn(String head, String id) throws InterruptedException {
    Learner learner = learners.get(head);
    if (learner == null || !learner.learn(id)) {
      return false;
    }
    repository.refresh(head);
    watcher.added(head);
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("id", id);
    store.find(head, id).ifPresent(sample -> data.put("state", sample.state().id()));
    tell("samples", head, data);
    return true;
  }

  /** On the worker's thread: what other processes changed, and how sharp scores are to be. */
  private void rest() {
    follow();
    for (Learner learner : learners.values()) {
      if (learner.judge()) {
        repository.refresh(learner.head());
      }
    }
  }

  /** Own changes are known already, so that there is no hurry: others' are what is looked for. */
  private void follow() {
    long start = System.nanoTime();
    if (start - looked < 0 || store.revision() == revision) {
      return;
    }
    long now = store.revision();
    Map<String, HeadSettings> there = new LinkedHashMap<>();
    store.heads().forEach(settings -> there.put(settings.head(), settings));
    for (Learner learner : learners.values()) {
      if (!there.containsKey(learner.head())
          && store.settings(learner.head()).isEmpty()
          && learners.remove(learner.head(), learner)) {
        learner.close();
        repository.refresh(learner.head());
      }
    }
    there.forEach(
        (head, settings) -> {
          Learner learner = learners.get(head);
          if (learner == null) {
            if (store.settings(head).isPresent()) {
              enter(settings);
            }
            return;
          }
          learner.settings(settings);
          sync(learner);
        });
    revision = now;
    long end = System.nanoTime();
    looked = end + Math.max(LOOK, 9 * (end - start)); // a large workspace takes its time
  }

  private void sync(Learner learner) {
    try {
      List<String> left = learner.sync();
      if (!worker.waits(learner.head())) {
        worker.backlog(learner.head(), left);
      }
    } catch (HeadstartException e) {
      // Such as a base model that was removed. It is tried again when something changes.
      LOG.warn("the samples of head '{}' are of no use now: {}", learner.head(), e.getMessage());
    }
    repository.refresh(learner.head());
  }

  private void tell(String type, String head, Map<String, Object> data) {
    events.publish(new Event(type, head, data));
  }

  /** Ends all learning; heads go on answering by what they know. Idempotent. */
  @Override
  public void close() {
    runs.close();
    worker.close();
    learners.values().forEach(Learner::close);
  }
}
