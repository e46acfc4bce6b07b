package dev.headstart.advise;

import dev.headstart.backbone.BaseModel;
import dev.headstart.head.HeadKind;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.train.Recipe;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.Targets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What to do, of what was found: the four cases of the textbook, few or many samples, like the
 * base's own domain or unlike it (Karpathy et al., CS231n, Transfer Learning; Yosinski et al., How
 * Transferable Are Features in Deep Neural Networks?, 2014).
 *
 * <ul>
 *   <li>Few: the base stays frozen, and a linear head sits where the probes say: mostly the deepest
 *       tap where samples are like, often a shallower one where they are not.
 *   <li>Many and like: the last blocks train too. Many and unlike: more of them.
 * </ul>
 */
final class Recommendation {
  /**
   * From so many samples a class, and in all, layers of the base have enough to learn from: below,
   * what unfreezing gained on held-out samples was less than what it varied.
   */
  static final int MANY_A_CLASS = 100;

  static final int MANY = 1000;

  /** From this accuracy on, varied pictures have little to gain. */
  private static final double ROOM = 0.95;

  /** So many times as many unfreeze more. */
  private static final int VERY = 10;

  private final Survey survey;
  private final Probes probes;
  private final Targets targets;
  private final long free;
  private final List<String> reasons = new ArrayList<>();

  /**
   * @param targets of the samples that were looked at
   * @param free bytes that may be taken
   */
  Recommendation(Survey survey, Probes probes, Targets targets, long free) {
    this.survey = survey;
    this.probes = probes;
    this.targets = targets;
    this.free = free;
  }

  Advice advice() {
    BaseModel base = survey.base();
    DomainFit fit = survey.fit();
    Probes.Probe chosen = probes.chosen();
    Advice.Expected expected = probes.expected(chosen);
    reasons.add(tap(chosen, fit));
    Unfreezing layers = layers(fit);
    boolean tail = layers != null && layers.blocks() > 0;
    expect(expected, tail);
    boolean varied = !tail && varies(expected);
    if (base != null) {
      reasons.add(domain(fit));
    }
    reasons.addAll(survey.notes());
    RecipeOptions options =
        tail
            ? RecipeOptions.DEFAULTS.with(Unfreezing.tuning(layers.blocks()))
            : RecipeOptions.DEFAULTS;
    int width = chosen.spectrum().width();
    Recipe recipe = options.resolve(survey.task(), tail ? 1 : width);
    boolean numbers = survey.task() == Task.REGRESSION;
    List<Advice.TapScore> taps = new ArrayList<>();
    for (Probes.Probe probe : probes.all()) {
      taps.add(
          new Advice.TapScore(
              probe.tap(),
              numbers ? null : probe.figure(),
              numbers ? probe.figure() : null,
              probes.score(probe),
              probe == chosen));
    }
    return new Advice(
        base == null ? null : base.id(),
        base == null ? null : tail ? layers.cut() : chosen.tap(),
        recipe.kind().text(),
        tail ? String.valueOf(layers.blocks()) : "head",
        recipe.rate(),
        varied ? Recipe.AUTOMATIC : Recipe.NO_AUGMENTATION,
        fit == null ? null : fit.fit(),
        expected,
        taps,
        reasons,
        tail ? layers.seconds() : seconds(recipe, width),
        survey.found(),
        survey.classes(),
        survey.counts(),
        survey.task(),
        survey.rows().skipped().named(),
        survey.rows().duplicates(),
        survey.spent(),
        survey.computed());
  }

  /** Why this tap. */
  private String tap(Probes.Probe chosen, DomainFit fit) {
    List<Probes.Probe> all = probes.all();
    if (all.size() == 1) {
      return "there is one set of features to choose from, '" + chosen.tap() + "': " + of(chosen);
    }
    Probes.Probe deepest = all.get(0);
    if (chosen != deepest) {
      return String.format(
          Locale.ROOT,
          "%sthe features at '%s' tell %s better than the deepest ones, '%s': %s against %s,"
              + " LogME %.3f against %.3f",
          fit == null || fit.like() ? "" : fit.verdict() + ": ",
          chosen.tap(),
          survey.task() == Task.REGRESSION ? "the numbers" : "your classes apart",
          deepest.tap(),
          of(chosen),
          figure(deepest),
          probes.score(chosen),
          probes.score(deepest));
    }
    Probes.Probe other =
        all.stream()
            .filter(p -> !p.tap().equals(deepest.tap()))
            .reduce(
                (a, b) ->
                    b.evidence() > a.evidence() && !same(b, deepest) || same(a, deepest) ? b : a)
            .orElseThrow();
    return String.format(
        Locale.ROOT,
        "%sno tap is decidedly better than the deepest, '%s': %s, and %s at '%s', the next; LogME"
            + " %.3f and %.3f",
        fit == null ? "" : fit.verdict() + ": ",
        deepest.tap(),
        of(deepest),
        figure(other),
        other.tap(),
        probes.score(deepest),
        probes.score(other));
  }

