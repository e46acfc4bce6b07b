package dev.headstart.head;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A head read from training artifacts that were made elsewhere: by Microsoft's generator, or by
 * {@code headstart artifacts}.
 *
 * <p>What is known again, whatever its tensors are called: one input of feature vectors [batch,
 * width], at most a mean subtracted and a scale multiplied, then one affine layer, or two with a
 * Relu between (Gemm, or MatMul and Add; Dropout and Identity may stand anywhere), into a cross
 * entropy (task {@code single}), a binary cross entropy of logits ({@code multi}), or a loss of the
 * difference to a target ({@code regression}). The files are hostile until they have been read:
 * only numbers are taken from them, never a graph.
 *
 * @param network with the checkpoint's weights
 * @param task what its loss is for
 */
public record HeadArtifacts(HeadNetwork network, Task task) {
  private static final int WIDEST = 1 << 20;

  /**
   * Reads a folder of artifacts: the checkpoint, and the evaluation graph or, where there is none,
   * the training graph.
   *
   * @throws NotFoundException if there is no such folder
   * @throws BadInputException if a file is missing or broken, or the network is no linear or mlp
   *     head: the message names the operator
   */
  public static HeadArtifacts read(Path folder) {
    if (!Files.exists(folder)) {
      throw new NotFoundException("there is no folder of training artifacts " + folder);
    }
    for (String file : List.of(Artifacts.CHECKPOINT, Artifacts.TRAINING)) {
      if (!Files.isRegularFile(folder.resolve(file))) {
        throw new BadInputException(
            folder + " is no folder of training artifacts: it has no file " + file);
      }
    }
    Path eval = folder.resolve(Artifacts.EVAL);
    Path file = Files.isRegularFile(eval) ? eval : folder.resolve(Artifacts.TRAINING);
    OnnxModel model = OnnxModel.read(file);
    Checkpoint checkpoint = Checkpoint.read(folder.resolve(Artifacts.CHECKPOINT));
    HeadArtifacts head;
    try {
      head = new Reader(model, checkpoint).read();
    } catch (BadInputException e) {
      throw new BadInputException(file + ": " + e.getMessage(), e);
    }
    requireTraining(folder.resolve(Artifacts.TRAINING), checkpoint);
    return head;
  }

  /** A training graph must take just the parameters that the checkpoint has. */
  private static void requireTraining(Path file, Checkpoint checkpoint) {
    Map<String, TensorInfo> inputs = new HashMap<>();
    OnnxModel.read(file).inputs().forEach(input -> inputs.put(input.name(), input));
    if (!inputs.containsKey("lazy_reset_grad")) {
      throw new BadInputException(file + " is no training graph: it has no input lazy_reset_grad");
    }
    checkpoint
        .trainable()
        .forEach(
            (name, tensor) -> {
              TensorInfo input = inputs.get(name);
              if (input == null
                  || input.type() != tensor.type()
                  || !Arrays.equals(input.shape(), tensor.shape())) {
                throw new BadInputException(
                    file
                        + " is not of this checkpoint: expected an input '"
                        + name
                        + "' as "
                        + tensor
                        + ", got "
                        + input);
              }
            });
  }

  /** One affine layer: weight [outputs, inputs], bias [outputs]. */
  private record Layer(Tensor weight, Tensor bias) {}

  private static final class Reader {
    private final Graph graph;
    private final Map<String, Tensor> constants = new HashMap<>();
    private final List<TensorInfo> inputs;

    private Tensor mean;
    private Tensor scale;
    private final List<Layer> layers = new ArrayList<>();
    private boolean relu;

    /** Whether the last layer is a MatMul that an Add may still give its bias. */
    private boolean open;

    Reader(OnnxModel model, Checkpoint checkpoint) {
      graph = Graph.of(model);
      constants.putAll(model.initializers());
      constants.putAll(checkpoint.frozen());
      constants.putAll(checkpoint.weights());
      Set<String> stored = checkpoint.parameters().keySet();
      inputs =
          model.inputs().stream()
              .filter(i -> !stored.contains(i.name()) && !constants.containsKey(i.name()))
              .filter(i -> i.type() == ElementType.FLOAT && i.shape() != null)
              .filter(i -> !i.name().endsWith("_grad.accumulation.buffer"))
              .toList();
    }

