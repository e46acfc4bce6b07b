package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.ort.Provider;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.train.Metrics;
import dev.headstart.train.Targets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The versions of heads: what they are, how good they are on the samples that there are now, and
 * which of them answers. Classes go by their present names. Safe for several threads.
 */
public final class Versions {
  private final TeachingStores stores;
  private final SampleStore store;
  private final HeadStore heads;
  private final Function<String, List<Provider>> providers;
  private final Events events;
  private final Consumer<String> promoted;

  /**
   * A version.
   *
   * @param created ISO 8601, UTC
   * @param kind as the command line writes it
   * @param base null without one
   * @param cut null without a base
   * @param classes by their present names, those that are gone left out
   * @param metrics on the validation samples, before the refit; null without any
   * @param calibration how honest its scores were found; null where nothing said
   * @param crossValidation what to expect on new samples, where few judged; null else
   * @param forgotten samples that it learned from and that were deleted since
   * @param run that made it; null for none
   * @param provenance where it comes from
   */
  public record VersionView(
      int version,
      boolean live,
      String created,
      String kind,
      String base,
      String cut,
      List<String> classes,
      Counts samples,
      JsonNode metrics,
      JsonNode calibration,
      JsonNode crossValidation,
      int forgotten,
      Long run,
      HeadManifest.Provenance provenance) {}

  /** How many trained and how many judged. */
  public record Counts(int train, int validation) {}

  /**
   * How good a version is.
   *
   * @param classes in the order of the confusion's rows and columns: the version's, then those that
   *     samples have and it does not know; empty for regression
   * @param metrics null where there are no samples
   */
  public record Evaluation(
      int version, List<String> classes, Metrics metrics, List<Answer> samples) {}

  /**
   * What a version answers for a sample.
   *
   * @param predicted as the task has it
   * @param score of the class that is answered; for several labels that of the least certain one;
   *     null for a number
   */
  public record Answer(String id, Label label, Object predicted, Double score) {}

  /** Two versions on the same samples. */
  public record Comparison(Evaluation a, Evaluation b, int samples, List<Change> changed) {}

  /** A sample that two versions answer differently. */
  public record Change(String id, Label label, Object a, Object b) {}

  /**
   * @param providers of a base model, null for none
   * @param promoted is told of a head whose live version changed
   */
  Versions(
      TeachingStores stores,
      Function<String, List<Provider>> providers,
      Events events,
      Consumer<String> promoted) {
    this.stores = stores;
    this.store = stores.samples();
    this.heads = stores.heads();
    this.providers = providers;
    this.events = events;
    this.promoted = promoted;
  }

  /** All versions, newest first. */
  public List<VersionView> list(String head) {
    Map<Integer, Integer> forgotten = store.forgotten(head);
    int live = heads.live(head).orElse(0);
    List<VersionView> views = new ArrayList<>();
    for (int version : heads.versions(head)) {
      views.add(0, view(heads.load(head, version).manifest(), live, forgotten));
    }
    return views;
  }

  /**
   * One version.
   *
   * @throws NotFoundException if there is no such head or version
   */
  public VersionView get(String head, int version) {
    HeadManifest manifest = heads.load(head, version).manifest();
    return view(manifest, heads.live(head).orElse(0), store.forgotten(head));
  }

  private VersionView view(HeadManifest manifest, int live, Map<Integer, Integer> forgotten) {
    return new VersionView(
        manifest.version(),
        manifest.version() == live,
        manifest.provenance().created(),
        manifest.kind().text(),
        manifest.base() == null ? null : manifest.base().id(),
        manifest.cut() == null ? null : manifest.cut().name(),
        names(manifest).stream().filter(Objects::nonNull).toList(),
        new Counts(manifest.result().train(), manifest.result().validation()),
        manifest.result().metrics(),
        manifest.result().calibration(),
        manifest.result().crossValidation(),
        forgotten.getOrDefault(manifest.version(), 0),
        stores.runs().madeBy(manifest.head(), manifest.version()).orElse(null),
        manifest.provenance());
  }

  private List<String> names(HeadManifest manifest) {
    return Renaming.names(store.renamings(manifest.head()), manifest);
  }

  /**
   * Asks a version, as it was trained, about the head's samples as they are now.
   *
   * @param unseen whether to leave out the samples that taught it; then its weights before the
   *     refit are asked, as the refit learned from the others too
   * @throws NotFoundException if there is no such head or version
   * @throws BadInputException if the samples' features cannot be had
   */
  public Evaluation evaluate(String head, int version, boolean unseen) {
    HeadStore.Stored stored = heads.load(head, version);
    Set<String> seen = unseen ? stores.memberships().trainedOn(head, version) : Set.of();
    return evaluate(
        stored,
        unseen,
        store.samples(head).stream()
            .filter(s -> s.state() == StoredSample.State.READY && !seen.contains(s.id()))
            .toList());
  }

