package dev.headstart.bench;

import dev.headstart.Headstart;
import dev.headstart.backbone.BaseModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ImageSample;
import dev.headstart.serving.FeatureSource;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.teach.HeadDraft;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Teaching;
import dev.headstart.teach.TeachingSettings;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * How long it takes from the first picture of a new class to an answer that knows the class: the
 * sample is added and on the disk, its features are computed, and a prediction is given. Beside it
 * what the backbone takes of that, which is preprocessing and a run for the sample, and the same
 * once more for the picture that is asked about.
 *
 * <pre>
 * mvn -q -B -DskipTests package
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.LearningBenchmark
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.LearningBenchmark \
 *     --classes 100 --samples 900
 * </pre>
 *
 * <p>{@code --samples} are there before the first new class, in ten classes.
 */
public final class LearningBenchmark {
  private static final int SIDE = 320;
  private static final HeadDraft PARTS = HeadDraft.of("parts");

  private final Random random = new Random(1);

  private LearningBenchmark() {}

  public static void main(String[] args) throws Exception {
    int classes = option(args, "--classes", 100);
    int samples = option(args, "--samples", 100);
    Path folder = Files.createTempDirectory("learning");
    try (Headstart headstart = Headstart.open(folder);
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      new LearningBenchmark().run(headstart, repository, teaching, classes, samples);
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static int option(String[] args, String name, int standard) {
    int at = Arrays.asList(args).indexOf(name);
    return at < 0 ? standard : Integer.parseInt(args[at + 1]);
  }

  private void run(
      Headstart headstart, ModelRepository repository, Teaching teaching, int classes, int samples)
      throws Exception {
    for (int i = 0; i < samples; i++) {
      teaching.add("parts", PARTS, List.of(sample("old " + i % 10)));
    }
    while (!repository.ready() || teaching.head("parts").samples().pending() > 0) {
      Thread.sleep(20);
    }
    System.out.printf("%d samples in ten classes; %d new classes%n", samples, classes);
    BaseModel base = headstart.models().get("efficientnet-lite0");
    double[] backbone = new double[classes];
    double[] stored = new double[classes];
    double[] whole = new double[classes];
    try (FeatureSource source = repository.features(base, base.cut("pooled"))) {
      for (int i = 0; i < classes; i++) {
        NewSample sample = sample("new " + i);
        long start = System.nanoTime();
        source.of(sample.sample()).toCompletableFuture().get();
        source.of(sample.sample()).toCompletableFuture().get();
        backbone[i] = (System.nanoTime() - start) / 1e6;
        start = System.nanoTime();
        teaching.add("parts", PARTS, List.of(sample));
        stored[i] = (System.nanoTime() - start) / 1e6;
        while (!knows(repository, sample, "new " + i)) {
          Thread.sleep(1);
        }
        whole[i] = (System.nanoTime() - start) / 1e6;
      }
    }
    double[] beyond = new double[classes];
    Arrays.setAll(beyond, i -> whole[i] - backbone[i]);
    say("backbone, two pictures", backbone);
    say("until the sample is on the disk", stored);
    say("from the sample to an answer that knows it", whole);
    say("beyond the backbone", beyond);
  }

  private static void say(String what, double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    System.out.printf(
        "%-45s median %6.1f ms, 95th percentile %6.1f ms%n",
        what, sorted[sorted.length / 2], sorted[sorted.length * 95 / 100]);
  }

  /** It asks for the head's classes first, which costs nothing, so that one prediction is made. */
  private static boolean knows(ModelRepository repository, NewSample sample, String name)
      throws Exception {
    return repository.metadata("parts", null).classes().get("scores").contains(name)
        && repository
            .infer(
                new InferenceRequest(
                    "parts",
                    null,
                    Map.of("image", Tensor.strings(List.of(sample.sample().bytes()), 1)),
                    List.of(),
                    0,
                    null))
            .toCompletableFuture()
            .get()
            .head()
            .classes()
            .contains(name);
  }

  /** Noise in a colour of its own, as large as a camera's preview. */
  private NewSample sample(String label) throws IOException {
    BufferedImage image = new BufferedImage(SIDE, SIDE * 3 / 4, BufferedImage.TYPE_INT_RGB);
    int colour = new Color(random.nextInt(0xFFFFFF)).getRGB();
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        image.setRGB(x, y, colour ^ random.nextInt(0x40));
      }
    }
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    ImageIO.write(image, "jpeg", jpeg);
    return new NewSample(
        ImageSample.of("a.jpeg", jpeg.toByteArray()),
        new ClassLabel(label),
        "image/jpeg",
        StoredSample.Source.API);
  }
}
