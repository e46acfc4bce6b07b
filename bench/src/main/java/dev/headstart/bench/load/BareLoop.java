package dev.headstart.bench.load;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.headstart.bench.load.Generator.Result;
import dev.headstart.ort.OrtRuntime;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.HdrHistogram.Histogram;

/** A model called through ONNX Runtime's Java API by as many threads as are asked for. */
final class BareLoop implements AutoCloseable {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final float[] input;
  private final long[] shape;

  /**
   * @param threads of one call; 0 for ONNX Runtime's own choice
   */
  BareLoop(byte[] model, float[] input, long[] shape, int threads) throws OrtException {
    // Loads the native that the server runs on.
    OrtRuntime.canTrain();
    environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      if (threads > 0) {
        options.setIntraOpNumThreads(threads);
      }
      session = environment.createSession(model, options);
    }
    this.input = input;
    this.shape = shape;
  }

  /** Calls for so long, every thread one call after the other. */
  Result run(int callers, double seconds) throws InterruptedException, ExecutionException {
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    List<Future<Histogram>> all = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      all.add(threads.submit(() -> call(end)));
    }
    Histogram together = new Histogram(60_000_000_000L, 3);
    for (Future<Histogram> one : all) {
      together.add(one.get());
    }
    double perSecond = together.getTotalCount() / ((System.nanoTime() - start) / 1e9);
    threads.shutdown();
    return new Result(together, perSecond);
  }

  private Histogram call(long end) throws OrtException {
    Histogram latencies = new Histogram(60_000_000_000L, 3);
    String name = session.getInputNames().iterator().next();
    for (long now = System.nanoTime(); now < end; ) {
      try (OnnxTensor tensor =
              OnnxTensor.createTensor(environment, FloatBuffer.wrap(input), shape);
          OrtSession.Result result = session.run(Map.of(name, tensor))) {
        ((OnnxTensor) result.get(0)).getFloatBuffer();
      }
      long done = System.nanoTime();
      latencies.recordValue(done - now);
      now = done;
    }
    return latencies;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
