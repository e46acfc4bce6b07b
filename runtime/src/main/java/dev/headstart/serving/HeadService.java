package dev.headstart.serving;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Features;
import dev.headstart.backbone.OpenBase;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadSession;
import dev.headstart.head.HeadStore;
import dev.headstart.head.NoveltyModel;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import dev.headstart.predict.Prediction;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.serving.ModelMetadata.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A head, open: what it takes, and how its scores become outputs. It is a version as it was
 * trained, that version with what samples taught since, or samples alone.
 */
final class HeadService extends Service {
  static final String SCORES = "scores";
  static final String LABEL = "label";
  static final String FEATURES = "features";
  static final String NOVELTY = "novelty";

  /** The version number of a head without any. */
  static final int UNTRAINED = 0;

  /** Its classes are those that are answered. */
  private final HeadManifest manifest;

  private final Bases.SharedBackbone backbone;
  private final HeadPool pool;

  /** Null for a head without a version. */
  private final HeadSession session;

  /** How unlike what it learned samples are; null where nothing says. */
  private final Familiarity familiarity;

  /** What samples taught; null if nothing. */
  private final Blend blend;

  /** The version as it was trained, whose session and backbone these are; null if they are own. */
  private final HeadService trained;

  private final int maxBatch;
  private final ServingListener listener;
  private final List<InputForm> forms;

  private final Cost features;
  private final Cost tensors;

  /** The class names as UTF-8; for several labels each as a JSON string. */
  private final List<byte[]> classes;

  private HeadService(
      HeadManifest manifest,
      Bases.SharedBackbone backbone,
      HeadPool pool,
      HeadSession session,
      Familiarity familiarity,
      Blend blend,
      HeadService trained,
      int maxBatch,
      ServingListener listener) {
    this.listener = listener;
    this.manifest = manifest;
    this.backbone = backbone;
    this.pool = pool;
    this.session = session;
    this.familiarity = familiarity;
    this.blend = blend;
    this.trained = trained;
    this.maxBatch = maxBatch;
    this.features = trained == null ? new Cost() : trained.features;
    this.tensors = trained == null ? new Cost() : trained.tensors;
    this.forms = taken();
    this.classes =
        manifest.classes().stream()
            .map(name -> manifest.task() == Task.MULTI ? quoted(name) : name)
            .map(name -> name.getBytes(StandardCharsets.UTF_8))
            .toList();
  }

  /**
   * Opens a version; it has one user, the caller.
   *
   * @param listener hears of what it predicts
   */
  static HeadService open(
      HeadStore.Stored stored,
      BaseModels models,
      Bases bases,
      HeadPool pool,
      int maxBatch,
      ServingListener listener) {
    HeadManifest manifest = stored.manifest();
    Familiarity familiarity = NoveltyModel.of(stored).map(Familiarity::of).orElse(null);
    Bases.SharedBackbone backbone = null;
    HeadSession session = null;
    try {
      if (manifest.base() != null) {
        BaseModel base = models.get(manifest.base().id(), manifest.base().sha256());
        backbone = bases.backbone(base, base.cut(manifest.cut().tensor()));
      }
      session = pool.open(manifest, stored.model());
      return new HeadService(
          manifest, backbone, pool, session, familiarity, null, null, maxBatch, listener);
    } catch (RuntimeException | Error e) {
      if (session != null) {
        session.close();
        pool.release();
      }
      if (backbone != null) {
        backbone.release();
      }
      throw e;
    }
  }

  /** Opens a head without a version; it has one user, the caller. */
  static HeadService untrained(
      String head, Overlays.Untrained taught, Bases bases, int maxBatch, ServingListener listener) {
    Overlay overlay = taught.overlay();
    BaseModel base = taught.base();
    Bases.SharedBackbone backbone = base == null ? null : bases.backbone(base, taught.cut());
    HeadManifest manifest =
        new HeadManifest(
            HeadManifest.FORMAT,
            head,
            UNTRAINED,
            Task.SINGLE,
            new HeadKind.Prototype(),
            base == null ? Modality.VECTOR : base.manifest().modality(),
            base == null
                ? null
                : new HeadManifest.BaseReference(base.id(), base.manifest().sha256()),
            base == null
                ? null
                : new HeadManifest.CutReference(taught.cut().name(), taught.cut().tensor()),
            base == null ? new long[] {overlay.means()[0].length} : backbone.backbone().shape(),
            List.of(),
            overlay.classes(),
            null,
            null,
            null,
            Map.of());
    Blend blend = new Blend(overlay, Task.SINGLE, 0);
    return new HeadService(manifest, backbone, null, null, null, blend, null, maxBatch, listener);
  }

