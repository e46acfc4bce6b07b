package dev.headstart.teach;

import dev.headstart.sample.Label;
import java.time.Instant;
import java.util.Locale;

/**
 * A sample of a head, as it is remembered.
 *
 * @param id SHA-256 of its bytes, 64 lower-case hexadecimal digits; one a head
 * @param sequence grows with every sample that is added: the order of lists
 * @param label what it is said to be
 * @param name for people: a file's name
 * @param state whether its features are there
 * @param reason why it is unreadable; else null
 * @param type media type of the original
 * @param bytes size of the original
 * @param kept whether the original is there
 * @param space of its features, while they are there; see {@link
 *     dev.headstart.backbone.FeatureStore}; else null. Those of an unreadable sample, whose
 *     original is gone, are of another base or cut than the head's
 * @param source who brought it
 * @param added when
 */
public record StoredSample(
    String id,
    long sequence,
    Label label,
    String name,
    State state,
    String reason,
    String type,
    long bytes,
    boolean kept,
    String space,
    Source source,
    Instant added) {

  /** Whether a sample's features are there. */
  public enum State {
    PENDING,
    READY,
    UNREADABLE;

    /** {@code pending}, {@code ready}, {@code unreadable}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Who brought a sample. */
  public enum Source {
    /** A client, with its bytes. */
    API,
    /** A client, who said what a prediction should have been. */
    FEEDBACK,
    /** A client, by its path in the workspace. */
    REFERENCE,
    /** The command {@code teach}. */
    TEACH;

    /** {@code api}, {@code feedback}, {@code reference}, {@code teach}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
