package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/** Every node after what it reads; otherwise the file's own order (Kahn 1962). */
final class TopologicalOrder {
  private TopologicalOrder() {}

  /**
   * The graph with its nodes, and those of the graphs nested in it, in order; the same object where
   * they are already.
   *
   * @throws BadInputException if nodes depend on each other in a circle; it names them
   */
  static GraphProto sort(GraphProto graph) {
    List<NodeProto> sorted = sort(graph.getNodeList());
    boolean changed = sorted != graph.getNodeList();
    List<NodeProto> nodes = new ArrayList<>(sorted.size());
    for (NodeProto node : sorted) {
      NodeProto inner = Subgraphs.map(node, TopologicalOrder::sort);
      changed |= !inner.equals(node);
      nodes.add(inner);
    }
    return changed ? graph.toBuilder().clearNode().addAllNode(nodes).build() : graph;
  }

  /** The nodes in order; the same list where they are already. */
  static List<NodeProto> sort(List<NodeProto> nodes) {
    Map<String, Integer> producers = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      for (String output : nodes.get(i).getOutputList()) {
        // An optional output that is left out has an empty name, which no node reads.
        producers.put(output, i);
      }
    }
    if (isSorted(nodes, producers)) {
      return nodes;
    }
    List<List<Integer>> after = new ArrayList<>(nodes.size());
    nodes.forEach(n -> after.add(new ArrayList<>()));
    int[] open = new int[nodes.size()];
    for (int i = 0; i < nodes.size(); i++) {
      for (String read : Subgraphs.reads(nodes.get(i))) {
        Integer producer = producers.get(read);
        if (producer != null) {
          after.get(producer).add(i);
          open[i]++;
        }
      }
    }
    PriorityQueue<Integer> ready = new PriorityQueue<>();
    for (int i = 0; i < open.length; i++) {
      if (open[i] == 0) {
        ready.add(i);
      }
    }
    List<NodeProto> result = new ArrayList<>(nodes.size());
    while (!ready.isEmpty()) {
      int next = ready.remove();
      result.add(nodes.get(next));
      for (int follower : after.get(next)) {
        if (--open[follower] == 0) {
          ready.add(follower);
        }
      }
    }
    if (result.size() < nodes.size()) {
      throw new BadInputException(
          "its nodes depend on each other in a circle: " + circle(nodes, producers, open));
    }
    return result;
  }

  private static boolean isSorted(List<NodeProto> nodes, Map<String, Integer> producers) {
    for (int i = 0; i < nodes.size(); i++) {
      for (String read : Subgraphs.reads(nodes.get(i))) {
        if (producers.getOrDefault(read, -1) >= i) {
          return false;
        }
      }
    }
    return true;
  }

  /** Walks from a node that never became ready to one that it waits for, until one comes back. */
  private static String circle(List<NodeProto> nodes, Map<String, Integer> producers, int[] open) {
    int at = 0;
    while (open[at] == 0) {
      at++;
    }
    Set<Integer> path = new LinkedHashSet<>();
    while (path.add(at)) {
      at =
          Subgraphs.reads(nodes.get(at)).stream()
              .map(producers::get)
              .filter(p -> p != null && open[p] > 0)
              .findFirst()
              .orElseThrow();
    }
    List<String> names = new ArrayList<>();
    boolean inside = false;
    for (int node : path) {
      inside |= node == at;
      if (inside) {
        names.add(Names.of(nodes.get(node)));
      }
    }
    return String.join(" ← ", names.subList(0, Math.min(10, names.size())))
        + (names.size() > 10 ? " ← … (" + names.size() + " nodes)" : "");
  }
}
