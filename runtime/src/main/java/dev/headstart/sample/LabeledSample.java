package dev.headstart.sample;

/** A sample and what it is said to be. */
public record LabeledSample(Sample sample, Label label) implements Item {}
