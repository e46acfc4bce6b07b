package dev.headstart.head;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadNetworkTest {
  private static final long SEED = Long.getLong("seed", 11);
  private final Random random = new Random(SEED);

  private Tensor random(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  private static float[] run(OnnxModel model, Tensor features) {
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      return session.run(Map.of("features", features)).values().iterator().next().floats();
    }
  }

  private static Scaling scaling(int width) {
    float[] mean = new float[width];
    for (int i = 0; i < width; i++) {
      mean[i] = i * 0.1f;
    }
    return new Scaling(mean, new float[] {2});
  }

  /** The same head computed by loops. */
  private static double[] naive(HeadNetwork head, float[] x) {
    float[] mean = head.weights().get("scaling.mean").floats();
    double[] in = new double[x.length];
    for (int i = 0; i < in.length; i++) {
      in[i] = (x[i] - mean[i]) * 2.0;
    }
    if (head.kind() instanceof HeadKind.Mlp) {
      in = layer(head, "hidden", in);
      for (int i = 0; i < in.length; i++) {
        in[i] = Math.max(0, in[i]);
      }
    }
    return layer(head, "output", in);
  }

  private static double[] layer(HeadNetwork head, String name, double[] in) {
    float[] w = head.weights().get(name + ".weight").floats();
    float[] b = head.weights().get(name + ".bias").floats();
    double[] out = new double[b.length];
    for (int k = 0; k < out.length; k++) {
      out[k] = b[k];
      for (int i = 0; i < in.length; i++) {
        out[k] += in[i] * w[k * in.length + i];
      }
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp:7"})
  void networkAndModelAgreeWithLoops(String kind) {
    System.out.println("seed " + SEED);
    HeadNetwork head = HeadNetwork.fresh(HeadKind.parse(kind), scaling(5), 3, SEED);
    int inputs = kind.equals("linear") ? 5 : 7;
    head = head.with(Map.of("output.weight", random(3, inputs), "output.bias", random(3)));
    Tensor x = random(4, 5);
    float[] logits = run(head.network(), x);
    float[] scores = run(head.model(new long[] {5}, Task.SINGLE, null, 17), x);
    float[] several = run(head.model(new long[] {5}, Task.MULTI, null, 17), x);
    Scaling target = new Scaling(new float[] {3}, new float[] {10});
    float[] numbers = run(head.model(new long[] {5}, Task.REGRESSION, target, 17), x);
    for (int row = 0; row < 4; row++) {
      float[] sample = new float[5];
      x.floatBuffer().get(row * 5, sample);
      double[] expected = naive(head, sample);
      double sum = 0;
      for (double logit : expected) {
        sum += Math.exp(logit);
      }
      for (int k = 0; k < 3; k++) {
        assertEquals(expected[k], logits[row * 3 + k], 1e-4);
        assertEquals(Math.exp(expected[k]) / sum, scores[row * 3 + k], 1e-5);
        assertEquals(1 / (1 + Math.exp(-expected[k])), several[row * 3 + k], 1e-5);
        assertEquals(3 + 10 * expected[k], numbers[row * 3 + k], 1e-3);
      }
    }
  }

  /** A model pools inside; the same pooling in Java feeds training. */
  @Test
  void modelsPoolSequencesAndMapsAsJavaDoes() {
    for (long[] cut : List.of(new long[] {-1, 6}, new long[] {6, 3, 4}, new long[] {6})) {
      HeadNetwork head = HeadNetwork.fresh(HeadKind.parse("linear"), scaling(6), 2, 1);
      head = head.with(Map.of("output.weight", random(2, 6)));
      long[] shape = new long[cut.length + 1];
      shape[0] = 1;
      for (int i = 0; i < cut.length; i++) {
        shape[i + 1] = cut[i] < 0 ? 9 : cut[i];
      }
      Tensor features = random(shape);
      Tensor pooled = Tensor.of(Pooling.pool(features), 1, 6);
      for (int opset : List.of(7, 11, 13, 17, 18, 22, 24)) {
        assertArrayEquals(
            run(head.model(new long[] {6}, Task.SINGLE, null, 17), pooled),
            run(head.model(cut, Task.SINGLE, null, opset), features),
            1e-5f);
      }
    }
    assertThrows(BadInputException.class, () -> Pooling.width(new long[] {-1, -1}));
    assertThrows(BadInputException.class, () -> Pooling.width(new long[] {}));
  }

  private static HeadManifest manifest(String kind, Task task, long[] shape, List<String> classes) {
    return new HeadManifest(
        1,
        "h",
        1,
        task,
        HeadKind.parse(kind),
        dev.headstart.sample.Modality.VECTOR,
        null,
        null,
        shape,
        List.of(),
        classes,
        null,
        null,
        null,
        Map.of());
  }

  /** A model from elsewhere must be what Headstart itself writes, node for node. */
  @Test
  void onlyItsOwnGraphIsAHeadsModel() {
    List<String> classes = List.of("a", "b", "c");
    for (String kind : List.of("linear", "mlp:7")) {
      for (long[] cut : List.of(new long[] {5}, new long[] {-1, 5}, new long[] {5, 2, 2})) {
        HeadNetwork head = HeadNetwork.fresh(HeadKind.parse(kind), scaling(5), 3, SEED);
        OnnxModel single = head.model(cut, Task.SINGLE, null, HeadNetwork.OPSET);
        HeadManifest good = manifest(kind, Task.SINGLE, cut, classes);
        OnnxModel read = OnnxModel.read(single.toBytes(), "head");
        HeadNetwork.requireModel(read, good);
        for (HeadManifest bad :
            List.of(
                manifest(kind, Task.MULTI, cut, classes),
                manifest(kind, Task.SINGLE, cut, List.of("a", "b")),
                manifest("mlp:9", Task.SINGLE, cut, classes),
                manifest("prototype", Task.SINGLE, cut, classes),
                manifest(kind, Task.SINGLE, new long[] {6}, classes))) {
          assertThrows(BadInputException.class, () -> HeadNetwork.requireModel(read, bad));
        }
        var node = dev.headstart.onnx.Operator.SIGMOID;
        var graph = new dev.headstart.onnx.GraphBuilder(read);
        graph.node(node, List.of(graph.value("scores")));
        assertThrows(BadInputException.class, () -> HeadNetwork.requireModel(graph.build(), good));
        Tensor nan = Tensor.of(new float[] {Float.NaN, 0, 0}, 3);
        OnnxModel broken =
            head.with(Map.of("output.bias", nan)).model(cut, Task.SINGLE, null, HeadNetwork.OPSET);
        assertThrows(BadInputException.class, () -> HeadNetwork.requireModel(broken, good));
      }
    }
    HeadNetwork number = HeadNetwork.fresh(HeadKind.parse("linear"), scaling(5), 1, SEED);
    Scaling target = new Scaling(new float[] {3}, new float[] {10});
    HeadNetwork.requireModel(
        number.model(new long[] {5}, Task.REGRESSION, target, HeadNetwork.OPSET),
        manifest("linear", Task.REGRESSION, new long[] {5}, List.of()));
  }

  @Test
  void prototypesAreClassMeansOfNormalisedFeatures() {
    float[][] rows = {{3, 0}, {0, 5}, {0, 0.1f}, {1, 1}};
    int[] labels = {0, 1, 1, 0};
    Prototypes prototypes = new Prototypes(2, 2);
    for (int i = 0; i < rows.length; i++) {
      prototypes.add(labels[i], rows[i]);
    }
    HeadNetwork head = prototypes.head(List.of(rows), labels);
    float[] weight = head.weights().get("output.weight").floats();
    double half = Math.sqrt(0.5);
    double norm = Math.hypot(1 + half, half);
    double sharpness = Math.hypot(weight[2], weight[3]);
    assertEquals((1 + half) / norm, weight[0] / sharpness, 1e-6);
    assertEquals(half / norm, weight[1] / sharpness, 1e-6);
    assertEquals(0, weight[2], 1e-6);
    float[] scores =
        run(
            head.model(new long[] {2}, Task.SINGLE, null, 17),
            Tensor.of(new float[] {0, 7, 9, 0}, 2, 2));
    assertTrue(scores[1] > scores[0] && scores[2] > scores[3]);
    assertEquals(1, scores[0] + scores[1], 1e-6);
  }

  @Test
  void onePrototypeSampleAClassIsEnough() {
    Prototypes prototypes = new Prototypes(2, 3);
    prototypes.add(0, new float[] {1, 0, 0});
    prototypes.add(1, new float[] {0, 1, 0});
    HeadNetwork head =
        prototypes.head(List.of(new float[] {1, 0, 0}, new float[] {0, 1, 0}), new int[] {0, 1});
    float[] scores =
        run(
            head.model(new long[] {3}, Task.SINGLE, null, 17),
            Tensor.of(new float[] {2, 1, 0, 0, 0, 0}, 2, 3));
    assertTrue(scores[0] > 0.9);
    assertEquals(0.5, scores[2], 1e-6, "a vector of zeros is equally far from all");
  }

  @Test
  void kindsAreReadAsTheyAreWritten() {
    for (String kind : List.of("linear", "prototype", "mlp:64", "tail")) {
      assertEquals(kind, HeadKind.parse(kind).text());
    }
    for (String bad : List.of("", "mlp", "mlp:0", "mlp:-1", "mlp:99999", "Linear", "tail:2")) {
      assertThrows(UsageException.class, () -> HeadKind.parse(bad));
    }
  }

  @Test
  void scalingsGiveZeroMeanAndUnitSize() {
    Scaling.Estimate estimate = new Scaling.Estimate(3);
    for (float[] row : new float[][] {{1, 100, 5}, {3, 300, 5}}) {
      estimate.add(row);
    }
    assertArrayEquals(new float[] {2, 200, 5}, estimate.each().mean());
    assertArrayEquals(new float[] {1, 0.01f, 1}, estimate.each().scale(), 1e-6f);
    assertEquals(1 / Math.sqrt((1 + 10000) / 3.0), estimate.common().scale()[0], 1e-6);
  }

  /** Tiny units and large offsets are units like any other. */
  @Test
  void scalingsKnowNoAbsoluteSize() {
    Scaling.Estimate estimate = new Scaling.Estimate(3);
    for (float[] row : new float[][] {{1e-8f, 10_000_001, 7}, {3e-8f, 10_000_003, 7}}) {
      estimate.add(row);
    }
    assertEquals(1e8, estimate.each().scale()[0], 1e2);
    assertEquals(1, estimate.each().scale()[1], 1e-6);
    assertEquals(1, estimate.each().scale()[2], 0);
  }
}
