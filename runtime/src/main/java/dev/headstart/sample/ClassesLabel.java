package dev.headstart.sample;

import java.util.Collection;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * All classes that hold for a sample.
 *
 * @param names sorted; empty if none holds
 */
public record ClassesLabel(SortedSet<String> names) implements Label {

  public ClassesLabel {
    names = Collections.unmodifiableSortedSet(new TreeSet<>(names));
  }

  public ClassesLabel(Collection<String> names) {
    this(new TreeSet<>(names));
  }

  @Override
  public String toString() {
    return names.toString();
  }
}
