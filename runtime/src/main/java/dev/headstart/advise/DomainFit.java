package dev.headstart.advise;

import dev.headstart.backbone.Manifest;
import java.util.List;
import java.util.Locale;

/**
 * How like a base's own domain some samples are, from 0 to 1: the product of up to three shares,
 * each of what the base's own domain gives, as its manifest has it.
 *
 * <ul>
 *   <li>the mean cosine between the samples' features and the mean of the domain's;
 *   <li>how sure the base's own classifier is on average (the baseline of Hendrycks and Gimpel, A
 *       Baseline for Detecting Misclassified and Out-of-Distribution Examples, 2017);
 *   <li>for texts, tokens a word: a tokenizer breaks words of a foreign language or jargon into
 *       more pieces ("fertility", Rust et al., How Good is Your Tokenizer?, 2021).
 * </ul>
 *
 * @param fit in [0, 1]
 * @param words what was found, for people
 */
record DomainFit(double fit, String words) {
  /** From here on like the domain: photos of other animals than ImageNet's have 0.75. */
  static final double LIKE = 0.6;

  /** Below, unlike: pictures of clothes on black have 0.33, spectrograms 0.2. */
  static final double UNLIKE = 0.4;

  /** What of a text's own figures: null where they cannot be had. */
  record Found(double cosine, Double confidence, Double pieces) {}

  /**
   * @param found means over the samples
   */
  static DomainFit of(Manifest.Domain domain, Found found) {
    double fit = share(found.cosine, domain.cosine());
    StringBuilder words = new StringBuilder();
    words.append(
        String.format(
            Locale.ROOT,
            "cosine to its mean feature %.2f, of its own %.2f",
            found.cosine,
            domain.cosine()));
    if (domain.confidence() != null && found.confidence != null) {
      fit *= share(found.confidence, domain.confidence());
      words.append(
          String.format(
              Locale.ROOT,
              "; its own classifier is %.0f %% sure of them, of its own %.0f %%",
              100 * found.confidence,
              100 * domain.confidence()));
    }
    if (domain.pieces() != null && found.pieces != null) {
      fit *= share(domain.pieces(), found.pieces);
      words.append(
          String.format(
              Locale.ROOT, "; %.2f tokens a word, of its own %.2f", found.pieces, domain.pieces()));
    }
    return new DomainFit(fit, words.toString());
  }

  private static double share(double found, double own) {
    return Math.max(0, Math.min(1, found / own));
  }

  boolean like() {
    return fit >= LIKE;
  }

  boolean unlike() {
    return fit < UNLIKE;
  }

  /** As a sentence begins. */
  String verdict() {
    String how = like() ? "like" : unlike() ? "unlike" : "somewhat unlike";
    return how + " the base's own domain";
  }

  /**
   * Mean cosine between features and a mean feature.
   *
   * @param rows of the domain's tap; those of zeros count as 0
   * @param mean of length 1
   */
  static double cosine(float[][] rows, List<Float> mean) {
    double sum = 0;
    for (float[] row : rows) {
      double product = 0;
      double square = 0;
      for (int k = 0; k < row.length; k++) {
        product += row[k] * mean.get(k);
        square += (double) row[k] * row[k];
      }
      sum += square > 0 ? product / Math.sqrt(square) : 0;
    }
    return sum / rows.length;
  }
}
