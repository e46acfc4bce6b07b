package dev.headstart.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A name that nothing answers to; the message offers the nearest one. Exit status 4. */
public final class NotFoundException extends HeadstartException {
  /** No more of a name than this is compared and printed. */
  private static final int LONGEST = 200;

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

  private static String message(String kind, String given, Collection<String> known) {
    String name = given.length() <= LONGEST ? given : given.substring(0, LONGEST) + "…";
    if (known.isEmpty()) {
      return "unknown " + kind + " '" + name + "': there is none yet";
    }
    List<String> sorted = known.stream().sorted().limit(20).toList();
    return "unknown "
        + kind
        + " '"
        + name
        + "'"
        + nearest(name, known).map(nearest -> ": did you mean '" + nearest + "'?").orElse(".")
        + " Known: "
        + String.join(", ", sorted)
        + (known.size() > sorted.size() ? ", …" : "");
  }

  /** The known name that is most like a given one, if any is like it. */
  public static Optional<String> nearest(String given, Collection<String> known) {
    String name =
        (given.length() <= LONGEST ? given : given.substring(0, LONGEST)).toLowerCase(Locale.ROOT);
    return known.stream()
        .min(
            Comparator.<String>comparingInt(k -> distance(k.toLowerCase(Locale.ROOT), name))
                .thenComparing(Comparator.naturalOrder()))
        .filter(k -> distance(k.toLowerCase(Locale.ROOT), name) <= Math.max(2, k.length() / 2));
  }

  /** Edits between two names: letters put in, left out, changed, or swapped with the next. */
  private static int distance(String a, String b) {
    int[][] edits = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        int changed = edits[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        edits[i][j] = Math.min(changed, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
        }
      }
    }
    return edits[a.length()][b.length()];
  }
}
