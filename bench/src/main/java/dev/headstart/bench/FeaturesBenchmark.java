package dev.headstart.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ImageSample;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
 * Features of a folder of photos, decoded beforehand: {@link FeatureExtractor} against a bare loop
 * over {@code OrtSession} with several settings of batch, threads a call, and calls at once.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
@Fork(2)
public class FeaturesBenchmark {

  /** Folder of JPEG photos, one folder a class. */
  @Param("../shared/data/animals")
  public String photos;

  /** {@code headstart}, or for the bare loop: batch, threads a call, calls at once. */
  @Param({"headstart", "1 1 2", "1 2 1", "4 1 2", "4 2 1", "8 2 1", "16 2 1"})
  public String how;

  private Backbone backbone;
  private FeatureExtractor extractor;
  private final List<Map<String, Tensor>> inputs = new ArrayList<>();
  private OrtSession.SessionOptions options;
  private OrtSession session;
  private ExecutorService pool;
  private final List<OnnxTensor> batches = new ArrayList<>();

  @Setup
  public void open() throws IOException, OrtException {
    OrtRuntime.canTrain();
    BaseModel base = new BaseModels(Path.of("none")).get("efficientnet-lite0");
    backbone = Backbone.open(base, base.cut("auto"), List.of(Provider.CPU));
    extractor = new FeatureExtractor(backbone, FeatureStore.NONE);
    try (var files = Files.walk(Path.of(photos))) {
      files
          .filter(Files::isRegularFile)
          .sorted()
          .forEach(f -> inputs.add(backbone.preprocess(ImageSample.of(f))));
    }
    if (how.equals("headstart")) {
      return;
    }
    String[] parts = how.split(" ");
    int batch = Integer.parseInt(parts[0]);
    options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(Integer.parseInt(parts[1]));
    byte[] front = ModelCutter.cut(base.model(), backbone.cut().tensor()).front().toBytes();
    session = OrtEnvironment.getEnvironment().createSession(front, options);
    pool = Executors.newFixedThreadPool(Integer.parseInt(parts[2]));
    for (int from = 0; from < inputs.size(); from += batch) {
      int count = Math.min(batch, inputs.size() - from);
      ByteBuffer pixels =
          ByteBuffer.allocateDirect(count * 3 * 224 * 224 * 4).order(ByteOrder.nativeOrder());
      for (int i = from; i < from + count; i++) {
        pixels.put(inputs.get(i).get("pixels").data());
      }
      batches.add(
          OnnxTensor.createTensor(
              OrtEnvironment.getEnvironment(),
              pixels.flip().asFloatBuffer(),
              new long[] {count, 3, 224, 224}));
    }
  }

  @Benchmark
  public Object features() throws Exception {
    if (how.equals("headstart")) {
      List<Features> features = extractor.run(inputs);
      return features;
    }
    List<Callable<Object>> calls = new ArrayList<>();
    for (OnnxTensor batch : batches) {
      calls.add(
          () -> {
            try (OrtSession.Result result = session.run(Map.of("pixels", batch))) {
              return result.get(0).getValue();
            }
          });
    }
    List<Object> features = new ArrayList<>();
    for (Future<Object> future : pool.invokeAll(calls)) {
      features.add(future.get());
    }
    return features;
  }

  @TearDown
  public void close() throws OrtException {
    extractor.close();
    backbone.close();
    if (session != null) {
      batches.forEach(OnnxTensor::close);
      session.close();
      options.close();
      pool.shutdown();
    }
  }
}
