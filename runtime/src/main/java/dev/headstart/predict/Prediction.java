package dev.headstart.predict;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadManifest;
import dev.headstart.train.Metrics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a head says of one sample; as JSON it is a line of {@code predict --json}.
 *
 * @param input the sample's name
 * @param label for one label: the class with the highest score
 * @param labels for several labels: those with a score of at least 0.5, in the order of classes
 * @param value for regression: the number
 * @param scores of every class, in the order of classes; null for regression
 * @param novelty how unlike the training samples it is: 1 is exceeded by {@link Novelty#USUAL_RATE}
 *     of familiar ones; null where the version cannot say
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Prediction(
    String input,
    String label,
    List<String> labels,
    Double value,
    Map<String, Float> scores,
    @JsonInclude(JsonInclude.Include.ALWAYS) Double novelty) {

  /** Several labels: a class is answered from this score on. */
  public static final float THRESHOLD = Metrics.THRESHOLD;

  /** Index of the highest of {@code count} scores from {@code from} on, the first of equals. */
  public static int best(float[] scores, int from, int count) {
    return Metrics.best(scores, from, count);
  }

  /** What is answered in place of a class for what is like none of them. */
  public static final String UNKNOWN = "unknown";

  /**
   * Reads a head's scores.
   *
   * @param input the sample's name, or null
   * @param scores of one sample, in the order of the head's classes
   * @param novelty null where there is none
   */
  public static Prediction of(String input, HeadManifest head, float[] scores, Double novelty) {
    List<String> classes = head.classes();
    Map<String, Float> named = new LinkedHashMap<>();
    for (int k = 0; k < classes.size(); k++) {
      named.put(classes.get(k), scores[k]);
    }
    return switch (head.task()) {
      case SINGLE ->
          new Prediction(
              input, classes.get(best(scores, 0, scores.length)), null, null, named, novelty);
      case MULTI -> {
        List<String> labels = new ArrayList<>(classes);
        labels.removeIf(name -> named.get(name) < THRESHOLD);
        yield new Prediction(input, null, labels, null, named, novelty);
      }
      case REGRESSION -> new Prediction(input, null, null, (double) scores[0], null, novelty);
    };
  }

  /**
   * Reads a rate of false alarms.
   *
   * @throws BadInputException if it is none for which there is a threshold
   */
  public static double rate(String text) {
    double rate = Double.NaN;
    try {
      rate = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      // said below, as for numbers that are no rate
    }
    double least = Novelty.RATES[Novelty.RATES.length - 1];
    double most = Novelty.RATES[0];
    if (!(rate >= least && rate <= most)) {
      throw new BadInputException(
          "a rate of false alarms for unknown samples is a number from "
              + least
              + " to "
              + most
              + ", as "
              + Novelty.USUAL_RATE
              + ", but '"
              + text
              + "' came");
    }
    return rate;
  }

  /**
   * The same, but {@link #UNKNOWN} for the label, or no labels, where the novelty is above a limit.
   * Scores stay, as does the number of a regression.
   *
   * @param limit from {@link Novelty#limit}
   */
  public Prediction unknownAbove(double limit) {
    return novelty == null || novelty <= limit
        ? this
        : new Prediction(
            input,
            label == null ? null : UNKNOWN,
            labels == null ? null : List.of(),
            value,
            scores,
            novelty);
  }
}
