package dev.headstart.bench.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.headstart.Headstart;
import dev.headstart.head.HeadKind;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.grpc.proto.ModelStreamInferResponse;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TrainingListener;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Mixed load for as long as one likes, while another process's versions go live and back every
 * second: JSON and binary tensors over HTTP, pictures and texts as they are, several heads at once,
 * gRPC and its streams. Every answer is compared with what the version that it names answers by
 * itself, so a lost request, a mixed version and a wrong score are each a failure. The server's
 * memory and native handles are printed as they develop.
 *
 * <pre>
 * mvn -q -B -DskipTests package
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.load.Soak --minutes 60
 * </pre>
 *
 * <p>Exit status 0 if nothing failed, every head was seen in several versions, and memory stayed
 * flat; else 1.
 */
public final class Soak implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int VERSIONS = 3;

  /** Scores differ by less between batches of different sizes, and by more between versions. */
  private static final double TOLERANCE = 2e-3;

  /** Growth of resident memory, from the second quarter to the last, that is called flat. */
  private static final double FLAT = 1.05;

  private static final int SHOWN = 20;

  private final Path workspace;
  private final Headstart headstart;
  private final Map<String, List<Sample>> samples = new HashMap<>();

  /** Scores by head, version and sample. */
  private final Map<String, float[]> expected = new HashMap<>();

  private final Map<String, Set<Integer>> seen = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> answered = new ConcurrentHashMap<>();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong swaps = new AtomicLong();
  private final HttpClient http = HttpClient.newHttpClient();
  private ServerProcess server;
  private ManagedChannel channel;
  private volatile long end;

  private Soak(Path folder) throws IOException {
    workspace = folder.resolve("workspace");
    headstart = Headstart.open(workspace);
    Path vectors = folder.resolve("vectors.jsonl");
    Random random = new Random(5);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      float[] features = new float[16];
      for (int j = 0; j < features.length; j++) {
        features[j] = (float) random.nextGaussian();
      }
      String label = features[0] > 0 ? "plus" : features[1] > 0 ? "even" : "minus";
      lines.add("{\"features\":" + Arrays.toString(features) + ",\"label\":\"" + label + "\"}");
      if (i < 4) {
        samples
            .computeIfAbsent("signs", n -> new ArrayList<>())
            .add(new VectorSample("v" + i, features));
      }
    }
    Files.write(vectors, lines);
    for (String text : List.of("win money now", "see you at lunch", "Ünïcode \uD83D\uDE00 too")) {
      for (String head : List.of("mail", "post")) {
        samples.computeIfAbsent(head, n -> new ArrayList<>()).add(new TextSample(text, text));
      }
    }
    try (Stream<Path> pictures = Files.list(Path.of("examples/fashion/test/bag"))) {
      samples.put("clothes", pictures.sorted().limit(3).<Sample>map(ImageSample::of).toList());
    }
    teach("signs", vectors);
    teach("mail", Path.of("examples/mail/train.jsonl"));
    teach("post", Path.of("examples/mail/train.jsonl"));
    teach("clothes", Path.of("examples/fashion/train"));
  }

  /** Several versions whose scores differ widely. */
  private void teach(String head, Path data) {
    for (int version = 1; version <= VERSIONS; version++) {
      RecipeOptions recipe =
          RecipeOptions.of(new HeadKind.Linear())
              .with(RecipeOptions.Passes.of(version * version, null))
              .with(new RecipeOptions.Judging(null, null, false))
              .seed(version);
      headstart.teach(
          new TeachRequest(head, data, null, "auto", recipe, TeachRequest.Promotion.ALWAYS),
          TrainingListener.NONE);
      try (var predictor = headstart.predictor(head, version)) {
        List<String> classes = predictor.manifest().classes();
        for (int i = 0; i < samples.get(head).size(); i++) {
          var scores = predictor.predict(samples.get(head).get(i)).scores();
          float[] values = new float[classes.size()];
          for (int k = 0; k < values.length; k++) {
            values[k] = scores.get(classes.get(k));
          }
          expected.put(head + "/" + version + "/" + i, values);
        }
      }
    }
  }

  /** Runs it; option {@code --minutes N}, 60 if nothing is said. */
  public static void main(String[] arguments) throws Exception {
    double minutes =
        Double.parseDouble(LoadTest.options(arguments).getOrDefault("--minutes", "60"));
    boolean good;
    try (Soak soak = new Soak(Files.createTempDirectory("headstart-soak"))) {
      good = soak.run(minutes);
    }
    System.exit(good ? 0 : 1);
  }

  /** Something that is asked again and again. */
  private interface Question {
    void ask(int turn) throws Exception;
  }

  private boolean run(double minutes) throws Exception {
    server = ServerProcess.headstart(workspace);
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.grpcPort).usePlaintext().build();
    long start = System.nanoTime();
    end = start + (long) (minutes * 60e9);
    List<Thread> threads = new ArrayList<>();
    threads.add(start("swap", this::swap));
    threads.add(start("JSON", this::askJson));
    threads.add(start("binary", this::askBinary));
    threads.add(start("text", turn -> askText(turn, List.of("mail", "post").get(turn % 2))));
    threads.add(start("picture", this::askPicture));
    threads.add(start("several heads", this::askSeveral));
    threads.add(start("gRPC", this::askGrpc));
    threads.add(start("old version", this::askOldVersion));
    threads.add(start("stream", turn -> askStream()));
    List<long[]> memory = watch(start, minutes);
    for (Thread thread : threads) {
      thread.join(TimeUnit.MINUTES.toMillis(2));
      if (thread.isAlive()) {
        fail(thread.getName(), "it hangs");
      }
    }
    return verdict(memory);
  }

  private Thread start(String name, Question question) {
    AtomicLong count = new AtomicLong();
    if (!name.equals("swap")) {
      answered.put(name, count);
    }
    Thread thread =
        new Thread(
            () -> {
              for (int turn = 0; System.nanoTime() < end; turn++) {
                try {
                  question.ask(turn);
                  count.incrementAndGet();
                } catch (Exception | AssertionError e) {
                  fail(name, e.toString());
                }
              }
            },
            name);
    thread.start();
    return thread;
  }

  private void fail(String who, String why) {
    failed.incrementAndGet();
    if (failures.size() < SHOWN) {
      failures.add(who + ": " + why);
      System.out.println("FAILED " + who + ": " + why);
    }
  }

  private void swap(int turn) throws InterruptedException {
    Thread.sleep(1000);
    for (String head : samples.keySet()) {
      if (turn % 5 == 4) {
        headstart.heads().rollback(head);
      } else {
        headstart.heads().promote(head, 1 + turn % VERSIONS);
      }
      swaps.incrementAndGet();
    }
  }

  // What is asked

  private JsonNode post(String path, String header, String value, byte[] body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port + path))
            .timeout(Duration.ofSeconds(60))
            .header(header, value)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    HttpResponse<byte[]> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() != 200) {
      throw new IOException(
          "status "
              + response.statusCode()
              + ": "
              + new String(response.body(), StandardCharsets.UTF_8));
    }
    return JSON.readTree(response.body());
  }

  private void askJson(int turn) throws Exception {
    int sample = turn % samples.get("signs").size();
    float[] features = ((VectorSample) samples.get("signs").get(sample)).values();
    JsonNode answer =
        post(
            "/v2/models/signs/infer",
            "Content-Type",
            "application/json",
            ("{\"inputs\":[{\"name\":\"features\",\"shape\":[1,16],\"datatype\":\"FP32\",\"data\":"
                    + Arrays.toString(features)
                    + "}]}")
                .getBytes(StandardCharsets.UTF_8));
    check(
        "signs",
        answer.get("model_version").asInt(),
        sample,
        floats(answer.get("outputs").get(0).get("data")));
  }

  private void askBinary(int turn) throws Exception {
    int sample = turn % samples.get("signs").size();
    float[] features = ((VectorSample) samples.get("signs").get(sample)).values();
    byte[] head =
        "{\"inputs\":[{\"name\":\"features\",\"shape\":[1,16],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":64}}]}"
            .getBytes(StandardCharsets.UTF_8);
    byte[] body = ByteBuffer.allocate(head.length + 64).put(head).put(raw(features)).array();
    JsonNode answer =
        post(
            "/v2/models/signs/infer",
            "Inference-Header-Content-Length",
            Integer.toString(head.length),
            body);
    check(
        "signs",
        answer.get("model_version").asInt(),
        sample,
        floats(answer.get("outputs").get(0).get("data")));
  }

  private void askText(int turn, String head) throws Exception {
    int sample = turn % samples.get(head).size();
    String text = ((TextSample) samples.get(head).get(sample)).text();
    JsonNode answer =
        post(
            "/v1/heads/" + head + "/predict",
            "Content-Type",
            "text/plain; charset=utf-8",
            text.getBytes(StandardCharsets.UTF_8));
    checkNamed(head, sample, answer);
  }

  private void askPicture(int turn) throws Exception {
    int sample = turn % samples.get("clothes").size();
    JsonNode answer =
        post("/v1/heads/clothes/predict", "Content-Type", "image/png", picture(sample));
    checkNamed("clothes", sample, answer);
    Thread.sleep(50);
  }

  private byte[] picture(int sample) {
    return ((ImageSample) samples.get("clothes").get(sample)).bytes();
  }

  private void askSeveral(int turn) throws Exception {
    int sample = turn % samples.get("mail").size();
    String text = ((TextSample) samples.get("mail").get(sample)).text();
    JsonNode answers =
        post(
            "/v1/predict?heads=mail,post",
            "Content-Type",
            "text/plain; charset=utf-8",
            text.getBytes(StandardCharsets.UTF_8));
    for (String head : List.of("mail", "post")) {
      checkNamed(head, sample, answers.get("predictions").get(head));
    }
  }

  private GRPCInferenceServiceBlockingStub grpc() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  private ModelInferRequest.Builder ofText(String head, int sample) {
    byte[] text =
        ((TextSample) samples.get(head).get(sample)).text().getBytes(StandardCharsets.UTF_8);
    return ModelInferRequest.newBuilder()
        .setModelName(head)
        .addInputs(InferInputTensor.newBuilder().setName("text").setDatatype("BYTES").addShape(1))
        .addRawInputContents(ByteString.copyFrom(Tensor.strings(List.of(text), 1).data()));
  }

  private void askGrpc(int turn) {
    String head = List.of("mail", "post").get(turn % 2);
    int sample = turn % samples.get(head).size();
    check(head, sample, grpc().modelInfer(ofText(head, sample).build()));
  }

  private void askOldVersion(int turn) throws Exception {
    int version = 1 + turn % VERSIONS;
    ModelInferResponse answer =
        grpc().modelInfer(ofText("mail", 0).setModelVersion(Integer.toString(version)).build());
    if (!answer.getModelVersion().equals(Integer.toString(version))) {
      throw new IOException("asked for version " + version + ", got " + answer.getModelVersion());
    }
    check("mail", 0, answer);
    Thread.sleep(100);
  }

  private void askStream() throws Exception {
    SynchronousQueue<Object> answers = new SynchronousQueue<>();
    StreamObserver<ModelInferRequest> requests =
        GRPCInferenceServiceGrpc.newStub(channel)
            .modelStreamInfer(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ModelStreamInferResponse response) {
                    hand(response);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    hand(failure);
                  }

                  @Override
                  public void onCompleted() {
                    hand("complete");
                  }

                  private void hand(Object what) {
                    try {
                      answers.offer(what, 60, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  }
                });
    int count = 100;
    for (int i = 0; i < count; i++) {
      int sample = i % samples.get("signs").size();
      float[] features = ((VectorSample) samples.get("signs").get(sample)).values();
      requests.onNext(
          ModelInferRequest.newBuilder()
              .setModelName("signs")
              .setId(Integer.toString(i))
              .addInputs(
                  InferInputTensor.newBuilder()
                      .setName("features")
                      .setDatatype("FP32")
                      .addShape(1)
                      .addShape(16))
              .addRawInputContents(ByteString.copyFrom(raw(features)))
              .build());
    }
    requests.onCompleted();
    for (int i = 0; i < count; i++) {
      Object answer = answers.poll(60, TimeUnit.SECONDS);
      if (!(answer instanceof ModelStreamInferResponse response)
          || !response.getErrorMessage().isEmpty()
          || !response.getInferResponse().getId().equals(Integer.toString(i))) {
        throw new IOException("answer " + i + " of a stream is " + answer);
      }
      check("signs", i % samples.get("signs").size(), response.getInferResponse());
    }
    if (!"complete".equals(answers.poll(60, TimeUnit.SECONDS))) {
      throw new IOException("a stream does not end");
    }
  }

  // What is answered

  private static float[] floats(JsonNode data) {
    float[] values = new float[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) data.get(i).asDouble();
    }
    return values;
  }

  private static byte[] raw(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  private void check(String head, int sample, ModelInferResponse answer) {
    ByteBuffer raw =
        answer.getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    float[] scores = new float[raw.remaining() / 4];
    raw.asFloatBuffer().get(scores);
    int version = Integer.parseInt(answer.getModelVersion());
    check(head, version, sample, scores);
    String label =
        new String(
            new Tensor(
                    ElementType.STRING,
                    new long[] {1},
                    answer.getRawOutputContents(1).asReadOnlyByteBuffer())
                .strings()
                .get(0),
            StandardCharsets.UTF_8);
    List<String> classes = headstart.heads().load(head, version).manifest().classes();
    int best = 0;
    for (int k = 1; k < scores.length; k++) {
      best = scores[k] > scores[best] ? k : best;
    }
    if (!classes.get(best).equals(label)) {
      throw new AssertionError(head + ": label " + label + " for " + Arrays.toString(scores));
    }
  }

  private void checkNamed(String head, int sample, JsonNode answer) {
    int version = answer.get("version").asInt();
    List<String> classes = headstart.heads().load(head, version).manifest().classes();
    float[] scores = new float[classes.size()];
    for (int k = 0; k < scores.length; k++) {
      scores[k] = (float) answer.get("scores").get(classes.get(k)).asDouble();
    }
    check(head, version, sample, scores);
  }

  private void check(String head, int version, int sample, float[] scores) {
    float[] right = expected.get(head + "/" + version + "/" + sample);
    if (right == null || right.length != scores.length) {
      throw new AssertionError(head + " version " + version + ": " + scores.length + " scores");
    }
    for (int k = 0; k < scores.length; k++) {
      if (!(Math.abs(scores[k] - right[k]) <= TOLERANCE)) {
        throw new AssertionError(
            head
                + " version "
                + version
                + ": "
                + Arrays.toString(scores)
                + " instead of "
                + Arrays.toString(right));
      }
    }
    seen.computeIfAbsent(head, n -> ConcurrentHashMap.newKeySet()).add(version);
  }

  // How the server fares

  /** Prints a line now and then; gives resident MB, heap MB and native handles of each. */
  private List<long[]> watch(long start, double minutes) throws Exception {
    List<long[]> memory = new ArrayList<>();
    long pause = Math.max(2_000, (long) (minutes * 60_000 / 60));
    System.out.printf(
        "%8s %10s %9s %8s %8s %8s %8s%n",
        "minute", "answers", "swaps", "failed", "RSS MB", "heap MB", "handles");
    while (System.nanoTime() < end) {
      Thread.sleep(Math.min(pause, Math.max(1, (end - System.nanoTime()) / 1_000_000)));
      Map<String, Double> metrics = metrics();
      long[] now = {
        server.residentMegabytes(),
        (long) (metrics.getOrDefault("heap", 0.0) / (1 << 20)),
        metrics.getOrDefault("handles", -1.0).longValue()
      };
      memory.add(now);
      System.out.printf(
          Locale.ROOT,
          "%8.1f %,10d %,9d %8d %8d %8d %8d%n",
          (System.nanoTime() - start) / 60e9,
          answered.values().stream().mapToLong(AtomicLong::get).sum(),
          swaps.get(),
          failed.get(),
          now[0],
          now[1],
          now[2]);
    }
    return memory;
  }

  private Map<String, Double> metrics() throws Exception {
    HttpResponse<Stream<String>> response =
        http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port + "/prometheus"))
                .timeout(Duration.ofSeconds(60))
                .build(),
            HttpResponse.BodyHandlers.ofLines());
    Map<String, Double> found = new HashMap<>();
    response
        .body()
        .forEach(
            line -> {
              String name =
                  line.startsWith("jvm_memory_used_bytes") && line.contains("\"heap\"")
                      ? "heap"
                      : line.startsWith("headstart_native_handles") ? "handles" : null;
              if (name != null) {
                found.merge(
                    name,
                    Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)),
                    Double::sum);
              }
            });
    return found;
  }

  private boolean verdict(List<long[]> memory) {
    answered.forEach((name, count) -> System.out.printf("%-14s %,12d%n", name, count.get()));
    int quarter = memory.size() / 4;
    double before = mean(memory.subList(quarter, Math.max(quarter + 1, 2 * quarter)));
    double after = mean(memory.subList(Math.min(memory.size() - 1, 3 * quarter), memory.size()));
    boolean flat = after <= before * FLAT;
    boolean swapped =
        samples.keySet().stream().allMatch(head -> seen.getOrDefault(head, Set.of()).size() > 1);
    boolean silent = answered.values().stream().anyMatch(count -> count.get() == 0);
    System.out.printf(
        Locale.ROOT,
        "%d failed; versions seen %s; resident %.0f MB in the second quarter, %.0f MB in the last%n",
        failed.get(),
        seen,
        before,
        after);
    boolean good = failed.get() == 0 && flat && swapped && !silent;
    System.out.println(good ? "GOOD" : "NOT GOOD");
    return good;
  }

  private static double mean(List<long[]> memory) {
    return memory.stream().mapToLong(each -> each[0]).average().orElseThrow();
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (server != null) {
      server.close();
    }
    headstart.close();
  }
}
