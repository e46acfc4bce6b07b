package dev.headstart.gradient;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Batch normalisations in training mode: they take mean and variance of the batch, and move their
 * running statistics towards them by 1 - momentum.
 *
 * <p>Source: Ioffe and Szegedy, "Batch Normalization" (2015). The running variance is moved towards
 * the biased variance of the batch, as ONNX says (PyTorch takes the unbiased one).
 */
public final class BatchNorms {
  private BatchNorms() {}

  /**
   * Turns nodes BatchNormalization of inference into com.microsoft.BatchNormInternal, which writes
   * the new running statistics over the old ones. So these must be inputs of the training graph and
   * frozen parameters of its checkpoint: the ones that {@link #statistics} names. Where they are
   * constants of the graph nothing can be written, and they stay as they are.
   *
   * @param graph whose nodes are changed in place; the outputs keep their names
   * @param which the nodes to change, by what they normalise with: the name of the scale
   */
  public static void toTraining(GraphBuilder graph, Predicate<String> which) {
    requireOwn(graph, which);
    graph.importDomain(Operator.MICROSOFT);
    for (int i = 0; i < graph.proto().getNodeCount(); i++) {
      NodeProto node = graph.proto().getNode(i);
      if (isFrozen(node) && which.test(node.getInput(1))) {
        NodeProto.Builder changed = node.toBuilder().clearAttribute();
        node.getAttributeList().stream()
            .filter(a -> Set.of("epsilon", "momentum").contains(a.getName()))
            .forEach(changed::addAttribute);
        changed.setOpType("BatchNormInternal").setDomain(Operator.MICROSOFT);
        changed.addAttribute(Attribute.of("training_mode", 1).proto());
        graph.proto().setNode(i, changed);
        for (int output = 1; output < 5; output++) {
          graph.outputOf(i, output);
        }
      }
    }
  }

  /**
   * The running means and variances of the nodes that {@link #toTraining} would change, in the
   * graph's order.
   *
   * @throws BadInputException if two nodes share one, or a node computes it
   */
  public static Set<String> statistics(GraphBuilder graph, Predicate<String> which) {
    requireOwn(graph, which);
    Set<String> names = new LinkedHashSet<>();
    for (NodeProto node : graph.proto().getNodeList()) {
      if (isFrozen(node) && which.test(node.getInput(1))) {
        names.addAll(node.getInputList().subList(3, 5));
      }
    }
    return names;
  }

  /** What two nodes read must not be written over by one. */
  private static void requireOwn(GraphBuilder graph, Predicate<String> which) {
    List<NodeProto> nodes = graph.proto().getNodeList();
    Set<String> computed = new HashSet<>();
    nodes.forEach(n -> computed.addAll(n.getOutputList()));
    for (NodeProto node : nodes) {
      if (!isFrozen(node) || !which.test(node.getInput(1))) {
        continue;
      }
      for (String name : node.getInputList().subList(3, 5)) {
        long readers =
            nodes.stream().flatMap(n -> n.getInputList().stream()).filter(name::equals).count();
        if (readers > 1 || computed.contains(name)) {
          throw new BadInputException(
              ForwardNode.describe(node)
                  + " cannot train its statistics: expected '"
                  + name
                  + "' to be a parameter that no other node reads. Leave its statistics frozen");
        }
      }
    }
  }

  private static boolean isFrozen(NodeProto node) {
    return ForwardNode.operator(node).equals("BatchNormalization")
        && node.getInputCount() == 5
        && node.getOutputCount() == 1
        && node.getAttributeList().stream()
            .noneMatch(a -> a.getName().equals("training_mode") && a.getI() != 0);
  }
}
