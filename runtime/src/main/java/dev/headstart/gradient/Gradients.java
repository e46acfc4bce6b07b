package dev.headstart.gradient;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import dev.headstart.gradient.RuleTable.Broadcast;
import dev.headstart.gradient.RuleTable.Entry;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Reverse-mode differentiation of an ONNX graph: appends to it the nodes that compute gradients.
 *
 * <p>Only nodes on a way from a wanted tensor to a seed are looked at; all of them must have a rule
 * in {@link GradientRules}. Where an operator broadcasts, its gradient is summed back here: with
 * axes that are known now wherever the shapes decide it, else with axes computed at run time.
 */
public final class Gradients {
  /** Axes are inputs of ReduceSum and Unsqueeze from here on. */
  public static final int OLDEST_OPSET = 13;

  private final GraphBuilder graph;
  private final Map<String, TensorInfo> shapes;

  /** Dimensions of tensors of known rank; numbers below 0 as {@link ShapeInference#dimensions}. */
  private final Map<String, long[]> dimensions;

  private final Algebra algebra;
  private final List<NodeProto> nodes;

  /** Tensors that depend on a wanted one in a differentiable way. */
  private final Set<String> active = new HashSet<>();

  private final Map<String, List<Value>> contributions = new HashMap<>();

  private Gradients(
      GraphBuilder graph, Map<String, TensorInfo> shapes, Map<String, long[]> dimensions) {
    this.graph = graph;
    this.shapes = shapes;
    this.dimensions = dimensions;
    this.algebra = new Algebra(graph);
    this.nodes = List.copyOf(graph.proto().getNodeList());
  }

  /**
   * Appends the gradients of Σ seed · tensor, the sum over all entries of {@code seeds}.
   *
   * @param graph the forward graph, topologically sorted
   * @param seeds by tensor name, the gradient of the final quantity with respect to it, in its
   *     shape; for a loss, {@code {loss: 1}}
   * @param wanted tensors to differentiate by: graph inputs, initializers, or results of nodes
   * @return the gradient of each wanted tensor, in its shape; one that the seeds do not depend on
   *     is left out
   * @throws BadInputException if a node on the way has no rule (all such nodes are named), the
   *     graph is not sorted, or its opset is older than {@value #OLDEST_OPSET}
   */
  public static Map<String, Value> of(
      GraphBuilder graph, Map<String, Value> seeds, Collection<String> wanted) {
    OnnxModel model = graph.build();
    return of(graph, ShapeInference.infer(model), ShapeInference.dimensions(model), seeds, wanted);
  }

  /** With what is known of the graph's tensors, by name, and of the equality of dimensions. */
  static Map<String, Value> of(
      GraphBuilder graph,
      Map<String, TensorInfo> shapes,
      Map<String, long[]> dimensions,
      Map<String, Value> seeds,
      Collection<String> wanted) {
    if (graph.opset() < OLDEST_OPSET) {
      throw new BadInputException(
          "gradients need opset "
              + OLDEST_OPSET
              + " or later, the model has opset "
              + graph.opset()
              + ": export it again with a newer one, or convert it with ONNX's version converter");
    }
    return new Gradients(graph, shapes, dimensions).run(seeds, wanted);
  }

  /**
   * The tensors among {@code candidates} that {@code target} depends on in a differentiable way: by
   * way of no stop edge, and of no input that its operator's rule leaves out. A candidate that is a
   * setting there (the exponent of a square) does not count. An operator without any rule is passed
   * through, so that {@link #of} can complain of it.
   *
   * @param graph topologically sorted
   * @param shapes what is known of the graph's tensors, by name
   */
  public static Set<String> differentiable(
      GraphProto graph,
      Map<String, TensorInfo> shapes,
      String target,
      Collection<String> candidates) {
    Set<String> reached = new HashSet<>(Set.of(target));
    for (int index = graph.getNodeCount() - 1; index >= 0; index--) {
      NodeProto node = graph.getNode(index);
      if (node.getOutputList().stream().anyMatch(o -> reached.contains(o) && isReal(o, shapes))) {
        String operator = ForwardNode.operator(node);
        Entry entry = GradientRules.entry(operator);
        List<String> inputs = inputs(node);
        for (int i = 0; i < inputs.size(); i++) {
          boolean setting =
              GradientRules.isSetting(operator, i) && candidates.contains(inputs.get(i));
          if ((entry == null || entry.covers(i)) && !GradientRules.stops(operator, i) && !setting) {
            reached.add(inputs.get(i));
          }
        }
      }
    }
    reached.retainAll(candidates);
    return reached;
  }

