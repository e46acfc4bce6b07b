package dev.headstart;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The data beside the project, for tests: golden cases, photos, models. */
public final class Shared {
  private static final Path ROOT = Path.of("../../shared");

  private Shared() {}

  /** The file, or the test is skipped, loudly; under CI=true its absence is a failure. */
  public static Path path(String relative) {
    Path path = ROOT.resolve(relative);
    if (!Files.exists(path)) {
      String message = "needs ../shared/" + relative + ", which is not beside the project";
      if ("true".equals(System.getenv("CI"))) {
        throw new AssertionError(message);
      }
      System.err.println("SKIPPED: " + message);
      Assumptions.abort(message);
    }
    return path;
  }
}
