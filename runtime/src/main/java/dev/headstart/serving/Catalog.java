package dev.headstart.serving;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import dev.headstart.head.HeadStore;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which models there are and which of them are open: follows the workspace, opens and warms a new
 * live version before it takes over, and lets the old one go. Who asks for a service is given it
 * retained, so that it stays open until it is released.
 */
final class Catalog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Catalog.class);

  /** Versions that are not live and stay open. */
  private static final int KEPT = 8;

  /** When a head changed that is taught and has no folder yet. */
  private static final FileTime NEVER = FileTime.fromMillis(0);

  /** Younger changes are looked at again; see {@link HeadStore#changes}. */
  private static final long SETTLED = 2000;

  private final BaseModels models;
  private final HeadStore heads;
  private final ServingSettings settings;
  private final ServingListener listener;
  private final Bases bases;
  private final HeadPool pool = new HeadPool();
  private final Map<String, CatalogEntry> entries = new ConcurrentHashMap<>();
  private final ExecutorService loaders;

  /** For heads that serve already, so that no slow base model keeps them from a new version. */
  private final ExecutorService swappers;

  private final Thread watcher;
  private final VersionCache versions;
  private final Set<String> warned = new HashSet<>();
  private Map<String, FileTime> seen = Map.of();
  private volatile Overlays overlays = Overlays.NONE;
  private volatile boolean loaded;
  private volatile boolean closing;
  private boolean closed;

  Catalog(BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    this.models = models;
    this.heads = heads;
    this.settings = settings;
    this.listener = listener;
    this.bases =
        new Bases(
            base -> settings.providersByModel().getOrDefault(base, settings.providers()),
            base -> settings.load() == null || settings.load().contains(base));
    this.loaders =
        Executors.newFixedThreadPool(
            Math.max(2, Math.min(4, Runtime.getRuntime().availableProcessors())),
            task -> Batcher.daemon(task, "headstart-loader"));
    this.swappers =
        Executors.newSingleThreadExecutor(task -> Batcher.daemon(task, "headstart-swapper"));
    this.versions = new VersionCache(KEPT, this::open, loaders);
    this.watcher = Batcher.daemon(this::watch, "headstart-watcher");
    watcher.start();
  }

  private void watch() {
    boolean first = true;
    while (!closing) {
      long start = System.nanoTime();
      try {
        CompletableFuture<?>[] loads =
            look().stream().map(this::bring).toArray(CompletableFuture[]::new);
        if (first) {
          first = false;
          sayUnknown();
          CompletableFuture.allOf(loads).whenComplete((done, failure) -> loaded = true);
        }
      } catch (RuntimeException | Error e) {
        if (!closing) {
          LOG.warn("the workspace could not be looked at: {}", e.toString());
        }
      }
      // A slow disk is not looked at more than a tenth of the time.
      long rest = Math.max(settings.poll().toNanos(), 9 * (System.nanoTime() - start));
      try {
        TimeUnit.NANOSECONDS.sleep(Math.min(rest, TimeUnit.SECONDS.toNanos(1)));
      } catch (InterruptedException e) {
        return; // closed
      }
    }
  }

  /** A name to load that nothing has is a mistake, or comes later. */
  private void sayUnknown() {
    if (settings.load() == null) {
      return;
    }
    for (String name : new TreeSet<>(settings.load())) {
      if (!entries.containsKey(name)) {
        LOG.warn(
            "among the models to load: {}",
            new NotFoundException("model", name, entries.keySet()).getMessage());
      }
    }
  }

  /** Has a model follow its live version, on another thread. */
  private CompletableFuture<?> bring(CatalogEntry entry) {
    return entry.claim()
        ? CompletableFuture.runAsync(
            () -> entry.untilUnclaimed(() -> follow(entry, false)),
            entry.head() && entry.service() != null ? swappers : loaders)
        : CompletableFuture.completedFuture(null);
  }

  /** What is new, changed or gone; returns what may have another live version, bases first. */
  private List<CatalogEntry> look() {
    Map<String, FileTime> changes = heads.changes();
    long settled = System.currentTimeMillis() - SETTLED;
    Set<String> names = new TreeSet<>(models.names());
    List<CatalogEntry> follow = new ArrayList<>();
    Map<String, FileTime> next = new HashMap<>();
    Set<String> taught = overlays.heads();
    Set<String> headNames = new TreeSet<>(changes.keySet());
    headNames.addAll(taught);
    for (String head : headNames) {
      FileTime changed = changes.getOrDefault(head, NEVER);
      CatalogEntry there = entries.get(head);
      boolean fresh = changed.toMillis() > settled || !changed.equals(seen.get(head));
      boolean exists =
          taught.contains(head)
              || (fresh ? !heads.versions(head).isEmpty() : there != null && there.head());
      if (!exists) {
        continue;
      }
      next.put(head, changed);
      if (names.remove(head) && warned.add(head)) {
        LOG.warn("the head '{}' has the name of a base model and is served in its place", head);
      }
      if (there == null || !there.head()) {
        follow.add(enter(head, true));
      } else if (fresh || there.due()) {
        follow.add(there);
      }
    }
    List<CatalogEntry> all = new ArrayList<>();
    for (String base : names) {
      CatalogEntry there = entries.get(base);
      if (there == null || there.head()) {
        all.add(enter(base, false));
      } else if (there.due()) {
        all.add(there);
      }
    }
    all.addAll(follow);
    for (CatalogEntry entry : entries.values()) {
      boolean gone =
          entry.head()
              ? !next.containsKey(entry.name()) && !overlays.heads().contains(entry.name())
              : !names.contains(entry.name());
      if (gone && entries.remove(entry.name(), entry)) {
        retire(entry);
      }
    }
    seen = next;
    return all;
  }

  /** A model's entry, made unless there is one of that kind. */
  private CatalogEntry enter(String name, boolean head) {
    CatalogEntry[] old = new CatalogEntry[1];
    CatalogEntry entry =
        entries.compute(
            name,
            (key, there) -> {
              if (there != null && there.head() == head) {
                return there;
              }
              old[0] = there;
              return new CatalogEntry(
                  name, head, settings.load() == null || settings.load().contains(name));
            });
    if (old[0] != null) {
      retire(old[0]);
    }
    return entry;
  }

  /** A backbone, retained for the caller; opened if nobody has it yet. */
  Bases.SharedBackbone backbone(BaseModel base, Cut cut) {
    return bases.backbone(base, cut);
  }

  /** Lets a model go, after whoever loads it. */
  private void retire(CatalogEntry entry) {
    entry.abandon();
    loaders.execute(() -> drop(entry));
  }

  private void drop(CatalogEntry entry) {
    synchronized (entry) {
      entry.drop();
    }
    if (entry.head()) {
      versions.forget(entry.name());
    }
  }

  /** From now on heads are what these say of them as well; those that are open follow soon. */
  void follow(Overlays taught) {
    overlays = taught;
    Set<String> names = new TreeSet<>(taught.heads());
    entries.values().stream().filter(CatalogEntry::head).forEach(e -> names.add(e.name()));
    names.forEach(name -> loaders.execute(() -> refresh(name)));
  }

  /**
   * A head's samples changed, or its versions: brings it there before it returns. What cannot be
   * opened is said in the index.
   */
  void refresh(String head) {
    CatalogEntry entry = entries.get(head);
    boolean taught = overlays.heads().contains(head);
    if (entry == null || !entry.head()) {
      if (!taught) {
        return; // its versions, if it has any, are found by looking
      }
      entry = enter(head, true);
    }
    if (!taught && heads.versions(head).isEmpty()) {
      if (entries.remove(head, entry)) {
        retire(entry);
      }
      return;
    }
    follow(entry, true);
  }

  /**
   * Brings a model to its live version, if it is not there; failures are said in the index.
   *
   * @param learned whether what samples taught it may have changed
   */
  private void follow(CatalogEntry entry, boolean learned) {
    synchronized (entry) {
      if (entry.unwanted() || closing) {
        return;
      }
      ModelStatus before = entry.refused();
      try {
        OptionalInt live = live(entry);
        Service now = entry.service();
        if (now != null && live.isPresent() && live.getAsInt() == now.version()) {
          if (learned && now instanceof HeadService head) {
            serve(entry, head.trained());
          }
          entry.settle();
          return;
        }
        if (before != null
            && live.isPresent()
            && Integer.valueOf(live.getAsInt()).equals(before.version())
            && !entry.due()) {
          return; // it was said already
        }
        renew(entry, live);
      } catch (RuntimeException | Error e) {
        ModelStatus again = entry.refused();
        if (!again.equals(before) && again.version() != null && !closing) {
          LOG.warn("the model '{}' cannot be served: {}", entry.name(), again.reason());
        }
      }
    }
  }

  private OptionalInt live(CatalogEntry entry) {
    try {
      return entry.head() ? heads.live(entry.name()) : OptionalInt.of(BaseService.VERSION);
    } catch (RuntimeException e) {
      entry.refuse(null, e);
      throw e;
    }
  }

  /** Under the entry's lock. */
  private void renew(CatalogEntry entry, OptionalInt live) {
    try {
      if (!entry.head()) {
        entry.serve(warmed(openBase(entry)));
      } else if (live.isEmpty() && overlays.heads().contains(entry.name())) {
        serveUntrained(entry);
      } else {
        serve(entry, warmed(openLive(entry, live)));
        listener.live(entry.name(), live.getAsInt());
      }
    } catch (RuntimeException | Error e) {
      entry.refuse(live.isPresent() ? live.getAsInt() : null, e);
      throw e;
    }
  }

  /**
   * Under the entry's lock.
   *
   * @param version as it was trained; the caller's use of it passes over
   */
  private void serve(CatalogEntry entry, HeadService version) {
    Optional<Overlay> overlay;
    try {
      overlay = overlays.of(version.manifest());
    } catch (RuntimeException | Error e) {
      version.release();
      throw e;
    }
    if (overlay.isEmpty()) {
      entry.serve(version);
    } else if (!overlay.get().classes().isEmpty()) {
      entry.serve(version.learned(overlay.get()));
    } else {
      entry.withhold("all of its classes were removed; it needs samples of new ones");
      version.release();
    }
  }

  private void serveUntrained(CatalogEntry entry) {
    Optional<Overlays.Untrained> taught = overlays.untrained(entry.name());
    if (taught.isPresent()) {
      entry.serve(
          warmed(
              HeadService.untrained(
                  entry.name(), taught.get(), bases, settings.maxBatch(), listener)));
    } else {
      entry.withhold("it has no version, and no sample yet that it could answer by");
    }
  }

  private Service openBase(CatalogEntry entry) {
    return BaseService.open(bases, models.get(entry.name()), settings.maxBatch());
  }

  private HeadService openLive(CatalogEntry entry, OptionalInt live) {
    HeadStore.Stored stored =
        live.isPresent()
            ? heads.load(entry.name(), live.getAsInt())
            : heads.loadLive(entry.name()); // which says why there is none
    return HeadService.open(stored, models, bases, pool, settings.maxBatch(), listener);
  }

  private HeadService open(String head, int version) {
    return warmed(
        HeadService.open(
            heads.load(head, version),
            models,
            bases,
            pool,
            settings.maxBatch(),
            ServingListener.NONE));
  }

  private static <S extends Service> S warmed(S service) {
    try {
      service.warm();
      return service;
    } catch (RuntimeException | Error e) {
      service.release();
      throw e;
    }
  }

  /** Whether the first look is over and its models are loaded, or cannot be. */
  boolean ready() {
    return loaded && !closing;
  }

  private CatalogEntry entry(String model) {
    CatalogEntry entry = entries.get(model);
    if (entry == null) {
      if (!loaded) {
        throw new UnavailableException(
            Reason.NOT_READY, "the model '" + model + "' is not ready: models are being loaded");
      }
      throw new NotFoundException("model", model, entries.keySet());
    }
    return entry;
  }

  /**
   * Checks that there is a model, loaded or not.
   *
   * @throws NotFoundException if there is none
   */
  void require(String model) {
    entry(model);
  }

  /**
   * Whether a model is a head's; otherwise it is a base model.
   *
   * @throws NotFoundException if there is no such model
   */
  boolean isHead(String model) {
    return entry(model).head();
  }

  /** Whether a model's live version is open. */
  boolean ready(String model) {
    return entry(model).service() != null;
  }

  /** Whether there is such a model, loaded or not. */
  boolean has(String model) {
    return entries.containsKey(model);
  }

  /** Whether a version of a model is open, live or not. */
  boolean isOpen(String model, int version) {
    CatalogEntry entry = entries.get(model);
    Service live = entry == null ? null : entry.service();
    return live != null && live.version() == version
        || entry != null && versions.contains(model, version);
  }

  /**
   * The live version, retained.
   *
   * @throws UnavailableException if none is open
   */
  Service live(String model) {
    CatalogEntry entry = entry(model);
    Service service = entry.lease();
    if (service == null) {
      throw entry.notReady();
    }
    return service;
  }

  /** Of the heads that answer and have one. */
  Map<String, Familiarity> familiarities() {
    Map<String, Familiarity> found = new HashMap<>();
    for (CatalogEntry entry : entries.values()) {
      if (entry.service() instanceof HeadService head && head.familiarity() != null) {
        found.put(entry.name(), head.familiarity());
      }
    }
    return found;
  }

  /** The live version of a head, retained. */
  HeadService liveHead(String head) {
    Service service = live(head);
    if (service instanceof HeadService found) {
      return found;
    }
    service.release();
    throw new BadInputException("the model '" + head + "' is a base model, not a head");
  }

  /**
   * A version of a head as it was trained, which need not be live, retained; opened off the
   * caller's thread if it is not open.
   *
   * @throws UnavailableException if the head is not to be loaded
   */
  CompletableFuture<HeadService> version(String head, int version) {
    CatalogEntry entry = entry(head);
    Service live = entry.lease();
    if (live instanceof HeadService now && now.version() == version) {
      HeadService trained = now.trained();
      now.release();
      return CompletableFuture.completedFuture(trained);
    }
    if (live != null) {
      live.release();
    }
    if (entry.unwanted() || closing) {
      throw entry.notReady();
    }
    return versions.get(head, version);
  }

  /** The live versions of all heads of a base, by name, retained. */
  List<HeadService> ofBase(String base) {
    List<HeadService> found = new ArrayList<>();
    for (CatalogEntry entry : new TreeMap<>(entries).values()) {
      Service service = entry.head() ? entry.lease() : null;
      if (service instanceof HeadService head
          && head.manifest().base() != null
          && head.manifest().base().id().equals(base)) {
        found.add(head);
      } else if (service != null) {
        service.release();
      }
    }
    return found;
  }

  /** Base models that heads stand on, whose live versions are open. */
  Set<String> basesOfHeads() {
    Set<String> names = new TreeSet<>();
    for (CatalogEntry entry : entries.values()) {
      if (entry.service() instanceof HeadService head && head.manifest().base() != null) {
        names.add(head.manifest().base().id());
      }
    }
    return names;
  }

  /** A line a model, and one more for a version that should be live and cannot be. */
  List<ModelStatus> index() {
    List<ModelStatus> index = new ArrayList<>();
    for (CatalogEntry entry : new TreeMap<>(entries).values()) {
      index.addAll(entry.status());
    }
    return index;
  }

  /** Opens a model's live version anew. */
  void load(String model) {
    CatalogEntry entry = entry(model);
    synchronized (entry) {
      if (entries.get(model) != entry || closing) {
        throw new NotFoundException("model", model, entries.keySet());
      }
      entry.want();
      renew(entry, live(entry));
    }
  }

  /** Lets a model go. */
  void unload(String model) {
    CatalogEntry entry = entry(model);
    synchronized (entry) {
      entry.unload();
    }
    versions.forget(model);
  }

  /** Stops to follow the workspace, and waits for what is being opened. */
  void stop() {
    closing = true;
    watcher.interrupt();
    try {
      watcher.join(30_000);
      swappers.shutdown();
      loaders.shutdown();
      if (!swappers.awaitTermination(30, TimeUnit.SECONDS)
          || !loaders.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("a model is still being loaded; it is not waited for any more");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets all models go; idempotent. */
  @Override
  public synchronized void close() {
    stop();
    for (CatalogEntry entry : entries.values()) {
      drop(entry);
    }
    if (!closed) {
      closed = true;
      pool.release();
    }
  }
}
