package dev.headstart.advise;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.backbone.Manifest;
import dev.headstart.error.BadInputException;
import dev.headstart.head.Pooling;
import dev.headstart.ort.Provider;
import dev.headstart.preprocess.TextPreprocessing;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.train.BaseChoice;
import dev.headstart.train.LessonSamples;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * Labelled samples read, and gone through all taps of the base once. Of many, a part that stands
 * for all: so many of each class as its share says.
 */
final class Survey {
  /** Of so many samples, what is found hardly changes with more; it bounds time and memory. */
  static final int MOST = 1000;

  /** Texts whose words are counted. */
  private static final int COUNTED = 200;

  /** As BERT's tokenizers part a text before they look for pieces of words. */
  private static final Pattern WORD =
      Pattern.compile("[\\p{L}\\p{M}\\p{N}]+|[^\\s\\p{L}\\p{M}\\p{N}]");

  private static final Comparator<String> BY_CODE_POINT =
      Comparator.comparing(name -> name.codePoints().toArray(), Arrays::compare);

  private final DataSet data;
  private final BaseModel base;
  private final LessonSamples rows;
  private final Map<String, List<float[]>> features = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();
  private final Map<String, Integer> counts = new TreeMap<>(BY_CODE_POINT);
  private int found;
  private double confidence;
  private int confident;
  private Double pieces;
  private long computed;
  private final long began = System.nanoTime();
  private double seconds;
  private double decoding;

  private Survey(DataSet data, BaseModel base, TrainingListener listener) {
    this.data = data;
    this.base = base;
    this.rows = new LessonSamples(listener);
  }

  /**
   * Reads a data set and takes the features of all taps.
   *
   * @param request of which data, base and task count, and the cut where nothing but features is
   *     known of the samples
   * @throws BadInputException if the samples cannot be used
   */
  static Survey of(
      TeachRequest request,
      BaseModels models,
      FeatureStore cache,
      List<Provider> providers,
      int cores,
      TrainingListener listener) {
    DataSet data = request.data().open(request.recipe().task());
    request.recipe().resolve(data.task(), 1); // refuses what is out of range before the long work
    data.notes().forEach(listener::warning);
    BaseModel base = BaseChoice.base(request, data, models);
    Survey survey = new Survey(data, base, listener);
    boolean ready = BaseChoice.ready(data, base);
    List<float[]> vectors = new ArrayList<>();
    survey.rows.read(data, ready ? cache : null, (sample, vector) -> vectors.add(vector));
    survey.rows.labels().forEach(survey::count);
    survey.found = survey.rows.count();
    if (ready) {
      survey.ready(request, vectors);
    } else {
      survey.sample();
      survey.extract(request, cache, providers, cores);
    }
    survey.rows.requireMost();
    return survey;
  }

  private void count(Label label) {
    label.names().forEach(name -> counts.merge(name, 1, Integer::sum));
  }

  /** Vectors are the features of one cut. */
  private void ready(TeachRequest request, List<float[]> vectors) {
    boolean[] kept = stratified();
    List<float[]> some = new ArrayList<>();
    for (int i = 0; i < kept.length; i++) {
      if (kept[i]) {
        if (vectors.get(i).length != vectors.get(0).length) {
          throw new BadInputException(
              "expected "
                  + vectors.get(0).length
                  + " features a sample, got "
                  + vectors.get(i).length);
        }
        some.add(vectors.get(i));
      }
    }
    keep(kept);
    features.put(base == null ? "features" : base.cut(request.cut()).name(), some);
  }

  /** Leaves as many samples as can be looked at. */
  private void sample() {
    keep(stratified());
  }

  private void keep(boolean[] kept) {
    if (rows.count() > MOST) {
      notes.add(
          String.format(
              Locale.ROOT,
              "found on %d of the %d samples, each class by its share",
              count(kept),
              rows.count()));
      rows.keep(kept);
    }
  }

  private static int count(boolean[] kept) {
    int count = 0;
    for (boolean one : kept) {
      count += one ? 1 : 0;
    }
    return count;
  }

  /** Of each class its share, two at least, by the digests, so that the order does not matter. */
  private boolean[] stratified() {
    int n = rows.count();
    boolean[] kept = new boolean[n];
    if (n <= MOST) {
      Arrays.fill(kept, true);
      return kept;
    }
    Map<Object, List<Integer>> strata = new HashMap<>();
    for (int i = 0; i < n; i++) {
      Object stratum = task() == Task.SINGLE ? rows.labels().get(i) : task();
      strata.computeIfAbsent(stratum, s -> new ArrayList<>()).add(i);
    }
    for (List<Integer> stratum : strata.values()) {
      long share = Math.max(2, Math.round((double) MOST * stratum.size() / n));
      stratum.stream()
          .sorted(Comparator.comparing(i -> rows.digests().get(i)))
          .limit(share)
          .forEach(i -> kept[i] = true);
    }
    return kept;
  }

  private void extract(
      TeachRequest request, FeatureStore cache, List<Provider> providers, int cores) {
    if (rows.samples().stream().anyMatch(s -> s instanceof FeaturesOnlySample)) {
      notes.add(
          "of some samples the originals were not kept: only the cut whose features are remembered"
              + " is looked at");
      remembered(request, cache, providers, cores);
      return;
    }
    try (TapFeatures taps = TapFeatures.open(base, providers)) {
      notes.addAll(taps.leftOut());
      List<List<float[]>> columns = new ArrayList<>();
      taps.taps().forEach(tap -> columns.add(new ArrayList<>()));
      Map<String, Features> passed = new HashMap<>();
      extract(
          taps.backbone(),
          cache,
          cores,
          (sample, all) -> {
            List<float[]> pooled = taps.of(all);
            for (int tap = 0; tap < pooled.size(); tap++) {
              columns.get(tap).add(pooled.get(tap));
            }
            Double sure = taps.confidence(all);
            if (sure != null) {
              confidence += sure;
              confident++;
            }
            passed.put(sample.sha256(), all);
          });
      for (int tap = 0; tap < columns.size(); tap++) {
        features.put(taps.taps().get(tap).name(), columns.get(tap));
      }
      if (computed > 0) {
        taps.remember(cache, passed);
      }
      pieces = pieces(taps.backbone());
    }
  }

