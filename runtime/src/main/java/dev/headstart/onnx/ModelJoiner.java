package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Puts two models into one: the back reads tensors of the front.
 *
 * <p>The joined model's inputs are the front's and those of the back that nothing feeds; its
 * outputs are the back's; all of these keep their names. Where both parts use a name for different
 * things, the inner one is renamed; constants that both define alike are shared, so that cutting
 * and joining gives the model back.
 */
public final class ModelJoiner {
  private final OnnxModel front;
  private final OnnxModel back;
  private final Graph frontGraph;
  private final Graph backGraph;
  private final Set<String> taken;

  /** New names of tensors, where they differ from the old ones. */
  private final Map<String, String> frontNames = new HashMap<>();

  private final Map<String, String> backNames = new HashMap<>();
  private final Set<String> shared = new HashSet<>();

  private ModelJoiner(OnnxModel front, OnnxModel back) {
    this.front = front;
    this.back = back;
    frontGraph = Graph.of(front);
    backGraph = Graph.of(back);
    taken = Subgraphs.definedWithin(front.proto().getGraph());
    taken.addAll(Subgraphs.definedWithin(back.proto().getGraph()));
  }

  /**
   * Joins by name: each input of the back reads the tensor of that name of the front, if there is
   * one.
   *
   * @throws BadInputException as {@link #join(OnnxModel, OnnxModel, Map)}
   */
  public static OnnxModel join(OnnxModel front, OnnxModel back) {
    Set<String> tensors = new HashSet<>(Graph.of(front).tensors());
    Map<String, String> same = new LinkedHashMap<>();
    back.inputs().stream()
        .map(TensorInfo::name)
        .filter(tensors::contains)
        .forEach(name -> same.put(name, name));
    return join(front, back, same);
  }

  /**
   * Joins two models.
   *
   * @param feeds which tensor of the front each input of the back reads. An input that is left out
   *     is an input of the joined model; if the front has an input of that name, they are the same.
   * @throws NotFoundException for an unknown input or tensor; the nearest name is offered
   * @throws BadInputException if the two are of different opsets, a tensor does not fit the input
   *     it feeds, or an input or output has the name of an input of the front that is another thing
   */
  public static OnnxModel join(OnnxModel front, OnnxModel back, Map<String, String> feeds) {
    return new ModelJoiner(front, back).join(feeds);
  }

