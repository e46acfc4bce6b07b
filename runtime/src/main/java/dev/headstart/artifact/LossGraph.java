package dev.headstart.artifact;

import dev.headstart.error.BadInputException;
import dev.headstart.gradient.Gradients;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.ModelJoiner;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.OpsetUpgrade;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A loss as an ONNX graph. It is joined behind the model and differentiated like it.
 *
 * <p>Its only output is the loss: float32, a scalar or of one element, to be the mean over a batch
 * wherever {@link ArtifactOptions#accumulated} is used. Inputs that have the name of an output of
 * the model read that; if there is none, the first input reads the output that the options name, or
 * the model's only one. An input that has the name of an input of the model is the same input; all
 * others become inputs of a training step, in the graph's order. Its weights are constants.
 *
 * @param model the graph
 */
public record LossGraph(OnnxModel model) implements Objective {

  /**
   * The model with the loss behind it.
   *
   * @param model its output is the loss
   * @param scores the tensor of the model whose first axis is the batch
   */
  record Joined(OnnxModel model, String scores) {}

  /**
   * @param forward of opset {@link Gradients#OLDEST_OPSET} or later
   * @param scores what the loss is taken of where no input says it by its name
   * @throws BadInputException if the two do not fit together, or this is no loss
   */
  Joined behind(OnnxModel forward, String scores) {
    if (model.inputs().isEmpty() || model.outputs().size() != 1) {
      throw new BadInputException(
          "a loss graph takes scores and gives one output, the loss; this one has inputs "
              + names(model.inputs())
              + " and outputs "
              + names(model.outputs()));
    }
    List<String> inputs = names(model.inputs());
    List<String> outputs = names(forward.outputs());
    Map<String, String> feeds = new LinkedHashMap<>();
    inputs.stream().filter(outputs::contains).forEach(name -> feeds.put(name, name));
    if (feeds.isEmpty()) {
      feeds.put(inputs.get(0), scores);
    }
    String loss = model.outputs().get(0).name();
    List<String> taken = new ArrayList<>(Graph.of(forward).tensors());
    if (taken.contains(loss)) {
      throw new BadInputException(
          "the loss graph's output '"
              + loss
              + "' has the name of a tensor of the model: rename it");
    }
    int opset = Math.max(forward.opset(), Math.max(model.opset(), Gradients.OLDEST_OPSET));
    OnnxModel joined;
    try {
      joined = ModelJoiner.join(upgrade(forward, opset), upgrade(model, opset), feeds);
    } catch (BadInputException e) {
      throw new BadInputException("the loss graph does not fit the model: " + e.getMessage(), e);
    }
    requireScalar(joined, loss);
    return new Joined(joined, feeds.values().iterator().next());
  }

  /** Refuses options that a graph cannot take. */
  void check(float[] weights, float smoothing) {
    if (weights != null || smoothing != 0) {
      throw new BadInputException(
          "class weights and label smoothing go with the usual losses: write them into the graph");
    }
  }

  private static OnnxModel upgrade(OnnxModel model, int opset) {
    return model.opset() >= opset ? model : OpsetUpgrade.to(model, opset);
  }

  private static void requireScalar(OnnxModel joined, String loss) {
    TensorInfo declared = joined.outputs().get(0);
    TensorInfo info = ShapeInference.infer(joined).getOrDefault(loss, declared);
    if (info.type() != null && info.type() != ElementType.FLOAT) {
      throw new BadInputException("a loss is float32, the loss graph's '" + loss + "' is " + info);
    }
    if (info.shape() == null || info.shape().length > 1 || Tensor.elements(info.shape()) != 1) {
      throw new BadInputException(
          "a loss is one number, the loss graph's '"
              + loss
              + "' is "
              + info
              + (info.shape() == null ? ", of a shape that cannot be inferred" : "")
              + ": end it with a ReduceMean over everything, keepdims 0");
    }
  }

  private static List<String> names(List<TensorInfo> tensors) {
    return tensors.stream().map(TensorInfo::name).toList();
  }

  @Override
  public String toString() {
    return "loss graph";
  }
}
