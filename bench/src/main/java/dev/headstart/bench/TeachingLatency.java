package dev.headstart.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.Headstart;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.TextSample;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.teach.HeadDraft;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Run;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Teaching;
import dev.headstart.teach.TeachingSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a run costs those who ask meanwhile: how long predictions of a head on texts take while
 * another run of it trains, against without, in turns, one request after the other.
 *
 * <pre>
 * mvn -q -B -DskipTests package
 * java -XX:ThreadPriorityPolicy=1 -XX:JavaPriority1_To_OSPriority=19 \
 *     -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.TeachingLatency
 * </pre>
 *
 * <p>The options are those of {@code ./headstart serve}: they make what trains nice.
 */
public final class TeachingLatency {
  private static final String HEAD = "notes";
  private static final byte[] QUESTION =
      "Is this part good, or bad?".getBytes(StandardCharsets.UTF_8);
  private static final int ROUNDS = 6;
  private static final int REQUESTS = 300;
  private static final HeadDraft NOTES = HeadDraft.of(HEAD);

  private TeachingLatency() {}

  public static void main(String[] args) throws Exception {
    Path folder = Files.createTempDirectory("latency");
    try (Headstart headstart = Headstart.open(folder);
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      measure(repository, teaching);
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static void measure(ModelRepository repository, Teaching teaching) throws Exception {
    List<NewSample> samples = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String label = i % 2 == 0 ? "good" : "bad";
      samples.add(
          new NewSample(
              new TextSample("a note", "This part is " + label + ", number " + i),
              new ClassLabel(label),
              "text/plain",
              StoredSample.Source.API));
    }
    teaching.add(HEAD, NOTES, samples);
    over(teaching, teaching.runs().submit(HEAD, null, Run.Cause.REQUEST));
    while (!repository.ready()) {
      Thread.sleep(20);
    }
    ask(repository);
    ObjectNode longer = JsonNodeFactory.instance.objectNode();
    longer.put("kind", "mlp:512").put("epochs", 100_000).put("patience", 0);
    List<Double> alone = new ArrayList<>();
    List<Double> beside = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      alone.addAll(ask(repository));
      Run run = teaching.runs().submit(HEAD, longer, Run.Cause.REQUEST);
      while (teaching.runs().get(HEAD, run.id()).epochs().isEmpty()) {
        Thread.sleep(5);
      }
      beside.addAll(ask(repository));
      teaching.runs().cancel(HEAD, run.id());
      over(teaching, run);
    }
    for (double part : new double[] {0.5, 0.95, 0.99}) {
      double without = at(alone, part);
      double with = at(beside, part);
      System.out.printf(
          "percentile %2.0f: %6.2f ms alone, %6.2f ms while a run trains: %.2f times%n",
          100 * part, without, with, with / without);
    }
  }

  private static double at(List<Double> millis, double part) {
    double[] sorted = millis.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[(int) (part * sorted.length)];
  }

  private static void over(Teaching teaching, Run run) throws InterruptedException {
    while (!teaching.runs().get(HEAD, run.id()).run().state().ended()) {
      Thread.sleep(5);
    }
  }

  private static List<Double> ask(ModelRepository repository) throws Exception {
    Double[] millis = new Double[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
      long start = System.nanoTime();
      repository
          .infer(
              new InferenceRequest(
                  HEAD,
                  null,
                  Map.of("text", Tensor.strings(List.of(QUESTION), 1)),
                  List.of(),
                  0,
                  null))
          .toCompletableFuture()
          .get();
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    return Arrays.asList(millis);
  }
}
