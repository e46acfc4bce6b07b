package dev.headstart.artifact;

/** What training makes small: one of the usual losses, or a graph that somebody wrote. */
public sealed interface Objective permits Loss, LossGraph {}
