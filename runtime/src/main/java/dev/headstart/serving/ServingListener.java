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

  /** A version of a head is live now. */
  default void live(String model, int version) {}
}
