package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import dev.headstart.error.BadInputException;
import java.util.HashSet;
import java.util.Set;

/**
 * Lifts a model to a newer version of ONNX's own operators, so that it can be joined with graphs of
 * that version. Most changes between versions only widen the element types; those that change an
 * operator's meaning are in a table ({@link OpsetChanges}), each with its rewriting or a refusal.
 *
 * <p>Source: the changelog of ONNX operators ({@code docs/Changelog.md} in the ONNX repository).
 */
public final class OpsetUpgrade {
  /** The newest version whose changes are in the table. */
  public static final int NEWEST = 20;

  private final ShapeInference shapes;
  private final Set<String> taken;

  private OpsetUpgrade(OnnxModel model) {
    shapes = ShapeInference.of(model);
    taken = new HashSet<>(Subgraphs.definedWithin(model.proto().getGraph()));
  }

  /**
   * The same model in opset {@code version}; the model itself if it is of that version or a newer
   * one.
   *
   * @param version at most {@link #NEWEST}
   * @throws BadInputException if an operator in the model changed in a way that cannot be
   *     rewritten, or is none of ONNX's; the message names it and its node
   */
  public static OnnxModel to(OnnxModel model, int version) {
    if (version > NEWEST) {
      throw new BadInputException(
          "cannot upgrade to opset " + version + ", expected at most " + NEWEST);
    }
    if (model.opset() >= version) {
      return model;
    }
    ModelProto.Builder upgraded = model.proto().toBuilder();
    new OpsetUpgrade(model).upgrade(upgraded.getGraphBuilder(), model.opset(), version, false);
    for (OperatorSetIdProto.Builder opset : upgraded.getOpsetImportBuilderList()) {
      if (opset.getDomain().isEmpty() || opset.getDomain().equals("ai.onnx")) {
        opset.setVersion(version);
      }
    }
    upgraded.setIrVersion(Math.max(8, upgraded.getIrVersion()));
    return OnnxModel.of(upgraded.build());
  }

  private void upgrade(GraphProto.Builder graph, int from, int to, boolean inner) {
    for (int version = from + 1; version <= to; version++) {
      GraphProto.Builder next = graph.clone().clearNode();
      for (NodeProto node : graph.getNodeList()) {
        upgrade(node, version, next, inner);
      }
      graph.clear().mergeFrom(next.build());
    }
  }

  private void upgrade(NodeProto node, int version, GraphProto.Builder graph, boolean inner) {
    NodeProto deep =
        Subgraphs.map(
            node,
            body -> {
              GraphProto.Builder builder = body.toBuilder();
              upgrade(builder, version - 1, version, true);
              return builder.build();
            });
    if (!deep.getDomain().isEmpty() && !deep.getDomain().equals("ai.onnx")) {
      graph.addNode(deep);
      return;
    }
    if (!OpsetChanges.isKnown(deep.getOpType())) {
      throw new BadInputException(
          "cannot upgrade to opset "
              + version
              + ": the node "
              + Names.of(deep)
              + " is of an operator that is not in the table of changes");
    }
    OpsetChanges.Change change = OpsetChanges.of(deep.getOpType(), version);
    if (change == null) {
      graph.addNode(deep);
    } else {
      change.apply(new Site(deep, version, graph, inner));
    }
  }

  /** One node that a change rewrites, and the graph that takes what becomes of it. */
  final class Site {
    private final NodeProto node;
    private final int version;
    private final GraphProto.Builder graph;
    private final boolean inner;

    private Site(NodeProto node, int version, GraphProto.Builder graph, boolean inner) {
      this.inner = inner;
      this.node = node;
      this.version = version;
      this.graph = graph;
    }

    NodeProto node() {
      return node;
    }

    /** What is known of an input's dimensions; null for nothing, as within inner graphs. */
    long[] dims(int input) {
      return info(input).shape();
    }

    /** An input's element type; null for unknown. */
    ElementType type(int input) {
      return info(input).type();
    }

    /** Inner graphs are not inferred, and their names may hide outer ones. */
    private TensorInfo info(int input) {
      String name = node.getInput(input);
      return inner ? new TensorInfo(name, null, null) : shapes.info(name);
    }

    AttributeProto attribute(String name) {
      return node.getAttributeList().stream()
          .filter(a -> a.getName().equals(name))
          .findFirst()
          .orElse(null);
    }

    long number(String name, long otherwise) {
      AttributeProto attribute = attribute(name);
      return attribute == null ? otherwise : attribute.getI();
    }

    /** A list of integers; null where the node has no such attribute. */
    long[] numbers(String name) {
      AttributeProto attribute = attribute(name);
      return attribute == null
          ? null
          : attribute.getIntsList().stream().mapToLong(Long::longValue).toArray();
    }

    /** The node without these attributes. */
    NodeProto.Builder without(String... names) {
      NodeProto.Builder changed = node.toBuilder().clearAttribute();
      Set<String> dropped = Set.of(names);
      node.getAttributeList().stream()
          .filter(a -> !dropped.contains(a.getName()))
          .forEach(changed::addAttribute);
      return changed;
    }

    /** Puts a constant into the graph and gives its name. */
    String constant(String what, Tensor tensor) {
      String name = fresh(what);
      graph.addInitializer(TensorProtos.write(name, tensor));
      return name;
    }

    /** A name that nothing has yet. */
    String fresh(String what) {
      String base = node.getOutputCount() > 0 ? node.getOutput(0) : node.getName();
      String name = base + "." + what;
      for (int i = 1; !taken.add(name); i++) {
        name = base + "." + what + "." + i;
      }
      return name;
    }

    void add(NodeProto.Builder changed) {
      graph.addNode(changed);
    }

    BadInputException refusal(String why) {
      return new BadInputException(
          "cannot upgrade to opset " + version + ": the node " + Names.of(node) + " " + why);
    }
  }
}
