/**
 * An ONNX model as data. Files and bytes come in, {@link dev.headstart.onnx.OnnxModel} goes out;
 * nothing here calls native code.
 *
 * <ul>
 *   <li>{@link dev.headstart.onnx.OnnxModel} reads, checks and writes; {@code ModelCheck} has what
 *       is refused.
 *   <li>{@link dev.headstart.onnx.Graph} says which node makes a tensor and which read it, {@link
 *       dev.headstart.onnx.ShapeInference} its type and shape; {@code ShapeRules} is the table.
 *   <li>{@link dev.headstart.onnx.ModelCutter} takes models apart, {@link
 *       dev.headstart.onnx.ModelJoiner} puts them together, {@link dev.headstart.onnx.OpsetUpgrade}
 *       brings them to one version, {@link dev.headstart.onnx.Taps} proposes where to cut.
 *   <li>{@link dev.headstart.onnx.LayerNormalizations} makes layer normalizations independent of
 *       ONNX Runtime's version.
 *   <li>{@link dev.headstart.onnx.GraphBuilder} builds graphs of one's own.
 * </ul>
 *
 * <p>The test to read first: {@code ModelCutterTest}.
 */
package dev.headstart.onnx;
