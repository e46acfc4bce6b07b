package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.error.BadInputException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds what is broken or hostile in a model before native code sees it. It takes time linear in
 * the model's size (and its nesting), and allocates nothing by what the model claims.
 *
 * <p>Whether an operator exists and likes its attributes is left to ONNX Runtime, which says so
 * clearly; what it would crash on, or answer with a riddle, is refused here.
 */
final class ModelCheck {
  /** What ONNX Runtime 1.28 takes; it promises nothing below opset 7. */
  static final long OLDEST_OPSET = 7;

  static final long NEWEST_OPSET = 26;

  /** A rank that no real tensor has; beyond it work would grow with the rank. */
  static final int MOST_DIMENSIONS = 64;

  static final long OLDEST_IR = 3;
  static final long NEWEST_IR = 13;

  /** The domains with operators in ONNX Runtime itself; others need a library of their own. */
  private static final Set<String> DOMAINS =
      Set.of(
          "",
          "ai.onnx",
          "ai.onnx.ml",
          "ai.onnx.training",
          "ai.onnx.preview.training",
          "com.microsoft",
          "com.microsoft.experimental",
          "com.microsoft.nchwc",
          "com.ms.internal.nhwc",
          "org.pytorch.aten");

  /**
   * What nodes of a graph can use.
   *
   * @param names the tensors of the graph itself
   * @param domains the operator domains that are imported
   * @param outer the graph around it, whose tensors can be read as well; null for none
   */
  private record Scope(Set<String> names, Set<String> domains, Scope outer) {
    boolean has(String name) {
      for (Scope scope = this; scope != null; scope = scope.outer) {
        if (scope.names.contains(name)) {
          return true;
        }
      }
      return false;
    }
  }

  private final Map<String, Long> opsets = new HashMap<>();
  private FunctionCheck functions;

  private ModelCheck() {}

  /**
   * The model, with its nodes in topological order.
   *
   * @throws BadInputException for the first thing that is wrong with it
   */
  static ModelProto check(ModelProto model) {
    return new ModelCheck().run(model);
  }

  private ModelProto run(ModelProto model) {
    if (!model.hasGraph()) {
      throw new BadInputException("holds no graph, so it is no ONNX model");
    }
    if (model.getIrVersion() < OLDEST_IR || model.getIrVersion() > NEWEST_IR) {
      throw new BadInputException(
          "is of IR version "
              + model.getIrVersion()
              + ", expected "
              + OLDEST_IR
              + " to "
              + NEWEST_IR);
    }
    readOpsets(model.getOpsetImportList());
    checkFunctions(model);
    GraphProto graph = model.getGraph();
    if (graph.getOutputCount() == 0) {
      throw new BadInputException("its graph has no outputs");
    }
    checkGraph(graph, opsets.keySet(), null);
    GraphProto sorted = TopologicalOrder.sort(graph);
    return sorted == graph ? model : model.toBuilder().setGraph(sorted).build();
  }

  private void readOpsets(List<OperatorSetIdProto> imports) {
    if (imports.isEmpty()) {
      throw new BadInputException("imports no operator set (opset_import is empty)");
    }
    for (OperatorSetIdProto opset : imports) {
      String domain = canonical(opset.getDomain());
      Long other = opsets.put(domain, opset.getVersion());
      if (other != null && other != opset.getVersion()) {
        throw new BadInputException(
            "imports the operators of domain "
                + Names.quote(domain)
                + " twice, in versions "
                + other
                + " and "
                + opset.getVersion());
      }
      if (opset.getVersion() < 1) {
        throw new BadInputException(
            "imports version "
                + opset.getVersion()
                + " of the operators of domain "
                + Names.quote(domain));
      }
    }
    Long onnx = opsets.get("");
    if (onnx != null && (onnx < OLDEST_OPSET || onnx > NEWEST_OPSET)) {
      throw new BadInputException(
          "is of opset " + onnx + ", expected " + OLDEST_OPSET + " to " + NEWEST_OPSET);
    }
  }

  private void checkFunctions(ModelProto model) {
    functions = new FunctionCheck(model);
    for (FunctionProto function : model.getFunctionsList()) {
      Set<String> domains = new HashSet<>(opsets.keySet());
      function.getOpsetImportList().forEach(o -> domains.add(canonical(o.getDomain())));
      Scope scope = new Scope(new HashSet<>(function.getInputList()), domains, null);
      checkNodes(function.getNodeList(), scope);
      for (String output : function.getOutputList()) {
        if (!scope.has(output)) {
          throw new BadInputException(
              "nothing produces the output "
                  + Names.quote(output)
                  + " of its function "
                  + Names.quote(function.getName()));
        }
      }
      TopologicalOrder.sort(function.getNodeList());
    }
  }

