package dev.headstart.advise;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import dev.headstart.train.TeachResult;
import java.util.List;

/**
 * What is recommended for some labelled samples, with the figures and the reasons; as JSON it is
 * what {@code advise --json} prints.
 *
 * @param base null for feature vectors without one
 * @param cut a tap of the base; where layers of it are to train, where those begin; null without a
 *     base
 * @param kind as {@code --head} takes it
 * @param unfreeze as {@code --unfreeze} takes it; {@code head} for nothing of the base
 * @param rate highest learning rate of the head
 * @param augment as {@code --augment} takes it
 * @param fit how like the base's own domain the samples are, from 0 (nothing like it) to 1; null
 *     where that is not known
 * @param expected on new samples like these; null where there are too few to say
 * @param taps the probes' figures, from deep to shallow
 * @param reasons in words, with figures
 * @param seconds to train, predicted; without the features
 * @param samples that were looked at
 * @param classes in the order of the scores; empty for regression
 * @param counts samples of each of the classes
 * @param task what the labels mean
 * @param skipped samples that could not be read, the first of them by name
 * @param duplicates samples that came twice and counted once
 * @param spent what finding it took
 * @param computed samples that went through the base model; the others' features were known
 */
public record Advice(
    String base,
    String cut,
    String kind,
    String unfreeze,
    double rate,
    String augment,
    Double fit,
    Expected expected,
    List<TapScore> taps,
    List<String> reasons,
    double seconds,
    int samples,
    List<String> classes,
    int[] counts,
    Task task,
    List<Unreadable> skipped,
    int duplicates,
    @JsonIgnore TeachResult.Seconds spent,
    @JsonIgnore long computed) {

  public Advice {
    taps = List.copyOf(taps);
    reasons = List.copyOf(reasons);
    classes = List.copyOf(classes);
    skipped = List.copyOf(skipped);
  }

  /** What the probes say of the tap that a head with a frozen base should sit on. */
  TapScore tap() {
    return taps.stream().filter(TapScore::advised).findFirst().orElseThrow();
  }

  /**
   * How well a head as advised will do on new samples like these. What does not apply to the task
   * is null.
   *
   * @param accuracy part of the samples that are right; for several labels, whose whole set is
   *     right
   * @param r2 of a regression
   * @param low of that figure, with a probability of 95 %
   * @param high of that figure
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Expected(Double accuracy, Double r2, double low, double high) {}

  /**
   * What the probes say of a tap.
   *
   * @param cut its name; {@code features} for vectors without a base
   * @param accuracy of ridge regression, each sample judged by the others; null for regression
   * @param r2 the same for regression; null for classes
   * @param score LogME: mean log evidence of a sample and a class in nats, the higher the better
   * @param advised whether the advised head sits there
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record TapScore(String cut, Double accuracy, Double r2, double score, boolean advised) {}
}