    HeadArtifacts read() {
      List<String> reasons = new ArrayList<>();
      for (TensorInfo input : inputs) {
        if (input.shape().length == 2 && input.shape()[1] > 0 && input.shape()[1] <= WIDEST) {
          mean = null;
          scale = null;
          layers.clear();
          relu = false;
          open = false;
          try {
            return follow(input);
          } catch (BadInputException e) {
            reasons.add(e.getMessage());
          }
        }
      }
      throw new BadInputException(
          "no linear or mlp head can be seen in these artifacts: "
              + (reasons.isEmpty()
                  ? "none of the inputs " + inputs + " takes feature vectors [batch, width]"
                  : String.join("; ", reasons)));
    }

    private HeadArtifacts follow(TensorInfo input) {
      String at = input.name();
      long width = input.shape()[1];
      for (NodeProto node = next(at); node != null; node = next(at)) {
        width = take(node, at, width);
        at = node.getOutput(0);
      }
      Task task = task(at, input.name());
      if (task == null) {
        throw new BadInputException(
            "from the input '"
                + input.name()
                + "' on, only Sub, Mul, Gemm, MatMul, Add, Relu, Dropout and Identity are"
                + " understood, up to a loss; after '"
                + at
                + "' come "
                + graph.consumers(at).stream().map(i -> graph.nodes().get(i).getOpType()).toList());
      }
      return new HeadArtifacts(network(input), task);
    }

    /** The one node that goes on from here with weights alone beside it; null at the loss. */
    private NodeProto next(String at) {
      List<NodeProto> steps =
          graph.consumers(at).stream()
              .map(i -> graph.nodes().get(i))
              .filter(n -> isStep(n, at))
              .toList();
      if (steps.size() > 1) {
        throw new BadInputException("the network branches after '" + at + "'");
      }
      return steps.isEmpty() ? null : steps.get(0);
    }

    private boolean isStep(NodeProto node, String at) {
      if (!node.getDomain().isEmpty() && !node.getDomain().equals("ai.onnx")) {
        return false;
      }
      boolean first = node.getInputCount() > 0 && node.getInput(0).equals(at);
      boolean weighted = node.getInputCount() > 1;
      for (int i = 0; i < node.getInputCount(); i++) {
        String name = node.getInput(i);
        weighted &= name.equals(at) || constants.containsKey(name);
      }
      return switch (node.getOpType()) {
        case "Identity", "Dropout", "Relu" -> first;
        case "Gemm", "MatMul", "Sub" -> first && weighted;
        case "Add", "Mul" -> weighted;
        default -> false;
      };
    }

    /** Takes a step in; returns how wide its result is. */
    private long take(NodeProto node, String at, long width) {
      boolean fresh = layers.isEmpty();
      switch (node.getOpType()) {
        case "Identity", "Dropout" -> {
          return width;
        }
        case "Relu" -> {
          require(layers.size() == 1 && !relu, node, "stands where a head has no Relu");
          relu = true;
        }
        case "Sub" -> {
          require(fresh && mean == null && scale == null, node, "follows a layer or a scale");
          mean = vector(node, constants.get(node.getInput(1)), width);
        }
        case "Mul" -> {
          require(fresh && scale == null, node, "follows a layer or another scale");
          scale =
              vector(
                  node, constants.get(node.getInput(node.getInput(0).equals(at) ? 1 : 0)), width);
        }
        case "Add" -> {
          require(open, node, "does not follow a MatMul");
          Tensor bias =
              vector(
                  node, constants.get(node.getInput(node.getInput(0).equals(at) ? 1 : 0)), width);
          layers.set(layers.size() - 1, new Layer(layers.get(layers.size() - 1).weight, bias));
        }
        default -> {
          return layer(node, width);
        }
      }
      open = false;
      return width;
    }

    private long layer(NodeProto node, long width) {
      require(layers.size() < (relu ? 2 : 1), node, "is one layer more than a head has");
      boolean gemm = node.getOpType().equals("Gemm");
      for (AttributeProto attribute : node.getAttributeList()) {
        boolean usual =
            switch (attribute.getName()) {
              case "alpha", "beta" -> attribute.getF() == 1;
              case "transA" -> attribute.getI() == 0;
              default -> true;
            };
        require(usual, node, "has an attribute " + attribute.getName() + " that no head has");
      }
      boolean rows =
          node.getAttributeList().stream()
              .anyMatch(a -> a.getName().equals("transB") && a.getI() != 0);
      Tensor weight = constants.get(node.getInput(1));
      long[] shape = weight.shape();
      require(
          weight.type() == ElementType.FLOAT
              && shape.length == 2
              && shape[rows ? 1 : 0] == width
              && shape[rows ? 0 : 1] > 0
              && shape[rows ? 0 : 1] <= WIDEST,
          node,
          "has the weights " + weight + " for " + width + " inputs");
      long outputs = shape[rows ? 0 : 1];
      finite(node, weight);
      Tensor bias =
          gemm && node.getInputCount() > 2
              ? vector(node, constants.get(node.getInput(2)), outputs)
              : Tensor.zeros(ElementType.FLOAT, outputs);
      layers.add(new Layer(rows ? weight : transposed(weight), bias));
      open = !gemm;
      return outputs;
    }

