package dev.headstart.artifact;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * What a training will take, worked out of its artifacts before anything is run.
 *
 * @param batch samples a step
 * @param trained elements of the parameters that are trained
 * @param frozen elements of float weights that stay as they are
 * @param weightBytes all of these weights, those that are frozen in all their copies
 * @param stateBytes the sums of gradients, and the optimizer's moments
 * @param keptBytes tensors of the forward pass that the backward pass reads, for one batch
 * @param activationBytes the most that a step holds at once besides weights and state, for one
 *     batch: by when each tensor is made and read for the last time
 * @param inputBytes the inputs of one batch
 * @param featureBytes of all samples, as far as they are yet to be taken into memory
 */
public record TrainingPlan(
    long batch,
    long trained,
    long frozen,
    long weightBytes,
    long stateBytes,
    long keptBytes,
    long activationBytes,
    long inputBytes,
    long featureBytes) {

  /**
   * What the first training session of a process takes whatever the model: pages of the native
   * library, its registries, the graphs as it keeps them. Measured with ONNX Runtime 1.28 on Linux:
   * 22 to 26 MB for graphs of 30 to 600 nodes.
   */
  private static final long SESSIONS = 24L << 20;

  /**
   * How often a frozen weight is in memory at the peak: an initializer of two graphs, each as the
   * file has it and as ONNX Runtime lays it out. Measured with 1.28: 3.5 for matrices (MiniLM, 22
   * million frozen), 6 to 7 for convolutions (EfficientNet-Lite0, 0.5 to 2.3 million).
   */
  private static final long FROZEN_COPIES = 4;

  /** Holes between tensors in ONNX Runtime's arena, as a share of the activations: measured. */
  private static final double HOLES = 0.1;

  /**
   * Works out what a step over these inputs takes.
   *
   * @param inputShapes for every input of {@link Artifacts#inputs()} its shape, batch first, all
   *     dimensions known
   * @throws BadInputException if an input is missing, or a shape contradicts the model
   */
  public static TrainingPlan of(Artifacts artifacts, Map<String, long[]> inputShapes) {
    long batch = -1;
    long inputBytes = 0;
    for (TensorInfo input : artifacts.inputs()) {
      long[] shape = fixed(input, inputShapes.get(input.name()));
      batch = batch < 0 && shape.length > 0 ? shape[0] : batch;
      inputBytes += Tensor.elements(shape) * input.type().bytes();
    }
    OnnxModel training = withShapes(artifacts.training(), inputShapes);
    Map<String, Tensor> parameters = artifacts.checkpoint().trainable();
    long trained = parameters.values().stream().mapToLong(Tensor::elements).sum();
    long frozen = floats(artifacts.eval());
    // Sums of gradients, and what the optimizer takes besides weights and gradients.
    long perWeight =
        1
            + artifacts.optimizer().proto().getGraph().getInputList().stream()
                .filter(i -> i.getName().endsWith("_order_moments"))
                .count();
    StepMemory memory = StepMemory.of(training);
    return new TrainingPlan(
        batch,
        trained,
        frozen,
        4 * (trained + FROZEN_COPIES * frozen),
        4 * trained * perWeight,
        memory.kept(),
        memory.peak(),
        inputBytes,
        0);
  }

  /** The same with features of all samples beside it. */
  public TrainingPlan withFeatures(long bytes) {
    return new TrainingPlan(
        batch,
        trained,
        frozen,
        weightBytes,
        stateBytes,
        keptBytes,
        activationBytes,
        inputBytes,
        bytes);
  }

  private static long[] fixed(TensorInfo input, long[] shape) {
    boolean fits = shape != null;
    if (fits && input.shape() != null) {
      fits = shape.length == input.shape().length;
      for (int i = 0; fits && i < shape.length; i++) {
        fits = shape[i] >= 0 && (input.shape()[i] < 0 || input.shape()[i] == shape[i]);
      }
    }
    if (!fits) {
      throw new BadInputException(
          "the plan needs a shape for the input "
              + input
              + ", every dimension known, got "
              + (shape == null ? "none" : Arrays.toString(shape)));
    }
    return shape;
  }

  private static OnnxModel withShapes(OnnxModel model, Map<String, long[]> shapes) {
    ModelProto.Builder fixed = model.proto().toBuilder();
    GraphProto.Builder graph = fixed.getGraphBuilder();
    for (ValueInfoProto.Builder input : graph.getInputBuilderList()) {
      long[] shape = shapes.get(input.getName());
      if (shape != null) {
        TensorShapeProto.Builder dims = TensorShapeProto.newBuilder();
        Arrays.stream(shape).forEach(d -> dims.addDimBuilder().setDimValue(d));
        input.getTypeBuilder().getTensorTypeBuilder().setShape(dims);
      }
    }
    return OnnxModel.of(fixed.build());
  }

  private static long floats(OnnxModel model) {
    long elements = 0;
    for (TensorProto tensor : model.proto().getGraph().getInitializerList()) {
      if (tensor.getDataType() == ElementType.FLOAT.code() && tensor.getDimsCount() > 0) {
        elements += tensor.getDimsList().stream().reduce(1L, (a, b) -> a * b);
      }
    }
    return elements;
  }

  /**
   * The most resident memory that training adds to a process that has not trained before, in bytes.
   * It was within a fifth of what was measured, for networks from 6 thousand to 5 million
   * parameters.
   */
  public long peakBytes() {
    long activations = Math.round((1 + HOLES) * activationBytes);
    return weightBytes + stateBytes + activations + inputBytes + featureBytes + SESSIONS;
  }

  /**
   * Refuses a training that would not fit into memory.
   *
   * @param freeBytes what may be used
   * @param sizes the plan of another batch size, to find the one that would fit; asked for some
   *     from half of this one's down to 1
   * @param smaller by name, what could be done instead with this batch size (a deeper cut), the
   *     best first
   * @throws BadInputException if it does not fit; with what would
   */
  public void requireFits(
      long freeBytes, IntFunction<TrainingPlan> sizes, Map<String, TrainingPlan> smaller) {
    if (peakBytes() <= freeBytes) {
      return;
    }
    Map<String, TrainingPlan> ways = new LinkedHashMap<>();
    for (int size = (int) batch / 2; size >= 1 && ways.isEmpty(); size /= 2) {
      TrainingPlan plan = sizes.apply(size);
      if (plan.peakBytes() <= freeBytes) {
        ways.put("a batch of " + size, plan);
      }
    }
    smaller.entrySet().stream()
        .filter(way -> way.getValue().peakBytes() <= freeBytes)
        .findFirst()
        .ifPresent(way -> ways.put(way.getKey(), way.getValue()));
    List<String> fitting =
        ways.entrySet().stream()
            .map(way -> way.getKey() + " (" + megabytes(way.getValue().peakBytes()) + ")")
            .toList();
    throw new BadInputException(
        "this training needs about "
            + megabytes(peakBytes())
            + " of memory ("
            + this
            + "), and "
            + megabytes(freeBytes)
            + " are free: "
            + (fitting.isEmpty()
                ? "neither a smaller batch nor a deeper cut would fit, so free memory or take a"
                    + " smaller base model"
                : "what would fit is " + String.join(", or ", fitting)));
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  /** As people read it. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "batch %d; %,d parameters trained, %,d frozen; weights %s, gradients and optimizer %s,"
            + " activations %s%s",
        batch,
        trained,
        frozen,
        megabytes(weightBytes),
        megabytes(stateBytes),
        megabytes(activationBytes),
        featureBytes == 0 ? "" : ", features " + megabytes(featureBytes));
  }
}
