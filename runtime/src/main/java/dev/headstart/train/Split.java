package dev.headstart.train;

import dev.headstart.sample.Sample;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which samples train and which judge.
 *
 * <p>Each class gives its share to validation: first those that judged an earlier version of the
 * head (they stay, for what judged once must never train), then those with the lowest hash of head
 * and sample. So a sample's membership does not depend on the order or the names of files, and more
 * samples later leave it as it was.
 *
 * @param train rows that train, ascending
 * @param validation rows that judge, ascending
 */
public record Split(int[] train, int[] validation) {

  /**
   * @param head decides the hash, with the sample
   * @param digests of the samples, by row
   * @param strata the stratum of each row: its class, or the same for all in a regression
   * @param fraction of each stratum for validation, in [0, 0.5]
   * @param judged digests of samples that judged an earlier version
   */
  public static Split of(
      String head, List<String> digests, int[] strata, double fraction, Set<String> judged) {
    return of(head, digests, strata, fraction, judged, Set.of());
  }

  /**
   * For a training that goes on from an earlier version's weights.
   *
   * @param trained digests of samples that those weights have seen: they never judge, unless they
   *     judged before
   */
  static Split of(
      String head,
      List<String> digests,
      int[] strata,
      double fraction,
      Set<String> judged,
      Set<String> trained) {
    Map<Integer, List<Integer>> rows = new LinkedHashMap<>();
    for (int i = 0; i < strata.length; i++) {
      rows.computeIfAbsent(strata[i], s -> new ArrayList<>()).add(i);
    }
    boolean[] validates = new boolean[strata.length];
    rows.values()
        .forEach(
            stratum -> {
              stratum.stream()
                  .filter(i -> judged.contains(digests.get(i)))
                  .forEach(i -> validates[i] = true);
              int missing = share(stratum.size(), fraction) - count(stratum, validates);
              stratum.stream()
                  .filter(i -> !validates[i] && !trained.contains(digests.get(i)))
                  .sorted(Comparator.comparing(i -> hash(head, digests.get(i))))
                  .limit(Math.max(0, missing))
                  .forEach(i -> validates[i] = true);
            });
    return new Split(rows(validates, false), rows(validates, true));
  }

  /** Of one or two samples of a class none can be spared; of three or more at least one is. */
  private static int share(int size, double fraction) {
    if (fraction == 0 || size < 3) {
      return 0;
    }
    return (int) Math.max(1, Math.round(size * fraction));
  }

  private static int count(List<Integer> rows, boolean[] marked) {
    return (int) rows.stream().filter(i -> marked[i]).count();
  }

  private static String hash(String head, String digest) {
    return Sample.sha256((head + "\n" + digest).getBytes(StandardCharsets.UTF_8));
  }

  private static int[] rows(boolean[] validates, boolean wanted) {
    return java.util.stream.IntStream.range(0, validates.length)
        .filter(i -> validates[i] == wanted)
        .toArray();
  }
}
