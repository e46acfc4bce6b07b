package dev.headstart.serving;

import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/**
 * Base models and heads, ready to answer many callers at once. Models are named as their users know
 * them: a base model by its id (version 1), a head by its name, all heads of a base as {@code
 * heads@BASE}. A head's live version changes under load without a request lost, within the poll
 * time of a promotion in whichever process. Safe for several threads; the caller closes it.
 */
public final class ModelRepository implements AutoCloseable {

  private ModelRepository() {}

  /**
   * Opens a repository and begins to load its models in the background; {@link #ready()} says when
   * they are loaded and warm.
   */
  public static ModelRepository open(
      BaseModels models, HeadStore heads, ServingSettings settings, ServingListener listener) {
    throw new UnsupportedOperationException();
  }

  /** Whether all models that are to be loaded are loaded and warm. */
  public boolean ready() {
    throw new UnsupportedOperationException();
  }

  /**
   * Whether a model answers.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   */
  public boolean ready(String model, Integer version) {
    throw new UnsupportedOperationException();
  }

  /** Every model there is, loaded or not, by name and version. */
  public List<ModelStatus> index() {
    throw new UnsupportedOperationException();
  }

  /**
   * What a model is.
   *
   * @param version null for the live one
   * @throws NotFoundException if there is no such model or version
   * @throws UnavailableException if it is not loaded
   */
  public ModelMetadata metadata(String model, Integer version) {
    throw new UnsupportedOperationException();
  }

  /**
   * What models have done.
   *
   * @param model null for all loaded ones
   * @param version null for all that were asked
   * @throws NotFoundException if there is no such model or version
   */
  public List<ModelStatistics> statistics(String model, Integer version) {
    throw new UnsupportedOperationException();
  }

  /** Requests that wait, for a model. */
  public int queued(String model) {
    throw new UnsupportedOperationException();
  }

  /**
   * Loads a model, or loads it again; returns when it is warm.
   *
   * @throws NotFoundException if there is no such model
   * @throws BadInputException if it is not sound
   */
  public void load(String model) {
    throw new UnsupportedOperationException();
  }

  /**
   * Unloads a model once its last request is answered; those to come are refused.
   *
   * @throws NotFoundException if there is no such model
   */
  public void unload(String model) {
    throw new UnsupportedOperationException();
  }

  /**
   * Asks a model. A quick one answers on the caller's thread, others on a worker's; whoever adds to
   * the stage must not block.
   *
   * @return fails with a {@link BadInputException}, {@link NotFoundException}, {@link
   *     UnavailableException} or {@link dev.headstart.error.FailureException}; the method itself
   *     does not throw
   */
  public CompletionStage<InferenceResult> infer(InferenceRequest request) {
    throw new UnsupportedOperationException();
  }

  /**
   * Asks the live versions of several heads about the same inputs; for every backbone among them it
   * runs once.
   *
   * @return one result a head, in their order; fails as {@link #infer} does
   */
  public CompletionStage<List<InferenceResult>> inferAll(
      List<String> heads, Map<String, Tensor> inputs, int priority, Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /** Takes no more requests, waits for those taken, and frees everything; idempotent. */
  @Override
  public void close() {}
}
