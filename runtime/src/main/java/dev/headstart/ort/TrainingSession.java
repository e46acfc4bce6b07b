package dev.headstart.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtTrainingSession;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A training session over the four artifacts. For one thread: ONNX Runtime does not lock it, and a
 * stopped run is one that takes no further step (its run options are ignored).
 */
public final class TrainingSession implements AutoCloseable {
  private final OrtTrainingSession session;
  private final List<String> inputs;
  private boolean closed;

  private TrainingSession(OrtTrainingSession session) {
    this.session = session;
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
                  options));
    } catch (OrtException e) {
      throw new FailureException(
          "ONNX Runtime refuses the training artifacts in " + artifacts + ": " + Reasons.of(e), e);
    }
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

    private boolean open = true;

    private Batch() {
      OrtRuntime.opened();
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
    Batch batch = new Batch();
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

  /** Forward and backward only: gradients are added to those of earlier calls. */
  public float accumulate(Batch batch) {
    try (OrtSession.Result result = session.trainStep(batch.tensors)) {
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
