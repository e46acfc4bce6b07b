package dev.headstart.serving;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.confidence.Drift;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Base models and heads, ready to answer many callers at once. Models are named as their users know
 * them: a base model by its id (version 1), a head by its name, all heads of a base as {@code
 * heads@BASE}. A head's live version changes under load without a request lost, within the poll
 * time of a promotion in whichever process. Safe for several threads; the caller closes it.
 */
public final class ModelRepository implements AutoCloseable {
  /** Bytes of a text that heads can be asked about; of more they need not learn. */
  public static final int LONGEST_TEXT = HeadGroup.MAX_TEXT;

  private final HeadStore heads;
  private final ServingSettings settings;
  private final ServingListener listener;
  private final Catalog catalog;
  private final Batcher batcher;
  private final Batcher.Line extractions = new Batcher.Line("features of samples", true);
  private final Map<String, Batcher.Line> lines = new ConcurrentHashMap<>();
  private final Map<Asked, Counters> counters = new ConcurrentHashMap<>();
  private volatile boolean closing;

  private record Asked(String model, int version) {}

  private ModelRepository(
      BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    this.heads = heads;
    this.settings = settings;
    this.listener = listener;
    this.batcher = new Batcher(settings.workers(), settings.queue());
    this.catalog = new Catalog(models, heads, settings, listener);
  }

  /**
   * Opens a repository and begins to load its models in the background; {@link #ready()} says when
   * they are loaded and warm.
   */
  public static ModelRepository open(
      BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    return new ModelRepository(models, heads, settings, listener);
  }

  /** Whether all models that are to be loaded are loaded and warm, or found not to be sound. */
  public boolean ready() {
    return catalog.ready() && !closing;
  }

  /**
   * Whether a model answers.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   */
  public boolean ready(String model, Integer version) {
    requireVersion(model, version);
    requireModel(model);
    return (AllHeads.isNamedBy(model) || catalog.ready(model)) && !closing;
  }

  private void requireModel(String model) {
    if (AllHeads.isNamedBy(model)) {
      allHeads(model).release();
    } else {
      catalog.require(model);
    }
  }

  /** All heads of the base that the name holds, retained. */
  private AllHeads allHeads(String model) {
    List<HeadService> found = catalog.ofBase(AllHeads.base(model));
    if (found.isEmpty()) {
      throw new NotFoundException(
          "model", model, catalog.basesOfHeads().stream().map(AllHeads::nameOf).toList());
    }
    return new AllHeads(model, found);
  }

  private void requireVersion(String model, Integer version) {
    if (version == null) {
      return;
    }
    boolean head = !AllHeads.isNamedBy(model) && catalog.isHead(model);
    List<Integer> versions = head ? heads.versions(model) : List.of(BaseService.VERSION);
    if (!versions.contains(version)) {
      throw new NotFoundException(
          "the model '"
              + model
              + "' has no version "
              + version
              + ". It has: "
              + versions.stream().map(String::valueOf).collect(Collectors.joining(", ")));
    }
  }

  /**
   * Every model there is, loaded or not, by name and version. A version that should be live and is
   * damaged has a line of its own beside the one that goes on in its place.
   */
  public List<ModelStatus> index() {
    List<ModelStatus> index = new ArrayList<>(catalog.index());
    for (String base : catalog.basesOfHeads()) {
      index.add(
          new ModelStatus(
              AllHeads.nameOf(base), BaseService.VERSION, ModelStatus.State.READY, null));
    }
    return index;
  }

  /**
   * What a model is. It may read the disk.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   * @throws UnavailableException if it is not loaded
   */
  public ModelMetadata metadata(String model, Integer version) {
    requireVersion(model, version);
    if (AllHeads.isNamedBy(model)) {
      AllHeads all = allHeads(model);
      try {
        return all.metadata();
      } finally {
        all.release();
      }
    }
    Service service =
        version == null || !catalog.isHead(model)
            ? catalog.live(model)
            : joined(catalog.version(model, version));
    try {
      return service instanceof HeadService head
          ? head.metadata(heads.versions(model))
          : ((BaseService) service).metadata();
    } finally {
      service.release();
    }
  }

  private static HeadService joined(CompletableFuture<HeadService> service) {
    try {
      return service.join();
    } catch (CompletionException e) {
      throw Failures.of(e.getCause());
    }
  }

