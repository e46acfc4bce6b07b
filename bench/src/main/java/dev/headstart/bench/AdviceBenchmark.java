package dev.headstart.bench;

import dev.headstart.advise.Advice;
import dev.headstart.advise.AdviceRequest;
import dev.headstart.advise.Advisor;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.ImageSample;
import dev.headstart.train.TrainingListener;
import dev.headstart.workspace.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
 * Advice on a folder of photos against one plain pass of the backbone over them: both read and
 * decode the files, open their session, and remember nothing.
 *
 * <pre>java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main AdviceBenchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 3)
@Measurement(iterations = 5, time = 3)
@Fork(2)
public class AdviceBenchmark {

  /** Folder of JPEG photos, one folder a class. */
  @Param("../shared/data/animals")
  public String photos;

  private final List<ImageSample> samples = new ArrayList<>();
  private BaseModels models;
  private Workspace workspace;

  @Setup
  public void open() throws IOException {
    OrtRuntime.canTrain();
    workspace = Workspace.open(Files.createTempDirectory("advice"));
    models = new BaseModels(workspace.models());
    try (var files = Files.walk(Path.of(photos))) {
      files.filter(Files::isRegularFile).sorted().forEach(f -> samples.add(ImageSample.of(f)));
    }
  }

  /** What teaching at the deepest tap does before it trains. */
  @Benchmark
  public int pass() {
    BaseModel base = models.get("efficientnet-lite0");
    List<Features> all = new ArrayList<>();
    try (Backbone backbone = Backbone.open(base, base.cut("auto"), List.of(Provider.CPU));
        FeatureExtractor extractor = new FeatureExtractor(backbone, FeatureStore.NONE)) {
      extractor.extract(
          samples,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features features) {
              all.add(features);
            }

            @Override
            public void unreadable(int index, String reason) {
              throw new IllegalStateException(reason);
            }
          });
    }
    return all.size();
  }

  /** The whole advice. */
  @Benchmark
  public Advice advise() {
    return new Advisor(
            models,
            workspace.heads(),
            FeatureStore.NONE,
            List.of(Provider.CPU),
            Runtime.getRuntime().availableProcessors())
        .advise(
            new AdviceRequest(DataSource.at(Path.of(photos)), null, "auto", null),
            TrainingListener.NONE);
  }

  @TearDown
  public void close() {
    workspace.close();
  }
}
