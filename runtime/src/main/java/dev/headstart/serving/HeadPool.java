package dev.headstart.serving;

import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadSession;
import dev.headstart.head.HeadSessions;
import java.nio.file.Path;

/** The native sessions that all heads share, freed after the last of them. */
final class HeadPool extends Shared {
  private final HeadSessions sessions = new HeadSessions();

  /** Opens a head, which is one more user until the caller has closed it and releases this. */
  HeadSession open(HeadManifest manifest, Path model) {
    if (!retain()) {
      throw new IllegalStateException("the models are closed");
    }
    try {
      return sessions.open(manifest, model);
    } catch (RuntimeException | Error e) {
      release();
      throw e;
    }
  }

  @Override
  void free() {
    sessions.close();
  }
}
