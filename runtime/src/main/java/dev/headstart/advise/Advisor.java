package dev.headstart.advise;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Manifest;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.ort.Provider;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Task;
import dev.headstart.train.BaseChoice;
import dev.headstart.train.FreeMemory;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.Targets;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TrainingListener;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Recommends how to teach some samples, and says what a request of teaching leaves open.
 *
 * <p>One pass through the base gives the features of all taps; closed-form heads on them say which
 * tap tells the classes apart best and what accuracy to expect; the base's statistics say how like
 * its own domain the samples are. What follows is what textbooks say of few and of many samples,
 * like and unlike (docs/advice.md).
 */
public final class Advisor {
  private final BaseModels models;
  private final HeadStore heads;
  private final FeatureStore cache;
  private final List<Provider> providers;
  private final int cores;

  /**
   * @param cache of features: what goes through a base is remembered there
   * @param providers of the backbone, in order of preference
   * @param cores that advising may use at most
   */
  public Advisor(
      BaseModels models, HeadStore heads, FeatureStore cache, List<Provider> providers, int cores) {
    this.models = models;
    this.heads = heads;
    this.cache = cache;
    this.providers = List.copyOf(providers);
    this.cores = cores;
  }

  /**
   * Advises on labelled samples.
   *
   * @throws BadInputException if the samples cannot be used, saying what was expected
   * @throws NotFoundException if the data or the base model does not exist
   */
  public Advice advise(AdviceRequest request, TrainingListener listener) {
    return study(request, listener).advice();
  }

  /** As {@link #advise}, with the features that it was found by. */
  public Study study(AdviceRequest request, TrainingListener listener) {
    return study(asked(request), listener);
  }

  private static TeachRequest asked(AdviceRequest request) {
    return new TeachRequest(
        "advice",
        request.data(),
        request.base(),
        request.cut(),
        RecipeOptions.DEFAULTS.with(request.task()),
        TeachRequest.Promotion.NEVER,
        false);
  }

  /**
   * Statistics for {@code domain} in the manifest of a base, of samples of its own domain, whose
   * labels do not matter.
   *
   * @param about what the samples are
   * @throws BadInputException if the samples cannot be used, or are features already
   */
  public Manifest.Domain domain(AdviceRequest request, String about, TrainingListener listener) {
    Survey survey = Survey.of(asked(request), models, cache, providers, cores, listener);
    if (survey.rows().samples().isEmpty()) {
      throw new BadInputException(
          "the domain of a base is that of samples that go through it, but "
              + request.data()
              + " holds ready features");
    }
    return survey.domain(about);
  }

  private Study study(TeachRequest request, TrainingListener listener) {
    Survey survey = Survey.of(request, models, cache, providers, cores, listener);
    List<String> classes = survey.classes();
    requireClasses(survey, request);
    Targets targets = Targets.of(survey.task(), classes, survey.rows().labels());
    Map<String, float[][]> features = survey.features();
    Probes probes =
        Probes.of(features, targets, survey.rows().digests(), survey.base() == null, cores);
    Advice advice = new Recommendation(survey, probes, targets, FreeMemory.bytes()).advice();
    return new Study(
        survey.task(),
        survey.rows().names(),
        survey.rows().digests(),
        survey.rows().samples(),
        survey.rows().labels(),
        classes,
        features,
        advice);
  }

  private static void requireClasses(Survey survey, TeachRequest request) {
    int least = survey.task() == Task.SINGLE ? 2 : survey.task() == Task.MULTI ? 1 : 0;
    if (survey.classes().size() < least) {
      throw new BadInputException(
          "advice needs samples of at least "
              + (least == 2 ? "two classes" : "one class")
              + " to tell apart, but all "
              + survey.found()
              + " samples in "
              + request.data()
              + (survey.classes().isEmpty()
                  ? " have no class"
                  : " are '" + survey.classes().get(0) + "'")
              + ": add samples of what it is not, under another label");
    }
  }

