package dev.headstart.predict;

import com.fasterxml.jackson.annotation.JsonInclude;
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
 * @param novelty how unlike the training samples it is; null, as nothing judges that yet
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

  /**
   * Reads a head's scores.
   *
   * @param input the sample's name, or null
   * @param scores of one sample, in the order of the head's classes
   */
  public static Prediction of(String input, HeadManifest head, float[] scores) {
    List<String> classes = head.classes();
    Map<String, Float> named = new LinkedHashMap<>();
    for (int k = 0; k < classes.size(); k++) {
      named.put(classes.get(k), scores[k]);
    }
    return switch (head.task()) {
      case SINGLE ->
          new Prediction(
              input, classes.get(best(scores, 0, scores.length)), null, null, named, null);
      case MULTI -> {
        List<String> labels = new ArrayList<>(classes);
        labels.removeIf(name -> named.get(name) < THRESHOLD);
        yield new Prediction(input, null, labels, null, named, null);
      }
      case REGRESSION -> new Prediction(input, null, null, (double) scores[0], null, null);
    };
  }
}
