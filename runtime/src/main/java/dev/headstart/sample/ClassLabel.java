package dev.headstart.sample;

/**
 * One class.
 *
 * @param name not blank
 */
public record ClassLabel(String name) implements Label {
  @Override
  public String toString() {
    return "'" + name + "'";
  }
}
