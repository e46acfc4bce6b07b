package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.ort.TrainingSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ArtifactsTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261101);
  private static final int BATCH = 5;
  private static final int FEATURES = 4;
  private static final int WIDTH = 3;

  @TempDir Path folder;

  @BeforeAll
  static void needsTraining() {
    Training.require();
    System.out.println("ArtifactsTest: headstart.seed=" + SEED);
  }

  private static Tensor random(Random random, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  /** y [batch, 3] = x [batch, 4] · w + b. */
  private static GraphBuilder linear(Random random) {
    GraphBuilder graph = new GraphBuilder("linear", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1, FEATURES);
    Value w = graph.initializer("w", random(random, FEATURES, WIDTH));
    Value b = graph.initializer("b", random(random, WIDTH));
    Value product = graph.named("product", Operator.MAT_MUL, List.of(x, w));
    graph.named("y", Operator.ADD, List.of(product, b));
    return graph;
  }

  private static OnnxModel with(GraphBuilder graph, String output, int width) {
    return graph.output(graph.value(output), ElementType.FLOAT, -1, width).build();
  }

  private static ArtifactOptions options(Loss loss) {
    return ArtifactOptions.of(loss, new Optimizer.Sgd());
  }

  /** A loss of PyTorch's definition, written down a second time: of scores [batch, k] and truth. */
  private record LossCase(
      String title, ArtifactOptions options, ToDoubleBiFunction<double[][], double[][]> naive) {
    @Override
    public String toString() {
      return title;
    }
  }

  private static double crossEntropy(
      double[][] scores, double[][] labels, float[] weights, double smoothing) {
    double likelihood = 0;
    double smooth = 0;
    double total = 0;
    for (int n = 0; n < scores.length; n++) {
      double sum = 0;
      for (double score : scores[n]) {
        sum += Math.exp(score);
      }
      int label = (int) labels[n][0];
      likelihood -= weights[label] * (scores[n][label] - Math.log(sum));
      total += weights[label];
      for (int c = 0; c < scores[n].length; c++) {
        smooth -= weights[c] * (scores[n][c] - Math.log(sum));
      }
    }
    return (1 - smoothing) * likelihood / total + smoothing / scores[0].length * smooth / total;
  }

  private static double meanOf(
      double[][] scores, double[][] target, ToDoubleBiFunction<Integer, double[]> term) {
    double sum = 0;
    for (int n = 0; n < scores.length; n++) {
      for (int c = 0; c < scores[n].length; c++) {
        sum += term.applyAsDouble(c, new double[] {scores[n][c], target[n][c]});
      }
    }
    return sum / (scores.length * scores[0].length);
  }

  private static double binaryCrossEntropy(double x, double t, double positive) {
    double p = 1 / (1 + Math.exp(-x));
    return -(positive * t * Math.log(p) + (1 - t) * Math.log(1 - p));
  }

  static Stream<LossCase> losses() {
    float[] ones = {1, 1, 1};
    float[] weights = {0.5f, 2, 1.25f};
    return Stream.of(
        new LossCase("ce", options(Loss.CE), (s, t) -> crossEntropy(s, t, ones, 0)),
        new LossCase(
            "ce, weights",
            options(Loss.CE).weights(weights),
            (s, t) -> crossEntropy(s, t, weights, 0)),
        new LossCase(
            "ce, smoothing",
            options(Loss.CE).smoothing(0.1f),
            (s, t) -> crossEntropy(s, t, ones, 0.1)),
        new LossCase(
            "ce, weights and smoothing",
            options(Loss.CE).weights(weights).smoothing(0.3f),
            (s, t) -> crossEntropy(s, t, weights, 0.3)),
        new LossCase(
            "bce",
            options(Loss.BCE),
            (s, t) -> meanOf(s, t, (c, p) -> binaryCrossEntropy(p[0], p[1], 1))),
        new LossCase(
            "bce, positive weights",
            options(Loss.BCE).weights(weights),
            (s, t) -> meanOf(s, t, (c, p) -> binaryCrossEntropy(p[0], p[1], weights[c]))),
        new LossCase(
            "mse",
            options(Loss.MSE),
            (s, t) -> meanOf(s, t, (c, p) -> (p[0] - p[1]) * (p[0] - p[1]))),
        new LossCase(
            "l1", options(Loss.L1), (s, t) -> meanOf(s, t, (c, p) -> Math.abs(p[0] - p[1]))));
  }

  private static double[][] scores(double[] x, double[] w, double[] b) {
    double[][] scores = new double[BATCH][WIDTH];
    for (int n = 0; n < BATCH; n++) {
      for (int c = 0; c < WIDTH; c++) {
        scores[n][c] = b[c];
        for (int f = 0; f < FEATURES; f++) {
          scores[n][c] += x[n * FEATURES + f] * w[f * WIDTH + c];
        }
      }
    }
    return scores;
  }

  private static double[] doubles(Tensor tensor) {
    double[] values = new double[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.floats()[i];
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("losses")
  void lossAndGradientsAgreeWithTheDefinition(LossCase lossCase) {
    Random random = new Random(SEED);
    OnnxModel forward = with(linear(random), "y", WIDTH);
    Artifacts artifacts = Artifacts.generate(forward, lossCase.options(), true);
    Tensor x = random(random, BATCH, FEATURES);
    double[][] truth = new double[BATCH][WIDTH];
    Tensor given;
    if (lossCase.options().criterion().loss() == Loss.CE) {
      long[] labels = {2, 0, 1, 1, 0};
      for (int n = 0; n < BATCH; n++) {
        truth[n][0] = labels[n];
      }
      given = Tensor.of(labels, BATCH);
    } else {
      float[] target = new float[BATCH * WIDTH];
      for (int i = 0; i < target.length; i++) {
        target[i] = random.nextFloat();
        truth[i / WIDTH][i % WIDTH] = target[i];
      }
      given = Tensor.of(target, BATCH, WIDTH);
    }
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("x", x);
    batch.put(((Loss) lossCase.options().criterion().loss()).input(), given);
    assertEquals(
        List.copyOf(batch.keySet()), artifacts.inputs().stream().map(TensorInfo::name).toList());
    Map<String, Tensor> results = GoldenTest.firstStep(artifacts, batch);

    double[] w = doubles(artifacts.checkpoint().trainable().get("w"));
    double[] b = doubles(artifacts.checkpoint().trainable().get("b"));
    double expected = lossCase.naive().applyAsDouble(scores(doubles(x), w, b), truth);
    assertEquals(expected, results.get("loss").floats()[0], 1e-5);
    Map<String, Tensor> feed = new LinkedHashMap<>(batch);
    feed.putAll(artifacts.checkpoint().trainable());
    try (var session = InferenceSession.open(artifacts.eval(), SessionSettings.cpu(1))) {
      assertEquals(expected, session.run(feed).get("loss").floats()[0], 1e-5);
    }
    for (String name : List.of("w", "b")) {
      double[] values = name.equals("w") ? w : b;
      float[] gradient = results.get("gradient:" + name).floats();
      for (int i = 0; i < values.length; i++) {
        double middle = values[i];
        values[i] = middle + 1e-6;
        double above = lossCase.naive().applyAsDouble(scores(doubles(x), w, b), truth);
        values[i] = middle - 1e-6;
        double below = lossCase.naive().applyAsDouble(scores(doubles(x), w, b), truth);
        values[i] = middle;
        assertEquals((above - below) / 2e-6, gradient[i], 1e-5, name + "[" + i + "]");
      }
    }
  }

  @Test
  void binaryCrossEntropyDoesNotOverflow() {
    GraphBuilder graph = new GraphBuilder("scale", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1, 1);
    Value w = graph.initializer("w", Tensor.of(new float[] {1}, 1));
    graph.named("y", Operator.MUL, List.of(x, w));
    for (float[] weights : new float[][] {null, {3}}) {
      Artifacts artifacts =
          Artifacts.generate(with(graph, "y", 1), options(Loss.BCE).weights(weights), true);
      graph.clearOutputs();
      for (float score : new float[] {-1000, -100, 100, 1000}) {
        for (float target : new float[] {0, 1}) {
          Map<String, Tensor> batch = new LinkedHashMap<>();
          batch.put("x", Tensor.of(new float[] {score}, 1, 1));
          batch.put("target", Tensor.of(new float[] {target}, 1, 1));
          Map<String, Tensor> results = GoldenTest.firstStep(artifacts, batch);
          boolean right = score > 0 == target > 0;
          float factor = weights != null && target == 1 ? 3 : 1;
          assertEquals(right ? 0 : factor * Math.abs(score), results.get("loss").floats()[0], 1e-4);
          assertEquals(
              right ? 0 : factor * Math.abs(score), results.get("gradient:w").floats()[0], 1e-4);
        }
      }
    }
  }

  /** Weights that no activation saturates at. */
  private static Tensor small(Random random, long... shape) {
    float[] values = random(random, shape).floats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= 0.4f;
    }
    return Tensor.of(values, shape);
  }

  /** Every operator that heads are made of, in one model; opset and normalisation vary. */
  private static OnnxModel deep(int opset, boolean softmax) {
    Random random = new Random(SEED);
    GraphBuilder graph = new GraphBuilder("deep", opset);
    Value h = graph.input("x", ElementType.FLOAT, -1, FEATURES);
    Operator[] activations = {
      Operator.RELU, Operator.LEAKY_RELU, Operator.SIGMOID, Operator.TANH, Operator.DROPOUT
    };
    for (int i = 0; i < activations.length; i++) {
      Value w = graph.initializer("w" + i, small(random, i == 0 ? FEATURES : 8, 8));
      Value b = graph.initializer("b" + i, small(random, 8));
      h =
          i % 2 == 0
              ? graph.node(Operator.GEMM, List.of(h, w, b))
              : graph.node(Operator.ADD, List.of(graph.node(Operator.MAT_MUL, List.of(h, w)), b));
      h =
          activations[i] == Operator.DROPOUT
              ? graph.node(activations[i], List.of(h, graph.constant(Tensor.scalar(0.2f))))
              : graph.node(activations[i], List.of(h));
    }
    Value w = graph.initializer("head", small(random, WIDTH, 8));
    Value logits = graph.named("logits", Operator.GEMM, List.of(h, w), Attribute.of("transB", 1));
    if (softmax) {
      graph.named("scores", Operator.SOFTMAX, List.of(logits), Attribute.axis(-1));
    }
    return with(graph, softmax ? "scores" : "logits", WIDTH);
  }

  private List<Float> train(OnnxModel model, ArtifactOptions options, String name, int steps) {
    Artifacts artifacts = Artifacts.generate(model, options);
    Path at = folder.resolve(name);
    artifacts.writeTo(at);
    Random random = new Random(SEED + 1);
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("x", random(random, BATCH, FEATURES));
    batch.put("labels", Tensor.of(new long[] {2, 0, 1, 1, 0}, BATCH));
    List<Float> losses = new ArrayList<>();
    try (TrainingSession session = TrainingSession.open(at, 1);
        var bound = session.bind(batch)) {
      session.learningRate(0.02f);
      for (int i = 0; i < steps; i++) {
        losses.add(session.step(bound));
      }
      session.save(at.resolve("after"), false);
    }
    Checkpoint after = Checkpoint.read(at.resolve("after"));
    artifacts
        .checkpoint()
        .trainable()
        .forEach((n, t) -> assertNotEquals(t, after.trainable().get(n), n + " has not moved"));
    return losses;
  }

  @Test
  void modelsOfAllHeadOperatorsTrain() {
    for (int opset : new int[] {12, 13, 15, 17, 18, 21, 22}) {
      for (boolean softmax : new boolean[] {false, true}) {
        List<Float> losses =
            train(
                deep(opset, softmax),
                ArtifactOptions.of(Loss.CE, Optimizer.AdamW.pytorch().maxGradNorm(1f)).seed(1),
                opset + "-" + softmax,
                150);
        double first = losses.subList(0, 30).stream().mapToDouble(l -> l).average().orElseThrow();
        double last = losses.subList(120, 150).stream().mapToDouble(l -> l).average().orElseThrow();
        assertTrue(last < first, "opset " + opset + ": " + losses);
      }
    }
  }

  @Test
  void dropoutFollowsTheSeed() {
    OnnxModel model = deep(17, false);
    List<Float> losses = train(model, options(Loss.CE).seed(5), "a", 10);
    assertEquals(losses, train(model, options(Loss.CE).seed(5), "b", 10));
    assertNotEquals(losses, train(model, options(Loss.CE).seed(6), "c", 10));
    Artifacts five = Artifacts.generate(model, options(Loss.CE).seed(5));
    Artifacts six = Artifacts.generate(model, options(Loss.CE).seed(6));
    assertTrue(five.dropout());
    assertEquals(six.training().proto(), five.reseeded(1).training().proto());
    OnnxModel without = with(linear(new Random(SEED)), "y", WIDTH);
    assertFalse(Artifacts.generate(without, options(Loss.MSE)).dropout());
  }

  @Test
  void dropoutDoesNothingInEvaluation() {
    OnnxModel model = deep(17, false);
    Artifacts artifacts = Artifacts.generate(model, options(Loss.CE).seed(5));
    Random random = new Random(SEED);
    Tensor x = random(random, BATCH, FEATURES);
    long[] labels = {2, 0, 1, 1, 0};
    Map<String, Tensor> feed = new LinkedHashMap<>();
    feed.put("x", x);
    feed.put("labels", Tensor.of(labels, BATCH));
    feed.putAll(artifacts.checkpoint().trainable());
    try (var eval = InferenceSession.open(artifacts.eval(), SessionSettings.cpu(1));
        var forward = InferenceSession.open(model, SessionSettings.cpu(1))) {
      double[] flat = doubles(forward.run(Map.of("x", x)).get("logits"));
      double[][] scores = new double[BATCH][WIDTH];
      double[][] truth = new double[BATCH][1];
      for (int n = 0; n < BATCH; n++) {
        System.arraycopy(flat, n * WIDTH, scores[n], 0, WIDTH);
        truth[n][0] = labels[n];
      }
      float loss = eval.run(feed).get("loss").floats()[0];
      assertEquals(crossEntropy(scores, truth, new float[] {1, 1, 1}, 0), loss, 1e-5);
      assertEquals(loss, eval.run(feed).get("loss").floats()[0]);
    }
  }

  @Test
  void onlyTheNamedParametersTrain() {
    Artifacts artifacts =
        Artifacts.generate(
            with(linear(new Random(SEED)), "y", WIDTH), options(Loss.MSE).trainable(List.of("b")));
    assertEquals(Set.of("b"), artifacts.checkpoint().trainable().keySet());
    assertEquals(Map.of(), artifacts.checkpoint().frozen());
    assertEquals(WIDTH, artifacts.width());
    artifacts.writeTo(folder);
    Random random = new Random(SEED);
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("x", random(random, BATCH, FEATURES));
    batch.put("target", random(random, BATCH, WIDTH));
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var bound = session.bind(batch)) {
      assertEquals(List.of("x", "target"), session.inputs());
      session.learningRate(0.5f);
      float first = session.step(bound);
      session.step(bound);
      assertTrue(session.step(bound) < first);
    }
  }

  /** Kernels that do not check their shapes never see others than they were written for. */
  @Test
  void batchesThatDoNotFitAreRefused() {
    OnnxModel model = deep(17, false);
    Random random = new Random(SEED);
    for (Loss loss : Loss.values()) {
      Path at = folder.resolve(loss.toString());
      Artifacts.generate(model, options(loss)).writeTo(at);
      for (int rows : new int[] {1, BATCH + 1}) {
        Tensor given =
            loss == Loss.CE ? Tensor.of(new long[rows], rows) : random(random, rows, WIDTH);
        Map<String, Tensor> batch =
            Map.of("x", random(random, BATCH, FEATURES), loss.input(), given);
        try (TrainingSession session = TrainingSession.open(at, 1);
            var bound = session.bind(batch)) {
          assertThrows(FailureException.class, () -> session.step(bound), loss + ", " + rows);
        }
      }
    }
    Path at = folder.resolve("ce");
    for (long label : new long[] {WIDTH, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
      Map<String, Tensor> batch =
          Map.of("x", random(random, 2, FEATURES), "labels", Tensor.vector(0, label));
      try (TrainingSession session = TrainingSession.open(at, 1);
          var bound = session.bind(batch)) {
        assertThrows(BadInputException.class, () -> session.step(bound), "label " + label);
      }
    }
  }

  /** One step at rate 1 of plain descent moves each weight by its clipped gradient. */
  @Test
  void gradientsAreClipped() {
    Random random = new Random(SEED);
    OnnxModel model = with(linear(random), "y", WIDTH);
    float norm = 0.25f;
    Artifacts artifacts =
        Artifacts.generate(model, ArtifactOptions.of(Loss.MSE, new Optimizer.Sgd(norm)), true);
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("x", random(random, BATCH, FEATURES));
    batch.put("target", random(random, BATCH, WIDTH));
    Map<String, Tensor> results = GoldenTest.firstStep(artifacts, batch);
    double square = 0;
    for (String name : List.of("w", "b")) {
      for (double g : doubles(results.get("gradient:" + name))) {
        square += g * g;
      }
    }
    assertTrue(Math.sqrt(square) > norm);
    Artifacts.generate(model, ArtifactOptions.of(Loss.MSE, new Optimizer.Sgd(norm)))
        .writeTo(folder);
    Path after = folder.resolve("after");
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var bound = session.bind(batch)) {
      session.learningRate(1);
      session.step(bound);
      session.save(after, false);
    }
    Checkpoint moved = Checkpoint.read(after);
    for (String name : List.of("w", "b")) {
      double[] before = doubles(artifacts.checkpoint().trainable().get(name));
      double[] now = doubles(moved.trainable().get(name));
      double[] gradient = doubles(results.get("gradient:" + name));
      for (int i = 0; i < now.length; i++) {
        assertEquals(before[i] - gradient[i] * norm / Math.sqrt(square), now[i], 1e-5);
      }
    }
  }

  @Test
  void allMeansWhatIsDifferentiableAndNoConstants() {
    GraphBuilder graph = linear(new Random(SEED));
    Value y = graph.value("y");
    Value half = graph.initializer("half", Tensor.scalar(0.5f));
    Value exponent = graph.initializer("exponent", Tensor.scalar(2f));
    Value shape = graph.initializer("shape", Tensor.vector(-1, WIDTH));
    Value unused = graph.initializer("unused", Tensor.of(new float[] {1, 2, 3}, 3));
    graph.named("side", Operator.MUL, List.of(y, unused));
    Value scaled = graph.node(Operator.MUL, List.of(y, half));
    Value squared = graph.node(Operator.POW, List.of(scaled, exponent));
    graph.named("z", Operator.RESHAPE, List.of(squared, shape));
    OnnxModel model = with(graph, "z", WIDTH);
    Artifacts all = Artifacts.generate(model, options(Loss.MSE));
    assertEquals(Set.of("w", "b"), all.checkpoint().trainable().keySet());
    assertFalse(all.eval().initializers().containsKey("unused"));
    Artifacts named = Artifacts.generate(model, options(Loss.MSE).trainable(List.of("half", "w")));
    assertEquals(List.of("w", "half"), List.copyOf(named.checkpoint().trainable().keySet()));
    refused(model, options(Loss.MSE).trainable(List.of("unused")), "does not depend");
    refused(model, options(Loss.MSE).trainable(List.of("shape")), "INT64");
    refused(model, options(Loss.MSE).trainable(List.of()), "nothing to train");
    HeadstartException unknown =
        assertThrows(
            NotFoundException.class,
            () -> Artifacts.generate(model, options(Loss.MSE).trainable(List.of("halff"))));
    assertTrue(unknown.getMessage().contains("'half'"), unknown.getMessage());
  }

  private static void refused(OnnxModel model, ArtifactOptions options, String expected) {
    String message =
        assertThrows(BadInputException.class, () -> Artifacts.generate(model, options))
            .getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void refusesWhatCannotBeTrained() {
    OnnxModel model = with(linear(new Random(SEED)), "y", WIDTH);
    float[] two = {1, 2};
    refused(model, options(Loss.CE).weights(two), "expected 3 weights");
    refused(model, options(Loss.CE).weights(new float[] {1, -1, 1}), "not negative");
    refused(model, options(Loss.CE).smoothing(1), "smoothing");
    refused(model, options(Loss.MSE).smoothing(0.1f), "smoothing");
    refused(model, options(Loss.L1).weights(new float[] {1, 1, 1}), "weights go with");

    GraphBuilder flat = new GraphBuilder("flat", 17);
    Value w = flat.initializer("w", Tensor.of(new float[] {1, 2}, 2));
    Value x = flat.input("x", ElementType.FLOAT, -1, 3, 2);
    flat.named("y", Operator.MUL, List.of(x, w));
    flat.output(flat.value("y"), ElementType.FLOAT, -1, 3, 2);
    refused(flat.build(), options(Loss.CE), "[batch, classes]");
    assertEquals(2, Artifacts.generate(flat.build(), options(Loss.MSE)).width());

    GraphBuilder frozen = new GraphBuilder("frozen", 17);
    x = frozen.input("x", ElementType.FLOAT, -1, 2);
    frozen.named("y", Operator.RELU, List.of(x));
    refused(with(frozen, "y", 2), options(Loss.CE), "nothing to train");
  }

  @Test
  void refusesNamesThatArtifactsNeed() {
    for (String name : List.of("labels", "lazy_reset_grad", "w_grad.accumulation.out")) {
      GraphBuilder graph = new GraphBuilder("names", 17);
      Value x = graph.input("x", ElementType.FLOAT, -1, FEATURES);
      Value w = graph.initializer("w", random(new Random(SEED), FEATURES, WIDTH));
      Value h = graph.named(name, Operator.MAT_MUL, List.of(x, w));
      graph.named("y", Operator.RELU, List.of(h));
      refused(with(graph, "y", WIDTH), options(Loss.CE), "'" + name + "'");
    }
    GraphBuilder graph = new GraphBuilder("names", 17);
    Value x = graph.input("v_grad.accumulation.buffer", ElementType.FLOAT, -1, FEATURES);
    Value w = graph.initializer("w", random(new Random(SEED), FEATURES, WIDTH));
    graph.named("y", Operator.MAT_MUL, List.of(x, w));
    refused(with(graph, "y", WIDTH), options(Loss.CE), "v_grad.accumulation.buffer");
  }

  /** Statistics move as the definition says, and only in training. */
  @Test
  void batchNormsMoveTheirStatisticsOnRequest() {
    Random random = new Random(SEED);
    GraphBuilder graph = new GraphBuilder("norm", 17);
    List<Value> inputs = new ArrayList<>(List.of(graph.input("x", ElementType.FLOAT, -1, WIDTH)));
    for (String name : List.of("scale", "bias", "mean", "variance")) {
      inputs.add(graph.initializer(name, Tensor.of(new float[] {1, 2, 3}, WIDTH)));
    }
    graph.named("y", Operator.BATCH_NORMALIZATION, inputs, Attribute.of("momentum", 0.9f));
    OnnxModel model = with(graph, "y", WIDTH);
    assertEquals(
        Set.of(), Artifacts.generate(model, options(Loss.MSE)).checkpoint().frozen().keySet());
    assertEquals(
        Set.of(),
        Artifacts.generate(model, options(Loss.MSE).batchNorms(true).trainable(List.of("bias")))
            .checkpoint()
            .frozen()
            .keySet());

    Artifacts artifacts =
        Artifacts.generate(
                model,
                options(Loss.MSE)
                    .batchNorms(true)
                    .parameters(Map.of("scale", ParameterOptions.rate(0.5f))))
            .observable("y");
    assertEquals(Set.of("mean", "variance"), artifacts.checkpoint().frozen().keySet());
    assertEquals(List.of("x", "target"), artifacts.inputs().stream().map(i -> i.name()).toList());
    artifacts.writeTo(folder);
    Tensor x = random(random, BATCH, WIDTH);
    Map<String, Tensor> values;
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var bound = session.bind(Map.of("x", x, "target", random(random, BATCH, WIDTH)))) {
      assertEquals(List.of("x", "target"), session.inputs());
      session.learningRate(0.01f);
      session.step(bound);
      session.evaluate(bound);
      values = session.evaluate(bound);
      session.save(folder.resolve("after"), false);
    }
    Checkpoint after = Checkpoint.read(folder.resolve("after"));
    for (int c = 0; c < WIDTH; c++) {
      double mean = 0;
      double squares = 0;
      for (int n = 0; n < BATCH; n++) {
        double value = x.floats()[n * WIDTH + c];
        mean += value / BATCH;
        squares += value * value / BATCH;
      }
      double movedMean = 0.9 * (c + 1) + 0.1 * mean;
      double movedVariance = 0.9 * (c + 1) + 0.1 * (squares - mean * mean);
      assertEquals(movedMean, after.weights().get("mean").floats()[c], 1e-5);
      assertEquals(movedVariance, after.weights().get("variance").floats()[c], 1e-5);
      assertEquals(movedMean, values.get("value:mean").floats()[c], 1e-5);
      assertEquals(movedVariance, values.get("value:variance").floats()[c], 1e-5);
    }
    Checkpoint again = artifacts.checkpoint(after.weights());
    assertEquals(after.frozen(), again.frozen());
    assertEquals(after.trainable().keySet(), again.trainable().keySet());
  }

  @Test
  void severalOutputsNeedAName() {
    GraphBuilder graph = linear(new Random(SEED));
    graph.named("other", Operator.RELU, List.of(graph.value("y")));
    graph.output(graph.value("other"), ElementType.FLOAT, -1, WIDTH);
    OnnxModel model = with(graph, "y", WIDTH);
    refused(model, options(Loss.CE), "[other, y]");
    assertEquals(
        List.of("MatMul", "Add", "SoftmaxCrossEntropyLoss"),
        Artifacts.generate(model, options(Loss.CE).output("y"))
            .eval()
            .proto()
            .getGraph()
            .getNodeList()
            .stream()
            .map(n -> n.getOpType())
            .toList());
    String message =
        assertThrows(
                NotFoundException.class,
                () -> Artifacts.generate(model, options(Loss.CE).output("othr")))
            .getMessage();
    assertTrue(message.contains("'other'"), message);
  }

  @Test
  void operatorsWithoutARuleAreAllNamed() {
    GraphBuilder graph = linear(new Random(SEED));
    Value y = graph.value("y");
    for (int i = 0; i < 2; i++) {
      y = graph.node(Operator.ABS, List.of(y));
      int last = graph.proto().getNodeCount() - 1;
      graph.proto().getNodeBuilder(last).setOpType("Strange").setDomain("nobody.knows");
    }
    graph.named("z", Operator.RELU, List.of(y));
    String message =
        assertThrows(
                BadInputException.class,
                () -> Artifacts.generate(with(graph, "z", WIDTH), options(Loss.CE)))
            .getMessage();
    assertEquals(3, message.split("nobody.knows.Strange \\(node").length, message);
    assertTrue(message.contains("opset 17"), message);
    assertTrue(message.contains("The deepest cut that works is '" + y.name() + "'"), message);
  }

  @Test
  void softmaxBeforeCrossEntropyIsWarnedOf() {
    Artifacts artifacts = Artifacts.generate(deep(17, true), options(Loss.CE));
    assertEquals(1, artifacts.warnings().size());
    assertTrue(artifacts.warnings().get(0).contains("'logits'"), artifacts.warnings().get(0));
    assertEquals(
        List.of(),
        Artifacts.generate(deep(17, true), options(Loss.CE).output("logits")).warnings());
  }

  @Test
  void weightsThatAreAlsoInputsAreNotFed() {
    GraphBuilder graph = linear(new Random(SEED));
    graph.proto().addInput(graph.proto().getInput(0).toBuilder().setName("w").build());
    graph
        .proto()
        .getInputBuilder(1)
        .getTypeBuilder()
        .getTensorTypeBuilder()
        .getShapeBuilder()
        .setDim(0, ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(4))
        .setDim(1, ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(3));
    OnnxModel model = with(graph, "y", WIDTH);
    for (var trainable : List.of(List.of("w", "b"), List.of("b"))) {
      Artifacts artifacts = Artifacts.generate(model, options(Loss.CE).trainable(trainable));
      assertArrayEquals(
          new String[] {"x", "labels"},
          artifacts.inputs().stream().map(TensorInfo::name).toArray());
      artifacts.writeTo(folder);
      try (TrainingSession session = TrainingSession.open(folder, 1)) {
        assertEquals(List.of("x", "labels"), session.inputs());
      }
    }
  }
}