  /** Of one cut, whose features may be all that is left of a sample. */
  private void remembered(
      TeachRequest request, FeatureStore cache, List<Provider> providers, int cores) {
    try (Backbone backbone = Backbone.open(base, base.cut(request.cut()), providers)) {
      backbone.requireFloat();
      List<float[]> column = new ArrayList<>();
      extract(backbone, cache, cores, (sample, found) -> column.add(Pooling.pool(found.first())));
      features.put(backbone.cut().name(), column);
    }
  }

  private void extract(
      Backbone backbone, FeatureStore cache, int cores, BiConsumer<Sample, Features> row) {
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, cache, cores)) {
      rows.extract(extractor, row);
      seconds = extractor.featureSeconds();
      decoding = extractor.decodeSeconds();
    }
    computed = backbone.runs();
  }

  /** Mean number of tokens a word or sign, of texts that were not cut off; null for no texts. */
  private Double pieces(Backbone backbone) {
    if (!(base.manifest().preprocessing() instanceof TextPreprocessing text)) {
      return null;
    }
    OptionalDouble mean =
        rows.samples().stream()
            .filter(TextSample.class::isInstance)
            .limit(COUNTED)
            .mapToDouble(sample -> pieces(backbone, text, ((TextSample) sample)))
            .filter(p -> p > 0)
            .average();
    return mean.isPresent() ? mean.getAsDouble() : null;
  }

  private static double pieces(Backbone backbone, TextPreprocessing text, TextSample sample) {
    long tokens = backbone.preprocess(sample).get(text.inputIds()).elements();
    long words = WORD.matcher(sample.text()).results().count();
    // Two tokens stand for the text's beginning and end.
    return tokens >= text.maxTokens() || words == 0 ? 0 : (tokens - 2.0) / words;
  }

  Task task() {
    return data.task();
  }

  /** Null for feature vectors without one. */
  BaseModel base() {
    return base;
  }

  /** Those that were looked at. */
  LessonSamples rows() {
    return rows;
  }

  /** How many samples the data has, whether looked at or not. */
  int found() {
    return found;
  }

  /** In the order of the outputs; empty for regression. */
  List<String> classes() {
    return task() == Task.REGRESSION ? List.of() : List.copyOf(counts.keySet());
  }

  /** Samples of each class in the data, whether looked at or not. */
  int[] counts() {
    return classes().stream().mapToInt(counts::get).toArray();
  }

  /** Pooled, by tap from deep to shallow. */
  Map<String, float[][]> features() {
    Map<String, float[][]> all = new LinkedHashMap<>();
    features.forEach((tap, column) -> all.put(tap, column.toArray(float[][]::new)));
    return all;
  }

  /** What to know of how this was found, in words. */
  List<String> notes() {
    return notes;
  }

  /** Samples that went through the base. */
  long computed() {
    return computed;
  }

  /** What it has all taken so far. */
  TeachResult.Seconds spent() {
    return new TeachResult.Seconds(decoding, seconds, 0, (System.nanoTime() - began) / 1e9);
  }

  /** Seconds a sample that the base took, over all cores; 0 if none went through. */
  double pace() {
    return computed == 0 ? 0 : seconds / computed;
  }

  /** How like the base's domain the samples are; null where that is not known. */
  DomainFit fit() {
    Manifest.Domain domain = base == null ? null : base.manifest().domain();
    if (domain == null || !features.containsKey(domain.cut())) {
      return null;
    }
    float[][] of = features.get(domain.cut()).toArray(float[][]::new);
    return of.length == 0 || of[0].length != domain.mean().size()
        ? null
        : DomainFit.of(
            domain,
            new DomainFit.Found(
                DomainFit.cosine(of, domain.mean()),
                confident == 0 ? null : confidence / confident,
                pieces));
  }

  /**
   * Statistics for the manifest of the base, as of samples of its own domain. Of a base with a
   * classifier of its own the features are those of the deepest tap; of others, whose deepest
   * features may be spread evenly, those of the tap in the middle.
   *
   * @param about what the samples are
   */
  Manifest.Domain domain(String about) {
    List<String> taps = List.copyOf(features.keySet());
    String tap = taps.get(confident > 0 ? 0 : taps.size() / 2);
    float[][] column = features.get(tap).toArray(float[][]::new);
    double[] sum = new double[column[0].length];
    for (float[] row : column) {
      double square = 0;
      for (float value : row) {
        square += value * value;
      }
      for (int k = 0; k < sum.length && square > 0; k++) {
        sum[k] += row[k] / Math.sqrt(square);
      }
    }
    double square = 0;
    for (double value : sum) {
      square += value * value;
    }
    List<Float> mean = new ArrayList<>();
    for (double value : sum) {
      mean.add((float) rounded(square > 0 ? value / Math.sqrt(square) : 0));
    }
    return new Manifest.Domain(
        about,
        tap,
        mean,
        rounded(DomainFit.cosine(column, mean)),
        confident == 0 ? null : rounded(confidence / confident),
        pieces == null ? null : rounded(pieces));
  }

  /** To four digits: more would say nothing. */
  private static double rounded(double value) {
    return value == 0 ? 0 : new BigDecimal(value).round(new MathContext(4)).doubleValue();
  }
}