    private static Tensor transposed(Tensor matrix) {
      int rows = (int) matrix.shape()[0];
      int columns = (int) matrix.shape()[1];
      float[] from = matrix.floats();
      float[] to = new float[from.length];
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          to[c * rows + r] = from[r * columns + c];
        }
      }
      return Tensor.of(to, columns, rows);
    }

    /** A vector of this width; one number stands for as many of it. */
    private static Tensor vector(NodeProto node, Tensor tensor, long width) {
      require(
          tensor.type() == ElementType.FLOAT
              && (tensor.elements() == width || tensor.elements() == 1),
          node,
          "takes " + tensor + " beside " + width + " features");
      finite(node, tensor);
      float[] values = tensor.floats();
      float[] all = Arrays.copyOf(values, (int) width);
      if (values.length == 1) {
        Arrays.fill(all, values[0]);
      }
      return Tensor.of(all, width);
    }

    private static void finite(NodeProto node, Tensor tensor) {
      require(tensor.finite(), node, "has weights that are not finite");
    }

    private static void require(boolean holds, NodeProto node, String otherwise) {
      if (!holds) {
        throw new BadInputException(
            node.getOpType() + " (node '" + node.getName() + "') " + otherwise);
      }
    }

    /** What the loss behind the scores is for; null if there is none that is known. */
    private Task task(String scores, String features) {
      for (int i : graph.consumers(scores)) {
        NodeProto node = graph.nodes().get(i);
        switch (node.getOpType()) {
          case "SoftmaxCrossEntropyLoss" -> {
            return Task.SINGLE;
          }
          case "Sigmoid" -> { // log(sigmoid(x)), as Microsoft writes it
            if (isRead(node.getOutput(0), "Log")) {
              return Task.MULTI;
            }
          }
          case "Neg" -> { // softplus(-x), as it is written here
            if (isRead(node.getOutput(0), "Softplus")) {
              return Task.MULTI;
            }
          }
          case "Sub" -> {
            String other = node.getInput(node.getInput(0).equals(scores) ? 1 : 0);
            if (isGiven(other, features)) {
              return Task.REGRESSION;
            }
          }
          default -> {}
        }
      }
      return null;
    }

    private boolean isRead(String tensor, String operator) {
      return graph.consumers(tensor).stream()
          .anyMatch(i -> graph.nodes().get(i).getOpType().equals(operator));
    }

    /** Whether a tensor is an input other than the features, perhaps reshaped. */
    private boolean isGiven(String tensor, String features) {
      String at = tensor;
      for (var by = graph.producer(at); by.isPresent(); by = graph.producer(at)) {
        NodeProto node = graph.nodes().get(by.getAsInt());
        if (!node.getOpType().equals("Reshape")) {
          return false;
        }
        at = node.getInput(0);
      }
      return graph.isInput(at) && !at.equals(features);
    }

    private HeadNetwork network(TensorInfo input) {
      int width = (int) input.shape()[1];
      if (layers.size() != (relu ? 2 : 1)) {
        throw new BadInputException(
            "from the input '" + input.name() + "' on there is no layer before the loss");
      }
      float[] ones = new float[width];
      Arrays.fill(ones, 1);
      Scaling scaling =
          new Scaling(
              mean == null ? new float[width] : mean.floats(),
              scale == null ? ones : scale.floats());
      Layer last = layers.get(layers.size() - 1);
      HeadKind kind = relu ? new HeadKind.Mlp((int) last.weight.shape()[1]) : new HeadKind.Linear();
      if (relu) {
        HeadKind.parse(kind.text()); // no wider than a head may be
      }
      Map<String, Tensor> weights = new LinkedHashMap<>();
      if (relu) {
        weights.put(HeadNetwork.HIDDEN_WEIGHT, layers.get(0).weight);
        weights.put(HeadNetwork.HIDDEN_BIAS, layers.get(0).bias);
      }
      weights.put(HeadNetwork.OUTPUT_WEIGHT, last.weight);
      weights.put(HeadNetwork.OUTPUT_BIAS, last.bias);
      return HeadNetwork.of(kind, scaling, weights);
    }
  }
}
