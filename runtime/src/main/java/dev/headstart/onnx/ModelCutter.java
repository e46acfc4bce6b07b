package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes models apart.
 *
 * <p>A cut is named by one tensor. The later layers are all that depend on it, directly or through
 * others; what they read that does not depend on it is live across the cut as well. So a cut inside
 * a residual block carries the skip along, and one inside a transformer the attention mask. What is
 * computed from constants alone is no live tensor: the back gets its own copy.
 */
public final class ModelCutter {
  private final OnnxModel model;
  private final Graph graph;
  private final Map<String, ValueInfoProto> declared = new HashMap<>();
  private ShapeInference inferred;

  private ModelCutter(OnnxModel model) {
    this.model = model;
    graph = Graph.of(model);
    GraphProto whole = model.proto().getGraph();
    whole.getOutputList().forEach(o -> declared.put(o.getName(), o));
    whole.getInputList().forEach(i -> declared.put(i.getName(), i));
  }

  /**
   * Cuts a model at a tensor: a node's output, a model input or a model output. A model output that
   * does not depend on the tensor is in neither part.
   *
   * <p>At a model input the front only hands it on; at a model output the back does.
   *
   * @throws NotFoundException for an unknown tensor; the nearest name is offered
   * @throws BadInputException if the tensor is a constant, or no output depends on it
   */
  public static CutModels cut(OnnxModel model, String tensor) {
    return new ModelCutter(model).cut(tensor);
  }

  /**
   * Whether a model can be cut at a tensor: some output depends on it, and the element types of all
   * that is live there are known.
   *
   * @throws NotFoundException for an unknown tensor; the nearest name is offered
   */
  public static boolean isPossible(OnnxModel model, String tensor) {
    return new ModelCutter(model).isPossible(tensor);
  }

  /**
   * The part of a model between tensors: the nodes that the outputs need when the inputs are given.
   *
   * @param inputs tensors of the model that are fed from now on, all of them kept in this order
   * @param outputs tensors of the model, in this order
   * @throws NotFoundException for an unknown tensor; the nearest name is offered
   * @throws BadInputException if the outputs need a model input that is not among the inputs, or a
   *     name is there twice
   */
  public static OnnxModel extract(OnnxModel model, List<String> inputs, List<String> outputs) {
    return new ModelCutter(model).extract(inputs, outputs);
  }

  private boolean isPossible(String tensor) {
    graph.position(tensor);
    BitSet after = graph.dependents(tensor);
    Set<String> made = new HashSet<>(Set.of(tensor));
    after.stream().forEach(i -> made.addAll(graph.nodes().get(i).getOutputList()));
    return !graph.isConstant(tensor)
        && model.outputs().stream().anyMatch(o -> made.contains(o.name()))
        && Border.at(graph, model.outputs(), tensor).live().stream()
            .allMatch(t -> declaration(t).hasType());
  }

  private CutModels cut(String tensor) {
    graph.position(tensor);
    Border cut = Border.at(graph, model.outputs(), tensor);
    List<String> computed =
        cut.live().stream().filter(t -> t.equals(tensor) || !graph.isInput(t)).toList();
    return new CutModels(
        extract(inputsOf(computed), computed),
        extract(cut.live(), cut.outputs()),
        cut.live().stream().map(t -> shapes().info(t)).toList());
  }

  private ShapeInference shapes() {
    if (inferred == null) {
      inferred = ShapeInference.of(model);
    }
    return inferred;
  }

  /** As the model declares its own inputs and outputs; else as inferred. */
  private ValueInfoProto declaration(String name) {
    ValueInfoProto own = declared.get(name);
    return own != null && (graph.isInput(name) || own.getType().getTensorType().hasShape())
        ? own
        : shapes().declaration(name);
  }

  /** The model inputs that tensors are computed from, in graph order. */
  private List<String> inputsOf(List<String> tensors) {
    Set<String> read = new HashSet<>(tensors);
    BitSet nodes = graph.needed(tensors, Set.of());
    nodes.stream().forEach(i -> read.addAll(graph.reads(i)));
    return model.inputs().stream().map(TensorInfo::name).filter(read::contains).toList();
  }

  private OnnxModel extract(List<String> inputs, List<String> outputs) {
    Set<String> given = distinct(inputs, "input");
    Set<String> present = new HashSet<>(distinct(outputs, "output"));
    GraphProto whole = model.proto().getGraph();
    GraphProto.Builder part = GraphProto.newBuilder().setName(whole.getName());
    part.setDocString(whole.getDocString());

    BitSet nodes = graph.needed(outputs, given);
    nodes.stream().forEach(i -> present.addAll(graph.reads(i)));
    for (String tensor : present) {
      if (graph.isInput(tensor) && !given.contains(tensor)) {
        throw new BadInputException(
            "the outputs need the model input "
                + Names.quote(tensor)
                + ", which is not among the inputs "
                + Names.quote(inputs));
      }
    }
    inputs.forEach(name -> part.addInput(input(name)));
    outputs.forEach(name -> part.addOutput(declaration(name)));
    whole.getInitializerList().stream()
        .filter(t -> present.contains(t.getName()) && !given.contains(t.getName()))
        .forEach(part::addInitializer);
    whole.getSparseInitializerList().stream()
        .filter(
            t ->
                present.contains(t.getValues().getName())
                    && !given.contains(t.getValues().getName()))
        .forEach(part::addSparseInitializer);
    nodes.stream().forEach(i -> part.addNode(without(graph.nodes().get(i), given)));
    present.addAll(given);
    nodes.stream().forEach(i -> present.addAll(graph.nodes().get(i).getOutputList()));
    Set<String> border = new HashSet<>(inputs);
    border.addAll(outputs);
    whole.getValueInfoList().stream()
        .filter(v -> present.contains(v.getName()) && !border.contains(v.getName()))
        .forEach(part::addValueInfo);
    whole.getQuantizationAnnotationList().stream()
        .filter(a -> present.contains(a.getTensorName()))
        .forEach(part::addQuantizationAnnotation);

    ModelProto.Builder result = model.proto().toBuilder().setGraph(part);
    // Below IR 4 every initializer would have to be an input too.
    result.setIrVersion(Math.max(4, result.getIrVersion()));
    return OnnxModel.of(result.build());
  }

  private Set<String> distinct(List<String> names, String kind) {
    Set<String> set = new HashSet<>();
    for (String name : names) {
      graph.position(name);
      if (!set.add(name)) {
        throw new BadInputException("the " + kind + " " + Names.quote(name) + " is named twice");
      }
    }
    return set;
  }

  private ValueInfoProto input(String name) {
    ValueInfoProto declaration = declaration(name);
    if (!declaration.hasType()) {
      throw new BadInputException(
          "the element type of the tensor "
              + Names.quote(name)
              + " cannot be inferred, so it cannot be an input; its value_info has to say it");
    }
    return declaration;
  }

  /** A node that runs for its other outputs must not make what is given once more. */
  private NodeProto without(NodeProto node, Set<String> given) {
    if (Collections.disjoint(node.getOutputList(), given)) {
      return node;
    }
    NodeProto.Builder changed = node.toBuilder();
    for (int i = 0; i < node.getOutputCount(); i++) {
      String name = node.getOutput(i);
      if (given.contains(name)) {
        while (graph.tensors().contains(name)) {
          name += ".again";
        }
        changed.setOutput(i, name);
      }
    }
    return changed.build();
  }
}