  /**
   * Asks two versions about the same samples, all that there are.
   *
   * @throws NotFoundException if there is no such head or version
   */
  public Comparison compare(String head, int a, int b) {
    HeadStore.Stored one = heads.load(head, a);
    HeadStore.Stored other = heads.load(head, b);
    List<StoredSample> samples =
        store.samples(head).stream().filter(s -> s.state() == StoredSample.State.READY).toList();
    Evaluation first = evaluate(one, false, samples);
    Evaluation second = evaluate(other, false, samples);
    Map<String, Answer> answers = new LinkedHashMap<>();
    second.samples().forEach(answer -> answers.put(answer.id(), answer));
    List<Change> changed = new ArrayList<>();
    int both = 0;
    for (Answer mine : first.samples()) {
      Answer theirs = answers.get(mine.id());
      if (theirs != null) {
        both++;
        if (!mine.predicted().equals(theirs.predicted())) {
          changed.add(new Change(mine.id(), mine.label(), mine.predicted(), theirs.predicted()));
        }
      }
    }
    return new Comparison(first, second, both, changed);
  }

  private Evaluation evaluate(HeadStore.Stored stored, boolean judged, List<StoredSample> samples) {
    HeadManifest version = stored.manifest();
    List<String> names = names(version);
    Set<String> all = new LinkedHashSet<>();
    names.stream().filter(Objects::nonNull).forEach(all::add);
    if (version.task() != Task.REGRESSION) {
      samples.forEach(sample -> all.addAll(sample.label().names()));
    }
    List<String> classes = List.copyOf(all);
    List<StoredSample> asked = new ArrayList<>();
    List<float[]> scores = new ArrayList<>();
    String base = version.base() == null ? null : version.base().id();
    try (Predictor predictor = open(stored, judged, providers.apply(base))) {
      List<Sample> opened = samples.stream().map(s -> store.open(version.head(), s)).toList();
      predictor.scores(
          opened,
          new Predictor.Sink<>() {
            @Override
            public void accept(int index, float[] found) {
              asked.add(samples.get(index));
              scores.add(version.task() == Task.REGRESSION ? found : spread(found, names, classes));
            }

            @Override
            public void unreadable(int index, String reason) {
              throw new BadInputException(samples.get(index).name() + ": " + reason);
            }
          });
    }
    int outputs = Math.max(1, classes.size());
    float[] table = new float[asked.size() * outputs];
    List<Answer> answers = new ArrayList<>();
    for (int row = 0; row < asked.size(); row++) {
      System.arraycopy(scores.get(row), 0, table, row * outputs, outputs);
      answers.add(answer(asked.get(row), version.task(), classes, scores.get(row)));
    }
    List<Label> labels = asked.stream().map(StoredSample::label).toList();
    Metrics metrics =
        asked.isEmpty()
            ? null
            : Metrics.of(
                table,
                Targets.of(version.task(), classes, labels),
                IntStream.range(0, asked.size()).toArray());
    return new Evaluation(version.version(), classes, metrics, answers);
  }

  private Predictor open(HeadStore.Stored stored, boolean judged, List<Provider> providers) {
    return judged
        ? Predictor.judged(stored, stores.models(), providers, stores.features())
        : Predictor.open(stored, stores.models(), providers, stores.features());
  }

  /** Scores in the order of other classes: 0 for one that the version does not know. */
  private static float[] spread(float[] scores, List<String> names, List<String> classes) {
    float[] spread = new float[classes.size()];
    for (int c = 0; c < names.size(); c++) {
      if (names.get(c) != null) {
        spread[classes.indexOf(names.get(c))] = scores[c];
      }
    }
    return spread;
  }

  private static Answer answer(
      StoredSample sample, Task task, List<String> classes, float[] scores) {
    return switch (task) {
      case SINGLE -> {
        int best = Metrics.best(scores, 0, scores.length);
        yield new Answer(sample.id(), sample.label(), classes.get(best), (double) scores[best]);
      }
      case MULTI -> {
        List<String> said = new ArrayList<>();
        double least = 1;
        for (int c = 0; c < scores.length; c++) {
          boolean holds = scores[c] >= Metrics.THRESHOLD;
          if (holds) {
            said.add(classes.get(c));
          }
          least = Math.min(least, holds ? scores[c] : 1 - scores[c]);
        }
        yield new Answer(sample.id(), sample.label(), List.copyOf(said), least);
      }
      case REGRESSION ->
          new Answer(sample.id(), (NumberLabel) sample.label(), (double) scores[0], null);
    };
  }

  /**
   * Makes a version live, at once.
   *
   * @return it
   * @throws NotFoundException if there is no such head or version
   */
  public int promote(String head, int version) {
    heads.promote(head, version);
    told(head, version, "promoted");
    return version;
  }

  /**
   * Makes the version live that was live before, at once.
   *
   * @return it
   * @throws NotFoundException if there is none
   */
  public int rollback(String head) {
    int version = heads.rollback(head);
    told(head, version, "promoted");
    return version;
  }

  /**
   * Removes a version.
   *
   * @throws NotFoundException if there is no such head or version
   * @throws ConflictException if it is live
   */
  public void remove(String head, int version) {
    heads.deciding(
        heads.load(head, version).manifest().head(),
        () -> {
          if (heads.live(head).orElse(0) == version) {
            throw new ConflictException(
                "version "
                    + version
                    + " of head '"
                    + head
                    + "' is live: promote another one first, or remove the whole head");
          }
          heads.remove(head, version);
          return version;
        });
    told(head, version, "removed");
  }

  private void told(String head, int version, String change) {
    promoted.accept(head);
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("version", version);
    data.put("change", change);
    events.publish(new Event("version", head, data));
  }
}
