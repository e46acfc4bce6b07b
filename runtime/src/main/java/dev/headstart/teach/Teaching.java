package dev.headstart.teach;

import dev.headstart.advise.Advisor;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Label;
import dev.headstart.serving.ModelRepository;
import dev.headstart.train.Teacher;
import dev.headstart.train.TrainingListener;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Heads that are taught while they serve: samples come and go, and answers follow at once. What a
 * method has returned from is on the disk. Safe for several threads; who opens it closes it, before
 * the repository.
 */
public final class Teaching implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Teaching.class);

  private final TeachingStores stores;
  private final SampleStore store;
  private final HeadStore heads;
  private final ModelRepository repository;
  private final Events events = new Events();
  private final Learners learners;
  private final HeadViews views;
  private final Thumbnails thumbnails;
  private final FeatureWorker worker;
  private final Runs runs;
  private final Versions versions;
  private final Feedback feedback;
  private final Advising advising;

  private Teaching(
      TeachingStores stores,
      ModelRepository repository,
      TeachingSettings settings,
      String release,
      Clock clock) {
    this.stores = stores;
    this.store = stores.samples();
    this.heads = stores.heads();
    this.repository = repository;
    this.learners = new Learners(stores, repository, this::leftOver);
    this.views = new HeadViews(stores, learners, repository);
    this.thumbnails = new Thumbnails(store);
    this.worker = new FeatureWorker(new Work());
    RunContext.Trainers trainers =
        (base, names, cores) ->
            new Teacher(stores.training(), repository.providers(base), release, names, cores);
    RunJournal journal = new RunJournal(stores.runs(), events, clock);
    this.runs =
        new Runs(
            new RunContext(stores, trainers, settings.runs(), journal, repository::refresh), clock);
    this.versions = new Versions(stores, repository::providers, events, repository::refresh);
    this.advising =
        new Advising(
            store,
            stores.memberships(),
            (base, request) ->
                new Advisor(
                        stores.models(),
                        heads,
                        stores.features(),
                        repository.providers(base),
                        settings.runs().cores())
                    .study(request, TrainingListener.NONE));
    this.feedback = new Feedback(settings.predictions(), settings.predictionBytes());
  }

  /**
   * Begins to teach: heads of the repository answer by their samples as soon as those are read.
   *
   * @param repository stays the caller's to close, after this
   * @param release version of this library, for provenance
   */
  public static Teaching open(
      TeachingStores stores,
      ModelRepository repository,
      TeachingSettings settings,
      String release) {
    return open(stores, repository, settings, release, Clock.systemDefaultZone());
  }

  /**
   * @param clock by which rules start runs, in its zone
   */
  static Teaching open(
      TeachingStores stores,
      ModelRepository repository,
      TeachingSettings settings,
      String release,
      Clock clock) {
    Teaching teaching = new Teaching(stores, repository, settings, release, clock);
    repository.follow(teaching.learners);
    teaching.worker.start();
    teaching.runs.start();
    return teaching;
  }

  /** What the worker's thread does. */
  private final class Work implements FeatureWorker.Work {
    @Override
    public boolean learn(String head, String id) throws InterruptedException {
      Learner learner = learners.get(head);
      if (learner == null || !learner.learn(id)) {
        return false;
      }
      repository.refresh(head);
      runs.added(head);
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("id", id);
      store.find(head, id).ifPresent(sample -> data.put("state", sample.state().id()));
      tell("samples", head, data);
      return true;
    }

    @Override
    public void finish(String head, String id) {
      store.find(head, id).ifPresent(sample -> thumbnail(head, sample));
    }

    @Override
    public void rest() {
      learners.follow();
      learners.judge();
    }
  }

  private void leftOver(String head, List<String> ids) {
    if (!worker.waits(head)) {
      worker.backlog(head, ids);
    }
  }

  /** What is on the disk; for reading only. */
  public SampleStore store() {
    return store;
  }

  /** Whether all samples are learned that there are, so that answers stay as they are. */
  boolean settled() {
    return worker.idle() && learners.judged();
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

  /**
   * Asks for advice on a head's samples.
   *
   * @throws NotFoundException if there is no such head
   * @throws BadInputException if it has no samples
   */
  public Advising.Asked advice(String head) {
    return advising.of(store.settings(head).orElseGet(() -> head(head).settings()));
  }

  /** Tells of changes. */
  public Events events() {
    return events;
  }

  /** All heads, taught here or not, by name. */
  public List<HeadView> heads() {
    return views.all();
  }

  /**
   * One head.
   *
   * @throws NotFoundException if there is none of that name
   */
  public HeadView head(String head) {
    return views.of(head);
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
    if (learners.get(draft.head()) != null || !heads.versions(draft.head()).isEmpty()) {
      throw new ConflictException("there is a head '" + draft.head() + "' already");
    }
    HeadSettings settings = draft.settings(stores.models());
    RunRecipe.of(settings, settings.recipe());
    make(settings, draft.classes() == null ? List.of() : draft.classes());
    return settings;
  }

  private Learner make(HeadSettings settings, List<String> classes) {
    store.create(settings, classes);
    Learner learner = learners.enter(settings);
    tell("head", settings.head(), Map.of("change", "created"));
    return learner;
  }

  /** The head, which is taught from now on if it was not. */
  private Learner taught(String head) {
    Learner learner = learners.get(head);
    if (learner != null) {
      return learner;
    }
    Optional<HeadSettings> made = store.settings(head);
    if (made.isPresent()) {
      return learners.enter(made.get()); // by another process
    }
    HeadManifest version = views.live(head).orElseThrow(() -> views.unknown(head));
    return make(HeadSettings.adopted(version, stores.models()), version.classes());
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
      HeadSettings changed = change.of(now);
      RunRecipe.of(changed, changed.recipe());
      store.update(changed);
      learner.settings(changed);
      if (changed.keep() == HeadSettings.Keep.FEATURES && now.keep() != changed.keep()) {
        // Said once more, it throws away the originals of those that are ready.
        store.samples(head).stream()
            .filter(s -> s.state() == StoredSample.State.READY && s.kept() && learner.fits(s))
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
      throw views.unknown(head);
    }
    runs.removing(head);
    worker.forget(head);
    if (!heads.versions(head).isEmpty()) {
      heads.remove(head);
    }
    if (learner == null) {
      repository.refresh(head);
    } else {
      synchronized (learner) {
        store.remove(head);
        learners.leave(learner);
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
        create(ifMissing.with(samples.get(0)));
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
      runs.changed(head);
      repository.refresh(head);
      worker.wake();
    }
    runs.added(head);
    tell("samples", head, Map.of("added", ids.size() - moved.size(), "moved", moved.size()));
    return added;
  }

  private static String id(NewSample sample) {
    return sample.sample().sha256();
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
    runs.changed(head);
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
    runs.changed(head);
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
    synchronized (learner) {
      if (!store.classNames(head).contains(from)
          && views.live(head).map(learner::known).orElse(Set.of()).contains(from)) {
        store.addClass(head, from); // a version knows it, no sample does
      }
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
    runs.changed(head);
    repository.refresh(head);
    tell("head", head, Map.of("change", "classes"));
  }

  /**
   * A JPEG of a picture, made now if there is none yet.
   *
   * @return nothing for what is no picture, or not kept
   */
  public Optional<Path> thumbnail(String head, StoredSample sample) {
    Learner learner = learners.get(head);
    return learner == null ? store.thumbnail(sample) : thumbnails.of(learner.settings(), sample);
  }

  private void tell(String type, String head, Map<String, Object> data) {
    events.publish(new Event(type, head, data));
  }

  /** Ends all learning; heads go on answering by what they know. Idempotent. */
  @Override
  public void close() {
    advising.close();
    runs.close();
    worker.close();
    learners.close();
  }
}
