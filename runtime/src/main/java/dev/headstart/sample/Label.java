package dev.headstart.sample;

/**
 * What a sample is said to be. All labels of a data set are of one kind, which is its {@link Task}.
 */
public sealed interface Label permits ClassLabel, ClassesLabel, NumberLabel {}
