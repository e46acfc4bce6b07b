package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/** How weights follow from gradients; the learning rate is the training session's. */
public sealed interface Optimizer {

  /** Gradients of a larger L2 norm, over all parameters, are scaled down to it; null: never. */
  Float maxGradNorm();

  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
   *
   * @param alpha decay of the first moment
   * @param beta decay of the second moment
   * @param epsilon added to the root of the second moment
   * @param weightDecay share of a weight taken away per step, times the learning rate
   * @param mode whose formula
   * @param correctBias whether the moments are corrected for starting at zero
   * @param maxGradNorm as {@link Optimizer#maxGradNorm()}
   */
  record AdamW(
      float alpha,
      float beta,
      float epsilon,
      float weightDecay,
      Mode mode,
      boolean correctBias,
      Float maxGradNorm)
      implements Optimizer {

    /** The two orders of the same steps. */
    public enum Mode {
      /** As PyTorch: decay first, epsilon added after the bias correction. */
      PYTORCH(0),
      /** As Hugging Face's and Microsoft's generator: epsilon before the correction, decay last. */
      MICROSOFT(1);

      private final int code;

      Mode(int code) {
        this.code = code;
      }
    }

    public AdamW {
      require(alpha >= 0 && alpha < 1, "alpha", "at least 0 and under 1", alpha);
      require(beta >= 0 && beta < 1, "beta", "at least 0 and under 1", beta);
      require(epsilon > 0 && Float.isFinite(epsilon), "epsilon", "positive", epsilon);
      require(weightDecay >= 0 && weightDecay <= 1, "weight decay", "from 0 to 1", weightDecay);
      requireNorm(maxGradNorm);
    }

    /** What Microsoft's generator writes: epsilon 1e-6, no weight decay. */
    public static AdamW microsoft() {
      return new AdamW(0.9f, 0.999f, 1e-6f, 0, Mode.MICROSOFT, true, null);
    }

    /** The defaults of {@code torch.optim.AdamW}: epsilon 1e-8, weight decay 0.01. */
    public static AdamW pytorch() {
      return new AdamW(0.9f, 0.999f, 1e-8f, 0.01f, Mode.PYTORCH, true, null);
    }

    /** The same with another weight decay. */
    public AdamW weightDecay(float decay) {
      return new AdamW(alpha, beta, epsilon, decay, mode, correctBias, maxGradNorm);
    }

    /** The same with gradients clipped. */
    public AdamW maxGradNorm(Float norm) {
      return new AdamW(alpha, beta, epsilon, weightDecay, mode, correctBias, norm);
    }
  }

  /** Plain gradient descent: w - rate · dw. */
  record Sgd(Float maxGradNorm) implements Optimizer {
    public Sgd {
      requireNorm(maxGradNorm);
    }

    /** Without clipping. */
    public Sgd() {
      this(null);
    }
  }

  private static void requireNorm(Float norm) {
    require(norm == null || (norm > 0 && Float.isFinite(norm)), "gradient norm", "positive", norm);
  }

  private static void require(boolean holds, String what, String expected, Object came) {
    if (!holds) {
      throw new BadInputException(
          "the optimizer's " + what + " must be " + expected + ", got " + came);
    }
  }

  /**
   * The optimizer graph. Inputs, in the order that ONNX Runtime demands: {@code learning_rate}
   * float32[1], {@code step} int64[1], and as sequences of float32 tensors {@code params}, {@code
   * gradients}, {@code first_order_moments}, and for AdamW {@code second_order_moments}. Output 0:
   * a bool[1] that says whether weights were updated, which happens in place.
   */
  default OnnxModel model() {
    GraphBuilder graph = new GraphBuilder("optimizer", Artifacts.OPSET);
    Value rate = graph.input("learning_rate", ElementType.FLOAT, 1);
    Value step = graph.input("step", ElementType.INT64, 1);
    Value parameters = graph.sequenceInput("params", ElementType.FLOAT);
    Value gradients = graph.sequenceInput("gradients", ElementType.FLOAT);
    Value first = graph.sequenceInput("first_order_moments", ElementType.FLOAT);
    if (maxGradNorm() != null) {
      gradients =
          graph.node(
              Operator.MS_INPLACE_CLIP_GRAD_NORM,
              List.of(gradients),
              Attribute.of("max_norm", maxGradNorm()));
    }
    Operator operator;
    List<Value> inputs = new ArrayList<>();
    Attribute[] attributes;
    if (this instanceof AdamW adam) {
      Value second = graph.sequenceInput("second_order_moments", ElementType.FLOAT);
      operator = Operator.MS_ADAM_W_OPTIMIZER;
      inputs.addAll(List.of(rate, step, parameters, gradients, first, second));
      attributes =
          new Attribute[] {
            Attribute.of("alpha", adam.alpha),
            Attribute.of("beta", adam.beta),
            Attribute.of("epsilon", adam.epsilon),
            Attribute.of("weight_decay", adam.weightDecay),
            Attribute.of("adam_mode", adam.mode.code),
            Attribute.of("correct_bias", adam.correctBias ? 1 : 0)
          };
    } else {
      operator = Operator.MS_SGD_OPTIMIZER_V2;
      inputs.addAll(List.of(rate, parameters, gradients));
      attributes = new Attribute[0];
    }
    Value updated = graph.append(operator, inputs, List.of("updated"), attributes).get(0);
    return graph.output(updated, ElementType.BOOL, 1).build();
  }
}
