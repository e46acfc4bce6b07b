package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.gradient.Algebra;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Rates and decays of single parameters, for optimizers that know one of each.
 *
 * <p>ONNX Runtime's optimizer has one group: one rate r and one decay d for everything. So a
 * parameter w of rate factor f is not what trains: v is, with w = f · v in the graph. The optimizer
 * is given the gradient of w for v's, untouched: then AdamW's moments, its epsilon and the norm for
 * clipping are those of w, and a step u makes w move by f · r · u, for AdamW as for plain descent.
 *
 * <p>Decay takes a share of a weight away, so v decays as w is to: by r · f · d. Where that is the
 * same for all, it is the optimizer's own; else {@link Decay} carries it out, which tells tensors
 * apart by their rank. A parameter whose rank is that of others with another decay is kept under
 * more axes of size 1 in front.
 *
 * <p>In the checkpoint v stands under {@code scaled:} and w's name, so that nobody takes it for w;
 * f and the number of axes in front are properties of the checkpoint, and {@link
 * Checkpoint#weights} gives w back.
 *
 * @param decay the optimizer's own, as a multiple of the one that was asked for
 * @param decays by rank, multiples of the one that was asked for; null where all have the same
 * @param scales of the parameters that have any, by name
 */
record ParameterScales(float decay, float[] decays, Map<String, Scale> scales) {
  static final String PREFIX = "scaled:";
  private static final String FACTOR = "headstart.factor:";
  private static final String AXES = "headstart.axes:";

  /**
   * w = factor · v.
   *
   * @param axes of size 1 that v has in front of w's
   */
  record Scale(float factor, int axes) {}

  static ParameterScales of(Map<String, Tensor> parameters, ArtifactOptions options) {
    boolean decaying = options.optimizer() instanceof Optimizer.AdamW a && a.weightDecay() > 0;
    Map<String, Float> shares = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) -> {
          ParameterOptions own = options.selection().of(name, tensor.shape());
          shares.put(name, decaying ? own.rate() * own.decay() : 1);
        });
    boolean alike = shares.values().stream().distinct().count() == 1;
    TreeMap<Integer, Float> ranks = new TreeMap<>();
    Map<String, Scale> scales = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) -> {
          float rate = options.selection().of(name, tensor.shape()).rate();
          int rank = tensor.shape().length;
          int stored = rank;
          while (!alike && !ranks.getOrDefault(stored, shares.get(name)).equals(shares.get(name))) {
            stored++;
          }
          ranks.put(stored, shares.get(name));
          if (rate != 1 || stored != rank) {
            scales.put(name, new Scale(rate, stored - rank));
          }
        });
    if (alike) {
      return new ParameterScales(shares.values().iterator().next(), null, scales);
    }
    float[] decays = new float[ranks.lastKey() + 1];
    ranks.forEach((rank, share) -> decays[rank] = share);
    return new ParameterScales(1, decays, scales);
  }

  /** The optimizer graph for these parameters. */
  OnnxModel optimizer(Optimizer asked, int parameters) {
    if (!(asked instanceof Optimizer.AdamW adam)) {
      return asked.model(parameters);
    }
    if (decays == null) {
      return adam.weightDecay(adam.weightDecay() * decay).model(parameters);
    }
    float[] all = decays.clone();
    for (int i = 0; i < all.length; i++) {
      all[i] *= adam.weightDecay();
    }
    return adam.model(parameters, all);
  }

  /** The name in the checkpoint. */
  String stored(String parameter) {
    return scales.containsKey(parameter) ? PREFIX + parameter : parameter;
  }

  /** A parameter's gradient, in the shape that the parameter has in the checkpoint. */
  Value stored(
      GraphBuilder graph, String parameter, Value gradient, Map<String, Tensor> parameters) {
    Scale scale = scales.get(parameter);
    return scale == null || scale.axes == 0
        ? gradient
        : new Algebra(graph)
            .reshape(gradient, shape(parameters.get(parameter).shape(), scale.axes));
  }

  /** A checkpoint of weights that has trained nothing yet. */
  Checkpoint checkpoint(Map<String, Tensor> weights, Map<String, Tensor> frozen) {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    Map<String, Float> factors = new LinkedHashMap<>();
    Map<String, Long> axes = new LinkedHashMap<>();
    weights.forEach(
        (name, w) -> {
          Scale scale = scales.get(name);
          if (scale == null) {
            stored.put(name, w);
          } else {
            stored.put(
                stored(name), times(w, 1 / (double) scale.factor, shape(w.shape(), scale.axes)));
            factors.put(FACTOR + name, scale.factor);
            axes.put(AXES + name, (long) scale.axes);
          }
        });
    return new Checkpoint(stored, frozen, null, new Checkpoint.Properties(axes, factors, Map.of()));
  }

  /** With so many axes of size 1 in front. */
  private static long[] shape(long[] shape, int axes) {
    long[] longer = new long[axes + shape.length];
    Arrays.fill(longer, 0, axes, 1);
    System.arraycopy(shape, 0, longer, axes, shape.length);
    return longer;
  }

  /** The weights that a checkpoint stands for. */
  static Map<String, Tensor> weights(Checkpoint checkpoint) {
    Map<String, Float> factors = checkpoint.properties().floats();
    Map<String, Tensor> weights = new LinkedHashMap<>();
    checkpoint
        .trainable()
        .forEach(
            (stored, v) -> {
              String name = stored.startsWith(PREFIX) ? stored.substring(PREFIX.length()) : stored;
              Float factor = factors.get(FACTOR + name);
              if (!stored.startsWith(PREFIX) || factor == null) {
                weights.put(stored, v);
                return;
              }
              long axes = checkpoint.properties().ints().getOrDefault(AXES + name, 0L);
              long[] shape = v.shape();
              if (axes < 0
                  || axes > shape.length
                  || Arrays.stream(shape).limit(axes).anyMatch(n -> n != 1)) {
                throw new BadInputException(
                    "the checkpoint's '"
                        + stored
                        + "' must begin with "
                        + axes
                        + " axes of size 1, and has the shape "
                        + Arrays.toString(shape));
              }
              weights.put(
                  name, times(v, factor, Arrays.copyOfRange(shape, (int) axes, shape.length)));
            });
    weights.putAll(checkpoint.frozen());
    return weights;
  }

  private static Tensor times(Tensor a, double factor, long[] shape) {
    float[] values = a.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * factor);
    }
    return Tensor.of(values, shape);
  }

  /**
   * Adds the checkpoint's parameters as inputs, and in front of all other nodes what makes weights
   * of them, under the weights' names.
   */
  void open(GraphBuilder graph, Map<String, Tensor> parameters) {
    int before = graph.proto().getNodeCount();
    Map<String, Value> inputs = new LinkedHashMap<>();
    parameters.forEach(
        (name, w) -> {
          Scale scale = scales.get(name);
          inputs.put(
              name,
              graph.input(
                  stored(name),
                  ElementType.FLOAT,
                  scale == null ? w.shape() : shape(w.shape(), scale.axes)));
        });
    Algebra g = new Algebra(graph);
    scales.forEach(
        (name, scale) -> {
          Value v = inputs.get(name);
          Value same = scale.axes == 0 ? v : g.reshape(v, parameters.get(name).shape());
          graph.named(name, Operator.MUL, List.of(same, g.scalar(scale.factor)));
        });
    for (int i = before, to = 0; i < graph.proto().getNodeCount(); i++, to++) {
      var node = graph.proto().getNode(i);
      graph.proto().removeNode(i).addNode(to, node);
    }
  }
}