  private void checkGraph(GraphProto graph, Set<String> domains, Scope outer) {
    Scope scope = new Scope(new HashSet<>(), domains, outer);
    for (ValueInfoProto input : graph.getInputList()) {
      define(input.getName(), "input", scope);
      checkType(input);
    }
    Set<String> initializers = new HashSet<>();
    for (TensorProto tensor : graph.getInitializerList()) {
      // Until IR 4 an initializer had to be listed among the inputs as well.
      defineInitializer(tensor.getName(), initializers, scope);
      TensorCheck.check(tensor, "the initializer " + Names.quote(tensor.getName()));
    }
    for (var sparse : graph.getSparseInitializerList()) {
      String name = sparse.getValues().getName();
      defineInitializer(name, initializers, scope);
      TensorCheck.check(sparse, "the sparse initializer " + Names.quote(name));
    }
    checkNodes(graph.getNodeList(), scope);
    Set<String> outputs = new HashSet<>();
    for (ValueInfoProto output : graph.getOutputList()) {
      if (!scope.names.contains(output.getName())) {
        throw new BadInputException("nothing produces its output " + Names.quote(output.getName()));
      }
      if (!outputs.add(output.getName())) {
        throw new BadInputException("has two outputs " + Names.quote(output.getName()));
      }
      checkType(output);
    }
    graph.getValueInfoList().forEach(ModelCheck::checkType);
  }

  private static void define(String name, String kind, Scope scope) {
    if (name.isEmpty()) {
      throw new BadInputException("has an " + kind + " without a name");
    }
    if (!scope.names.add(name)) {
      throw new BadInputException("defines the tensor " + Names.quote(name) + " twice");
    }
  }

  private static void defineInitializer(String name, Set<String> initializers, Scope scope) {
    if (name.isEmpty()) {
      throw new BadInputException("has an initializer without a name");
    }
    if (!initializers.add(name)) {
      throw new BadInputException("defines the initializer " + Names.quote(name) + " twice");
    }
    scope.names.add(name);
  }

  private void checkNodes(List<NodeProto> nodes, Scope scope) {
    for (NodeProto node : nodes) {
      checkOperator(node, scope);
      for (String output : node.getOutputList()) {
        if (!output.isEmpty() && !scope.names.add(output)) {
          throw new BadInputException(
              "defines the tensor "
                  + Names.quote(output)
                  + " twice; the second time in the node "
                  + Names.of(node));
        }
      }
    }
    for (NodeProto node : nodes) {
      for (String input : node.getInputList()) {
        if (!input.isEmpty() && !scope.has(input)) {
          throw new BadInputException(
              "the node "
                  + Names.of(node)
                  + " reads the tensor "
                  + Names.quote(input)
                  + ", which nothing produces");
        }
      }
      checkAttributes(node, scope);
    }
  }

  private void checkOperator(NodeProto node, Scope scope) {
    if (node.getOpType().isEmpty()) {
      throw new BadInputException("the node " + Names.of(node) + " names no operator");
    }
    if (functions.isCall(node)) {
      return;
    }
    if (!DOMAINS.contains(node.getDomain())) {
      throw new BadInputException(
          "the node "
              + Names.of(node)
              + " is of the unknown operator domain "
              + Names.quote(node.getDomain())
              + ", expected one of "
              + Names.quote(DOMAINS.stream().sorted().toList()));
    }
    if (!scope.domains.contains(canonical(node.getDomain()))) {
      throw new BadInputException(
          "the node "
              + Names.of(node)
              + " is of the operator domain "
              + Names.quote(node.getDomain())
              + ", for which the model imports no opset");
    }
  }

  private void checkAttributes(NodeProto node, Scope scope) {
    for (AttributeProto attribute : node.getAttributeList()) {
      String what =
          "the attribute " + Names.quote(attribute.getName()) + " of the node " + Names.of(node);
      if (attribute.hasT()) {
        TensorCheck.check(attribute.getT(), what);
      }
      attribute.getTensorsList().forEach(t -> TensorCheck.check(t, what));
      if (attribute.hasSparseTensor()) {
        TensorCheck.check(attribute.getSparseTensor(), what);
      }
      attribute.getSparseTensorsList().forEach(t -> TensorCheck.check(t, what));
    }
    for (GraphProto graph : Subgraphs.of(node)) {
      checkGraph(graph, scope.domains, scope);
    }
  }

  /** -1 is how some exporters write a dimension that is not fixed. */
  private static void checkType(ValueInfoProto value) {
    TypeProto.Tensor tensor = value.getType().getTensorType();
    if (tensor.getShape().getDimCount() > MOST_DIMENSIONS) {
      throw new BadInputException(
          "the tensor "
              + Names.quote(value.getName())
              + " has "
              + tensor.getShape().getDimCount()
              + " dimensions, expected at most "
              + MOST_DIMENSIONS);
    }
    for (var dim : tensor.getShape().getDimList()) {
      if (dim.hasDimValue() && dim.getDimValue() < -1) {
        throw new BadInputException(
            "the tensor "
                + Names.quote(value.getName())
                + " has the negative dimension "
                + dim.getDimValue());
      }
    }
  }

  private static String canonical(String domain) {
    return domain.equals("ai.onnx") ? "" : domain;
  }
}
