package dev.headstart.bench;

import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadSession;
import dev.headstart.head.HeadSessions;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
 * One sample through a linear head, 64 features to 10 classes, with one and with 1,000 heads
 * loaded: always the same head, each in turn, and for comparison a native session of its own.
 *
 * <pre>
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main StackedHeads
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class StackedHeadsBenchmark {
  @Param({"1", "1000"})
  public int heads;

  private final Tensor sample = Tensor.of(new float[InferenceBenchmark.WIDTH], 1, 64);
  private final Map<String, Tensor> feed = Map.of("features", sample);
  private final List<HeadSession> stack = new ArrayList<>();
  private HeadSessions pool;
  private InferenceSession own;
  private int next;

  @Setup
  public void open() throws IOException {
    HeadManifest manifest =
        new HeadManifest(
            1,
            "bench",
            1,
            Task.SINGLE,
            new HeadKind.Linear(),
            Modality.VECTOR,
            null,
            null,
            new long[] {InferenceBenchmark.WIDTH},
            List.of(),
            IntStream.range(0, InferenceBenchmark.CLASSES).mapToObj(i -> "c" + i).toList(),
            null,
            null,
            null,
            Map.of());
    Path file = Files.createTempFile("head", ".onnx");
    try {
      InferenceBenchmark.model().write(file);
      pool = new HeadSessions();
      for (int i = 0; i < heads; i++) {
        stack.add(pool.open(manifest, file));
      }
    } finally {
      Files.delete(file);
    }
    own = InferenceSession.open(InferenceBenchmark.model(), SessionSettings.cpu(1));
  }

  @Benchmark
  public float sameHead() {
    return stack.get(0).scores(sample).data().getFloat(0);
  }

  @Benchmark
  public float eachInTurn() {
    next = next + 1 < heads ? next + 1 : 0;
    return stack.get(next).scores(sample).data().getFloat(0);
  }

  @Benchmark
  public float sessionOfItsOwn() {
    return own.run(feed).get("scores").data().getFloat(0);
  }

  @TearDown
  public void close() {
    stack.forEach(HeadSession::close);
    pool.close();
    own.close();
  }
}
