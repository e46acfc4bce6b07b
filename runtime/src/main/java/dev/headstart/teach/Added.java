package dev.headstart.teach;

import java.util.Locale;

/**
 * What came of adding a sample.
 *
 * @param sample as it is remembered now
 * @param status whether it was new
 */
public record Added(StoredSample sample, Status status) {

  /** Whether a sample was new. */
  public enum Status {
    ADDED,
    /** It was there, under the same label. */
    KNOWN,
    /** It was there, under another label, which it has no more. */
    MOVED;

    /** {@code added}, {@code known}, {@code moved}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
