package dev.headstart.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Task;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One sample through a linear model, 64 floats to 10 scores: {@link InferenceSession} against a
 * bare {@code OrtSession}. Both make the input tensor, run, and copy the scores out.
 *
 * <pre>
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main InferenceBenchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class InferenceBenchmark {
  static final int WIDTH = 64;
  static final int CLASSES = 10;
  private static final long[] SHAPE = {1, WIDTH};

  private final Map<String, Tensor> direct = Map.of("features", Tensor.of(new float[WIDTH], SHAPE));
  private final Map<String, Tensor> heap =
      Map.of(
          "features",
          new Tensor(dev.headstart.onnx.ElementType.FLOAT, SHAPE, ByteBuffer.allocate(4 * WIDTH)));
  private final ByteBuffer bareDirect =
      ByteBuffer.allocateDirect(4 * WIDTH).order(ByteOrder.nativeOrder());

  private InferenceSession session;
  private OrtSession.SessionOptions options;
  private OrtSession bare;

  /** The stored model of a linear head with weights of zero. */
  static OnnxModel model() {
    Scaling scaling = new Scaling(new float[WIDTH], new float[] {1});
    return HeadNetwork.fresh(new HeadKind.Linear(), scaling, CLASSES, 1)
        .model(new long[] {WIDTH}, Task.SINGLE, null, HeadNetwork.OPSET);
  }

  @Setup
  public void open() throws OrtException {
    OrtRuntime.canTrain();
    session = InferenceSession.open(model(), SessionSettings.cpu(1));
    options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    bare = OrtEnvironment.getEnvironment().createSession(model().toBytes(), options);
  }

  @Benchmark
  public float headstart() {
    return session.run(direct).get("scores").data().getFloat(0);
  }

  @Benchmark
  public float headstartFromHeap() {
    return session.run(heap).get("scores").data().getFloat(0);
  }

  @Benchmark
  public float bare() throws OrtException {
    try (OnnxTensor input =
            OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(), bareDirect.asFloatBuffer(), SHAPE);
        OrtSession.Result result = bare.run(Map.of("features", input))) {
      return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
    }
  }

  @TearDown
  public void close() throws OrtException {
    session.close();
    bare.close();
    options.close();
  }
}
