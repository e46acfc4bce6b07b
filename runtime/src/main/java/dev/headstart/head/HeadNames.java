package dev.headstart.head;

import dev.headstart.error.UsageException;
import java.util.regex.Pattern;

/** What a head may be called: its name is a folder's name on every file system. */
public final class HeadNames {
  private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}");

  private HeadNames() {}

  /** Whether {@link #check} lets the name pass. */
  public static boolean valid(String name) {
    return ALLOWED.matcher(name).matches();
  }

  /**
   * The name itself.
   *
   * @throws UsageException if a head cannot have it
   */
  public static String check(String name) {
    if (!valid(name)) {
      throw new UsageException(
          "a head's name is 1 to 64 letters (A-Z, a-z), digits, '.', '_' and '-', and starts with"
              + " a letter, a digit or '_'; got '"
              + name
              + "'");
    }
    return name;
  }
}
