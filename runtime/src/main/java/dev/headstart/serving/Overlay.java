package dev.headstart.serving;

import java.util.List;

/**
 * What samples taught a head since its version was trained, or before it has one: class means
 * beside the trained scores, and classes that have another name or are gone.
 *
 * <p>With q the softmax of {@code sharpness} · cosine to the means over all classes that have one,
 * and p the version's scores, a class that the version does not know scores q, and the others share
 * what is left as p says: (1 - Σq)·p. So their order among themselves stays the version's. What p
 * says of classes that are answered no more is left out: with one label a sample, what remains is
 * divided by its sum.
 *
 * @param classes that are answered, in the order of the scores; may be none
 * @param origin of each: its index among the version's classes, or -1
 * @param means of each: unit vector of the pooled cut, or null for one without samples; those of
 *     origin -1 have one
 * @param sharpness of the softmax
 */
public record Overlay(List<String> classes, int[] origin, float[][] means, float sharpness) {
  public Overlay {
    classes = List.copyOf(classes);
  }
}
