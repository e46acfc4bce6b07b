package dev.headstart.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Samples dealt into parts of one size, each with its share of every stratum, so that each part can
 * be judged by a head that trained on the others. Rows of one group come into one part, wherever
 * that leaves the shares: a sample, its near duplicates, and what was made of them.
 *
 * @param count how many parts
 * @param of the part of each row, from 0
 */
record Folds(int count, int[] of) {

  /**
   * Deals the groups out, the largest first and those of one size in an order that the seed
   * decides, each to the part that has the fewest rows of its strata, and of those to the smallest.
   * The same seed gives the same parts.
   *
   * @param strata of each row: its class, its set of classes, or for numbers {@link #quantiles}
   * @param groups of each row, any numbers
   * @param count of parts, at least 2
   */
  static Folds of(int[] strata, int[] groups, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<Integer, List<Integer>> members = new LinkedHashMap<>();
    for (int row = 0; row < groups.length; row++) {
      members.computeIfAbsent(groups[row], g -> new ArrayList<>()).add(row);
    }
    record Group(List<Integer> rows, long order) {}
    List<Group> ordered =
        members.values().stream()
            .map(rows -> new Group(rows, random.nextLong()))
            .sorted(
                Comparator.comparingInt((Group group) -> -group.rows.size())
                    .thenComparingLong(Group::order))
            .toList();
    int[][] counts = new int[count][Arrays.stream(strata).max().orElse(0) + 1];
    int[] sizes = new int[count];
    int[] of = new int[strata.length];
    for (Group group : ordered) {
      int fold = 0;
      long least = Long.MAX_VALUE;
      for (int f = 0; f < count; f++) {
        int[] has = counts[f];
        long alike = group.rows.stream().mapToLong(row -> has[strata[row]]).sum();
        long filled = alike * (strata.length + 1L) + sizes[f];
        if (filled < least) {
          least = filled;
          fold = f;
        }
      }
      for (int row : group.rows) {
        of[row] = fold;
        counts[fold][strata[row]]++;
        sizes[fold]++;
      }
    }
    return new Folds(count, of);
  }

  /**
   * Strata of numbers: as many neighbours in size as there are parts make one.
   *
   * @param values one a row
   */
  static int[] quantiles(float[] values, int count) {
    List<Integer> bySize =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(row -> values[row]))
            .toList();
    int[] strata = new int[values.length];
    for (int i = 0; i < bySize.size(); i++) {
      strata[bySize.get(i)] = i / count;
    }
    return strata;
  }

  /** Rows of one part, ascending. */
  int[] judged(int fold) {
    return IntStream.range(0, of.length).filter(row -> of[row] == fold).toArray();
  }

  /** Rows of all other parts, ascending. */
  int[] train(int fold) {
    return IntStream.range(0, of.length).filter(row -> of[row] != fold).toArray();
  }
}
