package dev.headstart.serving;

import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Base models and heads, ready to answer many callers at once. Models are named as their users know
 * them: a base model by its id (version 1), a head by its name, all heads of a base as {@code
 * heads@BASE}. A head's live version changes under load without a request lost, within the poll
 * time of a promotion in whichever process. Safe for several threads; the caller closes it.
 */
public final class ModelRepository implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ModelRepository.class);

  /** Before a base model's name: all heads of that base. */
  static final String ALL_HEADS = "heads@";

  private final BaseModels models;
  private final HeadStore heads;
  private final ServingSettings settings;
  private final ServingListener listener;
  private final Bases bases;
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();
  private final Map<Asked, Counters> counters = new ConcurrentHashMap<>();
  private final ExecutorService loader;
  private volatile boolean loaded;
  private volatile boolean closed;

  private record Asked(String model, int version) {}

  private ModelRepository(
      BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    this.models = models;
    this.heads = heads;
    this.settings = settings;
    this.listener = listener;
    this.bases =
        new Bases(base -> settings.providersByModel().getOrDefault(base, settings.providers()));
    this.loader =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "headstart-models");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** A model by its name, loaded or not. */
  private static final class Entry {
    final boolean head;
    volatile BaseService base;
    volatile HeadService live;
    volatile ModelStatus.State state = ModelStatus.State.LOADING;
    volatile String reason = "it is being loaded";

    Entry(boolean head) {
      this.head = head;
    }
  }

  /**
   * Opens a repository and begins to load its models in the background; {@link #ready()} says when
   * they are loaded and warm.
   */
  public static ModelRepository open(
      BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    ModelRepository repository = new ModelRepository(models, heads, settings, listener);
    repository.loader.execute(repository::start);
    return repository;
  }

  private void start() {
    for (String name : models.names()) {
      entries.put(name, new Entry(false));
    }
    for (String name : heads.heads()) {
      if (entries.put(name, new Entry(true)) != null) {
        LOG.warn("the head '{}' has a base model's name and is served in its place", name);
      }
    }
    entries.forEach(
        (name, entry) -> {
          if (settings.load() == null || settings.load().contains(name)) {
            try {
              load(name, entry);
            } catch (RuntimeException e) {
              LOG.warn("the model '{}' cannot be served: {}", name, e.getMessage());
            }
          } else {
            unavailable(entry, "it is not loaded");
          }
        });
    loaded = true;
  }

  private static void unavailable(Entry entry, String reason) {
    entry.state = ModelStatus.State.UNAVAILABLE;
    entry.reason = reason;
  }

  private void load(String name, Entry entry) {
    try {
      if (entry.head) {
        HeadService service =
            HeadService.open(heads.loadLive(name), models, bases, settings.maxBatch());
        service.warm();
        HeadService old = entry.live;
        entry.live = service;
        listener.live(name, service.manifest().version());
        if (old != null) {
          old.release();
        }
      } else {
        BaseService service = BaseService.open(bases, models.get(name), settings.maxBatch());
        service.warm();
        BaseService old = entry.base;
        entry.base = service;
        if (old != null) {
          old.release();
        }
      }
      entry.state = ModelStatus.State.READY;
      entry.reason = null;
    } catch (RuntimeException e) {
      unavailable(entry, e.getMessage());
      throw e;
    }
  }

  private Entry entry(String model) {
    Entry entry = entries.get(model);
    if (entry == null) {
      throw new NotFoundException("model", model, entries.keySet());
    }
    return entry;
  }

  /** Whether all models that are to be loaded are loaded and warm. */
  public boolean ready() {
    return loaded && !closed;
  }

  /**
   * Whether a model answers.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   */
  public boolean ready(String model, Integer version) {
    if (model.startsWith(ALL_HEADS)) {
      return !ofBase(model).isEmpty();
    }
    Entry entry = entry(model);
    requireVersion(model, entry, version);
    return entry.state == ModelStatus.State.READY;
  }

  private void requireVersion(String model, Entry entry, Integer version) {
    if (version != null
        && !(entry.head ? heads.versions(model) : List.of(BaseService.VERSION)).contains(version)) {
      throw new NotFoundException("model '" + model + "' has no version " + version);
    }
  }

  /** Every model there is, loaded or not, by name and version. */
  public List<ModelStatus> index() {
    List<ModelStatus> index = new ArrayList<>();
    new TreeMap<>(entries)
        .forEach(
            (name, entry) -> {
              Integer version =
                  entry.head
                      ? entry.live == null ? null : entry.live.manifest().version()
                      : entry.base == null ? null : Integer.valueOf(BaseService.VERSION);
              index.add(new ModelStatus(name, version, entry.state, entry.reason));
            });
    return index;
  }

  private List<HeadService> ofBase(String model) {
    String base = model.substring(ALL_HEADS.length());
    List<HeadService> found = new ArrayList<>();
    for (Entry entry : new TreeMap<>(entries).values()) {
      HeadService live = entry.live;
      if (live != null
          && live.manifest().base() != null
          && live.manifest().base().id().equals(base)) {
        found.add(live);
      }
    }
    if (found.isEmpty()) {
      throw new NotFoundException("model '" + model + "': no head of base '" + base + "' is live");
    }
    return found;
  }

  /**
   * What a model is.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   * @throws UnavailableException if it is not loaded
   */
  public ModelMetadata metadata(String model, Integer version) {
    if (model.startsWith(ALL_HEADS)) {
      return allHeads(model);
    }
    Entry entry = entry(model);
    requireVersion(model, entry, version);
    if (!entry.head) {
      BaseService base = entry.base;
      if (base == null) {
        throw notReady(model, entry);
      }
      return base.metadata();
    }
    HeadService service = service(model, version);
    try {
      return service.metadata(heads.versions(model));
    } finally {
      service.release();
    }
  }

  private static UnavailableException notReady(String model, Entry entry) {
    return new UnavailableException(
        Reason.NOT_READY, "the model '" + model + "' is not ready: " + entry.reason);
  }

  private HeadService service(String head, Integer version) {
    Entry entry = entry(head);
    requireVersion(head, entry, version);
    HeadService live = entry.live;
    while (live != null && !live.retain()) {
      live = entry.live;
    }
    if (live == null) {
      throw notReady(head, entry);
    }
    if (version == null || live.manifest().version() == version) {
      return live;
    }
    live.release();
    return HeadService.open(heads.load(head, version), models, bases, settings.maxBatch());
  }

  private ModelMetadata allHeads(String model) {
    List<HeadService> all = ofBase(model);
    List<TensorInfo> outputs = new ArrayList<>();
    Map<String, List<String>> classes = new LinkedHashMap<>();
    for (HeadService head : all) {
      String prefix = head.manifest().head() + ".";
      outputs.addAll(head.outputs(prefix));
      if (!head.manifest().classes().isEmpty()) {
        classes.put(prefix + HeadService.SCORES, head.manifest().classes());
      }
    }
    return new ModelMetadata(
        model,
        ModelMetadata.Kind.ALL_HEADS,
        BaseService.VERSION,
        List.of(BaseService.VERSION),
        all.get(0).forms().stream().filter(f -> !f.name().equals(Form.FEATURES)).toList(),
        outputs,
        List.of(),
        classes,
        settings.maxBatch(),
        all.get(0).backbone().backbone().provider(),
        null);
  }

  /**
   * What models have done.
   *
   * @param model null for all loaded ones
   * @param version null for all that were asked
   * @throws NotFoundException if there is no such model or version
   */
  public List<ModelStatistics> statistics(String model, Integer version) {
    if (model != null && !model.startsWith(ALL_HEADS)) {
      requireVersion(model, entry(model), version);
    }
    return counters.entrySet().stream()
        .filter(e -> model == null || e.getKey().model().equals(model))
        .filter(e -> version == null || e.getKey().version() == version)
        .sorted(
            Comparator.comparing((Map.Entry<Asked, Counters> e) -> e.getKey().model())
                .thenComparing(e -> e.getKey().version()))
        .map(e -> e.getValue().read())
        .toList();
  }

  /** Requests that wait, for a model. */
  public int queued(String model) {
    return 0;
  }

  /**
   * Loads a model, or loads it again; returns when it is warm.
   *
   * @throws NotFoundException if there is no such model
   * @throws BadInputException if it is not sound
   */
  public void load(String model) {
    load(model, entry(model));
  }

  /**
   * Unloads a model once its last request is answered; those to come are refused.
   *
   * @throws NotFoundException if there is no such model
   */
  public void unload(String model) {
    Entry entry = entry(model);
    unavailable(entry, "it was unloaded");
    free(entry);
  }

  private static void free(Entry entry) {
    BaseService base = entry.base;
    HeadService live = entry.live;
    entry.base = null;
    entry.live = null;
    if (base != null) {
      base.release();
    }
    if (live != null) {
      live.release();
    }
  }

  /**
   * Asks a model. A quick one answers on the caller's thread, others on a worker's; whoever adds to
   * the stage must not block.
   *
   * @return fails with a {@link BadInputException}, {@link NotFoundException}, {@link
   *     UnavailableException} or {@link dev.headstart.error.FailureException}; the method itself
   *     does not throw
   */
  public CompletionStage<InferenceResult> infer(InferenceRequest request) {
    try {
      if (request.model().startsWith(ALL_HEADS)) {
        return inferAllHeads(request);
      }
      Entry entry = entry(request.model());
      if (entry.head) {
        return run(head(request)).thenApply(results -> results.get(0));
      }
      requireVersion(request.model(), entry, request.version());
      BaseService base = entry.base;
      if (base == null || !base.retain()) {
        throw notReady(request.model(), entry);
      }
      ModelJob job =
          made(
              List.of(base),
              () ->
                  base.job(
                      request,
                      timeout(request.timeout()),
                      counters(request.model(), BaseService.VERSION)));
      return run(job).thenApply(results -> results.get(0));
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedStage(Failures.of(e));
    }
  }

  private ModelJob head(InferenceRequest request) {
    HeadService service = service(request.model(), request.version());
    return made(
        List.of(service),
        () ->
            new HeadGroup(List.of(service))
                .job(
                    request.inputs(),
                    List.of(
                        Form.outputs(request.outputs(), service.outputs(""), service.onRequest())),
                    settings.maxBatch(),
                    request.priority(),
                    timeout(request.timeout()),
                    List.of(counters(request.model(), service.manifest().version()))));
  }

  private CompletionStage<InferenceResult> inferAllHeads(InferenceRequest request) {
    String model = request.model();
    List<HeadService> all = ofBase(model).stream().filter(Shared::retain).toList();
    List<String> wanted = new ArrayList<>();
    List<List<String>> each = new ArrayList<>();
    ModelJob job =
        made(
            all,
            () -> {
              List<TensorInfo> standard = new ArrayList<>();
              all.forEach(h -> standard.addAll(h.outputs(h.manifest().head() + ".")));
              wanted.addAll(Form.outputs(request.outputs(), standard, List.of()));
              all.forEach(h -> each.add(h.outputs("").stream().map(TensorInfo::name).toList()));
              return new HeadGroup(all)
                  .job(
                      request.inputs(),
                      each,
                      settings.maxBatch(),
                      request.priority(),
                      timeout(request.timeout()),
                      List.of(counters(model, BaseService.VERSION)));
            });
    return run(job)
        .thenApply(
            results -> {
              Map<String, Tensor> found = new LinkedHashMap<>();
              results.forEach(
                  r -> r.outputs().forEach((name, t) -> found.put(r.model() + "." + name, t)));
              Map<String, Tensor> answer = new LinkedHashMap<>();
              wanted.forEach(name -> answer.put(name, found.get(name)));
              return new InferenceResult(model, BaseService.VERSION, answer, null);
            });
  }

  /**
   * Asks the live versions of several heads about the same inputs; for every backbone among them it
   * runs once.
   *
   * @return one result a head, in their order; fails as {@link #infer} does
   */
  public CompletionStage<List<InferenceResult>> inferAll(
      List<String> heads, Map<String, Tensor> inputs, int priority, Duration timeout) {
    List<HeadService> found = new ArrayList<>();
    try {
      if (heads.isEmpty()) {
        throw new BadInputException("no heads are named");
      }
      try {
        heads.forEach(head -> found.add(service(head, null)));
      } catch (RuntimeException e) {
        found.forEach(Shared::release);
        throw e;
      }
      return run(
          made(
              found,
              () ->
                  new HeadGroup(found)
                      .job(
                          inputs,
                          found.stream()
                              .map(h -> h.outputs("").stream().map(TensorInfo::name).toList())
                              .toList(),
                          settings.maxBatch(),
                          priority,
                          timeout(timeout),
                          found.stream()
                              .map(h -> counters(h.manifest().head(), h.manifest().version()))
                              .toList())));
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedStage(Failures.of(e));
    }
  }

  /** What was retained for a job that cannot be made is released. */
  private static ModelJob made(List<? extends Shared> retained, Supplier<ModelJob> maker) {
    try {
      return maker.get();
    } catch (RuntimeException | Error e) {
      retained.forEach(Shared::release);
      throw e;
    }
  }

  private CompletionStage<List<InferenceResult>> run(ModelJob job) {
    try {
      job.run(List.of(new Job.Piece<>(job, 0, job.units())));
      job.complete();
    } catch (RuntimeException | Error e) {
      job.fail(Failures.of(e));
    } finally {
      job.release();
    }
    return job.answer();
  }

  private Duration timeout(Duration asked) {
    return asked == null || asked.compareTo(settings.timeout()) > 0 ? settings.timeout() : asked;
  }

  private Counters counters(String model, int version) {
    return counters.computeIfAbsent(
        new Asked(model, version), key -> new Counters(model, version, listener));
  }

  /** Takes no more requests, waits for those taken, and frees everything; idempotent. */
  @Override
  public void close() {
    closed = true;
    loader.shutdown();
    try {
      loader.awaitTermination(1, TimeUnit.MINUTES);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    entries.values().forEach(ModelRepository::free);
  }
}
