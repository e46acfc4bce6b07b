package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The samples that were left out because they could not be read: by the data set's reader, or later
 * when they were decoded. They do not stop a run unless they are more than a tenth. Safe for
 * several threads.
 */
public final class SkippedSamples {

  /**
   * So many are kept by name; the rest are only counted, so that a hostile file cannot fill the
   * memory.
   */
  private static final int NAMED = 1000;

  private static final int SHOWN = 5;

  private final List<Unreadable> named = new ArrayList<>();
  private int count;

  public synchronized void add(Unreadable sample) {
    count++;
    if (named.size() < NAMED) {
      named.add(sample);
    }
  }

  public synchronized int count() {
    return count;
  }

  /** The first thousand, in the order they came. */
  public synchronized List<Unreadable> named() {
    return List.copyOf(named);
  }

  /**
   * Stops a run that would learn from what happened to be readable.
   *
   * @param total how many samples there were, with those that were left out
   * @throws BadInputException if more than a tenth were left out, with the first reasons
   */
  public synchronized void check(long total) {
    if (10L * count <= total) {
      return;
    }
    String reasons =
        named.stream().limit(SHOWN).map(Unreadable::toString).collect(Collectors.joining("\n  "));
    throw new BadInputException(
        count
            + " of "
            + total
            + " samples cannot be used, more than a tenth; mend or remove them:\n  "
            + reasons
            + (count > SHOWN ? "\n  … and " + (count - SHOWN) + " more" : ""));
  }
}
