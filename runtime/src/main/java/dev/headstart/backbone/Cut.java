package dev.headstart.backbone;

/**
 * Where a base model is split.
 *
 * @param name as the manifest (a tap) or the user (a tensor) calls it
 * @param tensor in the model's graph
 */
public record Cut(String name, String tensor) {}
