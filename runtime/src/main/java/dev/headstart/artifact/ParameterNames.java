package dev.headstart.artifact;

import dev.headstart.error.NotFoundException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Parameters by name or pattern: {@code *} stands for any characters, none included. */
public final class ParameterNames {
  private ParameterNames() {}

  /** Whether this is a pattern rather than a name. */
  public static boolean isPattern(String name) {
    return name.contains("*");
  }

  /**
   * The names that any of the patterns matches, in the order of {@code names}.
   *
   * @throws NotFoundException if a pattern matches nothing; the nearest name is offered
   */
  public static Set<String> matching(List<String> patterns, Collection<String> names) {
    Set<String> found = new LinkedHashSet<>();
    for (String pattern : patterns) {
      if (names.contains(pattern)) { // a name may have a star in it
        found.add(pattern);
        continue;
      }
      Pattern regex = compile(pattern);
      List<String> matches = names.stream().filter(n -> regex.matcher(n).matches()).toList();
      if (matches.isEmpty()) {
        throw new NotFoundException("parameter", pattern, names);
      }
      found.addAll(matches);
    }
    Set<String> ordered = new LinkedHashSet<>(names);
    ordered.retainAll(found);
    return ordered;
  }

  /** What matches a pattern as a whole. */
  public static Pattern compile(String pattern) {
    return Pattern.compile(
        Stream.of(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")),
        Pattern.DOTALL);
  }
}
