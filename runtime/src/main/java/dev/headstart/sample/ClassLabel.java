package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * One class.
 *
 * @param name not blank
 */
public record ClassLabel(String name) implements Label {
  private static final int LONGEST = 200;

  /**
   * @throws BadInputException if no file, table or JSON could hold the name
   */
  public ClassLabel {
    requireName(name);
  }

  static void requireName(String name) {
    if (name.length() > LONGEST) {
      throw new BadInputException(
          "its label begins '"
              + name.substring(0, 20)
              + "' and has "
              + name.length()
              + " characters; expected at most "
              + LONGEST);
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(name) || name.indexOf('\uFFFD') >= 0) {
      throw new BadInputException("its label is not well-formed Unicode: '" + name + "'");
    }
    if (name.codePoints().anyMatch(Character::isISOControl)) {
      throw new BadInputException(
          "its label has control characters: '" + name.replaceAll("\\p{Cc}", "?") + "'");
    }
  }

  @Override
  public Set<String> names() {
    return Set.of(name);
  }

  @Override
  public String toString() {
    return "'" + name + "'";
  }
}
