/**
 * How far scores and samples can be trusted, as plain mathematics on arrays: a temperature that
 * makes scores honest, how honest they are, and how unlike what was learned a sample is. Logits,
 * labels and feature vectors come in; numbers go out. It knows nothing of training or of models.
 *
 * <p>Read {@code TemperatureTest} and {@code NoveltyTest} first; the formulae are in
 * docs/confidence.md.
 */
package dev.headstart.confidence;
