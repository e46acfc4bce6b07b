package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.artifact.Optimizer.AdamW.Mode;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.ort.TrainingSession;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Artifacts written here against PyTorch and against Microsoft's generator. */
class GoldenTest {
  static final List<String> NAMES = GoldenCase.NAMES;

  @TempDir Path folder;

  @BeforeAll
  static void needsTraining() {
    Training.require();
  }

  private static Artifacts artifacts(GoldenCase golden, Mode mode, boolean showGradients) {
    return Artifacts.generate(
        golden.forward(),
        ArtifactOptions.of(golden.loss(), golden.optimizer(mode)).trainable(golden.trainable()),
        showGradients);
  }

  /** Runs a training graph once in an inference session, with sums of gradients begun anew. */
  static Map<String, Tensor> firstStep(Artifacts artifacts, Map<String, Tensor> batch) {
    OnnxModel training = artifacts.training();
    Map<String, Tensor> feed = new LinkedHashMap<>(batch);
    feed.putAll(artifacts.checkpoint().trainable());
    Tensor reset = Tensor.zeros(ElementType.BOOL, 1);
    reset.data().put(0, (byte) 1);
    feed.put("lazy_reset_grad", reset);
    for (TensorInfo input : training.inputs()) {
      if (!feed.containsKey(input.name())) {
        feed.put(input.name(), Tensor.zeros(input.type(), input.shape()));
      }
    }
    try (var session = InferenceSession.open(training, SessionSettings.cpu(1))) {
      return session.run(feed);
    }
  }

  private static double distance(double[] a, double[] b) {
    assertEquals(a.length, b.length);
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = Math.abs(a[i] - b[i]);
      worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    return worst;
  }

  private static double[] doubles(Tensor tensor) {
    float[] floats = tensor.floats();
    double[] doubles = new double[floats.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  private static double largest(double[] a) {
    return distance(a, new double[a.length]);
  }

  private static double[] train(Path artifacts, GoldenCase golden, int steps) {
    double[] losses = new double[steps];
    try (TrainingSession session = TrainingSession.open(artifacts, 1)) {
      session.learningRate(golden.learningRate());
      for (int step = 0; step < losses.length; step++) {
        Map<String, Tensor> batch = golden.batch(step);
        Map<String, Tensor> named = new LinkedHashMap<>();
        for (String input : session.inputs()) {
          named.put(input, batch.get(input));
        }
        try (var bound = session.bind(named)) {
          losses[step] = session.step(bound);
        }
      }
    }
    return losses;
  }

  @ParameterizedTest
  @FieldSource("NAMES")
  void forwardModelGivesPyTorchsOutput(String name) {
    GoldenCase golden = GoldenCase.of(name);
    String input = golden.input();
    try (var session = InferenceSession.open(golden.forward(), SessionSettings.cpu(1))) {
      Tensor output =
          session.run(Map.of(input, golden.batch(0).get(input))).values().iterator().next();
      assertTrue(distance(doubles(output), doubles(golden.outputOfFirstBatch())) < 1e-5);
    }
  }

  /** Relative to the largest of a parameter; of one that cancels out, to the largest of all. */
  @ParameterizedTest
  @FieldSource("NAMES")
  void gradientsOfTheFirstStepArePyTorchs(String name) {
    GoldenCase golden = GoldenCase.of(name);
    Map<String, Tensor> results = firstStep(artifacts(golden, Mode.PYTORCH, true), golden.batch(0));
    Map<String, Tensor> gradients = golden.gradientsOfFirstStep();
    assertEquals(golden.has("lossPyTorch"), !gradients.isEmpty());
    double most = gradients.values().stream().mapToDouble(t -> largest(doubles(t))).max().orElse(0);
    double worst = 0;
    for (var expected : gradients.entrySet()) {
      double[] values = doubles(expected.getValue());
      double off = distance(doubles(results.get("gradient:" + expected.getKey())), values);
      worst = Math.max(worst, off / Math.max(largest(values), 1e-3 * most));
    }
    System.out.println(name + ": gradients of the first step off by " + worst);
    assertTrue(worst < 1e-4, name + ": gradients are off by " + worst);
  }

  @ParameterizedTest
  @FieldSource("NAMES")
  void lossesAreThoseOfBoth(String name) {
    GoldenCase golden = GoldenCase.of(name);
    for (String by : List.of("lossPyTorch", "lossOrtTraining1.19.2")) {
      if (golden.has(by)) {
        Mode mode = by.equals("lossPyTorch") ? Mode.PYTORCH : Mode.MICROSOFT;
        Path at = folder.resolve(mode.toString());
        artifacts(golden, mode, false).writeTo(at);
        double[] expected = golden.losses(by);
        double off = distance(train(at, golden, expected.length), expected);
        System.out.println(name + ": " + by + ", " + expected.length + " losses off by " + off);
        assertTrue(off < 1e-3, name + ", " + by + ": losses are off by " + off);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("NAMES")
  void artifactsOfMicrosoftsGeneratorTrain(String name) {
    GoldenCase golden = GoldenCase.of(name);
    if (golden.has("lossOrtTraining1.19.2")) {
      double[] expected = golden.losses("lossOrtTraining1.19.2");
      double off = distance(train(golden.folder(), golden, expected.length), expected);
      System.out.println(name + ": Microsoft's artifacts off by " + off);
      assertTrue(off < 1e-4, name + ": losses are off by " + off);
    }
  }
}
