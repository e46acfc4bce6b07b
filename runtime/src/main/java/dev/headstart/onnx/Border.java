package dev.headstart.onnx;

import dev.headstart.error.BadInputException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * What crosses a cut.
 *
 * @param live the tensor that names the cut, then in graph order all else that later layers read
 *     and that does not depend on it; constants are not among them
 * @param outputs the model's outputs that depend on the tensor, or are it
 */
record Border(List<String> live, List<String> outputs) {

  /**
   * @throws BadInputException if the tensor is a constant, or no output depends on it
   */
  static Border at(Graph graph, List<TensorInfo> modelOutputs, String tensor) {
    if (graph.isConstant(tensor)) {
      throw new BadInputException(
          "the tensor "
              + Names.quote(tensor)
              + " is a constant: it depends on no input, so nothing can be cut there");
    }
    BitSet after = graph.dependents(tensor);
    List<String> outputs =
        modelOutputs.stream()
            .map(TensorInfo::name)
            .filter(o -> o.equals(tensor) || isAfter(graph, after, o))
            .toList();
    if (outputs.isEmpty()) {
      throw new BadInputException(
          "no output of the model depends on the tensor " + Names.quote(tensor));
    }
    BitSet back = graph.needed(outputs, Set.of(tensor));
    back.and(after);
    Set<String> others = new TreeSet<>(Comparator.comparingInt(graph::position));
    back.stream()
        .forEach(
            node ->
                graph.reads(node).stream()
                    .filter(r -> !r.equals(tensor) && !isAfter(graph, after, r))
                    .filter(r -> !graph.isConstant(r))
                    .forEach(others::add));
    List<String> live = new ArrayList<>(List.of(tensor));
    live.addAll(others);
    return new Border(live, outputs);
  }

  private static boolean isAfter(Graph graph, BitSet after, String tensor) {
    OptionalInt producer = graph.producer(tensor);
    return producer.isPresent() && after.get(producer.getAsInt());
  }
}
