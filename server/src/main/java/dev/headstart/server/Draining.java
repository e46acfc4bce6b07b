package dev.headstart.server;

import jakarta.inject.Singleton;

/** Whether the server was told to stop: it still answers, but is not ready for more. */
@Singleton
public final class Draining {
  private volatile boolean begun;

  /** Whether it was. */
  public boolean begun() {
    return begun;
  }

  void begin() {
    begun = true;
  }
}
