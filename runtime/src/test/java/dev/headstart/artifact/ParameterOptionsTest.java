package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.artifact.Optimizer.AdamW;
import dev.headstart.artifact.Optimizer.AdamW.Mode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.ort.TrainingSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rates and decays of single parameters, against parameter groups written down naively. */
class ParameterOptionsTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261123);
  private static final int ROWS = 6;
  private static final int IN = 4;
  private static final int OUT = 3;

  @TempDir Path folder;

  @BeforeAll
  static void needsTraining() {
    Training.require();
    System.out.println("ParameterOptionsTest: headstart.seed=" + SEED);
  }

  private int steps = 20;
  private final Random random = new Random(SEED);
  private final Tensor x = random(ROWS, IN);
  private final Tensor target = random(ROWS, OUT);
  private final OnnxModel model = linear();

  private Tensor random(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  private OnnxModel linear() {
    GraphBuilder graph = new GraphBuilder("linear", 17);
    Value in = graph.input("x", ElementType.FLOAT, -1, IN);
    Value w = graph.initializer("w", random(IN, OUT));
    Value b = graph.initializer("b", random(OUT));
    Value product = graph.node(Operator.MAT_MUL, List.of(in, w));
    graph.named("y", Operator.ADD, List.of(product, b));
    return graph.output(graph.value("y"), ElementType.FLOAT, -1, OUT).build();
  }

  /** The weights after some steps, by ONNX Runtime. */
  private Map<String, Tensor> trained(ArtifactOptions options, float rate) {
    Artifacts artifacts = Artifacts.generate(model, options).observable("y");
    artifacts.writeTo(folder);
    assertEquals(List.of("x", "target"), artifacts.inputs().stream().map(i -> i.name()).toList());
    Map<String, Tensor> observed;
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var batch = session.bind(Map.of("x", x, "target", target))) {
      session.learningRate(rate);
      for (int i = 0; i < steps; i++) {
        session.step(batch);
      }
      observed = session.evaluate(batch);
      session.save(folder.resolve("after"), true);
    }
    Map<String, Tensor> weights = Checkpoint.read(folder.resolve("after")).weights();
    assertEquals(Set.of("w", "b"), weights.keySet());
    weights.forEach(
        (name, w) -> assertArrayEquals(w.floats(), observed.get("value:" + name).floats(), 1e-6f));
    return weights;
  }

  /** One number of a parameter group. */
  private static final class Naive {
    final double rate;
    final double decay;
    double[] w;
    double[] m;
    double[] v;

    Naive(Tensor start, double rate, double decay) {
      this.rate = rate;
      this.decay = decay;
      float[] values = start.floats();
      w = new double[values.length];
      m = new double[values.length];
      v = new double[values.length];
      for (int i = 0; i < w.length; i++) {
        w[i] = values[i];
      }
    }

    void step(AdamW adam, int t, double[] g) {
      for (int i = 0; i < w.length; i++) {
        if (adam == null) {
          w[i] -= rate * g[i];
          continue;
        }
        m[i] = adam.alpha() * m[i] + (1 - adam.alpha()) * g[i];
        v[i] = adam.beta() * v[i] + (1 - adam.beta()) * g[i] * g[i];
        double first = 1 - Math.pow(adam.alpha(), t);
        double second = 1 - Math.pow(adam.beta(), t);
        if (adam.mode() == Mode.PYTORCH) {
          w[i] -= rate * decay * w[i];
          w[i] -= rate * (m[i] / first) / (Math.sqrt(v[i] / second) + adam.epsilon());
        } else {
          w[i] -= rate * Math.sqrt(second) / first * m[i] / (Math.sqrt(v[i]) + adam.epsilon());
          w[i] -= rate * decay * w[i];
        }
      }
    }
  }

  private Map<String, double[]> naive(AdamW adam, Naive w, Naive b, Float norm) {
    float[] in = x.floats();
    float[] truth = target.floats();
    for (int t = 1; t <= steps; t++) {
      double[] dw = new double[IN * OUT];
      double[] db = new double[OUT];
      for (int n = 0; n < ROWS; n++) {
        for (int c = 0; c < OUT; c++) {
          double y = b.w[c];
          for (int f = 0; f < IN; f++) {
            y += in[n * IN + f] * w.w[f * OUT + c];
          }
          double g = 2 * (y - truth[n * OUT + c]) / (ROWS * OUT);
          db[c] += g;
          for (int f = 0; f < IN; f++) {
            dw[f * OUT + c] += g * in[n * IN + f];
          }
        }
      }
      if (norm != null) {
        double square = 0;
        for (double g : dw) {
          square += g * g;
        }
        for (double g : db) {
          square += g * g;
        }
        double factor = Math.min(1, norm / Math.sqrt(square));
        for (int i = 0; i < dw.length; i++) {
          dw[i] *= factor;
        }
        for (int i = 0; i < db.length; i++) {
          db[i] *= factor;
        }
      }
      w.step(adam, t, dw);
      b.step(adam, t, db);
    }
    return Map.of("w", w.w, "b", b.w);
  }

  private static void assertNear(
      Map<String, double[]> expected, Map<String, Tensor> came, double tolerance) {
    expected.forEach(
        (name, values) -> {
          float[] floats = came.get(name).floats();
          for (int i = 0; i < floats.length; i++) {
            assertEquals(values[i], floats[i], tolerance, name + "[" + i + "]");
          }
        });
  }

  private Tensor start(String name) {
    return model.initializers().get(name);
  }

  @Test
  void aRateFactorIsThatOfDescentAndOfAdam() {
    Map<String, ParameterOptions> own = Map.of("b", ParameterOptions.rate(0.1f));
    float norm = 0.2f;
    assertNear(
        naive(null, new Naive(start("w"), 0.3, 0), new Naive(start("b"), 0.03, 0), norm),
        trained(ArtifactOptions.of(Loss.MSE, new Optimizer.Sgd(norm)).parameters(own), 0.3f),
        1e-5);
    // An epsilon so large that a scaled gradient would tell.
    AdamW adam = new AdamW(0.9f, 0.99f, 0.1f, 0, Mode.PYTORCH, true, norm);
    assertNear(
        naive(adam, new Naive(start("w"), 0.05, 0), new Naive(start("b"), 0.005, 0), norm),
        trained(ArtifactOptions.of(Loss.MSE, adam).parameters(own), 0.05f),
        1e-5);
  }

  @Test
  void decaySparesVectorsAndStaysDecoupled() {
    AdamW adam = new AdamW(0.9f, 0.99f, 1e-3f, 0.05f, Mode.PYTORCH, true, null);
    double rate = 0.01;
    assertNear(
        naive(adam, new Naive(start("w"), rate, 0.05), new Naive(start("b"), rate, 0), null),
        trained(ArtifactOptions.of(Loss.MSE, adam).decayVectors(false), (float) rate),
        1e-5);
    assertNear(
        naive(adam, new Naive(start("w"), rate, 0.05), new Naive(start("b"), rate, 0.05), null),
        trained(ArtifactOptions.of(Loss.MSE, adam), (float) rate),
        1e-5);
  }

  /** Without a gradient nothing but decay moves a weight, so that decay shows alone. */
  @Test
  void decayIsExact() {
    AdamW adam = new AdamW(0.9f, 0.99f, 1e6f, 0.5f, Mode.PYTORCH, true, null);
    Map<String, Tensor> weights =
        trained(
            ArtifactOptions.of(Loss.MSE, adam)
                .parameters(
                    Map.of("w", new ParameterOptions(0.5f, 1), "b", new ParameterOptions(1, 0))),
            0.1f);
    float[] w = start("w").floats();
    for (int i = 0; i < w.length; i++) {
      assertEquals(w[i] * Math.pow(1 - 0.1 * 0.5 * 0.5, steps), weights.get("w").floats()[i], 1e-4);
    }
    assertArrayEquals(start("b").floats(), weights.get("b").floats(), 1e-4f);
  }

  @Test
  void ratesAndDecaysOfAllKindsAtOnce() {
    AdamW adam = new AdamW(0.9f, 0.99f, 1e-3f, 0.02f, Mode.PYTORCH, true, null);
    double rate = 0.01;
    assertNear(
        naive(
            adam,
            new Naive(start("w"), 0.3 * rate, 0.02 * 2),
            new Naive(start("b"), 2 * rate, 0.02 * 0.5),
            null),
        trained(
            ArtifactOptions.of(Loss.MSE, adam)
                .parameters(
                    Map.of("w", new ParameterOptions(0.3f, 2), "b", new ParameterOptions(2, 0.5f))),
            (float) rate),
        1e-5);
  }

  /** A large decay, over so many steps that what is only nearly decoupled shows. */
  @Test
  void decayStaysThatOfAdamWOverHundredsOfSteps() {
    steps = 600;
    double rate = 0.01;
    for (Mode mode : Mode.values()) {
      AdamW adam = new AdamW(0.9f, 0.999f, 1e-3f, 1, mode, true, null);
      assertNear(
          naive(adam, new Naive(start("w"), rate, 1), new Naive(start("b"), rate, 0), null),
          trained(ArtifactOptions.of(Loss.MSE, adam).decayVectors(false), (float) rate),
          1e-4);
      assertNear(
          naive(adam, new Naive(start("w"), rate / 10, 1), new Naive(start("b"), rate, 1), null),
          trained(
              ArtifactOptions.of(Loss.MSE, adam)
                  .parameters(Map.of("w", ParameterOptions.rate(0.1f))),
              (float) rate),
          1e-4);
    }
  }

  /** Parameters of one rank that decay differently, and clipping beside. */
  @Test
  void ranksTellPartsApart() {
    steps = 100;
    OnnxModel two = twoLayers();
    AdamW adam = new AdamW(0.9f, 0.99f, 1e6f, 0.5f, Mode.PYTORCH, true, 0.1f);
    Artifacts artifacts =
        Artifacts.generate(
            two,
            ArtifactOptions.of(Loss.MSE, adam)
                .parameters(
                    Map.of(
                        "w1", ParameterOptions.rate(0.5f),
                        "w2", new ParameterOptions(1, 1),
                        "b", new ParameterOptions(2, 0))));
    artifacts.writeTo(folder);
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var batch = session.bind(Map.of("x", x, "target", target))) {
      session.learningRate(0.02f);
      for (int i = 0; i < steps; i++) {
        session.step(batch);
      }
      session.save(folder.resolve("after"), true);
    }
    Map<String, Tensor> weights = Checkpoint.read(folder.resolve("after")).weights();
    // The epsilon is so large that decay shows alone.
    Map<String, Double> shares = Map.of("w1", 0.005, "w2", 0.01, "b", 0.0);
    shares.forEach(
        (name, share) -> {
          Tensor before = two.initializers().get(name);
          assertArrayEquals(before.shape(), weights.get(name).shape());
          for (int i = 0; i < before.elements(); i++) {
            assertEquals(
                before.floats()[i] * Math.pow(1 - share, steps),
                weights.get(name).floats()[i],
                1e-4);
          }
        });
  }

  private OnnxModel twoLayers() {
    GraphBuilder graph = new GraphBuilder("two", 17);
    Value in = graph.input("x", ElementType.FLOAT, -1, IN);
    Value hidden =
        graph.node(Operator.MAT_MUL, List.of(in, graph.initializer("w1", random(IN, IN))));
    Value product =
        graph.node(Operator.MAT_MUL, List.of(hidden, graph.initializer("w2", random(IN, OUT))));
    graph.named("y", Operator.ADD, List.of(product, graph.initializer("b", random(OUT))));
    return graph.output(graph.value("y"), ElementType.FLOAT, -1, OUT).build();
  }

  /** The order in which ONNX Runtime gives parameters differs from process to process. */
  @Test
  void clippingDoesNotHangOnTheOrderOfGradients() {
    List<Tensor> gradients = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      gradients.add(random(3 + 7 * i));
    }
    OnnxModel clipping = new Optimizer.Sgd(0.5f).model(gradients.size());
    assertTrue(
        clipping.proto().getGraph().getNodeList().stream()
            .noneMatch(n -> n.getOpType().equals("InplaceClipGradNorm")),
        "ONNX Runtime's adds up in the order that it is given");
    GraphBuilder graph = new GraphBuilder("norm", 17);
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < gradients.size(); i++) {
      values.add(graph.input("g" + i, ElementType.FLOAT, -1));
    }
    Value all = graph.node(Operator.SEQUENCE_CONSTRUCT, values);
    Value clipped = Optimizer.clipped(graph, all, gradients.size(), 0.5f);
    for (int i = 0; i < gradients.size(); i++) {
      Value index = graph.constant(Tensor.of(new long[] {i}));
      graph.output(
          graph.named("c" + i, Operator.SEQUENCE_AT, List.of(clipped, index)),
          ElementType.FLOAT,
          -1);
    }
    Map<Tensor, Tensor> first = new HashMap<>();
    try (InferenceSession session = InferenceSession.open(graph.build(), SessionSettings.cpu(1))) {
      for (int run = 0; run < 50; run++) {
        Map<String, Tensor> feed = new LinkedHashMap<>();
        for (int i = 0; i < gradients.size(); i++) {
          feed.put("g" + i, gradients.get(i));
        }
        Map<String, Tensor> came = session.run(feed);
        double square = 0;
        for (int i = 0; i < gradients.size(); i++) {
          Tensor old = first.putIfAbsent(gradients.get(i), came.get("c" + i));
          assertTrue(old == null || old.equals(came.get("c" + i)), "run " + run);
          for (float v : came.get("c" + i).floats()) {
            square += (double) v * v;
          }
        }
        assertEquals(0.5, Math.sqrt(square), 1e-5);
        Collections.shuffle(gradients, random);
      }
    }
  }

  @Test
  void theCheckpointNeverShowsScaledWeightsUnderTheirOwnNames() {
    ArtifactOptions options =
        ArtifactOptions.of(Loss.MSE, AdamW.pytorch())
            .decayVectors(false)
            .parameters(Map.of("b", ParameterOptions.rate(0.25f)));
    Artifacts artifacts = Artifacts.generate(model, options);
    assertEquals(Set.of("w", "scaled:b"), artifacts.checkpoint().trainable().keySet());
    assertEquals(start("b"), artifacts.checkpoint().weights().get("b"));
    Map<String, Tensor> other = Map.of("w", random(IN, OUT), "b", random(OUT));
    Checkpoint fresh = Checkpoint.read(artifacts.checkpoint(other).toBytes());
    assertEquals(other, new LinkedHashMap<>(fresh.weights()));
    assertNotEquals(other.get("b"), fresh.trainable().get("scaled:b"));
    assertThrows(BadInputException.class, () -> artifacts.checkpoint(Map.of("w", other.get("w"))));
    Map<String, Long> axes = Map.of("headstart.axes:b", 2L);
    Checkpoint broken =
        new Checkpoint(
            fresh.trainable(),
            Map.of(),
            null,
            new Checkpoint.Properties(axes, fresh.properties().floats(), Map.of()));
    assertThrows(BadInputException.class, broken::weights);
  }

  @Test
  void patternsChooseAndFreeze() {
    ArtifactOptions all = ArtifactOptions.of(Loss.MSE, new Optimizer.Sgd());
    assertEquals(Set.of("w"), parameters(all.frozen(List.of("b*"))));
    assertEquals(Set.of("w", "b"), parameters(all.trainable(List.of("*"))));
    assertEquals(Set.of("b"), parameters(all.trainable(List.of("b", "w")).frozen(List.of("w"))));
    assertThrows(NotFoundException.class, () -> parameters(all.frozen(List.of("c*"))));
    assertThrows(NotFoundException.class, () -> parameters(all.trainable(List.of("*.weight"))));
    assertThrows(
        NotFoundException.class,
        () -> parameters(all.parameters(Map.of("c", ParameterOptions.DEFAULT))));
    String message =
        assertThrows(BadInputException.class, () -> parameters(all.frozen(List.of("*"))))
            .getMessage();
    assertTrue(message.contains("nothing to train"), message);
    for (float wrong : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThrows(BadInputException.class, () -> ParameterOptions.rate(wrong));
    }
    assertThrows(BadInputException.class, () -> new ParameterOptions(1, -1));
    assertFalse(ParameterNames.isPattern("a.b"));
    assertEquals(
        Set.of("a.x.b", "a..b"),
        ParameterNames.matching(List.of("a.*.b", "a..b"), List.of("a.x.b", "axxb", "a..b")));
  }

  private Set<String> parameters(ArtifactOptions options) {
    return Artifacts.generate(model, options).checkpoint().trainable().keySet();
  }

  /** The same weights after one update, whether samples come at once or cut into parts. */
  @Test
  void microBatchesAreOneBatch() {
    float[] ones = {1, 1, 1};
    float[] uneven = {0.5f, 2, 0.7f};
    long[] labels = {2, 0, 1, 1, 0, 1};
    Tensor truth = Tensor.of(labels, ROWS);
    Optimizer sgd = new Optimizer.Sgd();
    for (Loss loss : Loss.values()) {
      Tensor given = loss == Loss.CE ? truth : target;
      ArtifactOptions plain = ArtifactOptions.of(loss, sgd);
      Map<String, Tensor> whole = updated(plain, given, ROWS);
      assertNear(doubles(whole), updated(plain.accumulated(true), given, ROWS), 1e-6);
      assertNear(doubles(whole), updated(plain.accumulated(true), given, 4, 2), 1e-6);
      assertNear(doubles(whole), updated(plain.accumulated(true), given, 1, 3, 2), 1e-6);
    }
    ArtifactOptions smooth = ArtifactOptions.of(Loss.CE, sgd).smoothing(0.2f);
    assertNear(
        doubles(updated(smooth.weights(ones), truth, ROWS)),
        updated(smooth.weights(ones).accumulated(true), truth, 4, 2),
        1e-6);
    Map<String, Tensor> weighted = updated(smooth.weights(uneven), truth, ROWS);
    for (int[] parts : new int[][] {{6}, {4, 2}, {1, 1, 4}}) {
      assertNear(
          doubles(weighted), updated(smooth.weights(uneven).accumulated(true), truth, parts), 1e-6);
    }
  }

  private static Map<String, double[]> doubles(Map<String, Tensor> tensors) {
    Map<String, double[]> doubles = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          double[] values = new double[(int) tensor.elements()];
          for (int i = 0; i < values.length; i++) {
            values[i] = tensor.floats()[i];
          }
          doubles.put(name, values);
        });
    return doubles;
  }

  private Map<String, Tensor> updated(ArtifactOptions options, Tensor given, int... parts) {
    Artifacts.generate(model, options).writeTo(folder);
    Path after = folder.resolve("after");
    try (TrainingSession session = TrainingSession.open(folder, 1)) {
      session.learningRate(0.5f);
      int from = 0;
      for (int part : parts) {
        Map<String, Tensor> rows = new LinkedHashMap<>();
        rows.put("x", rows(x, from, part));
        rows.put(((Loss) options.criterion().loss()).input(), rows(given, from, part));
        if (options.criterion().accumulated()) {
          rows.put(Artifacts.EFFECTIVE_BATCH, effectiveBatch(options.criterion().weights(), given));
        }
        try (var batch = session.bind(rows)) {
          session.accumulate(batch);
        }
        from += part;
      }
      session.update();
      session.save(after, false);
    }
    return Checkpoint.read(after).weights();
  }

  private static Tensor effectiveBatch(float[] weights, Tensor labels) {
    float total = weights == null ? labels.shape()[0] : 0;
    for (int i = 0; weights != null && i < labels.elements(); i++) {
      total += weights[(int) labels.longBuffer().get(i)];
    }
    return Tensor.scalar(total);
  }

  private static Tensor rows(Tensor all, int from, int count) {
    long[] shape = all.shape().clone();
    int bytes = (int) (all.data().remaining() / shape[0]);
    shape[0] = count;
    return new Tensor(all.type(), shape, all.data().slice(from * bytes, count * bytes));
  }
}
