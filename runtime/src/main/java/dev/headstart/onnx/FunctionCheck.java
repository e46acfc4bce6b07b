package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's own functions. ONNX Runtime inlines them, so one that calls itself would never end, and
 * a chain of functions that each call the next one twice would grow beyond any memory.
 */
final class FunctionCheck {
  /** As many nodes as no real model has after inlining. */
  private static final long MOST_NODES = 5_000_000;

  private final Map<String, FunctionProto> functions = new LinkedHashMap<>();

  /**
   * @throws BadInputException if functions are defined twice, call each other in a circle, or grow
   *     to an absurd number of nodes
   */
  FunctionCheck(ModelProto model) {
    for (FunctionProto function : model.getFunctionsList()) {
      String key = key(function.getDomain(), function.getName());
      if (functions.put(key, function) != null) {
        throw new BadInputException("defines the function " + Names.quote(key) + " twice");
      }
    }
    if (!functions.isEmpty()) {
      checkCalls(model);
    }
  }

  /** Whether the node is a call of one of the model's own functions. */
  boolean isCall(NodeProto node) {
    return functions.containsKey(key(node.getDomain(), node.getOpType()));
  }

  private void checkCalls(ModelProto model) {
    Map<String, List<String>> calls = new HashMap<>();
    Map<String, Integer> callers = new HashMap<>();
    functions.forEach((key, f) -> calls.put(key, calls(f.getNodeList())));
    calls.values().forEach(called -> called.forEach(c -> callers.merge(c, 1, Integer::sum)));
    Map<String, Long> copies = new HashMap<>();
    calls(model.getGraph().getNodeList()).forEach(c -> copies.merge(c, 1L, Long::sum));

    Deque<String> free = new ArrayDeque<>();
    functions.keySet().stream().filter(f -> !callers.containsKey(f)).forEach(free::add);
    int done = 0;
    long nodes = 0;
    while (!free.isEmpty()) {
      String function = free.remove();
      done++;
      long times = copies.getOrDefault(function, 0L);
      nodes += times * Math.max(1, functions.get(function).getNodeCount());
      if (nodes > MOST_NODES) {
        throw new BadInputException(
            "its functions call each other so often that inlining them makes over "
                + MOST_NODES
                + " nodes");
      }
      for (String called : calls.get(function)) {
        copies.merge(called, times, Long::sum);
        if (callers.merge(called, -1, Integer::sum) == 0) {
          free.add(called);
        }
      }
    }
    if (done < functions.size()) {
      throw new BadInputException(
          "its functions call each other in a circle: "
              + Names.quote(
                  functions.keySet().stream()
                      .filter(f -> callers.getOrDefault(f, 0) > 0)
                      .toList()));
    }
  }

  private List<String> calls(List<NodeProto> nodes) {
    List<String> called = new ArrayList<>();
    collect(nodes, called);
    return called;
  }

  private void collect(List<NodeProto> nodes, List<String> called) {
    for (NodeProto node : nodes) {
      if (isCall(node)) {
        called.add(key(node.getDomain(), node.getOpType()));
      }
      Subgraphs.of(node).forEach(g -> collect(g.getNodeList(), called));
    }
  }

  private static String key(String domain, String name) {
    return (domain.equals("ai.onnx") ? "" : domain) + ":" + name;
  }
}
