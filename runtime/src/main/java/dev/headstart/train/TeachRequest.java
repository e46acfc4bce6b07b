package dev.headstart.train;

import dev.headstart.error.UsageException;
import dev.headstart.sample.DataSource;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What to teach.
 *
 * @param head its name
 * @param data where the labelled samples are
 * @param base base model's name; null for the default of the samples' modality, and for feature
 *     vectors none
 * @param cut {@code auto}, a tap or a tensor of the base
 * @param recipe what is said of it
 * @param promotion when the new version goes live
 * @param resume whether to go on with the training of the head that was stopped, which must have
 *     been of the same data and recipe
 */
public record TeachRequest(
    String head,
    DataSource data,
    String base,
    String cut,
    RecipeOptions recipe,
    Promotion promotion,
    boolean resume) {

  /** Of a directory or file, from the beginning. */
  public TeachRequest(
      String head, Path data, String base, String cut, RecipeOptions recipe, Promotion promotion) {
    this(head, DataSource.at(data), base, cut, recipe, promotion, false);
  }

  /** The same, going on with what was stopped. */
  public TeachRequest resumed() {
    return new TeachRequest(head, data, base, cut, recipe, promotion, true);
  }

  /** When a new version goes live. */
  public enum Promotion {
    /** If it is not worse than the live one on samples that neither trained on. */
    IF_NOT_WORSE,
    ALWAYS,
    NEVER;

    /** The rule of that name: if-not-worse, always or never. */
    public static Promotion of(String name) {
      for (Promotion promotion : values()) {
        if (promotion.toString().equals(name)) {
          return promotion;
        }
      }
      throw new UsageException(
          "unknown promotion '" + name + "', expected if-not-worse, always or never");
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }
}