  /** The map that a pooled tap is pooled from. */
  private static boolean same(Probes.Probe a, Probes.Probe b) {
    return a.evidence() == b.evidence() && a.figure() == b.figure();
  }

  private String of(Probes.Probe probe) {
    return (survey.task() == Task.REGRESSION ? "R² " : "leave-one-out accuracy ") + figure(probe);
  }

  private static String figure(Probes.Probe probe) {
    return String.format(Locale.ROOT, "%.2f", probe.figure());
  }

  /** What of the base should train; null for nothing. */
  private Unfreezing layers(DomainFit fit) {
    BaseModel base = survey.base();
    int n = survey.found();
    int[] counts = survey.counts();
    int least = n;
    for (int count : counts) {
      least = Math.min(least, count);
    }
    String size =
        counts.length == 0
            ? n + " samples"
            : String.format(Locale.ROOT, "%d samples, %d of the rarest class", n, least);
    if (base == null || survey.rows().samples().isEmpty()) {
      reasons.add(size + ": a linear head on features that are ready");
      return null;
    }
    if (n < MANY || least < MANY_A_CLASS) {
      reasons.add(
          String.format(
              Locale.ROOT,
              "%s: few, so the base stays frozen and a linear head is all that trains (layers of"
                  + " the base learn well from about %d samples on, %d a class)",
              size,
              MANY,
              MANY_A_CLASS));
      return null;
    }
    boolean unlike = fit == null ? probes.chosen() != probes.all().get(0) : !fit.like();
    boolean very = n >= VERY * MANY;
    int blocks = Math.max(1, base.manifest().blocks().size());
    int wanted = unlike ? very ? blocks : Math.max(2, blocks / 2) : very ? 4 : 2;
    Unfreezing layers =
        Unfreezing.of(
            base,
            Math.min(blocks, wanted),
            n,
            targets.outputs(),
            survey.task(),
            survey.pace(),
            free);
    if (layers.blocks() == 0) {
      reasons.add(size + ": many, but the base stays frozen: " + layers.words());
      return layers;
    }
    reasons.add(
        0,
        String.format(
            Locale.ROOT,
            "%s: many%s, so the last %d of %d blocks train too, at a tenth of the head's rate%s",
            size,
            unlike ? ", and unlike the base's own domain" : "",
            layers.blocks(),
            blocks,
            layers.words() == null ? "" : " (" + layers.words() + ")"));
    return layers;
  }

  /** Whether varied pictures may teach more: where mistakes are left, and samples are few. */
  private boolean varies(Advice.Expected expected) {
    boolean pictures =
        survey.base() != null && survey.base().manifest().modality() == Modality.IMAGE;
    boolean varies =
        pictures
            && !survey.rows().samples().isEmpty()
            && survey.found() < MANY
            && expected != null
            && expected.accuracy() != null
            && expected.accuracy() < ROOM;
    if (varies) {
      reasons.add(
          "there is room to gain, and pictures are few: --augment auto measures whether varied ones"
              + " help; it takes several passes more, so teach does it only when it is said");
    }
    return varies;
  }

  private void expect(Advice.Expected expected, boolean tail) {
    if (expected == null) {
      reasons.add(
          "with one sample of a class, or near duplicates only, nothing can be said of new ones: two or"
              + " more that differ are needed");
      return;
    }
    boolean numbers = expected.accuracy() == null;
    reasons.add(
        String.format(
            Locale.ROOT,
            "expect %s %.2f on new samples like these, and with 95 %% probability between %.2f and"
                + " %.2f (%s)%s",
            numbers ? "R²" : "accuracy",
            numbers ? expected.r2() : expected.accuracy(),
            expected.low(),
            expected.high(),
            probes.leavesOneOut(probes.chosen())
                ? "each sample judged by the others"
                : "5-fold cross-validation",
            tail ? "; of a frozen base, so rather more" : ""));
  }

  private String domain(DomainFit fit) {
    if (fit == null) {
      return "how like the base's own domain the samples are is not known: its manifest says"
          + " nothing of that (docs/advice.md says how to add it)";
    }
    return String.format(Locale.ROOT, "%s: fit %.2f (%s)", fit.verdict(), fit.fit(), fit.words());
  }

  /**
   * To train a head on pooled features, of what steps were measured to take: some 30 µs, and a
   * nanosecond for every two multiplications.
   */
  private double seconds(Recipe recipe, int width) {
    double batch = recipe.batch();
    double steps = 2.0 * recipe.epochs() * Math.ceil(survey.found() / batch);
    double parameters = (double) width * targets.outputs();
    return recipe.kind() instanceof HeadKind.Prototype
        ? 0
        : 0.2 + steps * (30_000 + 2 * parameters * (1 + batch) / 2) / 1e9;
  }
}
