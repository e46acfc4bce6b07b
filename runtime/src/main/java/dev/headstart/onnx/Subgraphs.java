package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * The graphs inside nodes (the branches of If, the body of Loop and Scan), which read tensors of
 * the graph around them by name. What is nested is at most some 30 graphs deep, as protobuf's own
 * limit sees to when a model is read, so methods here recurse.
 */
final class Subgraphs {
  private Subgraphs() {}

  /** The graphs in a node's attributes. */
  static List<GraphProto> of(NodeProto node) {
    List<GraphProto> graphs = List.of();
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.hasG() || attribute.getGraphsCount() > 0) {
        graphs = new ArrayList<>(graphs);
        if (attribute.hasG()) {
          graphs.add(attribute.getG());
        }
        graphs.addAll(attribute.getGraphsList());
      }
    }
    return graphs;
  }

  /** A node with its graphs replaced; the node itself where none changed. */
  static NodeProto map(NodeProto node, UnaryOperator<GraphProto> change) {
    if (of(node).isEmpty()) {
      return node;
    }
    NodeProto.Builder changed = node.toBuilder();
    for (AttributeProto.Builder attribute : changed.getAttributeBuilderList()) {
      if (attribute.hasG()) {
        attribute.setG(change.apply(attribute.getG()));
      }
      for (int i = 0; i < attribute.getGraphsCount(); i++) {
        attribute.setGraphs(i, change.apply(attribute.getGraphs(i)));
      }
    }
    return changed.build();
  }

  /** What a node reads: its inputs, then what its graphs read from around it; no empty names. */
  static Set<String> reads(NodeProto node) {
    Set<String> names = new LinkedHashSet<>(node.getInputList());
    of(node).forEach(graph -> names.addAll(captured(graph)));
    names.remove("");
    return names;
  }

  private static Set<String> captured(GraphProto graph) {
    Set<String> names = new LinkedHashSet<>();
    graph.getNodeList().forEach(node -> names.addAll(reads(node)));
    names.removeAll(defined(graph));
    return names;
  }

  /** The names that a graph itself defines. */
  static Set<String> defined(GraphProto graph) {
    Set<String> names = new HashSet<>();
    graph.getInputList().forEach(i -> names.add(i.getName()));
    graph.getInitializerList().forEach(i -> names.add(i.getName()));
    graph.getSparseInitializerList().forEach(i -> names.add(i.getValues().getName()));
    graph.getNodeList().forEach(n -> names.addAll(n.getOutputList()));
    return names;
  }

  /** Every name that a graph and what is nested in it define. */
  static Set<String> definedWithin(GraphProto graph) {
    Set<String> names = defined(graph);
    graph.getNodeList().forEach(n -> of(n).forEach(g -> names.addAll(definedWithin(g))));
    return names;
  }

  /** A node that reads and writes other names; inner names that hide an outer one stay. */
  static NodeProto rename(NodeProto node, Map<String, String> names) {
    boolean same =
        of(node).isEmpty()
            && Collections.disjoint(node.getInputList(), names.keySet())
            && Collections.disjoint(node.getOutputList(), names.keySet());
    if (same) {
      return node;
    }
    NodeProto.Builder renamed = map(node, graph -> renameCaptured(graph, names)).toBuilder();
    for (int i = 0; i < node.getInputCount(); i++) {
      renamed.setInput(i, names.getOrDefault(node.getInput(i), node.getInput(i)));
    }
    for (int i = 0; i < node.getOutputCount(); i++) {
      renamed.setOutput(i, names.getOrDefault(node.getOutput(i), node.getOutput(i)));
    }
    return renamed.build();
  }

  private static GraphProto renameCaptured(GraphProto graph, Map<String, String> names) {
    Map<String, String> visible = new HashMap<>(names);
    visible.keySet().removeAll(defined(graph));
    GraphProto.Builder renamed = graph.toBuilder().clearNode();
    graph.getNodeList().forEach(node -> renamed.addNode(rename(node, visible)));
    return renamed.build();
  }
}
