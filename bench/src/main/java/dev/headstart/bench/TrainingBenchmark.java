package dev.headstart.bench;

import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.artifact.TrainingPlan;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.CutModels;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.TrainingSession;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Training steps side by side: candidates of one group take turns, a step each, so that a noisy
 * machine is noisy for all; the median of each is told, then the peak of memory of a process of its
 * own (Linux) beside the plan's.
 *
 * <pre>
 * mvn -q -B -DskipTests -Pminilm-fp32 package
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.TrainingBenchmark \
 *     ../shared STEPS [WHOLE [FROZEN_FRONT]]
 * </pre>
 *
 * WHOLE and FROZEN_FRONT are folders of artifacts that Microsoft's generator made of
 * EfficientNet-Lite0: all parameters trained, or the last block's only. MiniLM's peer is
 * bench/peers/minilm_last_layer.py.
 */
public final class TrainingBenchmark {
  private static final int THREADS = 2;
  private static final String LAST_BLOCK = "golden/efficientnet-lite0-last-block";
  private static final String LAST_CUT = "/_blocks.14/Add_output_0";
  private static final String LAST_LAYER = "/encoder/layer.4/output/LayerNorm/Add_1_output_0";

  private TrainingBenchmark() {}

  /**
   * One way to do the work.
   *
   * @param plan of artifacts written here; null for those of others
   */
  private record Candidate(
      String name, Path folder, Map<String, TensorInfo> inputs, TrainingPlan plan) {}

  public static void main(String[] args) throws IOException, InterruptedException {
    OrtRuntime.requireTraining();
    if (args[0].equals("--peak")) {
      peak(Path.of(args[1]), Arrays.copyOfRange(args, 2, args.length));
      return;
    }
    Path shared = Path.of(args[0]);
    int steps = Integer.parseInt(args[1]);
    Path folder = Files.createTempDirectory("training-benchmark");
    try {
      OnnxModel model = OnnxModel.read(shared.resolve("models/efficientnet-lite0/model.onnx"));
      OnnxModel last = OnnxModel.read(shared.resolve(LAST_BLOCK).resolve("forward.onnx"));
      List<String> parameters = new ArrayList<>(parametersAfter(model, LAST_CUT));
      Map<String, TensorInfo> images = Map.of("pixels", floats("pixels", 10, 3, 224, 224));
      Map<String, TensorInfo> features = Map.of(LAST_CUT, floats(LAST_CUT, 10, 192, 7, 7));

      List<Candidate> block = new ArrayList<>();
      block.add(ours("last block, from features", folder, last, null, features));
      block.add(theirs("last block, Python's", shared.resolve(LAST_BLOCK), features));
      block.add(ours("whole graph, frozen front", folder, model, parameters, images));
      if (args.length > 3) {
        block.add(theirs("whole graph, frozen front, Python's", Path.of(args[3]), images));
      }
      compare(block, steps);

      List<Candidate> whole = new ArrayList<>();
      whole.add(ours("EfficientNet-Lite0", folder, model, null, images));
      if (args.length > 2) {
        whole.add(theirs("EfficientNet-Lite0, Python's", Path.of(args[2]), images));
      }
      compare(whole, Math.max(1, steps / 4));

      OnnxModel minilm = minilm();
      if (minilm != null) {
        compare(List.of(lastLayer(folder, minilm)), steps);
      }
    } finally {
      try (var files = Files.walk(folder)) {
        for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static List<String> parametersAfter(OnnxModel model, String cut) {
    return ModelCutter.cut(model, cut).back().initializers().entrySet().stream()
        .filter(e -> e.getValue().type() == ElementType.FLOAT && e.getValue().shape().length > 0)
        .map(Map.Entry::getKey)
        .toList();
  }

  private static TensorInfo floats(String name, long... shape) {
    return new TensorInfo(name, ElementType.FLOAT, shape);
  }

  private static Candidate ours(
      String name,
      Path folder,
      OnnxModel model,
      List<String> trainable,
      Map<String, TensorInfo> inputs) {
    Artifacts artifacts =
        Artifacts.generate(
            model, ArtifactOptions.of(Loss.CE, Optimizer.AdamW.microsoft()).trainable(trainable));
    Path place = folder.resolve(name.replaceAll("\\W+", "-"));
    artifacts.writeTo(place);
    Map<String, TensorInfo> all = withLabels(inputs);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    all.forEach((input, info) -> shapes.put(input, info.shape()));
    return new Candidate(name, place, all, TrainingPlan.of(artifacts, shapes));
  }

  private static Candidate theirs(String name, Path folder, Map<String, TensorInfo> inputs) {
    return new Candidate(name, folder, withLabels(inputs), null);
  }

  private static Map<String, TensorInfo> withLabels(Map<String, TensorInfo> inputs) {
    Map<String, TensorInfo> all = new LinkedHashMap<>(inputs);
    long batch = inputs.values().iterator().next().shape()[0];
    all.put("labels", new TensorInfo("labels", ElementType.INT64, new long[] {batch}));
    return all;
  }

  private static OnnxModel minilm() throws IOException {
    String resource = "all-minilm-l6-v2.onnx";
    try (InputStream in = TrainingBenchmark.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        System.out.println("no float MiniLM on the class path: build with -Pminilm-fp32");
        return null;
      }
      return OnnxModel.read(in.readAllBytes(), resource);
    }
  }

  /** The last layer, the mean over the tokens, and a classifier of 3: batch 16, 64 tokens. */
  private static Candidate lastLayer(Path folder, OnnxModel minilm) {
    CutModels parts = ModelCutter.cut(minilm, LAST_LAYER);
    GraphBuilder graph = new GraphBuilder(parts.back());
    Value hidden = graph.value(parts.back().outputs().get(0).name());
    Attribute none = Attribute.of("keepdims", 0);
    Value pooled =
        graph.opset() < 18
            ? graph.node(
                Operator.REDUCE_MEAN, List.of(hidden), Attribute.of("axes", new long[] {1}), none)
            : graph.node(
                Operator.REDUCE_MEAN, List.of(hidden, graph.constant(Tensor.vector(1))), none);
    Random random = new Random(1);
    float[] weight = new float[384 * 3];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) (0.05 * random.nextGaussian());
    }
    Value logits =
        graph.named(
            "logits",
            Operator.GEMM,
            List.of(
                pooled,
                graph.initializer("classifier.weight", Tensor.of(weight, 384, 3)),
                graph.initializer("classifier.bias", Tensor.of(new float[3], 3))));
    graph.clearOutputs().output(logits, ElementType.FLOAT, -1, 3);
    OnnxModel model = graph.build();
    Map<String, TensorInfo> shapes = ShapeInference.infer(model);
    Map<String, TensorInfo> inputs = new LinkedHashMap<>();
    for (TensorInfo input : model.inputs()) {
      long[] shape = shapes.get(input.name()).shape().clone();
      for (int i = 0; i < shape.length; i++) {
        shape[i] = shape[i] >= 0 ? shape[i] : i == 0 ? 16 : 64;
      }
      inputs.put(input.name(), new TensorInfo(input.name(), input.type(), shape));
    }
    return ours("float MiniLM's last layer", folder, model, null, inputs);
  }

