package dev.headstart.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.confidence.Calibration;
import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.NoveltyModel;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * The whole way from labelled samples to a version: read, features, split, train, judge, refit,
 * publish, promote.
 *
 * <p>Early stopping picks the epochs and the judged weights; promotion compares those with the live
 * version's judged weights, on samples that neither trained on; only then is the head trained once
 * more, on everything, for as many epochs.
 */
public final class Teacher {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE).build();

  private final BaseModels models;
  private final HeadStore heads;
  private final RunStore runs;
  private final FeatureStore cache;
  private final List<Provider> providers;
  private final String release;
  private final ClassNames names;
  private final int cores;
  private final LongSupplier freeMemory;
  private final Duration saving;

  /**
   * @param providers of the backbone, in order of preference
   * @param release version of this library, for provenance
   * @param names what earlier versions' classes are called by now
   * @param cores that teaching may use at most
   */
  public Teacher(
      TrainingStores stores,
      List<Provider> providers,
      String release,
      ClassNames names,
      int cores) {
    this(stores, providers, release, names, cores, FreeMemory::bytes, TrainingRun.INTERVAL);
  }

  /**
   * @param freeMemory bytes that the process may still take
   * @param saving how often at most the state of a training is put on the disk
   */
  Teacher(
      TrainingStores stores,
      List<Provider> providers,
      String release,
      ClassNames names,
      int cores,
      LongSupplier freeMemory,
      Duration saving) {
    this.names = names;
    this.cores = cores;
    this.freeMemory = freeMemory;
    this.saving = saving;
    this.models = stores.models();
    this.heads = stores.heads();
    this.runs = stores.memberships();
    this.cache = stores.features();
    this.providers = providers;
    this.release = release;
  }

  /**
   * Teaches a head.
   *
   * @throws BadInputException if the samples cannot be used, saying what was expected; if what is
   *     to be trained has no gradient, or does not fit into memory, saying what would
   * @throws NotFoundException if the data, the base model or the cut does not exist
   * @throws FailureException if training diverges, the platform cannot train, or the disk refuses
   */
  public TeachResult teach(TeachRequest request, TrainingListener listener) {
    long start = System.nanoTime();
    HeadKind kind = request.recipe().kind();
    if (!(kind instanceof HeadKind.Prototype)) {
      OrtRuntime.requireTraining();
    }
    Optional<WarmStart> live = warmStart(request);
    if (request.resume()) {
      TrainingRun.requireStopped(heads.run(request.head()));
    }
    Path staged = heads.stage(request.head());
    try (Lesson lesson =
        Lesson.read(
            request,
            models,
            cache,
            providers,
            known(request),
            cores,
            staged,
            freeMemory,
            listener)) {
      int width = lesson.tail() == null ? lesson.features().width() : 1;
      Recipe said = request.recipe().resolve(lesson.task(), width);
      if (said.warmStart()) {
        live.orElseThrow().check(lesson, said);
      }
      Optional<WarmStart> warm = live.filter(from -> from.alike(lesson, said));
      Recipe asked = warm.isPresent() ? said.warm() : said;
      Split split =
          Split.of(
              request.head(),
              lesson.rows().digests(),
              lesson.targets().strata(),
              asked.validation(),
              runs.judgedBy(request.head()),
              warm.isEmpty() ? Set.of() : trained(request.head()));
      requireTrainable(lesson, split);
      Heard heard = new Heard(listener);
      warn(lesson, split, asked, heard);
      if (lesson.features() != null) {
        listener.samples(lesson.taught(split)).forEach(heard::warning);
      }
      long trainStart = System.nanoTime();
      Augmentation augmentation =
          Augmentation.of(lesson, split.train(), asked, cores, staged, heard);
      Start begins = start(lesson, split, augmentation, asked, warm);
      Recipe recipe = recipe(request, lesson, split, augmentation, asked, begins, staged);
      Judge judge = new Judge(heads, runs, lesson, names);
      TrainingRun run = run(request, lesson, split, recipe, warm, staged);
      Taught trained = train(lesson, split, augmentation, recipe, begins, staged, run, heard);
      Taught taught =
          trained.metrics != null
              ? trained
              : trained.with(
                  judge.metrics(
                      manifest(request, lesson, split, recipe, trained, Trust.NONE),
                      lesson.classes(),
                      trained.judged(staged),
                      split.validation()));
      Trust trust = trust(request, lesson, split, recipe, taught, judge, staged);
      double trainSeconds = seconds(trainStart);
      HeadManifest draft = manifest(request, lesson, split, recipe, taught, trust);
      return heads.deciding(
          request.head(),
          () -> {
            listener.publishing();
            Judge.Verdict verdict =
                judge.verdict(request, split.validation(), draft, taught.judged(staged));
            int version = publish(staged, draft, memberships(lesson, split));
            if (verdict.promote()) {
              heads.promote(request.head(), version);
            }
            run.finish();
            return new TeachResult(
                request.head(),
                version,
                verdict.promote(),
                verdict.reason(),
                lesson.base() == null ? null : lesson.base().id(),
                lesson.backbone() == null ? null : lesson.backbone().cut().name(),
                recipe.kind().text(),
                lesson.classes(),
                lesson.targets().counts(),
                new TeachResult.Samples(split.train().length, split.validation().length),
                taught.epochs,
                taught.stoppedEarly,
                taught.metrics,
                taught.summary(),
                trust.calibration,
                augmentation.report(),
                heard.warnings(),
                new TeachResult.Seconds(
                    lesson.decodeSeconds(), lesson.featureSeconds(), trainSeconds, seconds(start)),
                lesson.rows().skipped().named(),
                lesson.rows().duplicates(),
                lesson.backbone() == null ? 0 : lesson.backbone().runs(),
                draft.published(version, Map.of()),
                taught.history,
                recipe,
                lesson.learned());
          });
    } finally {
      heads.discard(staged);
    }
  }

  private Optional<WarmStart> warmStart(TeachRequest request) {
    RecipeOptions.Start start = request.recipe().tuning().start();
    boolean wanted =
        start == RecipeOptions.Start.WARM
            || start == RecipeOptions.Start.WARM_IF_ALIKE && heads.live(request.head()).isPresent();
    return wanted ? Optional.of(WarmStart.of(heads, request.head(), names)) : Optional.empty();
  }

  /** The version whose order of classes and columns is kept: the live or else the newest one. */
  private Optional<Lesson.Known> known(TeachRequest request) {
    String head = request.head();
    List<Integer> versions = heads.versions(head);
    if (versions.isEmpty()) {
      return Optional.empty();
    }
    int version = heads.live(head).orElse(versions.get(versions.size() - 1));
    HeadManifest manifest = heads.load(head, version).manifest();
    return Optional.of(
        new Lesson.Known(
            manifest.columns(),
            names.of(manifest),
            request.recipe().tuning().start() == RecipeOptions.Start.WARM));
  }

  /** What any version trained on. */
  private Set<String> trained(String head) {
    Set<String> trained = new HashSet<>();
    heads.versions(head).forEach(version -> trained.addAll(runs.trainedOn(head, version)));
    return trained;
  }

  private static void warn(Lesson lesson, Split split, Recipe recipe, TrainingListener listener) {
    if (split.validation().length == 0 && recipe.validation() > 0) {
      listener.warning(
          "too few samples to set any aside: nothing judges this version. Three a class are"
              + " enough for one that judges");
    }
    if (split.validation().length > 0 && recipe.validation() == 0) {
      listener.warning(
          split.validation().length
              + " samples have judged earlier versions of this head and stay set aside until the"
              + " refit");
    }
    List<String> without = new ArrayList<>();
    for (int c = 0; c < lesson.classes().size(); c++) {
      if (lesson.targets().counts()[c] == 0) {
        without.add(lesson.classes().get(c));
      }
    }
    if (!without.isEmpty()) {
      listener.warning(
          "there are no samples of "
              + without
              + ", which the live version knows: they stay, but may be forgotten; better teach with"
              + " some samples of each");
    }
    if (lesson.task() == Task.SINGLE && !recipe.balanced()) {
      new ClassCounts(lesson.classes(), lesson.targets().counts())
          .uneven()
          .ifPresent(listener::warning);
    }
  }

  private static void requireTrainable(Lesson lesson, Split split) {
    String missing = split.train().length == 0 ? "the data" : null;
    if (missing == null && lesson.task() == Task.SINGLE) {
      int[] counts = lesson.targets().counts(split.train());
      int[] all = lesson.targets().counts();
      for (int c = 0; c < counts.length && missing == null; c++) {
        missing = counts[c] == 0 && all[c] > 0 ? "class '" + lesson.classes().get(c) + "'" : null;
      }
    }
    if (missing != null) {
      throw new BadInputException(
          "every sample of "
              + missing
              + " has judged an earlier version of this head, and what judged must not train: add"
              + " new samples, or remove the head and begin anew");
    }
  }

  /**
   * What training left, besides the files.
   *
   * @param refitted whether the judged model lies beside the model
   * @param estimate where few samples judge
   * @param network that serves, without a temperature
   * @param target for regression, mean and deviation of the targets; else null
   */
  private record Taught(
      int epochs,
      boolean stoppedEarly,
      boolean refitted,
      Metrics metrics,
      List<Epoch> history,
      Optional<CrossValidation.Estimate> estimate,
      TrainableNetwork network,
      Scaling target) {

    Taught with(Metrics found) {
      return new Taught(epochs, stoppedEarly, refitted, found, history, estimate, network, target);
    }

    /** Null for none. */
    CrossValidation.Summary summary() {
      return estimate.map(CrossValidation.Estimate::summary).orElse(null);
    }

    /** The file that was judged. */
    Path judged(Path folder) {
      return folder.resolve(refitted ? HeadStore.JUDGED : HeadStore.MODEL);
    }
  }

  /** What keeps this training's state, and has it where the training was stopped before. */
  private TrainingRun run(
      TeachRequest request,
      Lesson lesson,
      Split split,
      Recipe recipe,
      Optional<WarmStart> warm,
      Path staged) {
    List<Object> data =
        List.of(
            lesson.rows().ordered(),
            lesson.classes(),
            lesson.columns(),
            Arrays.toString(split.validation()));
    Map<String, String> training = new TreeMap<>();
    JsonNode fields = JSON.valueToTree(recipe);
    fields.properties().forEach(field -> training.put(field.getKey(), field.getValue().toString()));
    training.put("base", lesson.base() == null ? "none" : lesson.base().manifest().sha256());
    training.put("cut", lesson.backbone() == null ? "none" : lesson.backbone().cut().tensor());
    training.put("version to start from", warm.map(w -> "" + w.version().version()).orElse("none"));
    Path file = heads.run(request.head());
    return request.resume()
        ? TrainingRun.resume(file, staged, digest(data), training, saving)
        : TrainingRun.begin(file, staged, digest(data), training, saving);
  }

  private static String digest(List<Object> parts) {
    return Sample.sha256(parts.toString().getBytes(StandardCharsets.UTF_8));
  }

  /**
   * What a training starts from.
   *
   * @param network null for a prototype head
   * @param target for regression, mean and deviation of the targets; else null
   */
  private record Start(TrainableNetwork network, Scaling target) {}

  private Start start(
      Lesson lesson,
      Split split,
      Augmentation augmentation,
      Recipe recipe,
      Optional<WarmStart> warm) {
    if (recipe.kind() instanceof HeadKind.Prototype) {
      return new Start(null, null);
    }
    if (warm.isPresent()) {
      return new Start(warm.get().network(lesson), warm.get().target());
    }
    Scaling target = FreshHead.target(lesson.targets(), split.train());
    return new Start(
        lesson.tail() != null
            ? tail(lesson, split.train())
            : FreshHead.network(
                recipe.kind(),
                lesson.features(),
                augmentation.with(split.train()),
                lesson.base() == null,
                lesson.targets().outputs(),
                recipe.seed()),
        target);
  }

  /** What was left to be found out. */
  private Recipe recipe(
      TeachRequest request,
      Lesson lesson,
      Split split,
      Augmentation augmentation,
      Recipe asked,
      Start begins,
      Path staged) {
    Recipe recipe = asked.withAugment(augmentation.text());
    if (!request.recipe().steps().findRate() || begins.network == null) {
      return recipe;
    }
    LabeledExamples data =
        new LabeledExamples(lesson.examples(), augmentation.targets(), begins.target);
    return recipe.withRate(
        RateFinder.find(
            begins.network, data, augmentation.with(split.train()), recipe, staged, cores));
  }

  /** Trains, and leaves the version's files in the staged folder. */
  private Taught train(
      Lesson lesson,
      Split split,
      Augmentation augmentation,
      Recipe recipe,
      Start begins,
      Path staged,
      TrainingRun run,
      TrainingListener listener) {
    int[] train = augmentation.with(split.train());
    int[] all = augmentation.with(IntStream.range(0, lesson.rows().count()).toArray());
    boolean refit = recipe.refit() && split.validation().length > 0;
    LessonFolds folds = new LessonFolds(lesson, augmentation, recipe, cores, listener);
    if (recipe.kind() instanceof HeadKind.Prototype) {
      HeadNetwork judged = FreshHead.prototype(lesson.features(), augmentation.targets(), train);
      write(judged, lesson, null, staged.resolve(refit ? HeadStore.JUDGED : HeadStore.MODEL));
      HeadNetwork whole = judged;
      if (refit) {
        whole = FreshHead.prototype(lesson.features(), augmentation.targets(), all);
        write(whole, lesson, null, staged.resolve(HeadStore.MODEL));
      }
      Optional<CrossValidation.Estimate> estimate = folds.estimate(split.validation(), 0, staged);
      return new Taught(0, false, refit, null, List.of(), estimate, whole, null);
    }
    Scaling target = begins.target;
    Trainer trainer =
        new Trainer(
            begins.network, lesson.examples(), augmentation.targets(), target, recipe, cores);
    listener.stage("train", recipe.epochs());
    Trainer.Outcome judged =
        trainer.train(
            staged,
            train,
            split.validation(),
            recipe.epochs(),
            listener,
            TrainingRun.Stage.TRAIN,
            run);
    Parting.of(
            judged.history(),
            split.validation().length,
            recipe,
            lesson.modality(),
            augmentation.report() != null)
        .ifPresent(listener::warning);
    int epochs = judged.best();
    TrainableNetwork network = judged.network();
    Optional<CrossValidation.Estimate> estimate =
        folds.estimate(
            split.validation(), Math.max(epochs, trainer.fewestEpochs(all.length)), staged);
    if (refit) {
      write(network, lesson, target, staged.resolve(HeadStore.JUDGED));
      epochs = Math.max(epochs, trainer.fewestEpochs(all.length));
      listener.stage("refit", epochs);
      network =
          trainer
              .train(staged, all, new int[0], epochs, listener, TrainingRun.Stage.REFIT, run)
              .network();
    }
    write(network, lesson, target, staged.resolve(HeadStore.MODEL));
    return new Taught(
        epochs,
        judged.stoppedEarly(),
        refit,
        judged.metrics(),
        judged.history(),
        estimate,
        network,
        target);
  }

  /** Scaled for what the base's layers give before they train. */
  private TrainableNetwork tail(Lesson lesson, int[] rows) {
    Tail tail = lesson.tail();
    Scaling.Estimate estimate = new Scaling.Estimate(Pooling.width(tail.shape()));
    try (InferenceSession session =
        InferenceSession.open(tail.layers(), SessionSettings.cpu(cores))) {
      List<TensorInfo> live = lesson.backbone().live();
      for (int row : rows) {
        Map<String, Tensor> feed = lesson.unpooled().row(row).named(live);
        feed.keySet().retainAll(session.inputs().keySet());
        float[] pooled = Pooling.pool(session.run(feed).get(tail.joint()));
        requireFinite(pooled, lesson, tail);
        estimate.add(pooled);
      }
    }
    return TailNetwork.fresh(tail, estimate.common(), lesson.targets().outputs());
  }

  /** Such layers give such losses at any rate. */
  private static void requireFinite(float[] pooled, Lesson lesson, Tail tail) {
    for (float value : pooled) {
      if (!Float.isFinite(value)) {
        throw new BadInputException(
            "the layers of "
                + lesson.base()
                + " after the cut '"
                + tail.cut().name()
                + "' give "
                + value
                + " in '"
                + tail.joint()
                + "' before anything has trained: expected finite numbers. Of its parameters there '"
                + tail.largest()
                + "' holds the largest number: check the model and what its samples are made to");
      }
    }
  }

  /** Into the staged folder, which is forced to the disk as a whole when it is published. */
  private static void write(TrainableNetwork network, Lesson lesson, Scaling target, Path file) {
    write(network.serving(lesson.shape(), lesson.task(), target), file);
  }

  private static void write(OnnxModel model, Path file) {
    try {
      Files.write(file, model.toBytes());
    } catch (IOException e) {
      throw new FailureException("the head's model cannot be written to " + file + ": " + e, e);
    }
  }

  /**
   * How far a version can be trusted.
   *
   * @param calibration null where nothing could say
   * @param novelty null where there is none
   */
  private record Trust(Calibration calibration, Novelty novelty) {
    static final Trust NONE = new Trust(null, null);

    /** As head.json has it. */
    JsonNode thresholds() {
      if (novelty == null) {
        return null;
      }
      ObjectNode json = JSON.createObjectNode();
      json.put("samples", novelty.samples());
      ObjectNode limits = json.putObject("limits");
      for (double rate : Novelty.RATES) {
        limits.put(Double.toString(rate), novelty.limit(rate));
      }
      return json;
    }
  }

  /**
   * Finds the temperature of the scores, which the serving model gets, and the novelty of samples.
   * The judged weights stay without a temperature: it changes no answer, so promotion does not see
   * it, and a training that begins from them would.
   */
  private Trust trust(
      TeachRequest request,
      Lesson lesson,
      Split split,
      Recipe recipe,
      Taught taught,
      Judge judge,
      Path staged) {
    LessonConfidence confidence = new LessonConfidence(lesson);
    Optional<Calibration> calibration = Optional.empty();
    if (taught.estimate.isPresent()) {
      calibration = confidence.calibration(recipe.kind(), taught.estimate.get());
    } else if (split.validation().length > 0) {
      HeadManifest draft = manifest(request, lesson, split, recipe, taught, Trust.NONE);
      float[] scores = judge.scores(draft, taught.judged(staged), split.validation());
      calibration = confidence.calibrationOf(recipe.kind(), scores, split.validation());
    }
    calibration.ifPresent(
        found -> {
          OnnxModel served =
              taught.network.serving(
                  lesson.shape(), lesson.task(), taught.target, found.temperature());
          write(served, staged.resolve(HeadStore.MODEL));
        });
    Optional<Novelty> novelty = confidence.novelty();
    novelty.ifPresent(
        found -> write(NoveltyModel.of(found, lesson.shape()), staged.resolve(HeadStore.NOVELTY)));
    return new Trust(calibration.orElse(null), novelty.orElse(null));
  }

  /** A version whose samples cannot be remembered must not stay: nothing could judge it fairly. */
  private int publish(Path staged, HeadManifest draft, Map<String, Boolean> memberships) {
    int version = heads.publish(staged, draft);
    try {
      runs.record(draft.head(), version, memberships);
    } catch (RuntimeException e) {
      heads.remove(draft.head(), version);
      throw e;
    }
    return version;
  }

  private static Map<String, Boolean> memberships(Lesson lesson, Split split) {
    Map<String, Boolean> validation = new HashMap<>();
    for (int row : split.train()) {
      validation.put(lesson.rows().digests().get(row), false);
    }
    for (int row : split.validation()) {
      validation.put(lesson.rows().digests().get(row), true);
    }
    return validation;
  }

  private HeadManifest manifest(
      TeachRequest request, Lesson lesson, Split split, Recipe recipe, Taught taught, Trust trust) {
    BaseModel base = lesson.base();
    Backbone backbone = lesson.backbone();
    return new HeadManifest(
        HeadManifest.FORMAT,
        request.head(),
        0,
        lesson.task(),
        recipe.kind(),
        lesson.modality(),
        base == null ? null : new HeadManifest.BaseReference(base.id(), base.manifest().sha256()),
        backbone == null
            ? null
            : new HeadManifest.CutReference(backbone.cut().name(), backbone.cut().tensor()),
        lesson.shape(),
        lesson.tail() == null ? null : lesson.tail().reference(),
        lesson.columns(),
        lesson.classes(),
        JSON.valueToTree(recipe),
        new HeadManifest.Result(
            split.train().length,
            split.validation().length,
            taught.epochs,
            taught.stoppedEarly,
            taught.refitted,
            taught.metrics == null ? null : JSON.valueToTree(taught.metrics),
            JSON.valueToTree(taught.history),
            taught.summary() == null ? null : JSON.valueToTree(taught.summary()),
            trust.calibration == null ? null : JSON.valueToTree(trust.calibration),
            trust.thresholds()),
        new HeadManifest.Provenance(
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            lesson.rows().digest(),
            request.data().toString(),
            release,
            OrtRuntime.version(),
            backbone == null ? null : backbone.provider().toString(),
            System.getProperty("os.name") + " " + System.getProperty("os.version"),
            System.getProperty("os.arch"),
            System.getProperty("java.version")),
        Map.of());
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }
}