  /**
   * What models that answer have done, and their versions that were asked. A version's counts go
   * with it, some time after it is not live any more; totals over versions are the {@link
   * ServingListener}'s to keep.
   *
   * @param model null for all
   * @param version null for all
   * @throws NotFoundException if there is no such model or version
   */
  public List<ModelStatistics> statistics(String model, Integer version) {
    if (model != null) {
      requireVersion(model, version);
      requireModel(model);
    }
    Map<Asked, Counters> all = new HashMap<>(counters);
    for (ModelStatus status : index()) {
      if (status.state() == ModelStatus.State.READY) {
        all.computeIfAbsent(
            new Asked(status.name(), status.version()),
            key -> new Counters(key.model(), key.version(), listener));
      }
    }
    return all.entrySet().stream()
        .filter(e -> model == null || e.getKey().model().equals(model))
        .filter(e -> version == null || e.getKey().version() == version)
        .sorted(
            Comparator.comparing((Map.Entry<Asked, Counters> e) -> e.getKey().model())
                .thenComparing(e -> e.getKey().version()))
        .map(e -> e.getValue().read())
        .toList();
  }

  /**
   * From now on heads answer by what samples taught them, too; those that are open follow soon. The
   * caller ends it with {@link Overlays#NONE}, or by closing this.
   */
  public void follow(Overlays overlays) {
    catalog.follow(overlays);
  }

  /**
   * Brings a head at once to what its samples and its live version are now. Whoever is asked next
   * answers by that.
   */
  public void refresh(String head) {
    catalog.refresh(head);
  }

  /**
   * Features at a cut of a base model. It may take as long as opening a model does.
   *
   * @return the caller closes it, before this
   * @throws BadInputException if the base cannot be cut there, or its manifest says nothing of
   *     preprocessing
   */
  public FeatureSource features(BaseModel base, Cut cut) {
    if (closing) {
      throw Failures.stopping();
    }
    Bases.SharedBackbone backbone = catalog.backbone(base, cut);
    backbone.warm(Bases.NOTHING);
    return new FeatureSource(backbone, batcher, extractions);
  }

  /** The providers of a base model, in order of preference; null for those of others. */
  public List<Provider> providers(String base) {
    return base == null
        ? settings.providers()
        : settings.providersByModel().getOrDefault(base, settings.providers());
  }

  /**
   * Whether what the live versions of heads are asked about is still like what they learned, by
   * head; without those that cannot say.
   */
  public Map<String, Drift.State> drift() {
    Map<String, Drift.State> states = new TreeMap<>();
    catalog
        .familiarities()
        .forEach((head, familiarity) -> states.put(head, familiarity.drift().state()));
    return states;
  }

  /** Requests that wait, for a model. */
  public int queued(String model) {
    Batcher.Line line = lines.get(model);
    return line == null ? 0 : line.length();
  }

  /**
   * Loads a model, or loads it again; returns when it is warm.
   *
   * @throws NotFoundException if there is no such model
   * @throws BadInputException if it is not sound, or stands for all heads of a base
   */
  public void load(String model) {
    requireOne(model);
    catalog.load(model);
  }

  /**
   * Unloads a model once its last request is answered; those to come are refused.
   *
   * @throws NotFoundException if there is no such model
   * @throws BadInputException if it stands for all heads of a base
   */
  public void unload(String model) {
    requireOne(model);
    catalog.unload(model);
  }

  private void requireOne(String model) {
    if (closing) {
      throw Failures.stopping();
    }
    if (AllHeads.isNamedBy(model)) {
      requireModel(model);
      throw new BadInputException(
          "the model '"
              + model
              + "' stands for several heads: load and unload them by their names");
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
      if (closing) {
        throw Failures.stopping();
      }
      String model = request.model();
      Integer version = request.version();
      if (AllHeads.isNamedBy(model)) {
        requireVersion(model, version);
        return ask(allHeads(model), request);
      }
      if (version == null || !catalog.isHead(model)) {
        requireVersion(model, version);
        return ask(catalog.live(model), request);
      }
      return askVersion(request);
    } catch (NotFoundException e) {
      listener.failed(request.model(), e, 0);
      return CompletableFuture.failedStage(e);
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedStage(Failures.of(e));
    }
  }

  /** A version that is not open yet is opened by another thread, within the request's time. */
  private CompletionStage<InferenceResult> askVersion(InferenceRequest request) {
    Duration limit = timeout(request.timeout());
    long start = System.nanoTime();
    CompletableFuture<HeadService> inTime = new CompletableFuture<>();
    catalog
        .version(request.model(), request.version())
        .whenComplete(
            (service, failure) -> {
              if (failure != null) {
                inTime.completeExceptionally(failure);
              } else if (!inTime.complete(service)) {
                service.release(); // nobody waits for it any more
              }
            });
    inTime.orTimeout(Math.max(0, limit.toMillis()), TimeUnit.MILLISECONDS);
    CompletableFuture<InferenceResult> answer = new CompletableFuture<>();
    inTime
        .thenCompose(
            service -> ask(service, request.within(limit.minusNanos(System.nanoTime() - start))))
        .whenComplete(
            (result, failure) -> {
              boolean late = failure instanceof TimeoutException;
              late |= failure != null && failure.getCause() instanceof TimeoutException;
              settle(answer, result, late ? late(request, limit) : failure);
            });
    return answer;
  }

