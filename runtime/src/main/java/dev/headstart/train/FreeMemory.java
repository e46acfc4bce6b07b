package dev.headstart.train;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How many bytes this process may still take: what the machine has to give, and what its container
 * allows (Linux control groups, version 2 and 1), whichever is less.
 *
 * <p>Sources: {@code proc(5)} for {@code MemAvailable}; the kernel's {@code cgroup-v2.rst} and
 * {@code cgroup-v1/memory.rst}. Files that were read and are only cached count as free.
 */
public final class FreeMemory {
  private FreeMemory() {}

  /** Of this machine, now. */
  public static long bytes() {
    return bytes(Path.of("/proc"), Path.of("/sys/fs/cgroup"));
  }

  static long bytes(Path proc, Path cgroups) {
    long free = machine(proc);
    for (Path group : groups(proc, cgroups)) {
      free = Math.min(free, allowed(group).orElse(free));
    }
    return Math.max(0, free);
  }

  private static long machine(Path proc) {
    for (String line : lines(proc.resolve("meminfo"))) {
      if (line.startsWith("MemAvailable:")) {
        return 1024 * Long.parseLong(line.replaceAll("\\D+", ""));
      }
    }
    // No Linux: what is called free there leaves out what the system would give back when asked.
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return Math.max(system.getFreeMemorySize(), system.getTotalMemorySize() / 2);
  }

  /** The groups that this process is in: its own and those above. */
  private static List<Path> groups(Path proc, Path cgroups) {
    List<Path> groups = new ArrayList<>();
    for (String line : lines(proc.resolve("self/cgroup"))) {
      String[] parts = line.split(":", 3); // number : controllers : path
      if (parts.length == 3 && (parts[1].isEmpty() || parts[1].contains("memory"))) {
        Path root = parts[1].isEmpty() ? cgroups : cgroups.resolve("memory");
        Path group = root.resolve(parts[2].replaceFirst("^/+", "")).normalize();
        // Inside a container the path may be the host's, which is not to be seen from here.
        for (Path at = group; at != null && at.startsWith(root); at = at.getParent()) {
          groups.add(at);
        }
      }
    }
    return groups;
  }

  private static OptionalLong allowed(Path group) {
    OptionalLong limit = number(group, "memory.max", "memory.limit_in_bytes");
    OptionalLong used = number(group, "memory.current", "memory.usage_in_bytes");
    if (limit.isEmpty() || used.isEmpty()) {
      return OptionalLong.empty();
    }
    long cached =
        lines(group.resolve("memory.stat")).stream()
            .map(line -> line.split(" "))
            .filter(pair -> pair[0].equals("inactive_file") || pair[0].equals("active_file"))
            .mapToLong(pair -> Long.parseLong(pair[1]))
            .sum();
    return OptionalLong.of(limit.getAsLong() - Math.max(0, used.getAsLong() - cached));
  }

  /** The number in the first of the files that is there; none where it says {@code max}. */
  private static OptionalLong number(Path group, String... files) {
    for (String file : files) {
      for (String line : lines(group.resolve(file))) {
        return line.matches("\\d{1,18}")
            ? OptionalLong.of(Long.parseLong(line))
            : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }

  private static List<String> lines(Path file) {
    if (!Files.isReadable(file)) {
      return List.of();
    }
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }
}
