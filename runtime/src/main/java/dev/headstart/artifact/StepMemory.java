package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The memory of one run of a training graph, by liveness: a tensor takes memory from the node that
 * makes it until the last one that reads it.
 *
 * <p>The nodes run in the order in which ONNX Runtime runs them ({@code Graph::ReverseDFSFrom} of
 * {@code onnxruntime/core/graph/graph.cc}: after what they need, those of the last leaf first). A
 * node that only gives other dimensions to its input makes no tensor, and one that goes element by
 * element writes over an input that nobody reads any more, as its allocation planner has it.
 *
 * @param kept bytes of tensors that are made before the loss and read after it
 * @param peak the most bytes at once
 */
record StepMemory(long kept, long peak) {

  private static final Set<String> VIEWS =
      Set.of("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity");

  private static final Set<String> IN_PLACE =
      Set.of(
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Sum",
          "Neg",
          "Abs",
          "Sign",
          "Exp",
          "Log",
          "Sqrt",
          "Reciprocal",
          "Relu",
          "LeakyRelu",
          "Sigmoid",
          "Tanh",
          "Clip",
          "HardSigmoid",
          "Softmax",
          "LogSoftmax",
          "Erf",
          "BatchNormalization",
          "ReluGrad",
          "Elu",
          "Softplus");

  /** For training operators: whose shape each output has, an input by number. */
  private static final Map<String, int[]> LIKE_INPUTS =
      Map.ofEntries(
          Map.entry("ConvGrad", new int[] {1, 2, -1}),
          Map.entry("ConvTransposeGrad", new int[] {1, 2, -1}),
          Map.entry("LayerNormalizationGrad", new int[] {1, 2, 2}),
          Map.entry("BatchNormalizationGrad", new int[] {1, 2, 2}),
          Map.entry("BatchNormInternal", new int[] {0, 3, 4, 3, 4}),
          Map.entry("SoftmaxCrossEntropyLossGrad", new int[] {1}),
          Map.entry("DivGrad", new int[] {1, 2}));

  static StepMemory of(OnnxModel training) {
    return new Walk(training).memory();
  }

  private static final class Walk {
    private final List<NodeProto> nodes;
    private final Map<String, Integer> maker = new HashMap<>();
    private final Map<String, Long> bytes = new HashMap<>();
    private final Map<String, TensorInfo> shapes;

    /** A view's tensor is the one that it is a view of. */
    private final Map<String, String> owner = new HashMap<>();

    private final Set<String> outputs = new HashSet<>();

    Walk(OnnxModel training) {
      GraphProto graph = training.proto().getGraph();
      nodes = graph.getNodeList();
      shapes = new HashMap<>(ShapeInference.infer(told(training)));
      for (int i = 0; i < nodes.size(); i++) {
        NodeProto node = nodes.get(i);
        for (int output = 0; output < node.getOutputCount(); output++) {
          String name = node.getOutput(output);
          if (!name.isEmpty()) {
            maker.put(name, i);
            bytes.put(name, size(node, output, name));
          }
        }
        if (VIEWS.contains(node.getOpType()) && maker.containsKey(owner(node.getInput(0)))) {
          owner.put(node.getOutput(0), owner(node.getInput(0)));
        }
      }
      graph.getOutputList().forEach(o -> outputs.add(owner(o.getName())));
    }

    /** With the shapes of what training operators give, which inference does not know. */
    private static OnnxModel told(OnnxModel training) {
      Map<String, TensorInfo> forward = ShapeInference.infer(training);
      GraphBuilder graph = new GraphBuilder(training);
      for (NodeProto node : training.proto().getGraph().getNodeList()) {
        int[] like = LIKE_INPUTS.getOrDefault(node.getOpType(), new int[0]);
        for (int i = 0; i < Math.min(like.length, node.getOutputCount()); i++) {
          TensorInfo same = like[i] < 0 ? null : forward.get(node.getInput(like[i]));
          String name = node.getOutput(i);
          if (!name.isEmpty() && same != null && same.shape() != null && known(same.shape())) {
            graph.shape(graph.value(name), ElementType.FLOAT, same.shape());
          }
        }
      }
      return graph.build();
    }

    private String owner(String name) {
      return owner.getOrDefault(name, name);
    }

    private long size(NodeProto node, int output, String name) {
      TensorInfo info = shapes.get(name);
      if (info == null || info.shape() == null || !known(info.shape())) {
        int[] like = LIKE_INPUTS.get(node.getOpType());
        int input = like == null ? 0 : output < like.length ? like[output] : -1;
        // The gradient of a bias is small.
        TensorInfo same =
            input < 0 || input >= node.getInputCount() ? null : shapes.get(node.getInput(input));
        if (same == null || same.shape() == null || !known(same.shape())) {
          return 0;
        }
        info = new TensorInfo(name, same.type(), same.shape());
        shapes.put(name, info);
      }
      return elements(info.shape()) * (info.type() == null ? 4 : Math.max(1, info.type().bytes()));
    }

