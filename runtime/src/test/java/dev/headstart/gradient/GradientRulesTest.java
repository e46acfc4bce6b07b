package dev.headstart.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.gradient.GradientCase.Known;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of the table against central differences. Another seed: {@code -Dheadstart.seed=N}. */
class GradientRulesTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261101);

  @BeforeAll
  static void needsTrainingKernels() {
    Training.require();
    System.out.println("GradientRulesTest: headstart.seed=" + SEED);
  }

  private static GradientCase of(String operator, String title) {
    return GradientCase.of(operator, title);
  }

  static Stream<GradientCase> cases() {
    List<GradientCase> cases = new ArrayList<>();
    ElementwiseCases.addTo(cases);
    ReductionCases.addTo(cases);
    ReshapeCases.addTo(cases);
    SelectionCases.addTo(cases);
    LinearCases.addTo(cases);
    normalisationsAndLosses(cases);
    WindowCases.addTo(cases);
    NormalisationCases.addTo(cases);
    ChainCases.addTo(cases);
    return cases.stream();
  }

  private static void normalisationsAndLosses(List<GradientCase> cases) {
    for (String operator : List.of("Softmax", "LogSoftmax")) {
      cases.add(of(operator, "default axis").by("x", 3, 4).node());
      for (long axis : new long[] {0, 1, 2, -2, -3}) {
        cases.add(of(operator, "axis " + axis).by("x", 2, 3, 4).node(Attribute.axis(axis)));
      }
      cases.add(of(operator, "opset 13").opset(13).by("x", 2, 3).node());
    }
    Tensor labels = Tensor.of(new long[] {2, 0, 1, 2, -100}, 5);
    Tensor weights = Tensor.of(new float[] {0.5f, 2, 1.25f}, 3);
    for (String reduction : List.of("mean", "sum", "none")) {
      for (boolean weighted : new boolean[] {false, true}) {
        for (boolean ignoring : new boolean[] {false, true}) {
          cases.add(
              of(
                      "SoftmaxCrossEntropyLoss",
                      reduction + (weighted ? ", weights" : "") + (ignoring ? ", ignored" : ""))
                  .by("x", ignoring ? 5 : 4, 3)
                  .given("labels", ignoring ? labels : Tensor.of(new long[] {2, 0, 1, 2}, 4))
                  .given("weights", weights)
                  .graph(
                      (g, in) -> {
                        List<Value> inputs = new ArrayList<>(in.values());
                        if (!weighted) {
                          inputs.remove(2);
                        }
                        List<Attribute> attributes = new ArrayList<>();
                        attributes.add(Attribute.of("reduction", reduction));
                        if (ignoring) {
                          attributes.add(Attribute.of("ignore_index", -100));
                        }
                        return List.of(
                            g.node(
                                Operator.SOFTMAX_CROSS_ENTROPY_LOSS,
                                inputs,
                                attributes.toArray(Attribute[]::new)));
                      }));
        }
      }
    }
    cases.add(
        of("SoftmaxCrossEntropyLoss", "through loss and log-probabilities")
            .by("x", 4, 3)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 4))
            .graph(
                (g, in) ->
                    g.nodes(Operator.SOFTMAX_CROSS_ENTROPY_LOSS, List.copyOf(in.values()), 2)));
    cases.add(
        of("SoftmaxCrossEntropyLoss", "through log-probabilities only")
            .by("x", 4, 3)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 4))
            .graph(
                (g, in) ->
                    g.nodes(Operator.SOFTMAX_CROSS_ENTROPY_LOSS, List.copyOf(in.values()), 2)
                        .subList(1, 2)));
    cases.add(
        of("SoftmaxCrossEntropyLoss", "a label a position")
            .by("x", 2, 3, 2)
            .given("labels", Tensor.of(new long[] {2, 0, 1, 2}, 2, 2))
            .node());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithCentralDifferences(GradientCase gradientCase) {
    for (Known known : Known.values()) {
      if (gradientCase.isRefused(known)) {
        assertThrows(BadInputException.class, () -> gradientCase.error(SEED, known));
        continue;
      }
      double error = gradientCase.error(SEED, known);
      assertTrue(
          error < 3e-3, gradientCase + ", known " + known + ": off by " + error + ", seed " + SEED);
    }
  }

  @Test
  void everyRowHasACase() {
    Set<String> missing = new HashSet<>(GradientRules.operators());
    cases().forEach(c -> missing.remove(c.operator));
    assertEquals(Set.of(), missing, "rows of GradientRules without a case here");
  }
}
