package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.NotFoundException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * An index of a model's graph: which node makes a tensor, which nodes read it, what depends on
 * what. A node that holds graphs of its own (If, Loop, Scan) reads what they read; their inner
 * tensors are not listed.
 */
public final class Graph {
  /** Operators that give another result at each run, so that theirs is no constant. */
  private static final Set<String> RANDOM =
      Set.of(
          "RandomNormal",
          "RandomNormalLike",
          "RandomUniform",
          "RandomUniformLike",
          "Multinomial",
          "Bernoulli");

  private final List<NodeProto> nodes;
  private final List<List<String>> reads = new ArrayList<>();
  private final Map<String, Integer> producers = new HashMap<>();
  private final Map<String, List<Integer>> consumers = new HashMap<>();
  private final Map<String, Integer> tensors = new LinkedHashMap<>();
  private final Set<String> inputs = new HashSet<>();
  private final Set<String> constants = new HashSet<>();

  private Graph(OnnxModel model) {
    GraphProto graph = model.proto().getGraph();
    nodes = TopologicalOrder.sort(graph.getNodeList());
    for (TensorInfo input : model.inputs()) {
      inputs.add(input.name());
      tensors.putIfAbsent(input.name(), tensors.size());
    }
    graph.getInitializerList().forEach(t -> constants.add(t.getName()));
    graph.getSparseInitializerList().forEach(t -> constants.add(t.getValues().getName()));
    constants.forEach(inputs::remove);
    graph.getInitializerList().forEach(t -> tensors.putIfAbsent(t.getName(), tensors.size()));
    graph
        .getSparseInitializerList()
        .forEach(t -> tensors.putIfAbsent(t.getValues().getName(), tensors.size()));
    for (int i = 0; i < nodes.size(); i++) {
      NodeProto node = nodes.get(i);
      List<String> read = List.copyOf(Subgraphs.reads(node));
      reads.add(read);
      for (String name : read) {
        consumers.computeIfAbsent(name, n -> new ArrayList<>()).add(i);
      }
      boolean constant = !RANDOM.contains(node.getOpType()) && constants.containsAll(read);
      for (String output : node.getOutputList()) {
        if (!output.isEmpty()) {
          producers.put(output, i);
          tensors.putIfAbsent(output, tensors.size());
          if (constant) {
            constants.add(output);
          }
        }
      }
    }
  }

  /** Indexes a model's graph, in time linear in its size. */
  public static Graph of(OnnxModel model) {
    return new Graph(model);
  }

  /** The nodes in topological order; a node's index here is its number elsewhere. */
  public List<NodeProto> nodes() {
    return nodes;
  }

  /** All tensors in graph order: inputs, initializers, then the nodes' outputs. */
  public Collection<String> tensors() {
    return tensors.keySet();
  }

  /**
   * A tensor's place in graph order.
   *
   * @throws NotFoundException for an unknown tensor; the nearest name is offered
   */
  public int position(String tensor) {
    Integer position = tensors.get(tensor);
    if (position == null) {
      throw new NotFoundException("tensor", tensor, tensors.keySet());
    }
    return position;
  }

  /** The node that makes the tensor; empty for inputs, initializers and unknown names. */
  public OptionalInt producer(String tensor) {
    Integer node = producers.get(tensor);
    return node == null ? OptionalInt.empty() : OptionalInt.of(node);
  }

  /** The nodes that read the tensor, each once, in order. */
  public List<Integer> consumers(String tensor) {
    return consumers.getOrDefault(tensor, List.of());
  }

  /** The tensors that a node reads, each once. */
  public List<String> reads(int node) {
    return reads.get(node);
  }

  /** Whether a caller feeds this tensor: a graph input that no initializer stands for. */
  public boolean isInput(String tensor) {
    return inputs.contains(tensor);
  }

  /** Whether the tensor is an initializer or computed from nothing but initializers. */
  public boolean isConstant(String tensor) {
    return constants.contains(tensor);
  }

  /** The nodes that read the tensor, directly or through others. */
  public BitSet dependents(String tensor) {
    BitSet found = new BitSet(nodes.size());
    consumers(tensor).forEach(found::set);
    for (int i = found.nextSetBit(0); i >= 0; i = found.nextSetBit(i + 1)) {
      for (String output : nodes.get(i).getOutputList()) {
        if (!output.isEmpty()) {
          consumers(output).forEach(found::set);
        }
      }
    }
    return found;
  }

  /** The nodes that must run for the tensors in {@code wanted}, when {@code given} are there. */
  public BitSet needed(Collection<String> wanted, Set<String> given) {
    BitSet found = new BitSet(nodes.size());
    wanted.forEach(tensor -> need(tensor, given, found));
    for (int i = found.length() - 1; i >= 0; i = found.previousSetBit(i - 1)) {
      reads.get(i).forEach(tensor -> need(tensor, given, found));
    }
    return found;
  }

  private void need(String tensor, Set<String> given, BitSet found) {
    Integer producer = producers.get(tensor);
    if (producer != null && !given.contains(tensor)) {
      found.set(producer);
    }
  }
}
