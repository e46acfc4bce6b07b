package dev.headstart.serving;

/**
 * A line of the repository's index.
 *
 * @param name the model's name
 * @param version a version of it; null for a model that is not loaded
 * @param state whether it answers
 * @param reason why it does not; null if it does
 */
public record ModelStatus(String name, Integer version, State state, String reason) {

  /** As the repository extension of the protocol names them. */
  public enum State {
    LOADING,
    READY,
    UNAVAILABLE
  }
}
