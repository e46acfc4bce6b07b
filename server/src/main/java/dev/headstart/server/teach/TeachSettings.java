package dev.headstart.server.teach;

import dev.headstart.server.SettingChecks;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;

/**
 * What teaching over HTTP may take.
 *
 * @param enabled whether the server teaches at all
 * @param queue runs that wait at most
 * @param cores that one training uses at most; 0 for half of them
 * @param samples of one request at most
 * @param feedback predictions that are remembered for feedback at most
 * @param feedbackBytes of their samples at most
 * @param streams of events at a time
 */
@ConfigurationProperties("headstart.teaching")
public record TeachSettings(
    @Bindable(defaultValue = "true") boolean enabled,
    @Bindable(defaultValue = "64") int queue,
    @Bindable(defaultValue = "0") int cores,
    @Bindable(defaultValue = "1000") int samples,
    @Bindable(defaultValue = "10000") int feedback,
    @Bindable(defaultValue = "67108864") long feedbackBytes,
    @Bindable(defaultValue = "256") int streams) {

  /** The setting that leaves out all of teaching. */
  static final String ENABLED = "headstart.teaching.enabled";

  public TeachSettings {
    SettingChecks.within("headstart.teaching.queue", queue, 1, 10_000);
    SettingChecks.within("headstart.teaching.cores", cores, 0, 1_024);
    SettingChecks.within("headstart.teaching.samples", samples, 1, 100_000);
    SettingChecks.within("headstart.teaching.feedback", feedback, 0, 10_000_000);
    SettingChecks.within("headstart.teaching.feedback-bytes", feedbackBytes, 0, Long.MAX_VALUE);
    SettingChecks.within("headstart.teaching.streams", streams, 1, 100_000);
  }
}