    private static boolean known(long[] shape) {
      for (long dim : shape) {
        if (dim < 0) {
          return false;
        }
      }
      return true;
    }

    private static long elements(long[] shape) {
      long elements = 1;
      for (long dim : shape) {
        elements *= dim;
      }
      return elements;
    }

    private List<Integer> order() {
      Set<Integer> leaves = new TreeSet<>();
      Set<String> read = new HashSet<>();
      nodes.forEach(n -> read.addAll(n.getInputList()));
      for (int i = 0; i < nodes.size(); i++) {
        if (nodes.get(i).getOutputList().stream().noneMatch(read::contains)) {
          leaves.add(i);
        }
      }
      List<Integer> order = new ArrayList<>();
      boolean[] entered = new boolean[nodes.size()];
      Deque<Integer> stack = new ArrayDeque<>(); // a node, or -1 - node when it is left
      leaves.forEach(stack::push);
      while (!stack.isEmpty()) {
        int top = stack.pop();
        if (top < 0) {
          order.add(-1 - top);
        } else if (!entered[top]) {
          entered[top] = true;
          stack.push(-1 - top);
          Set<Integer> needed = new TreeSet<>();
          for (String input : nodes.get(top).getInputList()) {
            if (maker.containsKey(input) && !entered[maker.get(input)]) {
              needed.add(maker.get(input));
            }
          }
          needed.forEach(stack::push);
        }
      }
      return order;
    }

    StepMemory memory() {
      List<Integer> order = order();
      Map<String, Integer> last = new HashMap<>();
      Map<String, Integer> made = new HashMap<>();
      int loss = 0;
      for (int at = 0; at < order.size(); at++) {
        NodeProto node = nodes.get(order.get(at));
        for (String input : node.getInputList()) {
          last.put(owner(input), at);
        }
        for (String output : node.getOutputList()) {
          made.putIfAbsent(owner(output), at);
          loss = output.equals(Loss.NAME) ? at : loss;
        }
      }
      long live = 0;
      long peak = 0;
      long kept = 0;
      for (int at = 0; at < order.size(); at++) {
        NodeProto node = nodes.get(order.get(at));
        long before = live;
        for (String output : new HashSet<>(node.getOutputList())) {
          live += owner.containsKey(output) ? 0 : bytes.getOrDefault(output, 0L);
        }
        long over = overwritten(node, at, last);
        peak = Math.max(peak, live - over + workspace(node));
        for (String name : ending(node)) {
          if (maker.containsKey(name)
              && !outputs.contains(name)
              && last.getOrDefault(name, -1) <= at) {
            live -= bytes.get(name);
            if (made.get(name) < loss && at > loss) {
              kept += bytes.get(name);
            }
          }
        }
        if (live < 0) {
          throw new IllegalStateException("after " + node.getName() + ": " + before + ", " + live);
        }
      }
      return new StepMemory(kept, peak);
    }

    /** The tensors that may have been read or made for the last time. */
    private Set<String> ending(NodeProto node) {
      Set<String> names = new HashSet<>();
      node.getInputList().forEach(i -> names.add(owner(i)));
      node.getOutputList().stream().filter(o -> !owner.containsKey(o)).forEach(names::add);
      return names;
    }

    private long overwritten(NodeProto node, int at, Map<String, Integer> last) {
      if (IN_PLACE.contains(node.getOpType())) {
        long size = bytes.get(node.getOutput(0));
        for (String input : node.getInputList()) {
          String name = owner(input);
          if (maker.containsKey(name) && last.get(name) == at && bytes.get(name) == size) {
            return size;
          }
        }
      }
      return 0;
    }

    /** A convolution unrolls one image at a time into a matrix, but for windows of one pixel. */
    private long workspace(NodeProto node) {
      boolean backward = node.getOpType().equals("ConvGrad");
      if (!backward && !node.getOpType().equals("Conv")) {
        return 0;
      }
      TensorInfo weight = shapes.get(node.getInput(backward ? 2 : 1));
      TensorInfo out = shapes.get(backward ? node.getInput(0) : node.getOutput(0));
      if (weight == null
          || weight.shape() == null
          || out == null
          || out.shape() == null
          || out.shape().length != weight.shape().length) {
        return 0;
      }
      long group =
          node.getAttributeList().stream()
              .filter(a -> a.getName().equals("group"))
              .mapToLong(AttributeProto::getI)
              .findFirst()
              .orElse(1);
      long window = 1;
      long pixels = 1;
      for (int i = 2; i < weight.shape().length; i++) {
        window *= weight.shape()[i];
        pixels *= Math.max(1, out.shape()[i]);
      }
      return window == 1 || group > 1 ? 0 : 4 * weight.shape()[1] * window * pixels;
    }
  }
}