  private static UnavailableException late(InferenceRequest request, Duration limit) {
    return new UnavailableException(
        Reason.TIMEOUT,
        "version "
            + request.version()
            + " of the model '"
            + request.model()
            + "' was not opened within "
            + limit.toMillis()
            + " ms");
  }

  private static <R> void settle(CompletableFuture<R> answer, R result, Throwable failure) {
    if (failure == null) {
      answer.complete(result);
    } else {
      answer.completeExceptionally(
          Failures.of(failure instanceof CompletionException e ? e.getCause() : failure));
    }
  }

  /** Asks a service that was retained for this request. */
  private CompletionStage<InferenceResult> ask(Service service, InferenceRequest request) {
    Counters count = counters(request.model(), service.version());
    ModelJob job =
        made(
            List.of(service),
            List.of(count),
            () -> service.job(request, timeout(request.timeout()), count));
    return mapped(submit(request.model(), job), results -> results.get(0));
  }

  private CompletionStage<InferenceResult> ask(AllHeads all, InferenceRequest request) {
    Counters count = counters(request.model(), BaseService.VERSION);
    List<String> wanted = new ArrayList<>();
    ModelJob job =
        made(
            all.heads(),
            List.of(count),
            () -> {
              wanted.addAll(Form.outputs(request.outputs(), all.outputs(), List.of()));
              return job(
                  all.heads(),
                  request.inputs(),
                  request.priority(),
                  request.timeout(),
                  List.of(count));
            });
    return mapped(submit(request.model(), job), results -> all.merged(results, wanted));
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
      if (closing) {
        throw Failures.stopping();
      }
      if (heads.isEmpty()) {
        throw new BadInputException("no heads are named, expected at least one");
      }
      try {
        heads.forEach(head -> found.add(catalog.liveHead(head)));
      } catch (RuntimeException | Error e) {
        found.forEach(Shared::release);
        throw e;
      }
      List<Counters> counts =
          found.stream().map(head -> counters(head.manifest().head(), head.version())).toList();
      return submit(
          heads.get(0), made(found, counts, () -> job(found, inputs, priority, timeout, counts)));
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedStage(Failures.of(e));
    }
  }

  private ModelJob job(
      List<HeadService> heads,
      Map<String, Tensor> inputs,
      int priority,
      Duration timeout,
      List<Counters> counts) {
    return new HeadGroup(heads)
        .job(
            inputs,
            heads.stream()
                .map(head -> head.outputs("").stream().map(TensorInfo::name).toList())
                .toList(),
            priority,
            timeout(timeout),
            counts);
  }

  /** What was retained for a job that cannot be made is released, and its failure counted. */
  private static ModelJob made(
      List<? extends Shared> retained, List<Counters> counts, Supplier<ModelJob> maker) {
    long start = System.nanoTime();
    try {
      return maker.get();
    } catch (RuntimeException | Error e) {
      retained.forEach(Shared::release);
      RuntimeException failure = Failures.of(e);
      counts.forEach(count -> count.failed(failure, System.nanoTime() - start));
      throw failure;
    }
  }

  /** As {@code thenApply}, but failures stay what they are instead of being wrapped. */
  private static <A, B> CompletionStage<B> mapped(CompletionStage<A> stage, Function<A, B> map) {
    CompletableFuture<B> mapped = new CompletableFuture<>();
    stage.whenComplete(
        (result, failure) -> {
          try {
            settle(mapped, failure == null ? map.apply(result) : null, failure);
          } catch (RuntimeException | Error e) {
            settle(mapped, null, e);
          }
        });
    return mapped;
  }

  private CompletionStage<List<InferenceResult>> submit(String model, ModelJob job) {
    return batcher.submit(lines.computeIfAbsent(model, Batcher.Line::new), job);
  }

  private Duration timeout(Duration asked) {
    return asked == null || asked.compareTo(settings.timeout()) > 0 ? settings.timeout() : asked;
  }

  private Counters counters(String model, int version) {
    Asked asked = new Asked(model, version);
    Counters there = counters.get(asked);
    if (there != null) {
      return there;
    }
    // Something new is asked: what is not open any more makes room.
    Set<String> bases = catalog.basesOfHeads();
    counters
        .keySet()
        .removeIf(
            old ->
                AllHeads.isNamedBy(old.model())
                    ? !bases.contains(AllHeads.base(old.model()))
                    : !catalog.isOpen(old.model(), old.version()));
    lines
        .values()
        .removeIf(
            line ->
                line.length() == 0
                    && !AllHeads.isNamedBy(line.name())
                    && !catalog.has(line.name()));
    return counters.computeIfAbsent(asked, key -> new Counters(model, version, listener));
  }

  /**
   * Takes no more requests, waits for those taken (half a minute at most, then they fail), and
   * frees everything; idempotent.
   */
  @Override
  public void close() {
    closing = true;
    catalog.stop();
    batcher.close();
    catalog.close();
  }
}
