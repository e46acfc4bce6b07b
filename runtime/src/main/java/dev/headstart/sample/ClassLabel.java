package dev.headstart.sample;

import java.util.Set;

/**
 * One class.
 *
 * @param name not blank
 */
public record ClassLabel(String name) implements Label {
  @Override
  public Set<String> names() {
    return Set.of(name);
  }

  @Override
  public String toString() {
    return "'" + name + "'";
  }
}
