/**
 * What ONNX Runtime trains from. A forward model comes in ({@link dev.headstart.onnx.OnnxModel})
 * with {@link dev.headstart.artifact.ArtifactOptions}; {@link dev.headstart.artifact.Artifacts}
 * goes out: graphs for training, evaluation and the optimizer, and the {@link
 * dev.headstart.artifact.Checkpoint} file, which is read back here too. Called by {@code train} and
 * the {@code artifacts} command. Read GoldenTest first, then ParameterOptionsTest.
 */
package dev.headstart.artifact;
