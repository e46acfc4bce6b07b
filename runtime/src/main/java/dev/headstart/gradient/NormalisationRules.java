package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/** Rules of softmax, of losses with it, and of layers that take mean and deviation away. */
final class NormalisationRules {
  private NormalisationRules() {}

  static void addTo(RuleTable t) {
    t.stop("SoftmaxCrossEntropyLoss", 1); // labels

    t.rule("Softmax", (n, g) -> g.kernels().softmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
    t.rule(
        "LogSoftmax", (n, g) -> g.kernels().logSoftmaxGrad(n.dY(), n.y(), n.integer("axis", -1)));
    t.rule("SoftmaxCrossEntropyLoss", NormalisationRules::softmaxCrossEntropy);
  }

  /** Through the loss, dX = dY · (softmax - onehot), and through the log-probabilities. */
  private static Value softmaxCrossEntropy(ForwardNode n, Algebra g) {
    List<Value> terms = new ArrayList<>();
    if (n.dY(0) != null) {
      long ignored = n.integer("ignore_index", Long.MIN_VALUE);
      terms.add(
          g.kernels()
              .softmaxCrossEntropyGrad(
                  n.dY(0),
                  n.y(1),
                  n.x(1),
                  n.has(2) ? n.x(2) : null,
                  n.string("reduction", "mean"),
                  ignored == Long.MIN_VALUE ? null : ignored));
    }
    if (n.dY(1) != null) {
      terms.add(g.kernels().logSoftmaxGrad(n.dY(1), n.y(1), 1));
    }
    return g.sum(terms);
  }
}