  private OnnxModel join(Map<String, String> feeds) {
    List<OperatorSetIdProto> opsets = opsets();
    Map<String, String> complete = complete(feeds);
    checkTypes(complete);
    nameOutputs(complete);
    complete.forEach((input, tensor) -> backNames.put(input, now(frontNames, tensor)));

    GraphProto.Builder graph = GraphProto.newBuilder().setName(front.proto().getGraph().getName());
    addFront(graph);
    addBack(graph, complete);

    ModelProto.Builder joined =
        ModelProto.newBuilder()
            .setIrVersion(
                Math.max(4, Math.max(front.proto().getIrVersion(), back.proto().getIrVersion())))
            .setProducerName("headstart")
            .addAllOpsetImport(opsets)
            .addAllFunctions(functions())
            .setGraph(graph);
    Map<String, String> metadata = new LinkedHashMap<>(front.metadata());
    metadata.putAll(back.metadata());
    metadata.forEach(
        (key, value) ->
            joined.addMetadataProps(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    OnnxModel whole = OnnxModel.of(joined.build());
    // What nothing reads any more goes.
    return ModelCutter.extract(
        whole,
        whole.inputs().stream().map(TensorInfo::name).toList(),
        whole.outputs().stream().map(TensorInfo::name).toList());
  }

  private List<OperatorSetIdProto> opsets() {
    Map<String, OperatorSetIdProto> opsets = new LinkedHashMap<>();
    front.proto().getOpsetImportList().forEach(o -> opsets.put(domain(o), o));
    for (OperatorSetIdProto opset : back.proto().getOpsetImportList()) {
      OperatorSetIdProto other = opsets.putIfAbsent(domain(opset), opset);
      if (other != null && other.getVersion() != opset.getVersion()) {
        throw new BadInputException(
            "cannot join models of different opsets: for the domain "
                + Names.quote(domain(opset))
                + " the first is of version "
                + other.getVersion()
                + ", the second of version "
                + opset.getVersion()
                + "; upgrade the older one");
      }
    }
    return List.copyOf(opsets.values());
  }

  private static String domain(OperatorSetIdProto opset) {
    return opset.getDomain().equals("ai.onnx") ? "" : opset.getDomain();
  }

  /** The feeds with those inputs that both models have by the same name. */
  private Map<String, String> complete(Map<String, String> feeds) {
    List<String> inputs = back.inputs().stream().map(TensorInfo::name).toList();
    feeds.forEach(
        (input, tensor) -> {
          if (!inputs.contains(input)) {
            throw new NotFoundException("input of the second model", input, inputs);
          }
          frontGraph.position(tensor);
        });
    Map<String, String> complete = new LinkedHashMap<>(feeds);
    for (String input : inputs) {
      if (complete.containsKey(input)) {
        continue;
      }
      if (frontGraph.isInput(input)) {
        complete.put(input, input);
      } else if (frontGraph.tensors().contains(input)) {
        throw new BadInputException(
            "nothing feeds the second model's input "
                + Names.quote(input)
                + ", and the first model has a tensor of that name: say which tensor feeds it");
      }
    }
    return complete;
  }

  private void checkTypes(Map<String, String> feeds) {
    Map<String, TensorInfo> tensors = new HashMap<>();
    front.outputs().forEach(o -> tensors.put(o.name(), o));
    front.inputs().forEach(i -> tensors.put(i.name(), i));
    // Inner tensors are rarely asked for, and cost an inference.
    if (!tensors.keySet().containsAll(feeds.values())) {
      tensors.putAll(ShapeInference.infer(front));
    }
    for (TensorInfo input : back.inputs()) {
      if (!feeds.containsKey(input.name())) {
        continue;
      }
      TensorInfo tensor = tensors.get(feeds.get(input.name()));
      boolean type = tensor.type() == null || input.type() == null || tensor.type() == input.type();
      if (!type || !fits(tensor.shape(), input.shape())) {
        throw new BadInputException(
            "the tensor " + tensor + " does not fit the second model's input " + input);
      }
    }
  }

  private static boolean fits(long[] a, long[] b) {
    if (a == null || b == null) {
      return true;
    }
    boolean fits = a.length == b.length;
    for (int i = 0; fits && i < a.length; i++) {
      fits = a[i] < 0 || b[i] < 0 || a[i] == b[i];
    }
    return fits;
  }

  /** The back's outputs keep their names, so tensors inside the front give theirs up. */
  private void nameOutputs(Map<String, String> feeds) {
    for (TensorInfo output : back.outputs()) {
      String name = output.name();
      if (!frontGraph.tensors().contains(name) || name.equals(feeds.get(name))) {
        continue;
      }
      if (frontGraph.isInput(name)) {
        throw new BadInputException(
            "the second model's output "
                + Names.quote(name)
                + " has the name of an input of the first");
      }
      frontNames.put(name, fresh(name));
    }
  }

  private void addFront(GraphProto.Builder graph) {
    GraphProto proto = front.proto().getGraph();
    front.proto().getGraph().getInputList().stream()
        .filter(i -> frontGraph.isInput(i.getName()))
        .forEach(graph::addInput);
    add(graph, proto, frontNames, Set.of());
    proto.getNodeList().forEach(n -> graph.addNode(Subgraphs.rename(n, frontNames)));
  }

  private void addBack(GraphProto.Builder graph, Map<String, String> feeds) {
    GraphProto proto = back.proto().getGraph();
    proto.getInputList().stream()
        .filter(i -> backGraph.isInput(i.getName()) && !feeds.containsKey(i.getName()))
        .forEach(graph::addInput);
    share();
    for (String name : backGraph.tensors()) {
      boolean output = back.outputs().stream().anyMatch(o -> o.name().equals(name));
      if (!output
          && !shared.contains(name)
          && !backNames.containsKey(name)
          && frontGraph.tensors().contains(name)) {
        backNames.put(name, fresh(name));
      }
    }
    Set<String> nodeNames = new HashSet<>();
    graph.getNodeList().forEach(n -> nodeNames.add(n.getName()));
    add(graph, proto, backNames, shared);
    for (NodeProto node : proto.getNodeList()) {
      if (!shared.containsAll(node.getOutputList())) {
        NodeProto.Builder renamed = Subgraphs.rename(node, backNames).toBuilder();
        while (!renamed.getName().isEmpty() && !nodeNames.add(renamed.getName())) {
          renamed.setName(renamed.getName() + ".back");
        }
        graph.addNode(renamed);
      }
    }
    for (ValueInfoProto output : proto.getOutputList()) {
      String source = now(backNames, output.getName());
      if (!source.equals(output.getName())) {
        // The back only hands this one on, under another name.
        graph.addNode(
            NodeProto.newBuilder()
                .setOpType(Operator.IDENTITY.type())
                .addInput(source)
                .addOutput(output.getName()));
      }
      graph.addOutput(output);
    }
  }

  private static void add(
      GraphProto.Builder graph, GraphProto part, Map<String, String> names, Set<String> without) {
    part.getInitializerList().stream()
        .filter(t -> !without.contains(t.getName()))
        .forEach(
            t ->
                graph.addInitializer(
                    names.containsKey(t.getName())
                        ? t.toBuilder().setName(now(names, t.getName())).build()
                        : t));
    part.getSparseInitializerList()
        .forEach(
            t -> {
              var renamed = t.toBuilder();
              renamed.getValuesBuilder().setName(now(names, t.getValues().getName()));
              graph.addSparseInitializer(renamed);
            });
    part.getValueInfoList().stream()
        .filter(v -> !without.contains(v.getName()))
        .forEach(v -> graph.addValueInfo(v.toBuilder().setName(now(names, v.getName()))));
    part.getQuantizationAnnotationList()
        .forEach(
            a -> {
              var renamed = a.toBuilder().setTensorName(now(names, a.getTensorName()));
              renamed
                  .getQuantParameterTensorNamesBuilderList()
                  .forEach(e -> e.setValue(now(names, e.getValue())));
              graph.addQuantizationAnnotation(renamed);
            });
  }

  /** Finds the constants that both define alike: initializers, and nodes over such alone. */
  private void share() {
    Map<String, TensorProto> initializers = new HashMap<>();
    front.proto().getGraph().getInitializerList().forEach(t -> initializers.put(t.getName(), t));
    for (TensorProto tensor : back.proto().getGraph().getInitializerList()) {
      if (!frontNames.containsKey(tensor.getName())
          && tensor.equals(initializers.get(tensor.getName()))) {
        shared.add(tensor.getName());
      }
    }
    for (int i = 0; i < backGraph.nodes().size(); i++) {
      NodeProto node = backGraph.nodes().get(i);
      boolean alike =
          shared.containsAll(backGraph.reads(i))
              && node.getOutputCount() > 0
              && frontGraph.isConstant(node.getOutput(0))
              && !frontNames.containsKey(node.getOutput(0))
              && frontGraph.producer(node.getOutput(0)).isPresent()
              && node.equals(
                  frontGraph.nodes().get(frontGraph.producer(node.getOutput(0)).getAsInt()));
      if (alike) {
        shared.addAll(node.getOutputList());
      }
    }
  }

  private List<FunctionProto> functions() {
    Map<String, FunctionProto> functions = new LinkedHashMap<>();
    for (OnnxModel part : List.of(front, back)) {
      for (FunctionProto function : part.proto().getFunctionsList()) {
        String key = function.getDomain() + ":" + function.getName();
        FunctionProto other = functions.putIfAbsent(key, function);
        if (!Objects.requireNonNullElse(other, function).equals(function)) {
          throw new BadInputException(
              "both models define the function " + Names.quote(key) + ", but not alike");
        }
      }
    }
    return List.copyOf(functions.values());
  }

  private static String now(Map<String, String> names, String name) {
    return names.getOrDefault(name, name);
  }

  private String fresh(String name) {
    String fresh = name;
    while (!taken.add(fresh)) {
      fresh += ".inner";
    }
    return fresh;
  }
}
