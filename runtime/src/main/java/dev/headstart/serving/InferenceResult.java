package dev.headstart.serving;

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
 */
public record InferenceResult(
    String model, int version, Map<String, Tensor> outputs, HeadManifest head) {}