  /**
   * The same version under an overlay; it has one user, the caller, whose use of this passes over
   * to it.
   */
  HeadService learned(Overlay overlay) {
    return new HeadService(
        manifest.withClasses(overlay.classes()),
        backbone,
        pool,
        session,
        familiarity == null ? null : familiarity.under(overlay),
        new Blend(overlay, manifest.task(), manifest.classes().size()),
        this,
        maxBatch,
        listener);
  }

  /** The version as it was trained, retained; the caller has retained this. */
  HeadService trained() {
    HeadService found = trained == null ? this : trained;
    found.retain();
    return found;
  }

  private static String quoted(String name) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(name)) + '"';
  }

  private List<InputForm> taken() {
    List<InputForm> list = new ArrayList<>();
    if (backbone != null) {
      OpenBase base = backbone.base();
      Modality modality = base.base().manifest().modality();
      if (base.takesSamples() && modality != Modality.VECTOR) {
        String name = modality == Modality.IMAGE ? "image" : "text";
        list.add(
            new InputForm(
                Form.SAMPLE, List.of(new TensorInfo(name, ElementType.STRING, new long[] {-1}))));
      }
      list.add(new InputForm(Form.TENSORS, base.inputs()));
    }
    if (takesFeatures()) {
      list.add(new InputForm(Form.FEATURES, List.of(features())));
    }
    return List.copyOf(list);
  }

  /** Whether one tensor is all that it takes of a sample. */
  private boolean takesFeatures() {
    HeadManifest.TailReference tail = manifest.tail();
    return tail == null
        || (tail.live().size() == 1 && tail.live().get(0).type() == ElementType.FLOAT);
  }

  /** Shape of the cut's tensor for any number of samples. */
  private long[] batch() {
    long[] cut = manifest.shape();
    long[] shape = new long[cut.length + 1];
    shape[0] = -1;
    System.arraycopy(cut, 0, shape, 1, cut.length);
    return shape;
  }

  HeadManifest manifest() {
    return manifest;
  }

  @Override
  int version() {
    return manifest.version();
  }

  @Override
  ModelJob job(InferenceRequest request, Duration timeout, Counters counters) {
    return new HeadGroup(List.of(this))
        .job(
            request.inputs(),
            List.of(Form.outputs(request.outputs(), outputs(""), onRequest())),
            request.priority(),
            timeout,
            List.of(counters));
  }

  /** Samples in one request, and in one call, at most. */
  int maxBatch() {
    return maxBatch;
  }

  /** What a sample takes that comes in this form; null for raw ones, which are decoded first. */
  Cost cost(String form) {
    return switch (form) {
      case Form.FEATURES -> features;
      case Form.TENSORS -> tensors;
      default -> null;
    };
  }

  /** Where its features come from; null for a head without a base. */
  Bases.SharedBackbone backbone() {
    return backbone;
  }

  List<InputForm> forms() {
    return forms;
  }

  ModelMetadata metadata(List<Integer> versions) {
    return new ModelMetadata(
        manifest.head(),
        Kind.HEAD,
        manifest.version(),
        versions,
        forms,
        outputs(""),
        onRequest(),
        manifest.classes().isEmpty() ? Map.of() : Map.of(SCORES, manifest.classes()),
        maxBatch,
        backbone == null ? Provider.CPU : backbone.backbone().provider(),
        manifest);
  }

  /** The outputs that are given without being asked for. */
  List<TensorInfo> outputs(String prefix) {
    TensorInfo scores =
        new TensorInfo(prefix + SCORES, ElementType.FLOAT, new long[] {-1, width()});
    return manifest.task() == Task.REGRESSION
        ? List.of(scores)
        : List.of(scores, new TensorInfo(prefix + LABEL, ElementType.STRING, new long[] {-1}));
  }

  List<TensorInfo> onRequest() {
    List<TensorInfo> outputs = new ArrayList<>();
    if (takesFeatures()) {
      outputs.add(features());
    }
    if (familiarity != null) {
      outputs.add(new TensorInfo(NOVELTY, ElementType.FLOAT, new long[] {-1}));
    }
    return List.copyOf(outputs);
  }

  private TensorInfo features() {
    return new TensorInfo(FEATURES, ElementType.FLOAT, batch());
  }

  /** How unlike what it learned samples are; null where nothing says. */
  Familiarity familiarity() {
    return familiarity;
  }

  /**
   * Scores of samples; those of one shape go through in one call.
   *
   * @param features the cut's tensor, one sample or several each
   * @return [samples, outputs] row-major
   */
  float[] scores(List<Tensor> features) {
    float[] scores = session == null ? null : session.scores(features);
    return blend == null ? scores : blended(scores, features);
  }

  private float[] blended(float[] scores, List<Tensor> features) {
    int samples = 0;
    for (Tensor tensor : features) {
      samples += Math.toIntExact(tensor.shape()[0]);
    }
    float[] blended = new float[samples * width()];
    int n = 0;
    for (Tensor tensor : features) {
      for (int row = 0; row < tensor.shape()[0]; row++, n++) {
        float[] pooled = blend.needsFeatures() ? Pooling.pool(Rows.slice(tensor, row, 1)) : null;
        int from = scores == null ? 0 : n * session.outputs();
        blend.scores(scores, from, pooled, blended, n * width());
      }
    }
    return blended;
  }

  /** Scores a sample. */
  int width() {
    return blend == null ? session.outputs() : blend.width();
  }

  /** Whether scoring a sample is work enough to be done with its features, not afterwards. */
  boolean scoresAlone() {
    return manifest.tail() != null;
  }

  /**
   * Scores of samples.
   *
   * @param samples all that the backbone gives, one sample each
   * @return [samples, outputs] row-major
   */
  float[] scoresOf(List<Features> samples) {
    if (blend == null) {
      return session.scoresOf(samples);
    }
    float[] scores = session == null ? null : session.scoresOf(samples);
    return blended(scores, samples.stream().map(Features::first).toList());
  }

  /**
   * The outputs that were asked for.
   *
   * @param scores [samples, outputs] row-major
   * @param novelties of all samples; null where nothing says
   * @param features the cut's tensor of all samples; looked at only if it is asked for
   */
  InferenceResult result(
      float[] scores, float[] novelties, List<Tensor> features, List<String> outputs) {
    int samples = scores.length / width();
    Map<String, Tensor> answer = new LinkedHashMap<>();
    for (String output : outputs) {
      answer.put(
          output,
          switch (output) {
            case SCORES -> Rows.floats(scores, samples, width());
            case NOVELTY -> Tensor.of(novelties, samples);
            case LABEL -> Tensor.strings(labels(scores, samples), samples);
            default -> Rows.concatenateAlike(features);
          });
    }
    return new InferenceResult(
        manifest.head(),
        manifest.version(),
        answer,
        manifest,
        novelties == null
            ? null
            : new InferenceResult.SampleNovelty(novelties, familiarity.version()));
  }

  private List<byte[]> labels(float[] scores, int samples) {
    int width = width();
    List<byte[]> labels = new ArrayList<>(samples);
    for (int i = 0; i < samples; i++) {
      labels.add(
          manifest.task() == Task.SINGLE
              ? classes.get(Prediction.best(scores, i * width, width))
              : several(scores, i * width));
    }
    return labels;
  }

  /** A JSON array of the classes that the sample has. */
  private byte[] several(float[] scores, int from) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    json.write('[');
    for (int k = 0; k < classes.size(); k++) {
      if (scores[from + k] >= Prediction.THRESHOLD) {
        if (json.size() > 1) {
          json.write(',');
        }
        json.writeBytes(classes.get(k));
      }
    }
    json.write(']');
    return json.toByteArray();
  }

  /**
   * Predictions were made.
   *
   * @param scores [samples, outputs] row-major
   * @param novelties of the samples; null where nothing says
   */
  void observe(float[] scores, float[] novelties) {
    int width = width();
    for (int n = 0; n < scores.length / width; n++) {
      float novelty = novelties == null ? Float.NaN : novelties[n];
      if (novelties != null) {
        familiarity.drift().observe(novelty);
      }
      float score =
          manifest.task() == Task.REGRESSION
              ? Float.NaN
              : scores[n * width + Prediction.best(scores, n * width, width)];
      listener.predicted(manifest.head(), novelty, score);
    }
  }

  private void novelties(List<Tensor> one) {
    if (familiarity != null) {
      familiarity.novelties(one, new float[1], 0);
    }
  }

  @Override
  void warm() {
    if (manifest.tail() == null) {
      long[] shape = Arrays.stream(batch()).map(dim -> dim < 0 ? 1 : dim).toArray();
      List<Tensor> zeros = List.of(Tensor.zeros(ElementType.FLOAT, shape));
      scores(zeros);
      novelties(zeros);
      long start = System.nanoTime();
      scores(zeros);
      novelties(zeros);
      features.observe(System.nanoTime() - start, 1);
    }
    if (backbone != null) {
      backbone.warm(manifest.tail() == null ? Bases.NOTHING : this::warm);
    }
  }

  private void warm(Features example) {
    scoresOf(List.of(example));
    long start = System.nanoTime();
    scoresOf(List.of(example));
    features.observe(System.nanoTime() - start, 1);
  }

  @Override
  void free() {
    if (trained != null) {
      trained.release();
      return;
    }
    if (session != null) {
      session.close();
      pool.release();
    }
    if (backbone != null) {
      backbone.release();
    }
  }
}