  /**
   * A request of teaching that leaves nothing open of base, cut, kind and what is unfrozen.
   *
   * <p>What is said is taken. Of the rest, a head that has a live version stays as that is, so that
   * versions compare and warm starts hold; any other follows the advice, which takes the features
   * that teaching needs anyway.
   *
   * @throws BadInputException if the samples cannot be used, saying what was expected
   * @throws NotFoundException if the data or the base model does not exist
   */
  public Resolved resolve(TeachRequest request, TrainingListener listener) {
    HeadNames.check(request.head());
    RecipeOptions said = request.recipe();
    String unfreeze = said.tuning().unfreeze();
    boolean tail = unfreeze != null && !unfreeze.equals("head");
    if (!request.cut().equals("auto") || tail || said.kind() instanceof HeadKind.Tail) {
      return new Resolved(request, null, null);
    }
    boolean refused =
        request.resume() && !Files.exists(heads.run(request.head()))
            || said.tuning().start() == RecipeOptions.Start.WARM
                && heads.live(request.head()).isEmpty();
    if (refused) {
      return new Resolved(request, null, null);
    }
    DataSet data = request.data().open(said.task());
    Optional<HeadManifest> live = live(request, data);
    if (live.isPresent()) {
      return asBefore(request, live.get());
    }
    BaseModel base = BaseChoice.base(request, data, models);
    if (BaseChoice.ready(data, base) || base.manifest().taps().size() < 2) {
      return new Resolved(request, null, null);
    }
    Advice advice = study(request, listener).advice();
    String reason = advice.reasons().get(0);
    if (advice.kind().equals("tail") && said.kind() == null && unfreeze == null) {
      return new Resolved(
          with(request, base.id(), "auto", unfreezing(said, advice.unfreeze(), List.of())),
          advice,
          "unfreezing "
              + advice.unfreeze()
              + " blocks of "
              + base
              + ", about "
              + time(advice.seconds())
              + " to train (a frozen base takes seconds: --head linear): "
              + reason);
    }
    String cut = advice.tap().cut();
    return new Resolved(
        with(request, base.id(), cut, said), advice, base + " is cut at " + cut + ": " + reason);
  }

  private static String time(double seconds) {
    return seconds < 90
        ? Math.max(1, Math.round(seconds)) + " s"
        : Math.round(seconds / 60) + " minutes";
  }

  /** The live version, if the same can be taught again on these samples. */
  private Optional<HeadManifest> live(TeachRequest request, DataSet data) {
    if (heads.live(request.head()).isEmpty()) {
      return Optional.empty();
    }
    HeadManifest live = heads.loadLive(request.head()).manifest();
    boolean same =
        live.base() != null
            && live.cut() != null
            && live.modality() == data.modality()
            && (request.base() == null || request.base().equals(live.base().id()))
            && models.names().contains(live.base().id())
            && models.get(live.base().id()).manifest().sha256().equals(live.base().sha256());
    boolean tail = live.kind() instanceof HeadKind.Tail;
    RecipeOptions said = request.recipe();
    return same && !(tail && (said.kind() != null || said.tuning().unfreeze() != null))
        ? Optional.of(live)
        : Optional.empty();
  }

  private static Resolved asBefore(TeachRequest request, HeadManifest live) {
    RecipeOptions said = request.recipe();
    String base = live.base().id();
    String words = "as version " + live.version() + " is: " + base + ", ";
    if (live.kind() instanceof HeadKind.Tail) {
      String unfreeze = live.recipe().path("unfreeze").asText();
      List<String> freeze = new ArrayList<>();
      live.recipe().path("freeze").forEach(pattern -> freeze.add(pattern.asText()));
      return new Resolved(
          with(request, base, "auto", unfreezing(said, unfreeze, freeze)),
          null,
          words + "unfreezing " + unfreeze);
    }
    return new Resolved(
        with(
            request, base, live.cut().name(), said.kind() == null ? kind(said, live.kind()) : said),
        null,
        words + "cut at " + live.cut().name());
  }

  private static TeachRequest with(
      TeachRequest request, String base, String cut, RecipeOptions recipe) {
    return new TeachRequest(
        request.head(), request.data(), base, cut, recipe, request.promotion(), request.resume());
  }

  private static RecipeOptions kind(RecipeOptions said, HeadKind kind) {
    return new RecipeOptions(
        kind,
        said.task(),
        said.losses(),
        said.steps(),
        said.passes(),
        said.judging(),
        said.tuning(),
        said.augment(),
        said.seed());
  }

  private static RecipeOptions unfreezing(
      RecipeOptions said, String unfreeze, List<String> freeze) {
    RecipeOptions.FineTuning tuning = said.tuning();
    return said.with(
        new RecipeOptions.FineTuning(
            unfreeze,
            tuning.freeze().isEmpty() ? freeze : tuning.freeze(),
            tuning.baseRate(),
            tuning.start(),
            tuning.gradual(),
            tuning.batchNorm()));
  }

  /**
   * A request of teaching, and where it comes from.
   *
   * @param advice null where none was needed
   * @param words what was decided and why, for people; null for nothing
   */
  public record Resolved(TeachRequest request, Advice advice, String words) {}
}
