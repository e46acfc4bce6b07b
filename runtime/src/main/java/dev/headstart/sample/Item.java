package dev.headstart.sample;

/** What a data set yields: a sample with its label, or the news that one could not be read. */
public sealed interface Item permits LabeledSample, Unreadable {}
