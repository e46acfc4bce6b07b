package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.util.HashMap;
import java.util.Map;

/**
 * Which samples have been seen, by their bytes: the same one twice counts once, and the same one
 * under two labels is a mistake in the data. Keeps a digest, a name and a label a sample.
 */
public final class Duplicates {

  private record First(String name, Label label) {}

  private final Map<String, First> seen = new HashMap<>();
  private int count;

  /**
   * Notes a sample. Reads its file if its digest is not known yet.
   *
   * @return whether it is new; false for one that came before with the same label
   * @throws BadInputException if it came before with another label, naming both; or if its file
   *     cannot be read
   */
  public boolean add(LabeledSample item) {
    Sample sample = item.sample();
    First first = seen.putIfAbsent(sample.sha256(), new First(sample.name(), item.label()));
    if (first == null) {
      return true;
    }
    if (!first.label().equals(item.label())) {
      throw new BadInputException(
          "the same sample has two labels: "
              + first.name()
              + " is "
              + first.label()
              + ", and "
              + sample.name()
              + " with the same bytes is "
              + item.label()
              + "; remove one of them");
    }
    count++;
    return false;
  }

  /** How many came again and were not counted. */
  public int count() {
    return count;
  }
}
