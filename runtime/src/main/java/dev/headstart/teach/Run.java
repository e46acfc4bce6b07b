package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Locale;

/**
 * A training of a head, asked for, running or over.
 *
 * @param id from 1, one in the workspace
 * @param recipe as it was asked for, the head's own recipe included
 * @param cause who asked
 * @param state how far it is
 * @param samples how many it learns from; 0 before it starts
 * @param created when it was asked for
 * @param started when it started; null before
 * @param ended when it ended; null before
 * @param version what it made; null for nothing
 * @param promoted whether that went live; null for nothing
 * @param reason why it did or did not, or why the run failed; null before
 */
public record Run(
    long id,
    String head,
    JsonNode recipe,
    Cause cause,
    State state,
    int samples,
    Instant created,
    Instant started,
    Instant ended,
    Integer version,
    Boolean promoted,
    String reason) {

  /** Who asked for a run. */
  public enum Cause {
    REQUEST,
    RULE;

    /** {@code request}, {@code rule}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How far a run is. */
  public enum State {
    QUEUED,
    RUNNING,
    DONE,
    FAILED,
    CANCELLED,
    /** Its process ended, or was stopped; it can go on. */
    INTERRUPTED;

    /** {@code queued}, {@code running} and so on. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Whether it is over, or waits for somebody. */
    public boolean ended() {
      return this != QUEUED && this != RUNNING;
    }
  }
}
