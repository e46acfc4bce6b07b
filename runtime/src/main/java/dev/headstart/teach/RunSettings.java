package dev.headstart.teach;

import java.time.Duration;

/**
 * How runs train.
 *
 * @param trainings at a time
 * @param cores that one training uses at most
 * @param queue runs that wait at most; more are refused
 * @param patience for the features of samples that were posted before a run started, at most
 */
public record RunSettings(int trainings, int cores, int queue, Duration patience) {

  /** One at a time, on half of the cores. */
  public static RunSettings defaults() {
    int cores = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    return new RunSettings(1, cores, 64, Duration.ofMinutes(1));
  }
}
