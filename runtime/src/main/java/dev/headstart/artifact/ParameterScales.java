package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.gradient.Algebra;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Rates and decays of single parameters, for optimizers that know one of each.
 *
 * <p>ONNX Runtime's optimizer has one group: one rate r and one decay d for everything. So a
 * parameter w of rate factor f is not what trains: v is, with w = f · v in the graph. The optimizer
 * is given the gradient of w for v's, untouched: then AdamW's moments, its epsilon and the norm for
 * clipping are those of w, and a step u makes w move by f · r · u, for AdamW as for plain descent.
 *
 * <p>AdamW's decay takes the share r · d off all it trains, whatever the gradient. The scalar
 * {@link #CLOCK} trains with a gradient of zero, so decay is all that happens to it: it is b = Π (1
 * - r · d). With w = f · v · b^p, the decay of w is (1 + p) times that of v (up to terms of (r ·
 * d)²): p = -1 takes it away exactly, and decay stays decoupled from the gradient, which an L2 term
 * in the loss is not. The price is a rate of f · r · b^p: where nothing decays, it grows by 1/b,
 * which is 1% after 1,000 steps of rate 1e-3 with decay 0.01. The optimizer's own decay is that of
 * the largest part, for which p = 0.
 *
 * <p>In the checkpoint v stands under {@code scaled:} and w's name, so that nobody takes it for w;
 * f and p are properties of the checkpoint, and {@link Checkpoint#weights} gives w back.
 *
 * @param decay the optimizer's own, as a multiple of the one that was asked for
 * @param scales of the parameters that have any, by name
 */
record ParameterScales(float decay, Map<String, Scale> scales) {
  static final String PREFIX = "scaled:";
  static final String CLOCK = "headstart.decay";
  private static final String FACTOR = "headstart.factor:";
  private static final String POWER = "headstart.power:";

  /** w = factor · v · clock^power. */
  record Scale(float factor, float power) {
    float of(float clock) {
      return power == 0 ? factor : (float) (factor * Math.pow(clock, power));
    }
  }

  static ParameterScales of(Map<String, Tensor> parameters, ArtifactOptions options) {
    boolean decays = options.optimizer() instanceof Optimizer.AdamW a && a.weightDecay() > 0;
    float common = decays ? common(parameters, options) : 1;
    Map<String, Scale> scales = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) -> {
          ParameterOptions own = options.selection().of(name, tensor.shape());
          float power = decays && common > 0 ? own.rate() * own.decay() / common - 1 : 0;
          if (own.rate() != 1 || power != 0) {
            scales.put(name, new Scale(own.rate(), power));
          }
        });
    return new ParameterScales(common, scales);
  }

  /** The decay that most numbers have, of those that have any. */
  private static float common(Map<String, Tensor> parameters, ArtifactOptions options) {
    Map<Float, Long> sizes = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) -> {
          ParameterOptions own = options.selection().of(name, tensor.shape());
          sizes.merge(own.rate() * own.decay(), tensor.elements(), Long::sum);
        });
    return sizes.entrySet().stream()
        .filter(e -> e.getKey() > 0)
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(0f);
  }

  /** Whether the clock is there. */
  boolean clock() {
    return scales.values().stream().anyMatch(s -> s.power != 0);
  }

  /** The optimizer with the decay that it has to have. */
  Optimizer optimizer(Optimizer asked) {
    return asked instanceof Optimizer.AdamW a && decay != 1
        ? a.weightDecay(a.weightDecay() * decay)
        : asked;
  }

  /** The name in the checkpoint. */
  String stored(String parameter) {
    return scales.containsKey(parameter) ? PREFIX + parameter : parameter;
  }

  /** A checkpoint of weights that has trained nothing yet. */
  Checkpoint checkpoint(Map<String, Tensor> weights, Map<String, Tensor> frozen) {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    Map<String, Float> properties = new LinkedHashMap<>();
    weights.forEach(
        (name, w) -> {
          Scale scale = scales.get(name);
          stored.put(stored(name), scale == null ? w : times(w, 1 / (double) scale.factor));
          if (scale != null) {
            properties.put(FACTOR + name, scale.factor);
            properties.put(POWER + name, scale.power);
          }
        });
    if (clock()) {
      stored.put(CLOCK, Tensor.scalar(1f));
    }
    return new Checkpoint(
        stored, frozen, null, new Checkpoint.Properties(Map.of(), properties, Map.of()));
  }

  /** The weights that a checkpoint stands for. */
  static Map<String, Tensor> weights(Checkpoint checkpoint) {
    Map<String, Float> properties = checkpoint.properties().floats();
    Tensor clock = checkpoint.trainable().get(CLOCK);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    checkpoint
        .trainable()
        .forEach(
            (stored, v) -> {
              String name = stored.startsWith(PREFIX) ? stored.substring(PREFIX.length()) : stored;
              Float factor = properties.get(FACTOR + name);
              if (!stored.startsWith(PREFIX) || factor == null) {
                if (!stored.equals(CLOCK)) {
                  weights.put(stored, v);
                }
                return;
              }
              Scale scale = new Scale(factor, properties.getOrDefault(POWER + name, 0f));
              if (scale.power != 0 && (clock == null || clock.elements() != 1)) {
                throw new BadInputException(
                    "the checkpoint's '" + stored + "' is of no use without '" + CLOCK + "'");
              }
              weights.put(name, times(v, scale.power == 0 ? factor : scale.of(clock.floats()[0])));
            });
    weights.putAll(checkpoint.frozen());
    return weights;
  }

  private static Tensor times(Tensor a, double factor) {
    float[] values = a.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * factor);
    }
    return Tensor.of(values, a.shape());
  }

  /**
   * Adds the checkpoint's parameters as inputs, and in front of all other nodes what makes weights
   * of them, under the weights' names.
   */
  void open(GraphBuilder graph, Map<String, Tensor> parameters) {
    int before = graph.proto().getNodeCount();
    Map<String, Value> inputs = new LinkedHashMap<>();
    parameters.forEach(
        (name, w) -> inputs.put(name, graph.input(stored(name), ElementType.FLOAT, w.shape())));
    Value clock = clock() ? graph.input(CLOCK, ElementType.FLOAT) : null;
    Algebra g = new Algebra(graph);
    scales.forEach(
        (name, scale) -> {
          Value factor = g.scalar(scale.factor);
          if (scale.power != 0) {
            factor = g.mul(factor, g.pow(clock, g.scalar(scale.power)));
          }
          graph.named(name, Operator.MUL, List.of(inputs.get(name), factor));
        });
    for (int i = before, to = 0; i < graph.proto().getNodeCount(); i++, to++) {
      var node = graph.proto().getNode(i);
      graph.proto().removeNode(i).addNode(to, node);
    }
  }
}
