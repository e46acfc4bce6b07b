package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;

/** Names that clients bring: versions in paths, and what of a name is printed. */
public final class Names {
  private static final int LONGEST_SHOWN = 100;

  private Names() {}

  /** A name as messages show it: shortened, and without control characters. */
  public static String shown(String name) {
    String shortened =
        name.length() <= LONGEST_SHOWN ? name : name.substring(0, LONGEST_SHOWN) + "…";
    return shortened.codePoints().anyMatch(Character::isISOControl)
        ? shortened.replaceAll("\\p{Cntrl}", "�")
        : shortened;
  }

  /**
   * A model's version.
   *
   * @param version as the client wrote it; null or empty for the live one
   * @return null for the live one
   * @throws BadInputException unless it is a positive integer
   */
  public static Integer version(String version) {
    if (version == null || version.isEmpty()) {
      return null;
    }
    boolean digits = version.length() <= 9 && version.chars().allMatch(c -> c >= '0' && c <= '9');
    int number = digits ? Integer.parseInt(version) : 0;
    if (number == 0) {
      throw new BadInputException(
          "a model's version is a positive integer, not '" + shown(version) + "'");
    }
    return number;
  }
}
