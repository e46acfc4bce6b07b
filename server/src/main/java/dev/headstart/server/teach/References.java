package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/**
 * Files of the workspace that clients may name: those that its owner put there, not those that
 * Headstart keeps. What a client is told of a path that it may not name is the same whether
 * something lies there or not.
 */
@Singleton
final class References {
  /** Folders at the top that are Headstart's own. */
  private static final Set<String> OWN =
      Set.of("heads", "blobs", "thumbnails", "features", "models", "tls");

  private final Path workspace;
  private final Limits limits;

  References(ServerSettings settings, Limits limits) {
    this.workspace = settings.workspace().toAbsolutePath();
    this.limits = limits;
  }

  /**
   * Reads a file.
   *
   * @param path within the workspace, with {@code /} between its parts
   * @throws BadInputException if it may not be named, or cannot be read
   */
  byte[] read(String path) {
    try {
      Path root = workspace.toRealPath();
      Path file = root.resolve(path).normalize();
      if (path.contains("\\")
          || path.indexOf('\0') >= 0
          || !file.startsWith(root)
          || file.equals(root)
          || own(root.relativize(file))) {
        throw refused(path);
      }
      Path real = file.toRealPath();
      if (!real.equals(file) && (!real.startsWith(root) || own(root.relativize(real)))) {
        throw refused(path); // by way of a link
      }
      if (!Files.isRegularFile(real, LinkOption.NOFOLLOW_LINKS)) {
        throw refused(path);
      }
      try (InputStream in = Files.newInputStream(real, LinkOption.NOFOLLOW_LINKS)) {
        byte[] content = in.readNBytes(limits.string() + 1);
        if (content.length > limits.string()) {
          throw new BadInputException(
              "the file has more than " + limits.string() + " bytes, as many as a sample may have");
        }
        return content;
      }
    } catch (InvalidPathException | IOException e) {
      throw refused(path);
    }
  }

  /** Whether a path is Headstart's: its folders, its files at the top, and what is hidden. */
  private static boolean own(Path path) {
    String first = path.getName(0).toString().toLowerCase(Locale.ROOT);
    if (OWN.contains(first)
        || path.getNameCount() == 1
            && (first.startsWith("headstart.") || first.startsWith("keys."))) {
      return true;
    }
    for (Path part : path) {
      if (part.toString().startsWith(".")) {
        return true;
      }
    }
    return false;
  }

  private static BadInputException refused(String path) {
    return new BadInputException(
        "'file' must be the path of a file that lies in the workspace and is not Headstart's own;"
            + " there is none at '"
            + Names.shown(path)
            + "'");
  }
}
