/**
 * Heads: the trained part, from features to scores. Kinds, their graphs, their manifest, and the
 * store of versions that the workspace implements. Pooled features come in, an ONNX model goes out.
 *
 * <p>Read {@code HeadNetworkTest} first.
 */
package dev.headstart.head;
