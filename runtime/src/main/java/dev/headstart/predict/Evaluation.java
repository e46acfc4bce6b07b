package dev.headstart.predict;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.headstart.confidence.CalibrationError;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadManifest;
import dev.headstart.ort.Provider;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.SkippedSamples;
import dev.headstart.sample.Task;
import dev.headstart.sample.Unreadable;
import dev.headstart.train.Metrics;
import dev.headstart.train.Targets;
import dev.headstart.train.TrainingListener;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How good a version is on labelled data; as JSON it is what {@code evaluate --json} prints.
 *
 * @param samples that were judged
 * @param metrics of its scores; the keys stand beside the others
 * @param calibrationError expected calibration error of its scores; null for regression
 * @param classes in the order of the confusion's rows and columns; null for regression
 * @param provider where the backbone ran, for people; null for a head without a base
 * @param skipped samples that could not be read, the first of them by name
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Evaluation(
    String head,
    int version,
    int samples,
    @JsonUnwrapped Metrics metrics,
    Double calibrationError,
    List<String> classes,
    @JsonIgnore Provider provider,
    List<Unreadable> skipped) {

  /** Samples whose scores are asked for at a time: bounds memory. */
  private static final int CHUNK = 1024;

  /**
   * Judges a version.
   *
   * @throws BadInputException if the data is not labelled with the head's classes, or more than a
   *     tenth of it cannot be read
   */
  public static Evaluation of(Predictor predictor, Path path, TrainingListener listener) {
    HeadManifest manifest = predictor.manifest();
    DataSet data = DataSet.open(path, manifest.task());
    if (!manifest.columns().isEmpty() && !data.columns().isEmpty()) {
      data = data.inColumns(manifest.columns());
    }
    data.notes().forEach(listener::warning);
    Run run = new Run(predictor, listener);
    listener.stage("evaluate", -1);
    try (Items items = data.items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof Unreadable unreadable) {
          run.skip(unreadable);
        } else {
          run.add((LabeledSample) item);
        }
      }
    }
    run.flush();
    run.skipped.check(run.labels.size() + run.skipped.count());
    if (run.labels.isEmpty()) {
      throw new BadInputException("there are no samples in " + path);
    }
    return new Evaluation(
        manifest.head(),
        manifest.version(),
        run.labels.size(),
        run.metrics(),
        run.calibrationError(),
        manifest.task() == Task.REGRESSION ? null : manifest.classes(),
        predictor.provider().orElse(null),
        run.skipped.named());
  }

  private static final class Run implements Predictor.Sink<float[]> {
    final Predictor predictor;
    final TrainingListener listener;
    final SkippedSamples skipped = new SkippedSamples();
    final List<Label> labels = new ArrayList<>();
    final List<float[]> scores = new ArrayList<>();
    private final List<LabeledSample> waiting = new ArrayList<>();

    Run(Predictor predictor, TrainingListener listener) {
      this.predictor = predictor;
      this.listener = listener;
    }

    void add(LabeledSample item) {
      List<String> classes = predictor.manifest().classes();
      for (String name : item.label().names()) {
        if (!classes.contains(name)) {
          throw new BadInputException(
              item.sample().name()
                  + " is labelled '"
                  + name
                  + "', which head '"
                  + predictor.manifest().head()
                  + "' version "
                  + predictor.manifest().version()
                  + " does not know: its classes are "
                  + classes);
        }
      }
      waiting.add(item);
      if (waiting.size() == CHUNK) {
        flush();
      }
    }

    void skip(Unreadable unreadable) {
      skipped.add(unreadable);
      listener.warning("skipped " + unreadable);
    }

    void flush() {
      List<Sample> samples = waiting.stream().map(LabeledSample::sample).toList();
      predictor.scores(samples, this);
      waiting.clear();
    }

    @Override
    public void accept(int index, float[] found) {
      scores.add(found);
      labels.add(waiting.get(index).label());
      listener.progress(labels.size());
    }

    @Override
    public void unreadable(int index, String reason) {
      skip(new Unreadable(waiting.get(index).sample().name(), reason));
    }

    /** [samples, outputs] row-major. */
    private float[] all() {
      int outputs = scores.get(0).length;
      float[] all = new float[scores.size() * outputs];
      for (int row = 0; row < scores.size(); row++) {
        System.arraycopy(scores.get(row), 0, all, row * outputs, outputs);
      }
      return all;
    }

    private Targets targets() {
      HeadManifest head = predictor.manifest();
      return Targets.of(head.task(), head.classes(), labels);
    }

    Metrics metrics() {
      return Metrics.of(all(), targets(), IntStream.range(0, labels.size()).toArray());
    }

    Double calibrationError() {
      return switch (predictor.manifest().task()) {
        case SINGLE -> CalibrationError.ofClasses(all(), targets().labels());
        case MULTI -> CalibrationError.ofIndicators(all(), targets().values());
        case REGRESSION -> null;
      };
    }
  }
}
