package dev.headstart.disk;

import java.nio.file.Path;

/** Where unpacked native libraries lie: what is there can be made again. */
public final class CacheFolder {
  private CacheFolder() {}

  /**
   * {@code $XDG_CACHE_HOME/headstart} ({@code ~/.cache/headstart}), or what the system property
   * {@code headstart.cache} or the environment's {@code HEADSTART_CACHE} names; need not exist.
   */
  public static Path path() {
    String set = System.getProperty("headstart.cache", System.getenv("HEADSTART_CACHE"));
    if (set != null && !set.isBlank()) {
      return Path.of(set).toAbsolutePath();
    }
    String xdg = System.getenv("XDG_CACHE_HOME");
    Path home =
        xdg == null || xdg.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(xdg);
    return home.resolve("headstart").toAbsolutePath();
  }
}
