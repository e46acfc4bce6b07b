package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.gradient.Algebra;
import dev.headstart.gradient.BatchNorms;
import dev.headstart.gradient.Gradients;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The four files that ONNX Runtime trains from, made of a forward model.
 *
 * <ul>
 *   <li>{@code training}: forward, loss and gradients. Inputs are the model's own, then {@code
 *       labels} or {@code target}, then where gradients are accumulated {@link #EFFECTIVE_BATCH},
 *       then per parameter p the parameter and {@code p_grad.accumulation.buffer}, then {@code
 *       lazy_reset_grad} (bool[1]: begin sums of gradients anew). Outputs are the loss and per
 *       parameter {@code p_grad.accumulation.out} (bool[1]).
 *   <li>{@code eval}: forward and loss, with the same inputs as far as parameters.
 *   <li>{@code optimizer}: see {@link Optimizer#model()}.
 *   <li>{@code checkpoint}: the parameters' values. What is not trained stays inside the graphs.
 * </ul>
 *
 * Dropout is in training mode in the training graph, its masks drawn from the options' seed, and
 * does nothing in the evaluation graph.
 *
 * @param training the training graph
 * @param eval the evaluation graph
 * @param optimizer the optimizer graph
 * @param checkpoint the parameters, and frozen those statistics that training moves; {@link
 *     Checkpoint#weights} gives their weights
 * @param width elements of the last axis of the output, -1 if that is not fixed: for {@link
 *     Loss#CE} the number of classes, which labels must be checked against
 * @param warnings what works and may not be meant, for people
 * @param scales how parameters with options of their own lie in the checkpoint
 */
public record Artifacts(
    OnnxModel training,
    OnnxModel eval,
    OnnxModel optimizer,
    Checkpoint checkpoint,
    long width,
    List<String> warnings,
    ParameterScales scales) {

  /** File names in a folder of artifacts. */
  public static final String TRAINING = "training_model.onnx";

  public static final String EVAL = "eval_model.onnx";
  public static final String OPTIMIZER = "optimizer_model.onnx";
  public static final String CHECKPOINT = "checkpoint";

  /** Prefix of the outputs that {@link #observable} adds. */
  public static final String VALUE = "value:";

  /** Input of graphs whose gradients are accumulated: float32, a scalar. */
  public static final String EFFECTIVE_BATCH = "effective_batch";

  /** Of the graphs that are not made from another. */
  static final int OPSET = 17;

  /** The oldest file format that the written graphs use: initializers that are no inputs. */
  private static final int IR_VERSION = 8;

  private static final String BUFFER = "_grad.accumulation.buffer";
  private static final String ACCUMULATED = "_grad.accumulation.out";
  private static final String RESET = "lazy_reset_grad";

  /**
   * Writes a model's artifacts.
   *
   * @param forward a model, of an opset from 11 on (an older one than 13 is upgraded), of operators
   *     that {@link dev.headstart.gradient.GradientRules#operators()} names, as far as gradients
   *     pass through them
   * @throws BadInputException if the model or an option cannot be used: the message says which
   * @throws NotFoundException if a parameter or the output does not exist; the nearest is offered
   */
  public static Artifacts generate(OnnxModel forward, ArtifactOptions options) {
    return generate(forward, options, false);
  }

  /** With {@code showGradients}, the training graph has an output {@code gradient:p} for each p. */
  static Artifacts generate(OnnxModel model, ArtifactOptions options, boolean showGradients) {
    ForwardModel forward = ForwardModel.of(model, options);
    ParameterScales scales = ParameterScales.of(forward.parameters(), options);
    requireFreeNames(forward, scales, options.criterion());
    OnnxModel open = forward.withoutParameters(IR_VERSION);
    TensorInfo output = forward.output();
    return new Artifacts(
        training(open, forward, scales, options, showGradients),
        eval(open, forward, scales, options),
        scales.optimizer(options.optimizer(), forward.parameters().size()),
        scales.checkpoint(forward.parameters(), forward.statistics()),
        options.criterion().loss() instanceof LossGraph
            ? -1
            : output.shape()[output.shape().length - 1],
        warnings(forward.graph(), output.name(), options.criterion().loss()),
        scales);
  }

  private static void requireFreeNames(
      ForwardModel forward, ParameterScales scales, ArtifactOptions.Criterion criterion) {
    GraphProto graph = forward.graph();
    Set<String> parameters = forward.parameters().keySet();
    Set<String> names = new HashSet<>();
    graph.getInputList().forEach(i -> names.add(i.getName()));
    graph.getInitializerList().forEach(i -> names.add(i.getName()));
    graph.getNodeList().forEach(n -> names.addAll(n.getOutputList()));
    List<String> reserved = new ArrayList<>(List.of(RESET));
    for (String parameter : parameters) {
      String stored = scales.stored(parameter);
      reserved.addAll(List.of(stored + BUFFER, stored + ACCUMULATED));
      if (!stored.equals(parameter)) {
        reserved.add(stored);
      }
    }
    if (criterion.accumulated()) {
      reserved.add(EFFECTIVE_BATCH);
    }
    if (criterion.loss() instanceof Loss usual) {
      reserved.add(usual.input());
      if (parameters.contains(Loss.NAME)) {
        reserved.add(Loss.NAME);
      }
    }
    for (String name : reserved) {
      if (names.contains(name)) {
        throw new BadInputException(
            "the model has a tensor named '"
                + name
                + "', a name that training artifacts need for their own: rename it");
      }
    }
    for (var input : graph.getInputList()) {
      if (input.getName().endsWith(BUFFER)) {
        throw new BadInputException(
            "the model has an input named '"
                + input.getName()
                + "', which ONNX Runtime would take for a gradient: rename it");
      }
    }
  }

  private static OnnxModel training(
      OnnxModel open,
      ForwardModel forward,
      ParameterScales scales,
      ArtifactOptions options,
      boolean showGradients) {
    Map<String, Tensor> parameters = forward.parameters();
    TensorInfo output = forward.output();
    GraphBuilder graph = new GraphBuilder(open);
    Dropouts.toTraining(graph, options.seed());
    Loss.Added added = loss(graph, output, options);
    Value effectiveBatch = effectiveBatch(graph, options);
    scales.open(graph, parameters);
    statistics(graph, forward);
    BatchNorms.toTraining(graph, scale -> options.batchNorms() && parameters.containsKey(scale));
    Map<String, Value> seeds = seeds(graph, added, forward.scores(), effectiveBatch);
    Map<String, Value> gradients = Gradients.of(graph, seeds, parameters.keySet());

    Map<String, Value> stored = new LinkedHashMap<>();
    for (String name : parameters.keySet()) {
      ForwardModel.requireReach(gradients.containsKey(name), name, output.name());
      stored.put(scales.stored(name), scales.stored(graph, name, gradients.get(name), parameters));
    }
    Map<String, Value> buffers = new LinkedHashMap<>();
    scales
        .checkpoint(parameters, Map.of())
        .trainable()
        .forEach(
            (name, tensor) ->
                buffers.put(name, graph.input(name + BUFFER, ElementType.FLOAT, tensor.shape())));
    Value reset = graph.input(RESET, ElementType.BOOL, 1);
    graph.output(added.loss(), ElementType.FLOAT);
    stored.forEach(
        (name, gradient) -> {
          Value accumulated =
              graph.named(
                  name + ACCUMULATED,
                  Operator.MS_IN_PLACE_ACCUMULATOR_V2,
                  List.of(buffers.get(name), gradient, reset));
          graph.output(accumulated, ElementType.BOOL, 1);
        });
    if (showGradients) {
      gradients.forEach(
          (name, gradient) ->
              graph.output(
                  graph.named("gradient:" + name, Operator.IDENTITY, List.of(gradient)),
                  ElementType.FLOAT,
                  parameters.get(name).shape()));
    }
    return graph.build();
  }

  private static void statistics(GraphBuilder graph, ForwardModel forward) {
    forward
        .statistics()
        .forEach((name, tensor) -> graph.input(name, ElementType.FLOAT, tensor.shape()));
  }

  private static Loss.Added loss(GraphBuilder graph, TensorInfo output, ArtifactOptions options) {
    if (options.criterion().loss() instanceof Loss loss) {
      return loss.add(
          graph, output, options.criterion().weights(), options.criterion().smoothing());
    }
    float[] one = {1};
    Value seed = graph.constant(Tensor.of(one, output.shape()));
    return new Loss.Added(graph.value(output.name()), Map.of(output.name(), seed), null);
  }

  /** Null where gradients are not accumulated. */
  private static Value effectiveBatch(GraphBuilder graph, ArtifactOptions options) {
    return options.criterion().accumulated()
        ? graph.input(EFFECTIVE_BATCH, ElementType.FLOAT)
        : null;
  }

  /** What differentiation starts from: the batch's share of the effective one, if there is one. */
  private static Map<String, Value> seeds(
      GraphBuilder graph, Loss.Added added, String scores, Value effectiveBatch) {
    if (effectiveBatch == null) {
      return added.seeds();
    }
    Algebra g = new Algebra(graph);
    Value total = added.total();
    if (total == null) {
      Value rows = g.squeeze(g.gather(g.shape(graph.value(scores)), g.vector(0), 0), 0);
      total = g.cast(rows, ElementType.FLOAT);
    }
    Value share = g.div(total, effectiveBatch);
    Map<String, Value> seeds = new LinkedHashMap<>();
    added.seeds().forEach((name, seed) -> seeds.put(name, g.mul(seed, share)));
    return seeds;
  }

  private static OnnxModel eval(
      OnnxModel open, ForwardModel forward, ParameterScales scales, ArtifactOptions options) {
    GraphBuilder graph = new GraphBuilder(open);
    Dropouts.toEvaluation(graph);
    Loss.Added added = loss(graph, forward.output(), options);
    effectiveBatch(graph, options);
    scales.open(graph, forward.parameters());
    statistics(graph, forward);
    return graph.output(added.loss(), ElementType.FLOAT).build();
  }

  private static List<String> warnings(GraphProto graph, String output, Objective loss) {
    List<String> warnings = new ArrayList<>();
    for (NodeProto node : graph.getNodeList()) {
      String last = node.getOpType();
      if (node.getOutputList().contains(output)
          && ((loss == Loss.CE && last.equals("Softmax"))
              || (loss == Loss.BCE && last.equals("Sigmoid")))) {
        warnings.add(
            "the output '"
                + output
                + "' comes from a "
                + last
                + ", and loss "
                + loss
                + " takes its input as logits: name '"
                + node.getInput(0)
                + "' as the output if "
                + last
                + " should not be applied twice");
      }
    }
    return warnings;
  }

  /**
   * The same, but both graphs also give the output that the loss is taken of, and evaluation the
   * weights of every parameter p, moving statistics included, as {@code value:p}: so a training
   * session can be judged, and its weights read, without a checkpoint on disk.
   *
   * @param output the tensor that the loss is taken of
   */
  public Artifacts observable(String output) {
    GraphBuilder steps = new GraphBuilder(training);
    steps.output(steps.value(output), ElementType.FLOAT, null);
    GraphBuilder graph = new GraphBuilder(eval);
    graph.output(graph.value(output), ElementType.FLOAT, null);
    checkpoint
        .weights()
        .forEach(
            (name, tensor) ->
                graph.output(
                    graph.named(VALUE + name, Operator.IDENTITY, List.of(graph.value(name))),
                    ElementType.FLOAT,
                    tensor.shape()));
    return new Artifacts(
        steps.build(), graph.build(), optimizer, checkpoint, width, warnings, scales);
  }

  /**
   * A checkpoint with other weights, for these graphs: to start from weights that were found
   * elsewhere, or to keep the best ones.
   *
   * @param weights of all that {@link Checkpoint#weights} has, by name, in the same shapes
   */
  public Checkpoint checkpoint(Map<String, Tensor> weights) {
    Map<String, Tensor> ordered = new LinkedHashMap<>();
    checkpoint
        .weights()
        .forEach(
            (name, old) -> {
              Tensor tensor = weights.get(name);
              if (tensor == null
                  || tensor.type() != ElementType.FLOAT
                  || !Arrays.equals(tensor.shape(), old.shape())) {
                throw new BadInputException(
                    "the parameter '" + name + "' is " + old + ", got " + tensor);
              }
              ordered.put(name, tensor);
            });
    Map<String, Tensor> statistics = new LinkedHashMap<>(ordered);
    statistics.keySet().retainAll(checkpoint.frozen().keySet());
    ordered.keySet().removeAll(statistics.keySet());
    return scales.checkpoint(ordered, statistics);
  }

  /** Whether training steps draw dropout masks. */
  public boolean dropout() {
    return Dropouts.any(training);
  }

  /** The same, with dropout masks from a seed that is so much larger than the options'. */
  public Artifacts reseeded(long by) {
    return new Artifacts(
        Dropouts.reseeded(training, by), eval, optimizer, checkpoint, width, warnings, scales);
  }

  /** The model's own inputs, then labels or target: what a training step is fed. */
  public List<TensorInfo> inputs() {
    return eval.inputs().stream()
        .filter(i -> !checkpoint.parameters().containsKey(i.name()))
        .toList();
  }

  /**
   * Writes the four files into a folder, which is made if it is not there.
   *
   * @throws BadInputException if it is a file
   * @throws FailureException if they cannot be written
   */
  public void writeTo(Path folder) {
    writeGraphs(folder);
    checkpoint.write(folder.resolve(CHECKPOINT));
  }

  /** The same, but a checkpoint that is there stays. */
  public void writeGraphs(Path folder) {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new BadInputException(folder + " is a file; expected a folder for the artifacts");
    }
    try {
      Files.createDirectories(folder);
      Files.write(folder.resolve(TRAINING), training.toBytes());
      Files.write(folder.resolve(EVAL), eval.toBytes());
      Files.write(folder.resolve(OPTIMIZER), optimizer.toBytes());
    } catch (IOException e) {
      throw new FailureException("the artifacts cannot be written to " + folder + ": " + e, e);
    }
  }
}
