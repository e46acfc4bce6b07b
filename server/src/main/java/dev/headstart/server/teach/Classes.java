package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.sample.ClassLabel;

/** Names of classes that clients give. */
final class Classes {
  private Classes() {}

  /**
   * The name without spaces around it, as labels are taken.
   *
   * @throws BadInputException if no class can have it
   */
  static String check(String name) {
    String stripped = name.strip();
    if (stripped.isEmpty()) {
      throw new BadInputException("a class needs a name");
    }
    try {
      return new ClassLabel(stripped).name();
    } catch (BadInputException e) {
      throw new BadInputException("a class cannot be called so: " + e.getMessage(), e);
    }
  }
}
