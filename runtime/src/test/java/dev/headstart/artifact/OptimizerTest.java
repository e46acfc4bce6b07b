package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.Training;
import dev.headstart.artifact.Optimizer.AdamW;
import dev.headstart.artifact.Optimizer.AdamW.Mode;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.TrainingSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OptimizerTest {
  private static final double X = 1.5;
  private static final double TARGET = -0.4;
  private static final double RATE = 0.05;

  @TempDir Path folder;

  /** An epsilon and a decay so large that no two formulas give the same weights. */
  static Stream<AdamW> adams() {
    return Stream.of(
        new AdamW(0.8f, 0.95f, 0.1f, 0.3f, Mode.PYTORCH, true, null),
        new AdamW(0.8f, 0.95f, 0.1f, 0.3f, Mode.MICROSOFT, true, null),
        new AdamW(0.8f, 0.95f, 0.1f, 0.3f, Mode.MICROSOFT, false, null));
  }

  @ParameterizedTest
  @MethodSource("adams")
  void adamFollowsItsFormula(AdamW adam) {
    Training.require();
    GraphBuilder graph = new GraphBuilder("scale", 17);
    Value x = graph.input("x", ElementType.FLOAT, -1, 1);
    Value w = graph.initializer("w", Tensor.of(new float[] {2}, 1));
    graph.named("y", Operator.MUL, List.of(x, w));
    graph.output(graph.value("y"), ElementType.FLOAT, -1, 1);
    Artifacts.generate(graph.build(), ArtifactOptions.of(Loss.MSE, adam)).writeTo(folder);

    double weight = 2;
    double m = 0;
    double v = 0;
    Map<String, Tensor> batch =
        Map.of(
            "x", Tensor.of(new float[] {(float) X}, 1, 1),
            "target", Tensor.of(new float[] {(float) TARGET}, 1, 1));
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var bound = session.bind(batch)) {
      session.learningRate((float) RATE);
      for (int t = 1; t <= 8; t++) {
        double miss = X * weight - TARGET;
        assertEquals(miss * miss, session.step(bound), 1e-5, "loss of step " + t);
        double g = 2 * X * miss;
        m = adam.alpha() * m + (1 - adam.alpha()) * g;
        v = adam.beta() * v + (1 - adam.beta()) * g * g;
        double first = adam.correctBias() ? 1 - Math.pow(adam.alpha(), t) : 1;
        double second = adam.correctBias() ? 1 - Math.pow(adam.beta(), t) : 1;
        if (adam.mode() == Mode.PYTORCH) {
          weight -= RATE * adam.weightDecay() * weight;
          weight -= RATE * (m / first) / (Math.sqrt(v / second) + adam.epsilon());
        } else {
          weight -= RATE * Math.sqrt(second) / first * m / (Math.sqrt(v) + adam.epsilon());
          weight -= RATE * adam.weightDecay() * weight;
        }
      }
    }
  }

  @Test
  void refusesWhatDiverges() {
    AdamW good = AdamW.microsoft();
    assertThrows(BadInputException.class, () -> good.weightDecay(-1));
    assertThrows(BadInputException.class, () -> good.maxGradNorm(0f));
    assertThrows(BadInputException.class, () -> good.maxGradNorm(Float.NaN));
    assertThrows(BadInputException.class, () -> new Optimizer.Sgd(-1f));
    assertThrows(
        BadInputException.class, () -> new AdamW(1, 0.9f, 1e-6f, 0, Mode.PYTORCH, true, null));
    assertThrows(
        BadInputException.class, () -> new AdamW(0.9f, 0.9f, 0, 0, Mode.PYTORCH, true, null));
  }
}
