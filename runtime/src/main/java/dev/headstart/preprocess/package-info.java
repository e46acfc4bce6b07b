/**
 * From a sample to a base model's input tensors, exactly as the model was trained: decoding,
 * resizing and scaling of pictures, tokenising of texts, vectors as they are. {@link
 * dev.headstart.sample.Sample}s and a manifest's {@link dev.headstart.preprocess.Preprocessing}
 * come in, {@link dev.headstart.onnx.Tensor}s by input name go out. Read {@code
 * ImagePreprocessorTest} and {@code TextPreprocessorTest} first.
 */
package dev.headstart.preprocess;