  private Map<String, Value> run(Map<String, Value> seeds, Collection<String> wanted) {
    requireSorted();
    active.addAll(wanted);
    for (NodeProto node : nodes) {
      if (!edges(node).isEmpty()) {
        node.getOutputList().stream().filter(o -> isReal(o, shapes)).forEach(active::add);
      }
    }
    List<Integer> path = path(seeds.keySet());
    requireRules(path);
    seeds.forEach(this::contribute);
    path.forEach(this::differentiate);
    Map<String, Value> gradients = new LinkedHashMap<>();
    for (String name : wanted) {
      if (contributions.containsKey(name)) {
        gradients.put(name, total(name));
      }
    }
    return gradients;
  }

  private void requireSorted() {
    Set<String> later = new HashSet<>();
    nodes.forEach(n -> later.addAll(n.getOutputList()));
    later.remove("");
    for (NodeProto node : nodes) {
      for (String input : inputs(node)) {
        if (later.contains(input)) {
          throw new BadInputException(
              "the graph's nodes are not in order: "
                  + ForwardNode.describe(node)
                  + " uses '"
                  + input
                  + "' before it is computed");
        }
      }
      node.getOutputList().forEach(later::remove);
    }
  }

  /** The node's inputs, and after them what its subgraphs take from outside. */
  static List<String> inputs(NodeProto node) {
    List<String> names = new ArrayList<>(node.getInputList());
    for (AttributeProto attribute : node.getAttributeList()) {
      List<GraphProto> graphs = new ArrayList<>(attribute.getGraphsList());
      if (attribute.hasG()) {
        graphs.add(attribute.getG());
      }
      for (GraphProto graph : graphs) {
        graph.getNodeList().forEach(inner -> names.addAll(inputs(inner)));
      }
    }
    return names;
  }

  /** The positions of the inputs that a gradient flows to. */
  private List<Integer> edges(NodeProto node) {
    return edges(node, active);
  }

  /** The positions of the inputs among {@code active} that a gradient flows to. */
  static List<Integer> edges(NodeProto node, Set<String> active) {
    List<String> inputs = inputs(node);
    String operator = ForwardNode.operator(node);
    return IntStream.range(0, inputs.size())
        .filter(i -> active.contains(inputs.get(i)) && !GradientRules.stops(operator, i))
        .boxed()
        .toList();
  }

  static boolean isReal(String name, Map<String, TensorInfo> shapes) {
    if (name.isEmpty()) {
      return false;
    }
    TensorInfo info = shapes.get(name);
    return info == null
        || info.type() == null
        || switch (info.type()) {
          case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> true;
          default -> false;
        };
  }

  /** The indices of the nodes between the wanted tensors and the seeds, last node first. */
  private List<Integer> path(Set<String> seeds) {
    Set<String> needed = new HashSet<>(seeds);
    List<Integer> path = new ArrayList<>();
    for (int index = nodes.size() - 1; index >= 0; index--) {
      NodeProto node = nodes.get(index);
      if (node.getOutputList().stream().anyMatch(o -> needed.contains(o) && active.contains(o))) {
        path.add(index);
        List<String> inputs = inputs(node);
        edges(node).forEach(i -> needed.add(inputs.get(i)));
      }
    }
    return path;
  }

  private void requireRules(List<Integer> path) {
    Set<String> missing = new LinkedHashSet<>();
    for (int index : path) {
      NodeProto node = nodes.get(index);
      Entry entry = GradientRules.entry(ForwardNode.operator(node));
      if (entry == null) {
        missing.add(ForwardNode.describe(node));
      } else {
        edges(node).stream()
            .filter(i -> !entry.covers(i))
            .map(
                i ->
                    "input " + i + " ('" + node.getInput(i) + "') of " + ForwardNode.describe(node))
            .forEach(missing::add);
      }
    }
    if (!missing.isEmpty()) {
      throw new BadInputException(
          "no gradient rule, at opset "
              + graph.opset()
              + ", for "
              + String.join("; ", missing)
              + ". Train only what comes after, freeze the parameters before, or add a rule"
              + " (docs/gradients.md). There are rules for "
              + String.join(", ", GradientRules.operators()));
    }
  }

  private void contribute(String name, Value gradient) {
    contributions.computeIfAbsent(name, n -> new ArrayList<>()).add(gradient);
  }

