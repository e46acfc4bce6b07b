package dev.headstart.gradient;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.gradient.RuleTable.Entry;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How far back from an output gradients reach: found from the table of rules alone, before anything
 * is written.
 *
 * @param missing the nodes between the wanted tensors and the output that have no rule, in graph
 *     order, as messages name them: operator, node, output
 * @param trainable the wanted tensors to which every way from the output has rules; all of them
 *     where nothing is missing and the output depends on them
 * @param cut the deepest cut that works: the input or node's output with most behind it, such that
 *     everything behind it has rules; null if the last node already has none
 */
public record Reach(List<String> missing, Set<String> trainable, String cut) {

  /**
   * Of everything in a model: float inputs and float initializers.
   *
   * @param model its nodes in topological order, of an opset from {@value Gradients#OLDEST_OPSET}
   * @param output a tensor of it
   */
  public static Reach of(OnnxModel model, String output) {
    GraphProto graph = model.proto().getGraph();
    Map<String, TensorInfo> shapes = ShapeInference.infer(model);
    Set<String> wanted = new LinkedHashSet<>();
    graph.getInputList().forEach(i -> wanted.add(i.getName()));
    graph.getInitializerList().forEach(t -> wanted.add(t.getName()));
    wanted.removeIf(name -> !Gradients.isReal(name, shapes));
    return of(graph, shapes, output, wanted);
  }

  /**
   * Of some tensors of a graph.
   *
   * @param graph its nodes in topological order
   * @param shapes what is known of its tensors, by name
   * @param wanted graph inputs, initializers, or results of nodes
   */
  public static Reach of(
      GraphProto graph, Map<String, TensorInfo> shapes, String output, Collection<String> wanted) {
    List<NodeProto> nodes = graph.getNodeList();
    Set<String> active = new HashSet<>(wanted);
    for (NodeProto node : nodes) {
      if (!Gradients.edges(node, active).isEmpty()) {
        node.getOutputList().stream().filter(o -> Gradients.isReal(o, shapes)).forEach(active::add);
      }
    }
    Set<String> reached = new HashSet<>(Set.of(output));
    Set<String> barred = new HashSet<>(); // some way from here to the output has no rule
    Set<String> leaky = new HashSet<>(); // some node behind it lacks a rule, if only for a weight
    BitSet path = new BitSet();
    List<String> missing = new ArrayList<>();
    for (int index = nodes.size() - 1; index >= 0; index--) {
      NodeProto node = nodes.get(index);
      List<String> outputs =
          node.getOutputList().stream()
              .filter(o -> reached.contains(o) && active.contains(o))
              .toList();
      if (outputs.isEmpty()) {
        continue;
      }
      path.set(index);
      Entry entry = GradientRules.entry(ForwardNode.operator(node));
      boolean behind = outputs.stream().anyMatch(barred::contains);
      List<String> inputs = Gradients.inputs(node);
      List<Integer> edges = Gradients.edges(node, active);
      List<Integer> without =
          edges.stream().filter(i -> entry == null || !entry.covers(i)).toList();
      boolean leak = !without.isEmpty() || outputs.stream().anyMatch(leaky::contains);
      for (int i : edges) {
        reached.add(inputs.get(i));
        if (behind || without.contains(i)) {
          barred.add(inputs.get(i));
        }
        if (leak) {
          leaky.add(inputs.get(i));
        }
      }
      if (!without.isEmpty()) {
        missing.add(0, ForwardNode.describe(node));
      }
    }
    Set<String> trainable = new LinkedHashSet<>(wanted);
    trainable.removeIf(name -> !reached.contains(name) || barred.contains(name));
    reached.removeAll(leaky);
    return new Reach(missing, trainable, cut(graph, path, reached, output));
  }

  private static String cut(GraphProto graph, BitSet path, Set<String> sound, String output) {
    Map<String, List<Integer>> consumers = new HashMap<>();
    path.stream()
        .forEach(
            i ->
                Gradients.inputs(graph.getNode(i))
                    .forEach(in -> consumers.computeIfAbsent(in, n -> new ArrayList<>()).add(i)));
    Set<String> weights = new HashSet<>();
    graph.getInitializerList().forEach(t -> weights.add(t.getName()));
    List<String> candidates = new ArrayList<>();
    graph.getInputList().forEach(i -> candidates.add(i.getName()));
    path.stream().forEach(i -> candidates.addAll(graph.getNode(i).getOutputList()));
    String best = null;
    BitSet most = new BitSet();
    Set<String> within = new HashSet<>();
    for (String candidate : candidates) {
      if (!sound.contains(candidate)
          || weights.contains(candidate)
          || candidate.equals(output)
          || within.contains(candidate)) {
        continue;
      }
      BitSet behind = new BitSet();
      consumers.getOrDefault(candidate, List.of()).forEach(behind::set);
      for (int i = behind.nextSetBit(0); i >= 0; i = behind.nextSetBit(i + 1)) {
        for (String out : graph.getNode(i).getOutputList()) {
          consumers.getOrDefault(out, List.of()).forEach(behind::set);
        }
      }
      // What comes after a candidate has less behind it.
      behind.stream().forEach(i -> within.addAll(graph.getNode(i).getOutputList()));
      if (behind.cardinality() > most.cardinality()) {
        best = candidate;
        most = behind;
      }
    }
    return best;
  }
}
