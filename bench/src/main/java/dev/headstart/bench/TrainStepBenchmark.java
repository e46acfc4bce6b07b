package dev.headstart.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtTrainingSession;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One training step of a head, batch 32: {@link TrainingSession} against a bare loop over {@code
 * OrtTrainingSession} on the same artifacts.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class TrainStepBenchmark {
  private static final int BATCH = 32;

  /** kind, features, classes. */
  @Param({"linear 1280 10", "mlp:64 384 3"})
  public String head;

  private Path folder;
  private TrainingSession session;
  private TrainingSession.Batch batch;
  private OrtTrainingSession bare;
  private OrtSession.SessionOptions options;
  private final Map<String, OnnxTensor> bareBatch = new LinkedHashMap<>();

  @Setup
  public void open() throws IOException, OrtException {
    OrtRuntime.requireTraining();
    String[] parts = head.split(" ");
    int width = Integer.parseInt(parts[1]);
    int classes = Integer.parseInt(parts[2]);
    float[] zeros = new float[width];
    HeadNetwork network =
        HeadNetwork.fresh(
            HeadKind.parse(parts[0]), new Scaling(zeros, new float[] {1}), classes, 1);
    folder = Files.createTempDirectory("train-step");
    Artifacts.generate(
            network.network(),
            ArtifactOptions.of(Loss.CE, Optimizer.AdamW.pytorch()).trainable(network.trainable()))
        .writeTo(folder);
    Random random = new Random(1);
    float[] features = new float[BATCH * width];
    for (int i = 0; i < features.length; i++) {
      features[i] = (float) random.nextGaussian();
    }
    long[] labels = new long[BATCH];
    Arrays.setAll(labels, i -> i % classes);
    Tensor x = Tensor.of(features, BATCH, width);
    Tensor y = Tensor.of(labels, BATCH);
    session = TrainingSession.open(folder, 1);
    batch = session.bind(Map.of("features", x, "labels", y));

    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    bare =
        environment.createTrainingSession(
            folder.resolve(Artifacts.CHECKPOINT).toString(),
            folder.resolve(Artifacts.TRAINING).toString(),
            null,
            folder.resolve(Artifacts.OPTIMIZER).toString(),
            options);
    bareBatch.put(
        "features",
        OnnxTensor.createTensor(environment, x.floatBuffer(), new long[] {BATCH, width}));
    bareBatch.put(
        "labels", OnnxTensor.createTensor(environment, y.longBuffer(), new long[] {BATCH}));
  }

  @Benchmark
  public float headstart() {
    return session.step(batch);
  }

  @Benchmark
  public float bare() throws OrtException {
    float loss;
    try (OrtSession.Result result = bare.trainStep(bareBatch)) {
      loss = (float) result.get(0).getValue();
    }
    bare.optimizerStep();
    bare.lazyResetGrad();
    return loss;
  }

  @TearDown
  public void close() throws IOException {
    batch.close();
    session.close();
    bareBatch.values().forEach(OnnxTensor::close);
    bare.close();
    options.close();
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
