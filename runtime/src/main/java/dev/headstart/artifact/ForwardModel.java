package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.gradient.BatchNorms;
import dev.headstart.gradient.Gradients;
import dev.headstart.gradient.Reach;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.OpsetUpgrade;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model that is ready to be differentiated: what is trained of it is chosen, and every gradient
 * on the way has a rule.
 *
 * @param model of an opset that has rules; with a loss graph, joined with it
 * @param graph its part that the output needs, and no outputs
 * @param output the tensor that the loss is taken of; with a loss graph, the loss
 * @param scores the model's own output
 * @param parameters to train, in the order of the graph's initializers
 * @param statistics the running statistics that training is to move
 */
record ForwardModel(
    OnnxModel model,
    GraphProto graph,
    TensorInfo output,
    String scores,
    Map<String, Tensor> parameters,
    Map<String, Tensor> statistics) {

  /**
   * @throws BadInputException if the model or an option cannot be used: the message says which
   * @throws NotFoundException if a parameter or the output does not exist; the nearest is offered
   */
  static ForwardModel of(OnnxModel given, ArtifactOptions options) {
    ArtifactOptions.Criterion criterion = options.criterion();
    OnnxModel forward = OpsetUpgrade.to(given, Gradients.OLDEST_OPSET);
    Set<String> candidates = new LinkedHashSet<>();
    given.proto().getGraph().getInitializerList().stream()
        .map(TensorProto::getName)
        .filter(name -> !GraphBuilder.isOwnConstant(name))
        .forEach(candidates::add);
    Map<String, TensorInfo> shapes = ShapeInference.infer(forward);
    TensorInfo output = output(forward, criterion.output(), shapes);
    String scores = output.name();
    if (criterion.loss() instanceof LossGraph custom) {
      custom.check(criterion.weights(), criterion.smoothing());
      LossGraph.Joined joined = custom.behind(forward, scores);
      forward = joined.model();
      shapes = ShapeInference.infer(forward);
      scores = joined.scores();
      output = output(forward, null, shapes);
    } else if (criterion.loss() instanceof Loss loss) {
      loss.check(output, criterion.weights(), criterion.smoothing());
    }
    GraphProto graph = pruned(forward, output.name());
    Map<String, Tensor> parameters =
        parameters(forward, candidates, graph, output.name(), options.selection(), shapes);
    requireRules(forward, graph, output.name(), parameters.keySet(), shapes);
    Map<String, Tensor> statistics = statistics(forward, graph, parameters.keySet(), options);
    return new ForwardModel(forward, graph, output, scores, parameters, statistics);
  }

  /**
   * The graph with its user inputs only, and parameters and statistics neither initializers nor
   * inputs.
   *
   * @param version of the file format that it is to have at least
   */
  OnnxModel withoutParameters(int version) {
    Set<String> initializers = new HashSet<>();
    model.proto().getGraph().getInitializerList().forEach(t -> initializers.add(t.getName()));
    GraphProto.Builder open = graph.toBuilder().clearInput().clearInitializer();
    graph.getInputList().stream()
        .filter(i -> !initializers.contains(i.getName()))
        .forEach(open::addInput);
    graph.getInitializerList().stream()
        .filter(t -> !parameters.containsKey(t.getName()) && !statistics.containsKey(t.getName()))
        .forEach(open::addInitializer);
    return OnnxModel.of(
        model.proto().toBuilder()
            .setGraph(open)
            .setIrVersion(Math.max(version, model.proto().getIrVersion()))
            .build());
  }

  private static TensorInfo output(
      OnnxModel forward, String wanted, Map<String, TensorInfo> shapes) {
    List<String> outputs = forward.outputs().stream().map(TensorInfo::name).toList();
    String name = wanted;
    if (name == null) {
      if (outputs.size() != 1) {
        throw new BadInputException(
            "the model has "
                + outputs.size()
                + " outputs, "
                + outputs
                + ": say which one the loss is taken of");
      }
      name = outputs.get(0);
    }
    Set<String> computed = new HashSet<>();
    forward.proto().getGraph().getNodeList().forEach(n -> computed.addAll(n.getOutputList()));
    computed.remove("");
    if (wanted == null && !computed.contains(name)) {
      throw new BadInputException(
          "the model's output '"
              + name
              + "' is a weight or an input: nothing computes it, so"
              + " nothing can be trained");
    }
    if (!computed.contains(name)) {
      throw new NotFoundException(
          "output", name, outputs.contains(name) || outputs.isEmpty() ? computed : outputs);
    }
    return shapes.getOrDefault(name, new TensorInfo(name, null, null));
  }

  /** The graph with the nodes and initializers that the output needs, and no outputs. */
  private static GraphProto pruned(OnnxModel forward, String output) {
    Graph index = Graph.of(forward);
    GraphProto graph = forward.proto().getGraph();
    GraphProto.Builder pruned = graph.toBuilder().clearNode().clearOutput().clearInitializer();
    Set<String> read = new HashSet<>();
    index.needed(Set.of(output), Set.of()).stream()
        .forEach(
            i -> {
              pruned.addNode(index.nodes().get(i));
              read.addAll(index.reads(i));
            });
    graph.getInitializerList().stream()
        .filter(t -> read.contains(t.getName()))
        .forEach(pruned::addInitializer);
    return pruned.build();
  }

  /** The parameters to train, in the order of the graph's initializers. */
  private static Map<String, Tensor> parameters(
      OnnxModel forward,
      Set<String> candidates,
      GraphProto graph,
      String output,
      ArtifactOptions.Selection selection,
      Map<String, TensorInfo> shapes) {
    Map<String, TensorProto> all = new LinkedHashMap<>();
    forward.proto().getGraph().getInitializerList().stream()
        .filter(t -> candidates.contains(t.getName()))
        .forEach(t -> all.put(t.getName(), t));
    Set<String> reaching = Gradients.differentiable(graph, shapes, output, all.keySet());
    Set<String> fit = new LinkedHashSet<>(all.keySet());
    fit.removeIf(
        name -> {
          TensorProto tensor = all.get(name);
          return !reaching.contains(name)
              || tensor.getDataType() != ElementType.FLOAT.code()
              || tensor.getDimsCount() == 0
              || tensor.getDimsList().contains(0L);
        });
    Set<String> wanted = new HashSet<>();
    if (selection.trainable() == null) {
      wanted.addAll(fit);
    } else {
      for (String name : selection.trainable()) {
        if (ParameterNames.isPattern(name) && !all.containsKey(name)) {
          wanted.addAll(ParameterNames.matching(List.of(name), fit));
          continue;
        }
        if (!all.containsKey(name)) {
          throw new NotFoundException("parameter", name, all.keySet());
        }
        ElementType type = ElementType.ofCode(all.get(name).getDataType());
        if (type != ElementType.FLOAT) {
          throw new BadInputException("only float32 can be trained: '" + name + "' is " + type);
        }
        requireReach(reaching.contains(name), name, output);
        wanted.add(name);
      }
    }
    wanted.removeAll(ParameterNames.matching(selection.frozen(), all.keySet()));
    for (String name : selection.own().keySet()) {
      if (!all.containsKey(name)) {
        throw new NotFoundException("parameter", name, all.keySet());
      }
    }
    if (wanted.isEmpty()) {
      throw new BadInputException(
          "nothing to train: the output '"
              + output
              + "' depends on no float32 parameter that is not frozen");
    }
    Map<String, Tensor> parameters = forward.initializers();
    parameters.keySet().retainAll(wanted);
    return parameters;
  }

  static void requireReach(boolean reaches, String parameter, String output) {
    if (!reaches) {
      throw new BadInputException(
          "the parameter '"
              + parameter
              + "' cannot be trained: the output '"
              + output
              + "' does not depend on it in a differentiable way");
    }
  }

  private static void requireRules(
      OnnxModel forward,
      GraphProto graph,
      String output,
      Set<String> parameters,
      Map<String, TensorInfo> shapes) {
    Reach reach = Reach.of(graph, shapes, output, parameters);
    if (reach.missing().isEmpty()) {
      return;
    }
    Set<String> all = new LinkedHashSet<>(parameters);
    graph.getInputList().forEach(i -> all.add(i.getName()));
    String cut = Reach.of(graph, shapes, output, all).cut();
    throw new BadInputException(
        "no gradient rule, at opset "
            + forward.opset()
            + ", for "
            + String.join("; ", reach.missing())
            + ". "
            + (reach.trainable().isEmpty()
                ? "None of the parameters asked for comes after it"
                : "Of the parameters asked for, these can be trained: "
                    + String.join(", ", reach.trainable()))
            + (cut == null ? "" : ". The deepest cut that works is '" + cut + "'")
            + ". docs/gradients.md shows how to add a rule");
  }

  /** The running statistics that training is to move. */
  private static Map<String, Tensor> statistics(
      OnnxModel forward, GraphProto graph, Set<String> parameters, ArtifactOptions options) {
    if (!options.batchNorms()) {
      return Map.of();
    }
    GraphBuilder whole =
        new GraphBuilder(OnnxModel.of(forward.proto().toBuilder().setGraph(graph).build()));
    Map<String, Tensor> all = forward.initializers();
    Map<String, Tensor> statistics = new LinkedHashMap<>();
    for (String name : BatchNorms.statistics(whole, parameters::contains)) {
      Tensor tensor = all.get(name);
      if (tensor == null || tensor.type() != ElementType.FLOAT) {
        throw new BadInputException(
            "the running statistics '"
                + name
                + "' must be a float32 weight of the model to be moved in training, got "
                + tensor);
      }
      statistics.put(name, tensor);
    }
    return statistics;
  }
}
