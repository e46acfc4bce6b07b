package dev.headstart.serving;

/** Is told what happens, for metrics; calls must be quick and come from several threads. */
public interface ServingListener {
  ServingListener NONE = new ServingListener() {};

  /**
   * A model was called.
   *
   * @param model the model's name
   * @param batch samples in the call
   * @param nanos it took
   */
  default void executed(String model, int batch, long nanos) {}

  /** A request was answered. */
  default void succeeded(String model, long nanos) {}

  /** A request failed. */
  default void failed(String model, RuntimeException reason, long nanos) {}

  /**
   * The live version of a head answered about a sample.
   *
   * @param novelty how unlike what it learned the sample is; NaN where nothing says
   * @param score the highest; NaN for regression
   */
  default void predicted(String head, float novelty, float score) {}

  /** A version of a head is live now. */
  default void live(String model, int version) {}
}
