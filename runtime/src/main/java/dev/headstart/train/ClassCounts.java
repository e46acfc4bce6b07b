package dev.headstart.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How many samples each class has.
 *
 * @param classes their names
 * @param counts of each
 */
public record ClassCounts(List<String> classes, int[] counts) {
  /** Classes whose counts differ so much deserve a word. */
  private static final int UNEVEN = 5;

  /** Classes with some samples, but fewer than so many. */
  public Map<String, Integer> below(int enough) {
    Map<String, Integer> few = new LinkedHashMap<>();
    for (int c = 0; c < counts.length; c++) {
      if (counts[c] > 0 && counts[c] < enough) {
        few.put(classes.get(c), counts[c]);
      }
    }
    return few;
  }

  /** What to say where the rarest class is far rarer than the most frequent one. */
  public Optional<String> uneven() {
    int least = IntStream.of(counts).filter(n -> n > 0).min().orElse(0);
    int most = IntStream.of(counts).max().orElse(0);
    return most < UNEVEN * least || most == 0
        ? Optional.empty()
        : Optional.of(
            "the rarest class has "
                + least
                + " samples, the most frequent "
                + most
                + ": --class-weights balanced makes them count alike, at some cost in accuracy");
  }
}
