package dev.headstart.serving;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.OpenBase;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.Provider;
import dev.headstart.serving.ModelMetadata.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A base model that answers for itself: its own tensors in, its own outputs. */
final class BaseService extends Service {
  static final int VERSION = 1;

  /*
   * A call uses all cores, which is best for one caller. Two such calls at a time wait for one another
   * wherever their threads meet; a larger one, of what has queued up meanwhile, does not.
   * EfficientNet-Lite0 on 2 cores, samples a second: calls of one thread, two at a time, 204; of two
   * threads, two at a time, 156-173; one after another 181-184, with 4 samples each 206.
   */
  private static final int WIDE_CALLS = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);

  /** Nanoseconds that one of them takes at most, where it could take more samples. */
  private static final long WIDE_CALL = Duration.ofMillis(20).toNanos();

  private static final Logger LOG = LoggerFactory.getLogger(BaseService.class);

  private final Bases.SharedWhole base;
  private final InferenceSession session;
  private final ModelMetadata metadata;

  /** Whether requests may share a call, and be divided over several. */
  private final boolean joins;

  private final Cost cost = new Cost();

  private BaseService(Bases.SharedWhole base, int maxBatch) {
    this.base = base;
    this.session = base.session();
    OpenBase open = base.base();
    boolean batched = !open.inputs().isEmpty() && open.inputs().stream().allMatch(Form::batched);
    this.joins =
        batched
            && open.outputs().stream().allMatch(Form::batched)
            && open.base().manifest().batchInvariant()
            && open.inputs().stream().noneMatch(i -> i.type() == ElementType.STRING)
            && open.outputs().stream().noneMatch(o -> o.type() == ElementType.STRING);
    this.metadata =
        new ModelMetadata(
            open.base().id(),
            Kind.BASE,
            VERSION,
            List.of(VERSION),
            List.of(new InputForm(Form.TENSORS, open.inputs())),
            open.outputs(),
            List.of(),
            classes(open.outputs(), open.base().labels()),
            batched ? maxBatch : 0,
            session.provider(),
            null);
  }

  /** Opens a base model; it has one user, the caller. */
  static BaseService open(Bases bases, BaseModel model, int maxBatch) {
    Bases.SharedWhole base = bases.whole(model);
    try {
      return new BaseService(base, maxBatch);
    } catch (RuntimeException | Error e) {
      base.release();
      throw e;
    }
  }

  private static Map<String, List<String>> classes(List<TensorInfo> outputs, List<String> labels) {
    Map<String, List<String>> classes = new LinkedHashMap<>();
    for (TensorInfo output : outputs) {
      long[] shape = output.shape();
      if (!labels.isEmpty()
          && shape != null
          && shape.length > 0
          && shape[shape.length - 1] == labels.size()) {
        classes.put(output.name(), labels);
      }
    }
    return classes;
  }

  ModelMetadata metadata() {
    return metadata;
  }

  @Override
  int version() {
    return VERSION;
  }

  @Override
  void warm() {
    try {
      Map<String, Tensor> inputs = base.base().example();
      session.run(inputs);
      long start = System.nanoTime();
      session.run(inputs);
      cost.observe(System.nanoTime() - start, 1);
    } catch (RuntimeException e) {
      LOG.debug("{} was not warmed: {}", metadata.name(), e.getMessage());
    }
  }

  @Override
  ModelJob job(InferenceRequest request, Duration timeout, Counters counters) {
    int most = metadata.maxBatch() == 0 ? Integer.MAX_VALUE : metadata.maxBatch();
    InputForm form = Form.of(metadata.forms(), request.inputs(), most);
    base.base()
        .rows()
        .forEach((name, rows) -> Form.requireRows(name, request.inputs().get(name), rows));
    List<String> outputs = Form.outputs(request.outputs(), metadata.outputs(), List.of());
    int samples = Form.samples(form, request.inputs());
    return new BaseJob(samples, request, outputs, timeout, counters);
  }

  private record Key(BaseService service, List<String> outputs, List<List<Long>> shapes) {}

  private final class BaseJob extends ModelJob {
    private final Map<String, Tensor> inputs;
    private final List<String> outputs;
    private final Key key;

    /** By the first unit that they are of. */
    private final Map<Integer, Map<String, Tensor>> parts = new TreeMap<>();

    BaseJob(
        int samples,
        InferenceRequest request,
        List<String> outputs,
        Duration timeout,
        Counters counters) {
      super(
          samples, request.priority(), timeout, List.of(BaseService.this), List.of(counters), cost);
      this.inputs = request.inputs();
      this.outputs = outputs;
      this.key = joins ? new Key(BaseService.this, outputs, shapes(inputs)) : null;
    }

    private List<List<Long>> shapes(Map<String, Tensor> tensors) {
      List<List<Long>> shapes = new ArrayList<>();
      for (TensorInfo input : base.base().inputs()) {
        shapes.add(Arrays.stream(tensors.get(input.name()).shape()).skip(1).boxed().toList());
      }
      return shapes;
    }

    @Override
    Object key() {
      return key;
    }

    @Override
    int perCall() {
      if (!joins) {
        return units();
      }
      return metadata.provider() == Provider.CPU
          ? cost.within(WIDE_CALL, metadata.maxBatch())
          : metadata.maxBatch();
    }

    @Override
    int calls() {
      return joins && metadata.provider() == Provider.CPU ? WIDE_CALLS : super.calls();
    }

    @Override
    void run(List<Piece> pieces) {
      long start = System.nanoTime();
      Map<String, Tensor> feed = new LinkedHashMap<>();
      int batch = 0;
      for (TensorInfo input : base.base().inputs()) {
        List<Tensor> rows = new ArrayList<>();
        batch = 0;
        for (Piece piece : pieces) {
          Tensor whole = ((BaseJob) piece.job()).inputs.get(input.name());
          rows.add(joins ? Rows.slice(whole, piece.from(), piece.count()) : whole);
          batch += piece.count();
        }
        feed.put(input.name(), Rows.concatenate(rows));
      }
      long ready = System.nanoTime();
      Map<String, Tensor> results = session.run(feed, new LinkedHashSet<>(outputs));
      long ran = System.nanoTime();
      int row = 0;
      for (Piece piece : pieces) {
        BaseJob job = (BaseJob) piece.job();
        Map<String, Tensor> part = new LinkedHashMap<>();
        for (String output : outputs) {
          Tensor result = results.get(output);
          part.put(output, joins ? Rows.slice(result, row, piece.count()) : result);
        }
        row += piece.count();
        job.put(piece.from(), part);
      }
      executed(batch, ready - start, ran - ready, System.nanoTime() - ran);
    }

    private void put(int from, Map<String, Tensor> part) {
      synchronized (parts) {
        parts.put(from, part);
      }
    }

    @Override
    List<InferenceResult> result() {
      synchronized (parts) {
        Map<String, Tensor> answer = new LinkedHashMap<>();
        for (String output : outputs) {
          answer.put(
              output, Rows.concatenate(parts.values().stream().map(p -> p.get(output)).toList()));
        }
        return List.of(new InferenceResult(metadata.name(), VERSION, answer, null));
      }
    }
  }

  @Override
  void free() {
    base.release();
  }
}
