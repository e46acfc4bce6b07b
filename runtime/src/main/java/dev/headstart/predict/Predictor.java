package dev.headstart.predict;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadSession;
import dev.headstart.head.HeadStore;
import dev.headstart.head.NoveltyModel;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.VectorSample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * One version of a head with its base, ready to answer: sample → preprocess → backbone → head →
 * prediction. For one thread, as its extractor uses all cores; the caller closes it.
 */
public final class Predictor implements AutoCloseable {
  private final HeadManifest manifest;
  private final Backbone backbone;
  private final FeatureExtractor extractor;
  private final HeadSession head;
  private final Optional<Novelty> novelty;

  /** Takes what comes of each sample, in the samples' order. */
  public interface Sink<T> {

    /** What came of it. */
    void accept(int index, T result);

    /** The sample cannot be used; the reason is without its name. */
    void unreadable(int index, String reason);
  }

  private Predictor(
      HeadManifest manifest,
      Backbone backbone,
      FeatureExtractor extractor,
      HeadSession head,
      Optional<Novelty> novelty) {
    this.novelty = novelty;
    this.manifest = manifest;
    this.backbone = backbone;
    this.extractor = extractor;
    this.head = head;
  }

  /**
   * Opens a version.
   *
   * @param cache of features; {@link FeatureStore#NONE} leaves no trace of what is asked
   * @throws BadInputException if the base model is not the one that the head was taught on
   */
  public static Predictor open(
      HeadStore.Stored stored, BaseModels models, List<Provider> providers, FeatureStore cache) {
    return open(stored, stored.model(), models, providers, cache);
  }

  /**
   * Opens a version by its weights before the refit, as it was judged; those that it serves by
   * where there was no refit. Nothing else may be asked about the samples that judged it.
   *
   * @param cache as above
   * @throws BadInputException if the base model is not the one that the head was taught on
   */
  public static Predictor judged(
      HeadStore.Stored stored, BaseModels models, List<Provider> providers, FeatureStore cache) {
    Path judged = stored.folder().resolve(HeadStore.JUDGED);
    return open(stored, Files.exists(judged) ? judged : stored.model(), models, providers, cache);
  }

  private static Predictor open(
      HeadStore.Stored stored,
      Path model,
      BaseModels models,
      List<Provider> providers,
      FeatureStore cache) {
    HeadManifest manifest = stored.manifest();
    Backbone backbone = null;
    FeatureExtractor extractor = null;
    Optional<Novelty> novelty = NoveltyModel.of(stored);
    try {
      if (manifest.base() != null) {
        BaseModel base = models.get(manifest.base().id(), manifest.base().sha256());
        backbone = Backbone.open(base, base.cut(manifest.cut().tensor()), providers);
        extractor = new FeatureExtractor(backbone, cache);
      }
      HeadSession head = HeadSession.open(manifest, model);
      return new Predictor(manifest, backbone, extractor, head, novelty);
    } catch (RuntimeException e) {
      if (extractor != null) {
        extractor.close();
      }
      if (backbone != null) {
        backbone.close();
      }
      throw e;
    }
  }

  public HeadManifest manifest() {
    return manifest;
  }

  /** Where the backbone runs; nothing for a head without a base. */
  public Optional<Provider> provider() {
    return Optional.ofNullable(backbone).map(Backbone::provider);
  }

  /** How unlike its training samples a sample is; nothing for a version that cannot say. */
  public Optional<Novelty> novelty() {
    return novelty;
  }

  /** What the head says of a sample, and by what. */
  private record Answer(Features features, float[] scores) {}

  /** What comes of each sample, of its answer. */
  private static <T> Sink<Answer> each(Sink<T> sink, BiFunction<Integer, Answer, T> what) {
    return new Sink<>() {
      @Override
      public void accept(int index, Answer answer) {
        sink.accept(index, what.apply(index, answer));
      }

      @Override
      public void unreadable(int index, String reason) {
        sink.unreadable(index, reason);
      }
    };
  }

  /** Predictions for samples; see {@link Sink}. */
  public void predict(List<? extends Sample> samples, Sink<Prediction> sink) {
    answers(
        samples,
        each(
            sink,
            (index, answer) ->
                Prediction.of(
                    samples.get(index).name(),
                    manifest,
                    answer.scores,
                    novelty
                        .map(known -> known.of(Pooling.pool(answer.features.first())))
                        .orElse(null))));
  }

  /**
   * The prediction for one sample.
   *
   * @throws BadInputException if it cannot be used
   */
  public Prediction predict(Sample sample) {
    Prediction[] found = new Prediction[1];
    predict(
        List.of(sample),
        new Sink<>() {
          @Override
          public void accept(int index, Prediction prediction) {
            found[0] = prediction;
          }

          @Override
          public void unreadable(int index, String reason) {
            throw new BadInputException(sample.name() + ": " + reason);
          }
        });
    return found[0];
  }

  /** The head's scores for samples, one a class, or the number of a regression. */
  public void scores(List<? extends Sample> samples, Sink<float[]> sink) {
    answers(samples, each(sink, (index, answer) -> answer.scores));
  }

  private void answers(List<? extends Sample> samples, Sink<Answer> sink) {
    boolean ready = backbone == null || backbone.base().manifest().modality() != Modality.VECTOR;
    for (int i = 0; i < samples.size(); ) {
      if (ready && samples.get(i) instanceof VectorSample vector) {
        vector(i++, vector, sink);
        continue;
      }
      int to = i;
      while (to < samples.size() && !(ready && samples.get(to) instanceof VectorSample)) {
        requireTaken(samples.get(to));
        to++;
      }
      extract(samples.subList(i, to), i, sink);
      i = to;
    }
  }

  private void requireTaken(Sample sample) {
    if (sample.modality() != manifest.modality()) {
      throw new BadInputException(
          "head '"
              + manifest.head()
              + "' takes "
              + manifest.modality().plural()
              + ", but "
              + sample.name()
              + " is one of "
              + sample.modality().plural());
    }
  }

  /** A ready feature vector goes straight into the head. */
  private void vector(int index, VectorSample sample, Sink<Answer> sink) {
    long[] shape = manifest.shape();
    if (manifest.tail() != null && manifest.tail().live().size() != 1) {
      sink.unreadable(index, "the head takes several tensors a sample, not ready features");
      return;
    }
    if (shape.length != 1 || shape[0] != sample.values().length) {
      sink.unreadable(
          index,
          "expected features of shape "
              + Arrays.toString(shape)
              + ", got "
              + sample.values().length
              + " numbers");
      return;
    }
    Tensor vector = Tensor.of(sample.values(), 1, sample.values().length);
    sink.accept(index, new Answer(new Features(List.of(vector)), head.scores(List.of(vector))));
  }

  private void extract(List<? extends Sample> samples, int offset, Sink<Answer> sink) {
    extractor.extract(
        samples,
        new FeatureExtractor.Sink() {
          @Override
          public void features(int index, Features features) {
            sink.accept(offset + index, new Answer(features, head.scoresOf(List.of(features))));
          }

          @Override
          public void unreadable(int index, String reason) {
            sink.unreadable(offset + index, reason);
          }
        });
  }

  /** Frees the sessions; idempotent. */
  @Override
  public void close() {
    head.close();
    if (backbone != null) {
      extractor.close();
      backbone.close();
    }
  }
}
