package dev.headstart.train;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadSession;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Decides whether a version goes live: it must not be worse than the live one on samples that
 * neither trained on. Both are judged by their weights before the refit.
 */
final class Judge {
  /** Rows scored at a time: bounds memory. */
  private static final int ROWS = 512;

  private final HeadStore heads;
  private final RunStore runs;
  private final Lesson lesson;
  private final ClassNames names;

  /**
   * @param promote whether the version goes live
   * @param reason why, or why not, for people
   */
  record Verdict(boolean promote, String reason) {}

  Judge(HeadStore heads, RunStore runs, Lesson lesson, ClassNames names) {
    this.names = names;
    this.heads = heads;
    this.runs = runs;
    this.lesson = lesson;
  }

  /**
   * @param validation rows that the new version did not train on
   * @param draft the new version
   * @param model its weights before the refit
   */
  Verdict verdict(TeachRequest request, int[] validation, HeadManifest draft, Path model) {
    if (request.promotion() != TeachRequest.Promotion.IF_NOT_WORSE) {
      return new Verdict(request.promotion() == TeachRequest.Promotion.ALWAYS, "asked for");
    }
    OptionalInt number = heads.live(request.head());
    if (number.isEmpty()) {
      boolean first = heads.versions(request.head()).isEmpty();
      return new Verdict(true, first ? "the first version" : "no version was live");
    }
    HeadStore.Stored live = heads.load(request.head(), number.getAsInt());
    String liveName = "the live version " + number.getAsInt();
    if (live.manifest().task() != lesson.task()
        || live.manifest().modality() != lesson.modality()) {
      return incomparable(liveName, "it answers another task or takes other samples");
    }
    List<String> lost =
        names.of(live.manifest()).stream()
            .filter(name -> name != null && !lesson.classes().contains(name))
            .toList();
    if (!lost.isEmpty()) {
      return incomparable(liveName, "it answers " + lost + " too, which this one does not");
    }
    Set<String> known = runs.trainedOn(request.head(), number.getAsInt());
    if (known.size() != live.manifest().result().train()) {
      return incomparable(liveName, "which samples it trained on is not known here");
    }
    int[] common =
        IntStream.of(validation)
            .filter(row -> !known.contains(lesson.rows().digests().get(row)))
            .toArray();
    if (common.length == 0) {
      return incomparable(liveName, "no samples are set aside that neither of them trained on");
    }
    try {
      Path judged = live.folder().resolve(HeadStore.JUDGED);
      Path theirModel = Files.exists(judged) ? judged : live.model();
      Metrics ours = metrics(draft, draft.classes(), model, common);
      Metrics theirs = metrics(live.manifest(), names.of(live.manifest()), theirModel, common);
      boolean better = ours.notWorseThan(theirs, lesson.task());
      return new Verdict(
          better,
          ours.headline(lesson.task())
              + (better ? " is not worse than " : " is worse than ")
              + theirs.headline(lesson.task())
              + " of "
              + liveName
              + " on "
              + common.length
              + " samples that neither trained on");
    } catch (NotFoundException | BadInputException e) {
      return incomparable(liveName, e.getMessage());
    }
  }

  private static Verdict incomparable(String live, String why) {
    return new Verdict(
        false, live + " cannot be compared: " + why + "; --promote always overrules");
  }

  /**
   * How a model of some version does on rows of the lesson; null for no rows.
   *
   * @param classes what its classes are called by now; null for one that is gone, and no answer
   */
  Metrics metrics(HeadManifest manifest, List<String> classes, Path model, int[] rows) {
    return rows.length == 0
        ? null
        : Metrics.of(inOrder(scores(manifest, model, rows), classes, rows), lesson.targets(), rows);
  }

  /** What a model of some version scores on rows of the lesson: [rows, its outputs]. */
  float[] scores(HeadManifest manifest, Path model, int[] rows) {
    try (HeadSession session = HeadSession.open(manifest, model);
        FeatureSource source = lesson.source(manifest)) {
      int outputs = session.outputs();
      float[] scores = new float[rows.length * outputs];
      for (int from = 0; from < rows.length; from += ROWS) {
        int[] some = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + ROWS));
        float[] found = session.scoresOf(source.features(some));
        System.arraycopy(found, 0, scores, from * outputs, found.length);
      }
      return scores;
    }
  }

  /**
   * Scores by a version's classes as scores by the lesson's. A class that the version does not know
   * scores 0; where it answers a class that the lesson does not have, the right one scores below
   * that, as the answer is wrong.
   */
  private float[] inOrder(float[] scores, List<String> from, int[] rows) {
    List<String> to = lesson.classes();
    if (from.equals(to)) {
      return scores;
    }
    float[] ordered = new float[rows.length * to.size()];
    for (int row = 0; row < rows.length; row++) {
      for (int k = 0; k < from.size(); k++) {
        if (from.get(k) == null) {
          scores[row * from.size() + k] = -1;
        }
      }
      for (int k = 0; k < to.size(); k++) {
        int known = from.indexOf(to.get(k));
        ordered[row * to.size() + k] = known < 0 ? 0 : scores[row * from.size() + known];
      }
      String best = from.get(Metrics.best(scores, row * from.size(), from.size()));
      if (lesson.task() == Task.SINGLE && (best == null || !to.contains(best))) {
        ordered[row * to.size() + lesson.targets().labels()[rows[row]]] = -1;
      }
    }
    return ordered;
  }
}
