package dev.headstart.teach;

import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;

/**
 * A sample to be added.
 *
 * @param sample with its bytes
 * @param label what it is said to be
 * @param type media type of the bytes
 * @param source who brings it
 */
public record NewSample(Sample sample, Label label, String type, StoredSample.Source source) {}
