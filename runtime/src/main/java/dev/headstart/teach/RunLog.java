package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.Label;
import dev.headstart.train.Epoch;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/**
 * Runs, on the disk. A method that returns has written; what an epoch brought may be lost in a
 * power cut, nothing else. Safe for several threads and processes.
 */
public interface RunLog {

  /**
   * What came of an epoch.
   *
   * @param stage {@code train} or {@code refit}
   * @param of how many there will be at most
   */
  record LoggedEpoch(String stage, int of, Epoch epoch) {}

  /** Writes down that a run was asked for. */
  Run create(String head, JsonNode recipe, Run.Cause cause);

  /**
   * A run starts, or starts anew.
   *
   * @param snapshot what it learns from: labels by sample, in order
   */
  Run start(long id, LinkedHashMap<String, Label> snapshot);

  /**
   * What a run that started learns from, in order; without those that were forgotten since. Nothing
   * once the version that it made is removed, or, of one that failed or was cancelled, once another
   * run of the head has started.
   */
  LinkedHashMap<String, Label> snapshot(long id);

  /** An epoch is over. */
  void epoch(long id, LoggedEpoch epoch);

  /** Epochs in their order; those of a start that was given up are gone. */
  List<LoggedEpoch> epochs(long id);

  /** Changes a run's state, its version and its reason; the time is noted. */
  Run change(long id, Run.State state, Integer version, Boolean promoted, String reason);

  /**
   * One run.
   *
   * @throws NotFoundException if the head has no such run
   */
  Run get(String head, long id);

  /**
   * Runs, newest first.
   *
   * @param head null for all heads
   */
  List<Run> list(String head, int limit);

  /** Runs that are queued or running, oldest first. */
  List<Run> open();

  /**
   * Claims the runs for this process: of several at one workspace, one trains. Closing it gives
   * them up; so does the end of the process.
   *
   * @return nothing if another process has them
   */
  default Optional<AutoCloseable> claim() {
    return Optional.of(() -> {});
  }

  /** The run that made a version. */
  Optional<Long> madeBy(String head, int version);
}
