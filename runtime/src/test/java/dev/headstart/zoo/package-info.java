/**
 * Small networks of the usual kinds, written as exporters write them, for tests: what comes in is a
 * kind, an opset and a seed, what goes out a model with random weights and a batch for it. Read
 * {@code artifact.ZooTest} first.
 */
package dev.headstart.zoo;
