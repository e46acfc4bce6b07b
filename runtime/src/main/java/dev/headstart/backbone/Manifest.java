package dev.headstart.backbone;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.headstart.preprocess.Preprocessing;
import dev.headstart.sample.Modality;
import java.util.List;

/**
 * {@code manifest.json}: what a base model is and how it wants its input.
 *
 * @param id the base model's name
 * @param modality what its samples are
 * @param model file beside the manifest, or {@code classpath:NAME} for a resource
 * @param sha256 of the model file, lower-case hexadecimal
 * @param inputs its own inputs
 * @param outputs its own outputs
 * @param taps cuts with names, from deep to shallow
 * @param blocks from input to output; each block's cut is its input
 * @param preprocessing from sample to inputs
 * @param pooling from token embeddings to one vector, where the model itself does not; else null
 * @param reproducibleLayerNorms whether {@link dev.headstart.onnx.LayerNormalizations} are written
 *     out, so that every version of ONNX Runtime gives the same features; for dynamically quantized
 *     models
 * @param batchInvariant whether a sample's results are the same whatever runs beside it; a backbone
 *     runs one sample a call whichever it is, so this is for those who would batch
 * @param labels file with the classes of the model's own output, a line each; or null
 * @param licence SPDX identifier or a sentence
 * @param source where it comes from
 * @param domain what its own domain looks like to it; or null
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Manifest(
    String id,
    Modality modality,
    String model,
    String sha256,
    List<Port> inputs,
    List<Port> outputs,
    List<Tap> taps,
    List<Block> blocks,
    Preprocessing preprocessing,
    TokenPooling pooling,
    boolean reproducibleLayerNorms,
    boolean batchInvariant,
    String labels,
    String licence,
    String source,
    Domain domain) {

  public Manifest {
    inputs = inputs == null ? List.of() : List.copyOf(inputs);
    outputs = outputs == null ? List.of() : List.copyOf(outputs);
    taps = taps == null ? List.of() : List.copyOf(taps);
    blocks = blocks == null ? List.of() : List.copyOf(blocks);
  }

  /** The same for a model file with this sha-256. */
  Manifest of(String digest) {
    return new Manifest(
        id,
        modality,
        model,
        digest,
        inputs,
        outputs,
        taps,
        blocks,
        preprocessing,
        pooling,
        reproducibleLayerNorms,
        batchInvariant,
        labels,
        licence,
        source,
        domain);
  }

  /**
   * An input or output.
   *
   * @param type {@code float32}, {@code int64}, …
   * @param shape numbers, and names for dimensions that are free
   */
  public record Port(String name, String type, List<Object> shape) {}

  /**
   * A cut with a name.
   *
   * @param shape for one sample, without the batch: numbers, and names for free dimensions
   */
  public record Tap(String name, String tensor, List<Object> shape) {}

  /** A part of the model; {@code cut} is the tensor that goes into it. */
  public record Block(String name, String cut) {}

  /**
   * Mean of token embeddings.
   *
   * @param kind {@code mean}
   * @param mask input that is 1 for a token and 0 for padding, int64 [batch, tokens]
   * @param normalize whether the mean is brought to length 1
   * @param input token embeddings, float32 [batch, tokens, width]
   * @param output name of the vector, float32 [batch, width]
   */
  public record TokenPooling(
      String kind, String mask, boolean normalize, String input, String output) {}

  /**
   * Statistics of samples like those that the model was trained on, to tell how unlike others are.
   * Features are a tap's, pooled and brought to length 1.
   *
   * @param about what the samples were, and how many
   * @param cut name of the tap
   * @param mean of the features, brought to length 1
   * @param cosine mean cosine between features and {@code mean}
   * @param confidence mean of the highest score of the model's own classifier; null without one
   * @param pieces tokens a word or sign of a text; null for other samples
   */
  public record Domain(
      String about, String cut, List<Float> mean, double cosine, Double confidence, Double pieces) {
    public Domain {
      mean = mean == null ? List.of() : List.copyOf(mean);
    }
  }
}
