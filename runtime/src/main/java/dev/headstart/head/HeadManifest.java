package dev.headstart.head;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Map;

/**
 * {@code head.json}: what a version is, how good it was found, and where it comes from. Immutable
 * once published.
 *
 * @param format version of this file's form: 1
 * @param head the head's name
 * @param version from 1
 * @param task what it answers
 * @param kind what it is made of
 * @param modality what its samples are
 * @param base the base model, or null for a head on ready feature vectors
 * @param cut where the base is cut, or null without a base
 * @param shape of the cut's tensor for one sample, -1 for a free dimension; [width] without a base
 * @param tail for a tail, what it is of the base; else null
 * @param columns names of the features, where the data had names for them; else empty
 * @param classes in the order of the scores; empty for regression
 * @param recipe as JSON
 * @param result what training and validation gave
 * @param provenance where it comes from
 * @param files sha-256 of every other file of the version, by name
 */
@JsonInclude(JsonInclude.Include.ALWAYS)
public record HeadManifest(
    int format,
    String head,
    int version,
    Task task,
    HeadKind kind,
    Modality modality,
    BaseReference base,
    CutReference cut,
    long[] shape,
    TailReference tail,
    List<String> columns,
    List<String> classes,
    JsonNode recipe,
    Result result,
    Provenance provenance,
    Map<String, String> files) {

  public static final int FORMAT = 1;

  public HeadManifest {
    columns = columns == null ? List.of() : List.copyOf(columns);
  }

  /** A head on the pooled tensor of a cut, or on ready feature vectors. */
  public HeadManifest(
      int format,
      String head,
      int version,
      Task task,
      HeadKind kind,
      Modality modality,
      BaseReference base,
      CutReference cut,
      long[] shape,
      List<String> columns,
      List<String> classes,
      JsonNode recipe,
      Result result,
      Provenance provenance,
      Map<String, String> files) {
    this(
        format,
        head,
        version,
        task,
        kind,
        modality,
        base,
        cut,
        shape,
        null,
        columns,
        classes,
        recipe,
        result,
        provenance,
        files);
  }

  /**
   * The layers of the base that a tail head trained.
   *
   * @param joint tensor of the base that the classifier takes
   * @param live what the base gives at the cut, in order, with the batch
   * @param trainable parameters of the base that were trained, by their names there
   */
  public record TailReference(String joint, List<TensorInfo> live, List<String> trainable) {
    public TailReference {
      live = live == null ? List.of() : List.copyOf(live);
      trainable = trainable == null ? List.of() : List.copyOf(trainable);
    }
  }

  /**
   * The base model that a head stands on.
   *
   * @param sha256 of its file: another file of the same name is another base
   */
  public record BaseReference(String id, String sha256) {}

  /**
   * @param name as the manifest or the user names it
   * @param tensor in the base model
   */
  public record CutReference(String name, String tensor) {}

  /**
   * What training and validation gave.
   *
   * @param train samples trained on, before the refit
   * @param validation samples judged by
   * @param epochs epochs that the head was trained
   * @param stoppedEarly whether the validation loss ended the training
   * @param refitted whether the weights come from a last training on all samples
   * @param metrics on the validation samples, before the refit; null without any
   * @param history of every epoch
   * @param crossValidation what to expect on new samples, where few judged; null where enough did,
   *     or it is not known
   * @param calibration how honest scores were found, and the temperature that makes them so; null
   *     where nothing could say, and in versions older than it
   * @param novelty how many samples its thresholds come from, and what share of familiar samples
   *     exceeds which; null where a version has none
   */
  public record Result(
      int train,
      int validation,
      int epochs,
      boolean stoppedEarly,
      boolean refitted,
      JsonNode metrics,
      JsonNode history,
      JsonNode crossValidation,
      JsonNode calibration,
      JsonNode novelty) {

    /** Without what says how far it can be trusted. */
    public Result(
        int train,
        int validation,
        int epochs,
        boolean stoppedEarly,
        boolean refitted,
        JsonNode metrics,
        JsonNode history) {
      this(train, validation, epochs, stoppedEarly, refitted, metrics, history, null, null, null);
    }
  }

  /**
   * Where a version comes from.
   *
   * @param created ISO 8601, UTC
   * @param samples sha-256 over the sorted digests and labels of all samples used
   * @param data the path that they were read from
   * @param headstart version of this library
   * @param onnxRuntime version of the native
   * @param provider execution provider of the backbone; null without a base
   * @param os operating system
   * @param arch architecture
   * @param java version
   */
  public record Provenance(
      String created,
      String samples,
      String data,
      String headstart,
      String onnxRuntime,
      String provider,
      String os,
      String arch,
      String java) {}

  /** The same with its number and its files, which are known only when it is published. */
  public HeadManifest published(int number, Map<String, String> sha256) {
    return new HeadManifest(
        format,
        head,
        number,
        task,
        kind,
        modality,
        base,
        cut,
        shape,
        tail,
        columns,
        classes,
        recipe,
        result,
        provenance,
        sha256);
  }

  /** The same under other classes: what answers once samples have changed them. */
  public HeadManifest withClasses(List<String> names) {
    return new HeadManifest(
        format,
        head,
        version,
        task,
        kind,
        modality,
        base,
        cut,
        shape,
        tail,
        columns,
        names,
        recipe,
        result,
        provenance,
        files);
  }
}
