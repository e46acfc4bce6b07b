package dev.headstart.sample;

import dev.headstart.error.BadInputException;

/**
 * A sample that cannot be used.
 *
 * @param name as {@link Sample#name()}
 * @param reason what is wrong with it, without the name
 */
public record Unreadable(String name, String reason) implements Item {

  /** What an error says about the sample of this name, with its "name: " taken off. */
  public static Unreadable of(String name, BadInputException error) {
    String prefix = name + ": ";
    String message = error.getMessage();
    return new Unreadable(
        name, message.startsWith(prefix) ? message.substring(prefix.length()) : message);
  }

  @Override
  public String toString() {
    return name + ": " + reason;
  }
}
