/**
 * Differentiates ONNX graphs. A forward graph under construction comes in ({@link
 * dev.headstart.onnx.GraphBuilder}), with the tensors to differentiate by; the same graph with
 * gradient nodes appended goes out. The rules are a table, {@link
 * dev.headstart.gradient.GradientRules}; {@link dev.headstart.gradient.Gradients} walks the graph;
 * {@link dev.headstart.gradient.Kernels} picks the nodes that carry a rule out. Called by {@code
 * artifact}. Read GradientRulesTest first.
 */
package dev.headstart.gradient;
