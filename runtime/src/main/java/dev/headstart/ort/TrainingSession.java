package dev.headstart.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtTrainingSession;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A training session over the four artifacts. For one thread: ONNX Runtime does not lock it, and a
 * stopped run is one that takes no further step (its run options are ignored).
 */
public final class TrainingSession implements AutoCloseable {
  private final OrtTrainingSession session;
  private final List<String> inputs;

  /** Inputs that name a class a sample, with how many classes there are. */
  private final Map<String, Long> labels;

  private boolean closed;

  private TrainingSession(OrtTrainingSession session, Map<String, Long> labels) {
    this.session = session;
    this.labels = labels;
    this.inputs = List.copyOf(session.getTrainInputNames());
    OrtRuntime.opened();
  }

  /**
   * Opens {@code training_model.onnx}, {@code optimizer_model.onnx}, {@code eval_model.onnx} (where
   * it exists) and {@code checkpoint} of a folder.
   *
   * @param threads threads inside one step
   * @throws FailureException if the platform cannot train, or ONNX Runtime refuses the artifacts
   */
  public static TrainingSession open(Path artifacts, int threads) {
    OrtRuntime.requireTraining();
    Path eval = artifacts.resolve("eval_model.onnx");
    Map<String, Long> labels = labels(OnnxModel.read(artifacts.resolve("training_model.onnx")));
    try (SessionOptions options = new SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      // A pattern is one more block for all activations, beside those of the first step, that no
      // step needs: EfficientNet-Lite0, batch 10: 1090 MB with it, 631 MB without, as fast.
      options.setMemoryPatternOptimization(false);
      return new TrainingSession(
          OrtRuntime.environment()
              .createTrainingSession(
                  artifacts.resolve("checkpoint").toString(),
                  artifacts.resolve("training_model.onnx").toString(),
                  Files.exists(eval) ? eval.toString() : null,
                  artifacts.resolve("optimizer_model.onnx").toString(),
                  options),
          labels);
    } catch (OrtException e) {
      throw new FailureException(
          "ONNX Runtime refuses the training artifacts in " + artifacts + ": " + Reasons.of(e), e);
    }
  }

  /** The labels of cross entropies: ONNX Runtime's kernel lets some wrong ones through. */
  private static Map<String, Long> labels(OnnxModel training) {
    List<String> inputs = training.inputs().stream().map(TensorInfo::name).toList();
    Map<String, TensorInfo> shapes = null;
    Map<String, Long> labels = new LinkedHashMap<>();
    for (var node : training.proto().getGraph().getNodeList()) {
      if (node.getOpType().equals("SoftmaxCrossEntropyLoss")
          && inputs.contains(node.getInput(1))
          && node.getAttributeList().stream().noneMatch(a -> a.getName().equals("ignore_index"))) {
        shapes = shapes == null ? ShapeInference.infer(training) : shapes;
        TensorInfo scores = shapes.get(node.getInput(0));
        if (scores != null && scores.shape() != null && scores.shape()[1] > 0) {
          labels.put(node.getInput(1), scores.shape()[1]);
        }
      }
    }
    return labels;
  }

  /** The names that a batch must hold: the user's inputs, then labels or target. */
  public List<String> inputs() {
    return inputs;
  }

  /**
   * Tensors bound to this session, to be stepped on any number of times: their direct buffers are
   * read in place, so new data is written into the same buffers.
   */
  public final class Batch implements AutoCloseable {
    /** In the session's order: the Java API feeds values by position. */
    private final Map<String, OnnxTensor> tensors = new LinkedHashMap<>();

    private final Map<String, Tensor> data;

    private boolean open = true;

    private Batch(Map<String, Tensor> data) {
      this.data = data;
      OrtRuntime.opened();
    }

    private void requireLabels() {
      labels.forEach(
          (name, classes) -> {
            LongBuffer values = data.get(name).longBuffer();
            for (int i = 0; i < values.limit(); i++) {
              if (values.get(i) < 0 || values.get(i) >= classes) {
                throw new BadInputException(
                    "'" + name + "' must be from 0 to " + (classes - 1) + ", got " + values.get(i));
              }
            }
          });
    }

    /** Frees the native tensors; idempotent. The data's buffers stay. */
    @Override
    public void close() {
      if (open) {
        open = false;
        tensors.values().forEach(OnnxTensor::close);
        OrtRuntime.closed();
      }
    }
  }

