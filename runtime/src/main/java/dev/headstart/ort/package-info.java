/**
 * The only package that touches {@code ai.onnxruntime}: the native library, execution providers,
 * inference and training sessions. Models as bytes or files and {@link dev.headstart.onnx.Tensor}s
 * come in, tensors go out; native handles never leave. Every session is closed by whoever opened
 * it, and {@link dev.headstart.ort.OrtRuntime#openHandles()} counts what is open.
 *
 * <p>Read {@code SessionTest} first.
 */
package dev.headstart.ort;
