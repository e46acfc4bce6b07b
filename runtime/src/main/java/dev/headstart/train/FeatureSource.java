package dev.headstart.train;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Features of a lesson's samples as some version of the head takes them; to be closed. */
interface FeatureSource extends AutoCloseable {

  /** The features of these rows, one sample each. */
  List<Features> features(int[] rows);

  @Override
  void close();

  /** Features that are here already. */
  record Kept(IntFunction<Features> row) implements FeatureSource {
    @Override
    public List<Features> features(int[] rows) {
      return IntStream.of(rows).mapToObj(row).toList();
    }

    @Override
    public void close() {}
  }

  /** Features that a backbone gives, which is closed with the source. */
  final class Extracted implements FeatureSource {
    private final Backbone backbone;
    private final List<Sample> samples;
    private final FeatureExtractor extractor;

    /**
     * @param cores that it may take at most
     * @param samples by row
     */
    Extracted(Backbone backbone, FeatureStore cache, int cores, List<Sample> samples) {
      this.backbone = backbone;
      this.samples = samples;
      this.extractor = new FeatureExtractor(backbone, cache, cores);
    }

    @Override
    public List<Features> features(int[] rows) {
      List<Sample> wanted = IntStream.of(rows).mapToObj(samples::get).toList();
      List<Features> found = new ArrayList<>();
      extractor.extract(
          wanted,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features features) {
              found.add(features);
            }

            @Override
            public void unreadable(int index, String reason) {
              throw new BadInputException(wanted.get(index).name() + ": " + reason);
            }
          });
      return found;
    }

    @Override
    public void close() {
      extractor.close();
      backbone.close();
    }
  }
}
