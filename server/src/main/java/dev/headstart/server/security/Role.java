package dev.headstart.server.security;

import java.util.Locale;

/** What a key's owner may do; each role may do what those before it may. */
public enum Role {
  /** Ask models, and read what they are and how they do. */
  PREDICT,
  /** Teach heads. */
  TEACH,
  /** Load and unload models, and everything else. */
  ADMIN;

  /** Whether who has this role may do what needs the other. */
  public boolean covers(Role needed) {
    return compareTo(needed) >= 0;
  }

  /** {@code predict}, {@code teach}, {@code admin}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
