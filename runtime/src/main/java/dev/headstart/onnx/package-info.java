/**
 * An ONNX model as data: read and check, list tensors, infer shapes, cut, join, build, write. Files
 * and bytes come in, {@link dev.headstart.onnx.OnnxModel} goes out. Nothing here calls native code.
 */
package dev.headstart.onnx;