  /** The sum of what the later nodes say of a tensor. */
  private Value total(String name) {
    List<Value> terms = contributions.get(name);
    if (terms.size() > 1) {
      terms = new ArrayList<>(List.of(algebra.sum(terms)));
      contributions.put(name, terms);
    }
    return terms.get(0);
  }

  private void differentiate(int index) {
    NodeProto node = nodes.get(index);
    List<Value> outputGradients =
        node.getOutputList().stream()
            .map(o -> contributions.containsKey(o) ? total(o) : null)
            .toList();
    if (outputGradients.stream().allMatch(Objects::isNull)) {
      return;
    }
    ForwardNode forward = new ForwardNode(graph, index, shapes, outputGradients, edges(node));
    Entry entry = GradientRules.entry(ForwardNode.operator(node));
    List<Value> together =
        entry instanceof Entry.Together t ? t.rule().gradients(forward, algebra) : null;
    for (int i : edges(node)) {
      Value gradient;
      if (entry instanceof Entry.PerInput p) {
        gradient = p.rules().get(i).gradient(forward, algebra);
      } else if (entry instanceof Entry.Variadic v) {
        gradient = v.rule().gradient(forward, i, algebra);
      } else {
        gradient = together.get(i);
      }
      Broadcast broadcast = GradientRules.broadcast(ForwardNode.operator(node), forward, i);
      contribute(node.getInput(i), sumBack(gradient, node, i, broadcast));
    }
  }

  /** Sums a gradient in the broadcast shape of input {@code i} back to the input's own shape. */
  private Value sumBack(Value gradient, NodeProto node, int i, Broadcast broadcast) {
    if (broadcast == Broadcast.NONE) {
      return gradient;
    }
    Value input = graph.value(node.getInput(i));
    if (broadcast == Broadcast.TO_GRADIENT) {
      return sumBackAtRunTime(gradient, input);
    }
    long[] to = dimensions.get(node.getInput(i));
    long[] from = to == null ? null : broadcastShape(node, i, broadcast);
    if (from == null || from.length < to.length) {
      return sumBackAtRunTime(gradient, input);
    }
    int extra = from.length - to.length;
    List<Long> axes = new ArrayList<>();
    for (int axis = 0; axis < from.length; axis++) {
      long target = axis < extra ? 1 : to[axis - extra];
      if (axis < extra || (target == 1 && from[axis] != 1)) {
        axes.add((long) axis);
      } else if (target < 0
          && from[axis] != 1
          && from[axis] != target
          && !(broadcast == Broadcast.ELEMENTWISE && isAlone(node, i, from.length - axis))) {
        return sumBackAtRunTime(gradient, input);
      }
    }
    if (axes.isEmpty()) {
      return gradient;
    }
    Value summed =
        algebra.sum(
            gradient,
            algebra.vector(axes.stream().mapToLong(a -> a).toArray()),
            axes.size() > extra);
    return axes.size() == extra || extra == 0
        ? summed
        : algebra.reshapeLike(summed, input, shapes.get(node.getInput(i)).shape());
  }

  private Value sumBackAtRunTime(Value gradient, Value input) {
    Value shape = algebra.shape(input);
    Value axes = algebra.kernels().broadcastAxes(shape, algebra.shape(gradient));
    return algebra.reshape(algebra.sum(gradient, axes, true), shape);
  }

  /** The shape that input {@code i} has once broadcast, or null. */
  private long[] broadcastShape(NodeProto node, int i, Broadcast broadcast) {
    long[] output = dimensions.get(node.getOutput(0));
    if (output == null || broadcast != Broadcast.LEADING) {
      return output;
    }
    long[] a = dimensions.get(node.getInput(0));
    long[] b = dimensions.get(node.getInput(1));
    if (a == null || b == null) {
      return null;
    }
    int leading = output.length - (a.length > 1 ? 1 : 0) - (b.length > 1 ? 1 : 0);
    long[] own = i == 0 ? a : b;
    return LongStream.concat(
            Arrays.stream(output, 0, leading),
            Arrays.stream(own, Math.max(0, own.length - 2), own.length))
        .toArray();
  }

  /** Whether no other input can be longer along an axis, counted from the last as 1. */
  private boolean isAlone(NodeProto node, int i, int axisFromEnd) {
    for (int j = 0; j < node.getInputCount(); j++) {
      long[] other = j == i ? new long[0] : dimensions.get(node.getInput(j));
      if (other == null
          || (other.length >= axisFromEnd && other[other.length - axisFromEnd] != 1)) {
        return false;
      }
    }
    return true;
  }
}
