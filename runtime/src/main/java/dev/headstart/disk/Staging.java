package dev.headstart.disk;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Names for what is not finished yet, and the removal of what never will be. The name is {@code
 * .staged-<place>-<pid>-<random>}: the place stands for machine and container, for only within one
 * of them does a process id say whether its process lives.
 */
public final class Staging {
  public static final String PREFIX = ".staged-";

  private static final Pattern NAME =
      Pattern.compile("\\.staged-([0-9a-f]{8})-([0-9]{1,18})-[0-9a-f]{12}");
  private static final Duration STALE = Duration.ofDays(1);
  private static final String UNKNOWN = "00000000";
  private static final String PLACE = place();

  private Staging() {}

  /** A fresh name in the directory. */
  public static Path name(Path directory) {
    String random = UUID.randomUUID().toString().substring(24);
    return directory.resolve(PREFIX + PLACE + "-" + ProcessHandle.current().pid() + "-" + random);
  }

  /** Removes what dead processes of this machine left in the directory, and what is a day old. */
  public static void sweep(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, PREFIX + "*")) {
      for (Path entry : entries) {
        Matcher name = NAME.matcher(entry.getFileName().toString());
        if (name.matches() && (dead(name) || old(entry))) {
          Disk.deleteTree(entry);
        }
      }
    }
  }

  private static boolean dead(Matcher name) {
    return !PLACE.equals(UNKNOWN)
        && name.group(1).equals(PLACE)
        && ProcessHandle.of(Long.parseLong(name.group(2))).isEmpty();
  }

  /** Whether neither the folder nor a file in it was touched for a day. */
  private static boolean old(Path entry) throws IOException {
    Instant limit = Instant.now().minus(STALE);
    try (Stream<Path> within = Files.walk(entry, 1)) {
      for (Path path : (Iterable<Path>) within::iterator) {
        if (Files.getLastModifiedTime(path).toInstant().isAfter(limit)) {
          return false;
        }
      }
      return true;
    } catch (NoSuchFileException e) {
      return false; // published or deleted meanwhile
    }
  }

  private static String place() {
    try {
      String host = Files.readString(Path.of("/proc/sys/kernel/hostname"));
      Path processes = Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
      return String.format("%08x", (host + processes).hashCode());
    } catch (IOException | UnsupportedOperationException e) {
      return UNKNOWN; // not Linux: what is left there goes after a day
    }
  }
}
