package dev.headstart.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** A name that nothing answers to; the message offers the nearest one. Exit status 4. */
public final class NotFoundException extends HeadstartException {

  public NotFoundException(String message) {
    super(message, null);
  }

  /**
   * @param kind what was looked for, e.g. {@code "base model"}
   * @param name the name that was given
   * @param known the names that exist
   */
  public NotFoundException(String kind, String name, Collection<String> known) {
    this(message(kind, name, known));
  }

  private static String message(String kind, String name, Collection<String> known) {
    if (known.isEmpty()) {
      return "unknown " + kind + " '" + name + "': there is none yet";
    }
    List<String> sorted = known.stream().sorted().limit(20).toList();
    String nearest =
        known.stream()
            .min(
                Comparator.<String>comparingInt(
                        k -> distance(k.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT)))
                    .thenComparing(Comparator.naturalOrder()))
            .orElseThrow();
    boolean near =
        distance(nearest.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))
            <= Math.max(2, nearest.length() / 2);
    return "unknown "
        + kind
        + " '"
        + name
        + "'"
        + (near ? ": did you mean '" + nearest + "'?" : ":")
        + " Known: "
        + String.join(", ", sorted)
        + (known.size() > sorted.size() ? ", …" : "");
  }

  /** Levenshtein distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
