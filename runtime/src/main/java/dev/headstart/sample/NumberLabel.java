package dev.headstart.sample;

/**
 * A number to be predicted.
 *
 * @param value finite
 */
public record NumberLabel(double value) implements Label {
  @Override
  public String toString() {
    return Double.toString(value);
  }
}
