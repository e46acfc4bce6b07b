package dev.headstart.teach;

import dev.headstart.error.HeadstartException;
import dev.headstart.head.HeadManifest;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.Overlay;
import dev.headstart.serving.Overlays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The heads that are taught here, each kept in line with the store, whatever process changes it.
 * What their samples say goes to the repository. Safe for several threads.
 */
final class Learners implements Overlays, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Learners.class);

  /** Nanoseconds until it is looked once more for what other processes changed. */
  private static final long LOOK = TimeUnit.SECONDS.toNanos(1);

  private final TeachingStores stores;
  private final ModelRepository repository;
  private final BiConsumer<String, List<String>> leftOver;
  private final Map<String, Learner> learners = new ConcurrentHashMap<>();
  private long revision = -1;

  /** When it is looked next, as {@link System#nanoTime}. */
  private long looked = System.nanoTime();

  /**
   * All heads of the store, not in line yet.
   *
   * @param leftOver is told of a head and of its samples that wait for their features
   */
  Learners(
      TeachingStores stores,
      ModelRepository repository,
      BiConsumer<String, List<String>> leftOver) {
    this.stores = stores;
    this.repository = repository;
    this.leftOver = leftOver;
    stores.samples().heads().forEach(settings -> learners.put(settings.head(), made(settings)));
  }

  private Learner made(HeadSettings settings) {
    return new Learner(settings, stores, repository);
  }

  /** One; null for a head that is not taught here. */
  Learner get(String head) {
    return learners.get(head);
  }

  Collection<Learner> all() {
    return learners.values();
  }

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

  /** A head that the store has is taught from now on. */
  Learner enter(HeadSettings settings) {
    Learner made = made(settings);
    Learner there = learners.putIfAbsent(settings.head(), made);
    Learner learner = there == null ? made : there;
    sync(learner);
    return learner;
  }

  /** A head is taught no more; what it has open is the caller's to close. */
  void leave(Learner learner) {
    learners.remove(learner.head(), learner);
  }

  private void sync(Learner learner) {
    try {
      leftOver.accept(learner.head(), learner.sync());
    } catch (HeadstartException e) {
      // Such as a base model that was removed. It is tried again when something changes.
      LOG.warn("the samples of head '{}' are of no use now: {}", learner.head(), e.getMessage());
    }
    repository.refresh(learner.head());
  }

  /**
   * Brings all in line with what other processes changed. Own changes are known already, so that
   * there is no hurry. By one thread at a time.
   */
  void follow() {
    SampleStore store = stores.samples();
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

  /** Judges anew how sharp scores are to be, where samples changed. */
  void judge() {
    for (Learner learner : learners.values()) {
      if (learner.judge()) {
        repository.refresh(learner.head());
      }
    }
  }

  /** Whether every head answers by its samples as they are. */
  boolean judged() {
    return learners.values().stream().allMatch(Learner::judged);
  }

  @Override
  public void close() {
    learners.values().forEach(Learner::close);
  }
}
