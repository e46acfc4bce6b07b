package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.gradient.Algebra;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.List;

/** How weights follow from gradients; the learning rate is the training session's. */
public sealed interface Optimizer {

  /** Output 0 of the graph. */
  String UPDATED = "updated";

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

    /** The largest weight decay. */
    public static final float LARGEST_DECAY = 1;

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
      require(
          weightDecay >= 0 && weightDecay <= LARGEST_DECAY,
          "weight decay",
          "from 0 to " + LARGEST_DECAY,
          weightDecay);
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
   *
   * @param parameters how many there are
   */
  default OnnxModel model(int parameters) {
    return model(parameters, null);
  }

  /**
   * The same, for parameters that decay differently.
   *
   * @param decays by a parameter's rank, what decays of it in a step, times the learning rate;
   *     instead of AdamW's own. Null for its own
   */
  default OnnxModel model(int parameters, float[] decays) {
    GraphBuilder graph = new GraphBuilder("optimizer", Artifacts.OPSET);
    Value rate = graph.input("learning_rate", ElementType.FLOAT, 1);
    Value step = graph.input("step", ElementType.INT64, 1);
    Value weights = graph.sequenceInput("params", ElementType.FLOAT);
    Value gradients = graph.sequenceInput("gradients", ElementType.FLOAT);
    Value first = graph.sequenceInput("first_order_moments", ElementType.FLOAT);
    Value updated;
    if (this instanceof AdamW adam) {
      Value second = graph.sequenceInput("second_order_moments", ElementType.FLOAT);
      gradients = clipped(graph, gradients, parameters, maxGradNorm());
      List<Value> inputs = new ArrayList<>(List.of(rate, step, weights, gradients, first, second));
      boolean before = decays != null && adam.mode == AdamW.Mode.PYTORCH;
      if (before) {
        Value started =
            new Algebra(graph).greater(step, graph.constant(Tensor.of(new long[] {-1}, 1)));
        inputs.add(Decay.node(graph, started, parameters, decays, Decay.DECAYED));
      }
      updated =
          graph.named(
              before || decays == null ? UPDATED : "headstart.moved",
              Operator.MS_ADAM_W_OPTIMIZER,
              inputs,
              Attribute.of("alpha", adam.alpha),
              Attribute.of("beta", adam.beta),
              Attribute.of("epsilon", adam.epsilon),
              Attribute.of("weight_decay", decays == null ? adam.weightDecay : 0),
              Attribute.of("adam_mode", adam.mode.code),
              Attribute.of("correct_bias", adam.correctBias ? 1 : 0));
      if (decays != null && !before) {
        updated = Decay.node(graph, updated, parameters, decays, UPDATED);
      }
    } else {
      gradients = clipped(graph, gradients, parameters, maxGradNorm());
      updated =
          graph.named(UPDATED, Operator.MS_SGD_OPTIMIZER_V2, List.of(rate, weights, gradients));
    }
    return graph.output(updated, ElementType.BOOL, 1).build();
  }

  /**
   * Gradients whose norm is at most the largest: as PyTorch's {@code clip_grad_norm_}, all by max /
   * (norm + 1e-6) where that is under 1.
   *
   * <p>ONNX Runtime gives the sequences in the order of a hash table, another one in every process:
   * the squares are added up from the largest down, so that the norm is the same to the last bit.
   * That is why this is not its InplaceClipGradNorm.
   */
  static Value clipped(GraphBuilder graph, Value gradients, int parameters, Float maxGradNorm) {
    if (maxGradNorm == null) {
      return gradients;
    }
    Algebra g = new Algebra(graph);
    List<Value> tensors = new ArrayList<>();
    List<Value> squares = new ArrayList<>();
    for (int i = 0; i < parameters; i++) {
      Value index = graph.constant(Tensor.of(new long[] {i}));
      Value tensor = graph.node(Operator.SEQUENCE_AT, List.of(gradients, index));
      Value square =
          graph.node(Operator.REDUCE_SUM_SQUARE, List.of(tensor), Attribute.of("keepdims", 0));
      tensors.add(tensor);
      squares.add(g.reshape(square, 1));
    }
    Value sorted =
        graph.nodes(Operator.TOP_K, List.of(g.concat(squares, 0), g.vector(parameters)), 2).get(0);
    Value norm = g.sqrt(g.sum(sorted));
    Value factor =
        graph.node(
            Operator.MIN, List.of(g.scalar(1), g.div(g.scalar(maxGradNorm), g.add(norm, 1e-6))));
    return graph.node(
        Operator.SEQUENCE_CONSTRUCT, tensors.stream().map(t -> g.mul(t, factor)).toList());
  }
}
