package dev.headstart.advise;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import dev.headstart.train.ClassCounts;
import dev.headstart.train.NearDuplicates;
import dev.headstart.train.Rows;
import dev.headstart.train.Targets;
import dev.headstart.train.TaughtSamples;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What is sick in labelled samples, before anything is trained on them: what a person should look
 * at, the worst first. As JSON it is the key {@code report} of advice.
 *
 * @param samples that could be read
 * @param looked how many of them labels and duplicates were looked for among
 * @param warnings about classes and about what was not looked at, in words
 * @param few classes with too few samples, and how many they have
 * @param suspects labels that are likely wrong; the list goes on with those that are doubted most,
 *     to a tenth of the samples
 * @param duplicates pairs of samples that are all but the same: first those of two labels, then
 *     those of which one trains and one judges
 * @param unreadable samples that were left out
 * @param blank pictures of one colour, texts without a letter
 */
public record Checkup(
    int samples,
    int looked,
    List<String> warnings,
    Map<String, Integer> few,
    Findings<Suspect> suspects,
    Findings<Pair> duplicates,
    Findings<Unusable> unreadable,
    Findings<Subject> blank) {

  /** Rows that are looked at: what advice takes too, a second or two. */
  static final int MOST = Survey.MOST;

  /** A class with fewer is in no way judged: five folds take one each. */
  static final int FEW = 5;

  /** Entries of a list. */
  private static final int LISTED = 1000;

  /** Of what is named in a line. */
  private static final int NAMED = 3;

  /**
   * What was found of one kind.
   *
   * @param total how many there are
   * @param worst the worst of them first, not always all
   */
  public record Findings<T>(int total, List<T> worst) {
    static <T> Findings<T> none() {
      return new Findings<>(0, List.of());
    }
  }

  /**
   * A sample.
   *
   * @param id SHA-256 of its bytes
   * @param name for people: its file
   * @param label as JSON: a class, a list of classes or a number
   */
  public record Subject(String id, String name, Object label) {}

  /**
   * A sample whose label is doubted.
   *
   * @param suggested the label that the other samples speak for
   * @param doubt how much; for classes the probability of the suggested label less that of the
   *     sample's own, in [-1, 1]; for numbers how far off it is, in deviations
   * @param likely whether the label is likely wrong
   */
  public record Suspect(
      String id, String name, Object label, Object suggested, double doubt, boolean likely) {}

  /** What a pair of duplicates lies across, the worst first. */
  public enum Across {
    /** They are labelled differently: one of them is wrong. */
    LABELS,
    /** One trains and the other judges, who knows it by heart then. */
    SPLIT,
    /** Neither. */
    NOTHING;

    /** {@code labels}, {@code split}, {@code nothing}. */
    @JsonValue
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Two samples that are all but the same.
   *
   * @param similarity cosine of their centred features, at most 1
   */
  public record Pair(double similarity, Across across, Subject a, Subject b) {}

  /**
   * A sample that could not be read, and why.
   *
   * @param id null where its bytes could not be read
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Unusable(String id, String name, String reason) {}

  /**
   * Looks at the samples of a study, by their features at the advised tap.
   *
   * @param judges which of its rows judge instead of training; null if that is not decided
   */
  public static Checkup of(Study study, boolean[] judges) {
    float[][] rows = study.advised();
    Advice advice = study.advice();
    return of(
        new TaughtSamples(
            study.task(),
            study.digests(),
            study.names(),
            study.labels(),
            row -> rows[row],
            advice.base() != null,
            study.samples(),
            judges,
            advice.skipped(),
            advice.skipped().size()),
        new ClassCounts(advice.classes(), advice.counts()),
        advice.samples());
  }

  /** The same with other samples that could not be read. */
  public Checkup with(Findings<Unusable> others) {
    return new Checkup(samples, looked, warnings, few, suspects, duplicates, others, blank);
  }

  /**
   * Looks at samples. Takes below a second for hundreds of them, and a few at most.
   *
   * @param checked may be empty
   */
  public static Checkup of(TaughtSamples checked) {
    List<String> classes = classes(checked);
    int[] counts = Targets.of(checked.task(), classes, checked.labels()).counts();
    return of(checked, new ClassCounts(classes, counts), checked.count());
  }

  /**
   * @param counts of all samples
   * @param all samples that there are, of which those to be looked at may be a part
   */
  private static Checkup of(TaughtSamples checked, ClassCounts counts, int all) {
    List<String> classes = classes(checked);
    Targets targets = Targets.of(checked.task(), classes, checked.labels());
    List<String> warnings = new ArrayList<>();
    Map<String, Integer> few = Map.of();
    if (checked.task() != Task.REGRESSION) {
      few = counts.below(FEW);
      if (!few.isEmpty()) {
        warnings.add(
            (few.size() == 1 ? "a class has" : few.size() + " classes have")
                + " fewer than "
                + FEW
                + " samples, too few to judge: "
                + named(
                    few.entrySet().stream().map(c -> c.getKey() + " (" + c.getValue() + ")"),
                    few.size()));
      }
      if (checked.task() == Task.SINGLE) {
        counts.uneven().ifPresent(warnings::add);
      }
    }
    int[] rows = sampled(checked.count());
    if (rows.length < all) {
      warnings.add(
          "labels and duplicates were looked for among "
              + rows.length
              + " of the "
              + all
              + " samples");
    }
    float[][] features = IntStream.of(rows).mapToObj(checked.features()).toArray(float[][]::new);
    return new Checkup(
        all,
        rows.length,
        warnings,
        few,
        suspects(checked, targets, classes, rows, features),
        checked.embedded() ? duplicates(checked, rows, features) : Findings.none(),
        new Findings<>(
            checked.left(),
            checked.unreadable().stream()
                .limit(LISTED)
                .map(u -> new Unusable(null, u.name(), u.reason()))
                .toList()),
        blank(checked));
  }

  private static List<String> classes(TaughtSamples checked) {
    Set<String> names = new TreeSet<>();
    checked.labels().forEach(label -> names.addAll(label.names()));
    return List.copyOf(names);
  }

  /** Rows evenly over all of them. */
  private static int[] sampled(int count) {
    int taken = Math.min(count, MOST);
    return IntStream.range(0, taken).map(i -> (int) ((long) i * count / taken)).toArray();
  }

  private static Findings<Suspect> suspects(
      TaughtSamples checked,
      Targets targets,
      List<String> classes,
      int[] rows,
      float[][] features) {
    boolean tells = checked.task() == Task.REGRESSION || classes.size() > 1;
    if (rows.length < 2 * ConfidentLearning.FEWEST || !tells) {
      return Findings.none();
    }
    float[][] wanted = new float[rows.length][targets.outputs()];
    int[] labels = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      if (targets.labels() != null) {
        labels[i] = targets.labels()[rows[i]];
        wanted[i][labels[i]] = 1;
      } else {
        System.arraycopy(
            targets.values(), rows[i] * targets.outputs(), wanted[i], 0, targets.outputs());
      }
    }
    float[][] inputs = features;
    if (checked.embedded()) {
      inputs = Stream.of(features).map(float[]::clone).toArray(float[][]::new);
      Rows.normalise(inputs);
    }
    float[][] scores =
        RidgeProbe.of(Spectrum.of(inputs, !checked.embedded()), wanted).leaveOneOut();
    ConfidentLearning.Doubt[] doubts =
        switch (checked.task()) {
          case SINGLE -> ConfidentLearning.classes(scores, labels);
          case MULTI -> ConfidentLearning.indicators(scores, wanted);
          case REGRESSION ->
              ConfidentLearning.numbers(
                  IntStream.range(0, rows.length)
                      .mapToDouble(i -> scores[i][0] - wanted[i][0])
                      .toArray());
        };
    int likely = (int) Stream.of(doubts).filter(ConfidentLearning.Doubt::likely).count();
    List<Suspect> worst =
        IntStream.range(0, rows.length)
            .boxed()
            .sorted(
                Comparator.comparing((Integer i) -> !doubts[i].likely())
                    .thenComparing(i -> -doubts[i].margin()))
            .limit(Math.min(LISTED, Math.max(likely, (rows.length + 9) / 10)))
            .map(
                i -> {
                  Label label = checked.labels().get(rows[i]);
                  return new Suspect(
                      checked.ids().get(rows[i]),
                      checked.names().get(rows[i]),
                      plain(label),
                      suggested(label, classes, doubts[i].other(), scores[i]),
                      rounded(doubts[i].margin()),
                      doubts[i].likely());
                })
            .toList();
    return new Findings<>(likely, worst);
  }

  private static Object suggested(Label label, List<String> classes, int other, float[] scores) {
    if (label instanceof NumberLabel) {
      return rounded(scores[0]);
    }
    if (other < 0) {
      return plain(label);
    }
    if (label instanceof ClassLabel) {
      return classes.get(other);
    }
    Set<String> names = new TreeSet<>(label.names());
    if (!names.remove(classes.get(other))) {
      names.add(classes.get(other));
    }
    return List.copyOf(names);
  }

  private static Findings<Pair> duplicates(TaughtSamples checked, int[] rows, float[][] features) {
    Miniatures pictures = new Miniatures(checked.originals());
    List<NearDuplicates.Pair> found =
        rows.length < 2
            ? List.of()
            : NearDuplicates.pairs(features, (a, b) -> pictures.same(rows[a], rows[b]));
    double spread = spread(checked);
    List<Pair> worst =
        found.stream()
            .map(
                pair ->
                    new Pair(
                        rounded(pair.similarity()),
                        across(checked, rows[pair.a()], rows[pair.b()], spread),
                        subject(checked, rows[pair.a()]),
                        subject(checked, rows[pair.b()])))
            .sorted(Comparator.comparing(Pair::across)) // stable: the closest first
            .limit(LISTED)
            .toList();
    return new Findings<>(found.size(), worst);
  }

  private static Across across(TaughtSamples checked, int a, int b, double spread) {
    Label one = checked.labels().get(a);
    Label other = checked.labels().get(b);
    boolean differ =
        one instanceof NumberLabel x && other instanceof NumberLabel y
            ? Math.abs(x.value() - y.value()) > spread / 2
            : !one.equals(other);
    if (differ) {
      return Across.LABELS;
    }
    boolean[] judges = checked.judges();
    return judges != null && judges[a] != judges[b] ? Across.SPLIT : Across.NOTHING;
  }

  /** Standard deviation of the numbers of a regression. */
  private static double spread(TaughtSamples checked) {
    double[] values =
        checked.labels().stream()
            .filter(NumberLabel.class::isInstance)
            .mapToDouble(label -> ((NumberLabel) label).value())
            .toArray();
    double mean = IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElse(0);
    return Math.sqrt(
        IntStream.range(0, values.length)
            .mapToDouble(i -> (values[i] - mean) * (values[i] - mean))
            .average()
            .orElse(0));
  }

  private static Findings<Subject> blank(TaughtSamples checked) {
    int[] rows = Blank.rows(checked.originals());
    return new Findings<>(
        rows.length,
        IntStream.of(rows).limit(LISTED).mapToObj(row -> subject(checked, row)).toList());
  }

  private static Subject subject(TaughtSamples checked, int row) {
    return new Subject(
        checked.ids().get(row), checked.names().get(row), plain(checked.labels().get(row)));
  }

  /** A label as JSON. */
  private static Object plain(Label label) {
    if (label instanceof ClassLabel single) {
      return single.name();
    }
    return label instanceof NumberLabel number
        ? (Object) number.value()
        : List.copyOf(((ClassesLabel) label).names());
  }

  private static double rounded(double value) {
    return Math.round(value * 1e4) / 1e4;
  }

  /** All that was found, a line each, the most telling first; empty if nothing is sick. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    List<Pair> labels = across(Across.LABELS);
    if (!labels.isEmpty()) {
      lines.add(
          pairs(labels)
              + " all but the same under two labels: "
              + named(
                  labels.stream()
                      .map(
                          p ->
                              p.a.name + " (" + p.a.label + ") and " + p.b.name + " (" + p.b.label
                                  + ")"),
                  labels.size()));
    }
    if (suspects.total > 0) {
      lines.add(
          suspects.total
              + (suspects.total == 1 ? " label is" : " labels are")
              + " likely wrong: "
              + named(
                  suspects.worst.stream()
                      .filter(Suspect::likely)
                      .map(s -> s.name + " is " + s.label + ", rather " + s.suggested),
                  suspects.total));
    }
    List<Pair> split = across(Across.SPLIT);
    if (!split.isEmpty()) {
      lines.add(
          pairs(split)
              + " all but the same, one training and one judging, which flatters the head: "
              + named(split.stream().map(p -> p.a.name + " and " + p.b.name), split.size()));
    }
    int rest = duplicates.total - labels.size() - split.size();
    if (rest > 0) {
      List<Pair> nothing = across(Across.NOTHING);
      lines.add(
          (rest == 1 ? "1 pair is" : rest + " pairs are")
              + " all but the same under one label: "
              + named(nothing.stream().map(p -> p.a.name + " and " + p.b.name), rest));
    }
    if (blank.total > 0) {
      lines.add(
          blank.total
              + (blank.total == 1 ? " sample has" : " samples have")
              + " nothing in it: "
              + named(blank.worst.stream().map(Subject::name), blank.total));
    }
    if (unreadable.total > 0) {
      lines.add(
          unreadable.total
              + (unreadable.total == 1 ? " sample" : " samples")
              + " could not be read: "
              + named(
                  unreadable.worst.stream().map(u -> u.name + ": " + u.reason), unreadable.total));
    }
    lines.addAll(warnings);
    return lines;
  }

  /**
   * What a training should be warned of, in few lines: what {@link #lines} says but for what
   * teaching says itself, and for duplicates that do no harm.
   */
  public List<String> brief() {
    Checkup harmful =
        new Checkup(
            samples,
            looked,
            List.of(),
            few,
            suspects,
            new Findings<>(
                across(Across.LABELS).size() + across(Across.SPLIT).size(),
                duplicates.worst.stream().filter(p -> p.across != Across.NOTHING).toList()),
            Findings.none(),
            blank);
    return harmful.lines();
  }

  /** Of the list, where the worst are first: all there are, or a thousand. */
  private List<Pair> across(Across across) {
    return duplicates.worst.stream().filter(pair -> pair.across == across).toList();
  }

  private static String pairs(List<Pair> pairs) {
    return pairs.size() == 1 ? "1 pair is" : pairs.size() + " pairs are";
  }

  private static String named(Stream<String> names, int total) {
    List<String> first =
        new ArrayList<>(new LinkedHashSet<>(names.limit(NAMED).collect(Collectors.toList())));
    return String.join("; ", first) + (total > NAMED ? "; and " + (total - NAMED) + " more" : "");
  }
}