  /**
   * Binds a tensor for every input of the training graph; close the batch before the session.
   *
   * @throws BadInputException if the names are not {@link #inputs()}, a buffer is not direct, or a
   *     tensor has no elements
   */
  public Batch bind(Map<String, Tensor> data) {
    if (data.size() != inputs.size() || !data.keySet().containsAll(inputs)) {
      throw new BadInputException("a batch needs the inputs " + inputs + ", got " + data.keySet());
    }
    Batch batch = new Batch(Map.copyOf(data));
    try {
      for (String name : inputs) {
        Tensor tensor = data.get(name);
        if (!tensor.data().isDirect()) {
          throw new BadInputException("a batch is read in place: '" + name + "' must be direct");
        }
        if (tensor.elements() == 0) {
          // ConvGrad divides by the size of the batch, as an integer, which ends the process.
          throw new BadInputException(
              "a batch needs at least one sample: '" + name + "' is " + tensor);
        }
        batch.tensors.put(name, Tensors.toNative(name, tensor, Tensors::copy));
      }
      return batch;
    } catch (OrtException e) {
      batch.close();
      throw new FailureException("the batch could not be bound: " + Reasons.of(e), e);
    } catch (RuntimeException e) {
      batch.close();
      throw e;
    }
  }

  /**
   * One training step: forward, backward, optimizer, gradients reset.
   *
   * @return the batch's loss before the update; NaN or infinite where training diverged
   */
  public float step(Batch batch) {
    float loss = accumulate(batch);
    update();
    return loss;
  }

  /**
   * Forward and backward only: gradients are added to those of earlier calls.
   *
   * @throws BadInputException if a label is no class's number
   */
  public float accumulate(Batch batch) {
    return accumulate(batch, null, null);
  }

  /**
   * The same, and shows an output of the training graph.
   *
   * @param output a float32 output's name; null for none
   * @param sink is given its numbers, row-major, for the time of the call
   */
  public float accumulate(Batch batch, String output, Consumer<FloatBuffer> sink) {
    batch.requireLabels();
    try (OrtSession.Result result = session.trainStep(batch.tensors)) {
      if (output != null) {
        sink.accept(
            ((OnnxTensor)
                    result
                        .get(output)
                        .orElseThrow(
                            () ->
                                new BadInputException(
                                    "the training graph has no output '" + output + "'")))
                .getFloatBuffer());
      }
      return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
    } catch (OrtException e) {
      throw new FailureException("a training step failed: " + Reasons.of(e), e);
    }
  }

  /**
   * Runs the evaluation graph with the weights as they are now.
   *
   * @param batch whose inputs the evaluation graph takes in the same order as the training graph,
   *     which holds for artifacts that Headstart wrote
   * @return its outputs by name, the loss first, copied out of native memory
   */
  public Map<String, Tensor> evaluate(Batch batch) {
    try (OrtSession.Result result = session.evalStep(batch.tensors)) {
      Map<String, Tensor> outputs = new LinkedHashMap<>();
      for (Map.Entry<String, OnnxValue> entry : result) {
        outputs.put(entry.getKey(), Tensors.fromNative((OnnxTensor) entry.getValue()));
      }
      return outputs;
    } catch (OrtException e) {
      throw new FailureException("an evaluation step failed: " + Reasons.of(e), e);
    }
  }

  /** Lets the optimizer use the gradients summed up, and resets them. */
  public void update() {
    try {
      session.optimizerStep();
      session.lazyResetGrad();
    } catch (OrtException e) {
      throw new FailureException("an optimizer step failed: " + Reasons.of(e), e);
    }
  }

  /**
   * The learning rate from the next update on (0.001 after opening: checkpoints do not keep it).
   */
  public void learningRate(float rate) {
    try {
      session.setLearningRate(rate);
    } catch (OrtException e) {
      throw new FailureException("the learning rate could not be set: " + Reasons.of(e), e);
    }
  }

  /**
   * Writes weights, and on request the optimizer's moments and step, to a checkpoint file.
   *
   * @throws FailureException if the file cannot be written
   */
  public void save(Path checkpoint, boolean withOptimizer) {
    try {
      session.saveCheckpoint(checkpoint, withOptimizer);
    } catch (OrtException e) {
      throw new FailureException(
          "the checkpoint "
              + checkpoint
              + " could not be written (is the disk full?): "
              + Reasons.of(e),
          e);
    }
  }

  /** Frees the native session; idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.close();
      OrtRuntime.closed();
    }
  }
}
