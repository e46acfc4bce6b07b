package dev.headstart.sample;

import java.util.Set;

/**
 * What a sample is said to be. All labels of a data set are of one kind, which is its {@link Task}.
 */
public sealed interface Label permits ClassLabel, ClassesLabel, NumberLabel {

  /** The classes that hold; none for a number. */
  default Set<String> names() {
    return Set.of();
  }
}