  private static Map<String, Tensor> batch(Iterable<TensorInfo> inputs) {
    Random random = new Random(1);
    Map<String, Tensor> batch = new LinkedHashMap<>();
    for (TensorInfo input : inputs) {
      Tensor tensor = Tensor.zeros(input.type(), input.shape());
      if (input.type() == ElementType.FLOAT && input.shape().length > 2) {
        for (int i = 0; i < tensor.elements(); i++) {
          tensor.data().putFloat(4 * i, 0.5f * (float) random.nextGaussian());
        }
      }
      batch.put(input.name(), tensor);
    }
    return batch;
  }

  private static void compare(List<Candidate> candidates, int steps)
      throws IOException, InterruptedException {
    List<TrainingSession> sessions = new ArrayList<>();
    List<TrainingSession.Batch> batches = new ArrayList<>();
    double[][] millis = new double[candidates.size()][steps];
    for (Candidate candidate : candidates) {
      TrainingSession session = TrainingSession.open(candidate.folder(), THREADS);
      sessions.add(session);
      batches.add(session.bind(batch(candidate.inputs().values())));
      session.step(batches.get(batches.size() - 1));
      session.step(batches.get(batches.size() - 1));
    }
    for (int step = 0; step < steps; step++) {
      for (int i = 0; i < sessions.size(); i++) {
        long start = System.nanoTime();
        sessions.get(i).step(batches.get(i));
        millis[i][step] = (System.nanoTime() - start) / 1e6;
      }
    }
    batches.forEach(TrainingSession.Batch::close);
    sessions.forEach(TrainingSession::close);
    for (int i = 0; i < candidates.size(); i++) {
      Candidate candidate = candidates.get(i);
      Arrays.sort(millis[i]);
      System.out.printf(
          "%-36s %7.1f ms a step (fastest %.1f), peak %.1f MB%s%n",
          candidate.name(),
          millis[i][steps / 2],
          millis[i][0],
          measuredPeak(candidate) / 1e6,
          candidate.plan() == null
              ? ""
              : String.format(", planned %.1f MB", candidate.plan().peakBytes() / 1e6));
    }
    System.out.println();
  }

  private static long measuredPeak(Candidate candidate) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xms128m",
                "-Xmx128m",
                "-XX:+AlwaysPreTouch",
                "-cp",
                System.getProperty("java.class.path"),
                TrainingBenchmark.class.getName(),
                "--peak",
                candidate.folder().toString()));
    for (TensorInfo input : candidate.inputs().values()) {
      command.add(input.name());
      command.add(input.type().name());
      command.add(Arrays.toString(input.shape()).replaceAll("[\\[\\] ]", ""));
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException("the process that measures memory failed: " + output);
    }
    return Long.parseLong(output.trim());
  }

  /** Prints by how many bytes the resident memory of this process grows, inputs included. */
  private static void peak(Path folder, String[] inputs) throws IOException {
    List<TensorInfo> infos = new ArrayList<>();
    for (int i = 0; i < inputs.length; i += 3) {
      long[] shape =
          inputs[i + 2].isEmpty()
              ? new long[0]
              : Arrays.stream(inputs[i + 2].split(",")).mapToLong(Long::parseLong).toArray();
      infos.add(new TensorInfo(inputs[i], ElementType.valueOf(inputs[i + 1]), shape));
    }
    Map<String, Tensor> data = batch(infos);
    long bytes = data.values().stream().mapToLong(t -> t.data().remaining()).sum();
    long before = resident("VmRSS");
    try (TrainingSession session = TrainingSession.open(folder, THREADS);
        TrainingSession.Batch batch = session.bind(data)) {
      session.step(batch);
      session.step(batch);
      System.out.println(resident("VmHWM") - before + bytes);
    }
  }

  private static long resident(String field) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(field + ":"))
        .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D+", "")))
        .findFirst()
        .orElseThrow();
  }
}
