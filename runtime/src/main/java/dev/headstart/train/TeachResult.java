package dev.headstart.train;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.headstart.confidence.Calibration;
import dev.headstart.head.HeadManifest;
import dev.headstart.sample.Label;
import dev.headstart.sample.Unreadable;
import java.util.List;

/**
 * What came of teaching; as JSON it is what {@code teach --json} prints.
 *
 * @param promoted whether the version is live now
 * @param reason why, or why not
 * @param base null without one
 * @param cut null without a base
 * @param kind as the command line writes it
 * @param classes in the order of the scores; empty for regression
 * @param counts samples of each of the classes
 * @param epochs trained
 * @param validation on the validation samples before the refit; null without any
 * @param crossValidation what to expect on new samples, where few judged; null where enough did, or
 *     it cannot be had
 * @param calibration how honest scores were found, and the temperature that makes them so; null
 *     where nothing could say
 * @param augment how pictures were varied; null where that was not asked for
 * @param warnings what people were told while it was taught, but for samples that were left out
 * @param skipped samples that could not be read, the first of them by name
 * @param duplicates samples that came twice and counted once
 * @param computed samples that went through the backbone; the others' features were known
 */
public record TeachResult(
    String head,
    int version,
    boolean promoted,
    String reason,
    String base,
    String cut,
    String kind,
    List<String> classes,
    int[] counts,
    Samples samples,
    int epochs,
    boolean stoppedEarly,
    Metrics validation,
    CrossValidation.Summary crossValidation,
    Calibration calibration,
    Augmentation.Report augment,
    List<String> warnings,
    Seconds seconds,
    List<Unreadable> skipped,
    int duplicates,
    long computed,
    @JsonIgnore HeadManifest manifest,
    @JsonIgnore List<Epoch> history,
    @JsonIgnore Recipe recipe,
    @JsonIgnore Learned learned) {

  /**
   * The same with what was done before, to find out how to teach.
   *
   * @param before what that took
   * @param passed samples that went through the backbone then
   */
  public TeachResult after(Seconds before, long passed) {
    return new TeachResult(
        head,
        version,
        promoted,
        reason,
        base,
        cut,
        kind,
        classes,
        counts,
        samples,
        epochs,
        stoppedEarly,
        validation,
        crossValidation,
        calibration,
        augment,
        warnings,
        new Seconds(
            before.decode + seconds.decode,
            before.features + seconds.features,
            seconds.train,
            before.total + seconds.total),
        skipped,
        duplicates,
        Math.max(passed, computed),
        manifest,
        history,
        recipe,
        learned);
  }

  /**
   * What it learned from whose features are remembered, row by row; no rows for ready vectors.
   *
   * @param space of the features; null without a base model
   * @param names for people
   * @param digests SHA-256 of the samples
   */
  public record Learned(
      String space, List<String> names, List<String> digests, List<Label> labels) {}

  /** How many trained and how many judged. */
  public record Samples(int train, int validation) {}

  /**
   * Wall time of the stages.
   *
   * @param decode reading and preprocessing samples
   * @param features running the backbone, or fetching features from the cache
   * @param train training, judging and refitting
   * @param total all of it
   */
  public record Seconds(double decode, double features, double train, double total) {}
}
