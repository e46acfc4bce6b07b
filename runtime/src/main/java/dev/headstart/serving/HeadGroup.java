package dev.headstart.serving;

import dev.headstart.backbone.Features;
import dev.headstart.backbone.OpenBase;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Heads, one or several, that are asked about the same inputs: every backbone among them runs once
 * a sample, one sample a call (see {@link dev.headstart.backbone.Backbone}); a request's samples
 * are shared among the free workers.
 */
final class HeadGroup {
  /** Longer texts are refused: the tokenizer reads all of a text before it cuts it off. */
  static final int MAX_TEXT = 256 << 10;

  private final List<HeadService> heads;
  private final List<Bases.SharedBackbone> backbones;

  /**
   * @param heads retained by the caller for the job that is made
   */
  HeadGroup(List<HeadService> heads) {
    this.heads = List.copyOf(heads);
    this.backbones =
        heads.stream().map(HeadService::backbone).filter(b -> b != null).distinct().toList();
  }

  /**
   * A request as a job.
   *
   * @param outputs wanted of each head, in the heads' order
   * @throws BadInputException if the inputs are not what all of the heads take
   */
  ModelJob job(
      Map<String, Tensor> inputs,
      List<List<String>> outputs,
      int priority,
      Duration timeout,
      List<Counters> counters) {
    InputForm form = null;
    for (HeadService head : heads) {
      InputForm its = form(head, inputs);
      if (form != null && !form.name().equals(its.name())) {
        throw new BadInputException(
            "the inputs "
                + inputs.keySet()
                + " are "
                + form.name()
                + " for head '"
                + heads.get(0).manifest().head()
                + "', but "
                + its.name()
                + " for '"
                + head.manifest().head()
                + "': ask them one by one");
      }
      form = its;
    }
    int samples = Form.samples(form, inputs);
    Cost cost = heads.size() == 1 ? heads.get(0).cost(form.name()) : null;
    if (form.name().equals(Form.FEATURES)) {
      Form.requireFinite(HeadService.FEATURES, inputs.get(HeadService.FEATURES));
      return new FeaturesJob(
          samples, inputs.get(HeadService.FEATURES), outputs, priority, timeout, counters, cost);
    }
    if (form.name().equals(Form.TENSORS)) {
      for (Bases.SharedBackbone backbone : backbones) {
        backbone
            .base()
            .rows()
            .forEach((name, rows) -> Form.requireRows(name, inputs.get(name), rows));
      }
    }
    return new SamplesJob(samples, form, inputs, outputs, priority, timeout, counters, cost);
  }

  /** Where there are several heads, a refusal says which. */
  private InputForm form(HeadService head, Map<String, Tensor> inputs) {
    try {
      return Form.of(head.forms(), inputs, head.maxBatch());
    } catch (BadInputException e) {
      throw heads.size() == 1
          ? e
          : new BadInputException(
              "the head '" + head.manifest().head() + "': " + e.getMessage(), e);
    }
  }

  /**
   * @param novelties by head; null of one that says nothing of it
   */
  private List<InferenceResult> results(
      List<float[]> scores,
      float[][] novelties,
      List<List<Tensor>> features,
      List<List<String>> outputs) {
    List<InferenceResult> results = new ArrayList<>(heads.size());
    for (int h = 0; h < heads.size(); h++) {
      HeadService head = heads.get(h);
      head.observe(scores.get(h), novelties[h]);
      results.add(head.result(scores.get(h), novelties[h], features.get(h), outputs.get(h)));
    }
    return results;
  }

  /** Room for the novelty of samples, by head; null of one that says nothing of it. */
  private float[][] novelties(int samples) {
    float[][] novelties = new float[heads.size()][];
    Arrays.setAll(novelties, h -> heads.get(h).familiarity() == null ? null : new float[samples]);
    return novelties;
  }

  /** Requests with equal keys may share a call. */
  private record Key(HeadService head, List<Long> shape) {}

  /** Ready features go straight into the heads; requests of one version share a call. */
  private final class FeaturesJob extends ModelJob {
    private final Tensor features;
    private final List<List<String>> outputs;
    private final List<float[]> scores;
    private final float[][] novelties;
    private final Key key;

    FeaturesJob(
        int samples,
        Tensor features,
        List<List<String>> outputs,
        int priority,
        Duration timeout,
        List<Counters> counters,
        Cost cost) {
      super(samples, priority, timeout, heads, counters, cost);
      this.features = features;
      this.outputs = outputs;
      this.scores = heads.stream().map(head -> new float[samples * head.width()]).toList();
      this.novelties = novelties(samples);
      this.key =
          heads.size() > 1
              ? null
              : new Key(heads.get(0), Arrays.stream(features.shape()).skip(1).boxed().toList());
    }

    @Override
    Object key() {
      return key;
    }

    @Override
    int perCall() {
      return key == null ? units() : cost().within(Service.CALL, heads.get(0).maxBatch());
    }

    @Override
    void run(List<Piece> pieces) {
      long start = System.nanoTime();
      List<Tensor> rows = new ArrayList<>(pieces.size());
      int batch = 0;
      for (Piece piece : pieces) {
        rows.add(Rows.slice(((FeaturesJob) piece.job()).features, piece.from(), piece.count()));
        batch += piece.count();
      }
      for (int h = 0; h < heads.size(); h++) {
        float[] all = heads.get(h).scores(rows);
        int width = heads.get(h).width();
        int from = 0;
        for (int p = 0; p < pieces.size(); p++) {
          Piece piece = pieces.get(p);
          if (novelties[h] != null) {
            heads
                .get(h)
                .familiarity()
                .novelties(
                    List.of(rows.get(p)), ((FeaturesJob) piece.job()).novelties[h], piece.from());
          }
          System.arraycopy(
              all,
              from,
              ((FeaturesJob) piece.job()).scores.get(h),
              piece.from() * width,
              piece.count() * width);
          from += piece.count() * width;
        }
      }
      executed(batch, 0, System.nanoTime() - start, 0);
    }

