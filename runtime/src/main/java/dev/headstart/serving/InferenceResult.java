package dev.headstart.serving;

import dev.headstart.confidence.Novelty;
import dev.headstart.head.HeadManifest;
import dev.headstart.onnx.Tensor;
import java.util.Map;

/**
 * A model's answer. All of it is of one version.
 *
 * @param model the model's name
 * @param version that answered
 * @param outputs in the order that was asked for, in plain memory
 * @param head the version's manifest, where one head answered; else null
 * @param novelty how unlike its training samples each sample is; null where nothing says
 */
public record InferenceResult(
    String model,
    int version,
    Map<String, Tensor> outputs,
    HeadManifest head,
    SampleNovelty novelty) {

  /**
   * @param values of the samples
   * @param known whose thresholds they are to be compared with
   */
  public record SampleNovelty(float[] values, Novelty known) {}

  /** Of what says nothing of novelty. */
  InferenceResult(String model, int version, Map<String, Tensor> outputs, HeadManifest head) {
    this(model, version, outputs, head, null);
  }
}
