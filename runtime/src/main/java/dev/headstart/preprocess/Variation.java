package dev.headstart.preprocess;

import dev.headstart.error.UsageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A way in which a picture may differ and still show the same (Shorten and Khoshgoftaar, A Survey
 * on Image Data Augmentation for Deep Learning, 2019).
 */
public enum Variation {
  /** Mirrored, left to right. */
  FLIP(1),
  /** A part with 50 to 90 % of the area, in the whole's proportions, anywhere in it. */
  CROP(2),
  /** Brighter or darker, with more or less contrast and saturation. */
  COLOUR(1),
  /** Gaussian noise on every value, of a deviation of 8 to 20 of 255. */
  NOISE(1),
  /** Turned by 5 to 25 degrees, once either way; what is beyond the edge is mirrored at it. */
  ROTATE(2);

  private final int count;

  Variation(int count) {
    this.count = count;
  }

  /**
   * One picture made of another.
   *
   * @param number from 1: those of one variation differ
   */
  public record Variant(Variation variation, int number) {

    /** Names it in keys of caches: to be raised with {@link Varied#CODE}. */
    public String name() {
      return variation + "-" + number + " " + Varied.CODE;
    }
  }

  /** The pictures that it makes of each one. */
  public List<Variant> variants() {
    return IntStream.rangeClosed(1, count).mapToObj(n -> new Variant(this, n)).toList();
  }

  /**
   * Reads names with commas between.
   *
   * @return in the order here, each once
   * @throws UsageException for other names, or none
   */
  public static List<Variation> parse(String names) {
    Set<Variation> found = EnumSet.noneOf(Variation.class);
    List<String> unknown = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      Stream.of(values())
          .filter(variation -> variation.toString().equals(name.strip()))
          .findFirst()
          .ifPresentOrElse(found::add, () -> unknown.add(name.strip()));
    }
    if (!unknown.isEmpty()) {
      throw new UsageException(
          "unknown augmentation "
              + unknown
              + ", expected none, auto, or some of "
              + String.join(",", Arrays.stream(values()).map(Variation::toString).toList()));
    }
    return List.copyOf(found);
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