    @Override
    List<InferenceResult> result() {
      return results(
          scores, novelties, heads.stream().map(head -> List.of(features)).toList(), outputs);
    }
  }

  /** Samples, raw or as the base's own tensors, go through the backbones first. */
  private final class SamplesJob extends ModelJob {
    private final boolean raw;
    private final String name;
    private final List<byte[]> samples;
    private final Map<String, Tensor> inputs;
    private final List<List<String>> outputs;

    /** [backbone][sample], each with a leading dimension of 1. */
    private final Features[][] features;

    /** By head and sample, of those heads that score each sample alone; else null. */
    private final float[][][] alone;

    private final float[][] novelties;

    SamplesJob(
        int samples,
        InputForm form,
        Map<String, Tensor> inputs,
        List<List<String>> outputs,
        int priority,
        Duration timeout,
        List<Counters> counters,
        Cost cost) {
      super(samples, priority, timeout, heads, counters, cost);
      this.raw = form.name().equals(Form.SAMPLE);
      this.name = form.inputs().get(0).name();
      this.samples = raw ? inputs.get(name).strings() : null;
      this.inputs = inputs;
      this.outputs = outputs;
      this.features = new Features[backbones.size()][samples];
      this.alone = new float[heads.size()][][];
      this.novelties = novelties(samples);
      Arrays.setAll(alone, h -> heads.get(h).scoresAlone() ? new float[samples][] : null);
    }

    @Override
    Object key() {
      return null;
    }

    @Override
    int perCall() {
      return 1;
    }

    @Override
    void run(List<Piece> pieces) {
      for (Piece piece : pieces) {
        for (int i = piece.from(); i < piece.from() + piece.count(); i++) {
          run(i);
        }
      }
    }

    private void run(int sample) {
      long start = System.nanoTime();
      Map<OpenBase, Map<String, Tensor>> prepared = new LinkedHashMap<>();
      for (Bases.SharedBackbone backbone : backbones) {
        prepared.computeIfAbsent(backbone.base(), base -> prepare(base, sample));
      }
      long ready = System.nanoTime();
      for (int b = 0; b < features.length; b++) {
        Bases.SharedBackbone backbone = backbones.get(b);
        features[b][sample] = features(backbone, prepared.get(backbone.base()), sample);
      }
      for (int h = 0; h < alone.length; h++) {
        if (alone[h] != null) {
          alone[h][sample] = heads.get(h).scoresOf(List.of(of(heads.get(h))[sample]));
        }
      }
      for (int h = 0; h < novelties.length; h++) {
        if (novelties[h] != null) {
          Tensor first = of(heads.get(h))[sample].first();
          heads.get(h).familiarity().novelties(List.of(first), novelties[h], sample);
        }
      }
      executed(1, ready - start, System.nanoTime() - ready, 0);
    }

    private Map<String, Tensor> prepare(OpenBase base, int sample) {
      if (raw) {
        return base.preprocess(sample(base.base().manifest().modality(), sample));
      }
      Map<String, Tensor> row = new LinkedHashMap<>();
      for (TensorInfo info : base.inputs()) {
        Tensor tensor = inputs.get(info.name());
        row.put(info.name(), Form.batched(info) ? Rows.slice(tensor, sample, 1) : tensor);
      }
      return row;
    }

    private Sample sample(Modality modality, int i) {
      byte[] bytes = samples.get(i);
      String label = "element " + i + " of the input '" + name + "'";
      if (modality == Modality.IMAGE) {
        return ImageSample.of(label, bytes);
      }
      if (bytes.length > MAX_TEXT) {
        throw new BadInputException(
            label + ": " + bytes.length + " bytes of text; at most " + MAX_TEXT + " are taken");
      }
      try {
        return new TextSample(
            label, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
      } catch (CharacterCodingException e) {
        throw new BadInputException(label + ": not a text in UTF-8", e);
      }
    }

    /** The features that a head takes, by sample. */
    private Features[] of(HeadService head) {
      return features[backbones.indexOf(head.backbone())];
    }

    private Features features(
        Bases.SharedBackbone backbone, Map<String, Tensor> prepared, int sample) {
      Features found = backbone.backbone().run(prepared);
      if (!found.finite()) {
        throw new BadInputException(
            "the base model "
                + backbone.base().base()
                + " gives features that are not finite for sample "
                + sample
                + " of the request: check its tensors");
      }
      return found;
    }

    private static float[] joined(float[][] rows) {
      float[] all = new float[rows.length * rows[0].length];
      for (int i = 0; i < rows.length; i++) {
        System.arraycopy(rows[i], 0, all, i * rows[0].length, rows[0].length);
      }
      return all;
    }

    @Override
    List<InferenceResult> result() {
      List<float[]> scores = new ArrayList<>(heads.size());
      List<List<Tensor>> all = new ArrayList<>(heads.size());
      for (int h = 0; h < alone.length; h++) {
        Features[] its = of(heads.get(h));
        all.add(Arrays.stream(its).map(Features::first).toList());
        scores.add(alone[h] == null ? heads.get(h).scoresOf(List.of(its)) : joined(alone[h]));
      }
      return results(scores, novelties, all, outputs);
    }
  }
}
