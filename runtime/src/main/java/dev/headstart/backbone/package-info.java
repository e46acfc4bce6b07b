/**
 * Base models and the frozen part of them: manifests, cuts, the backbone as an inference session,
 * and features with their cache. Samples come in; {@link dev.headstart.backbone.Features} go out.
 * Called by {@code train} and {@code predict}; the cache is implemented by {@code workspace}.
 *
 * <p>Read {@code FeatureExtractorTest} first.
 */
package dev.headstart.backbone;
