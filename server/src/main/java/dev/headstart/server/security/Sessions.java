package dev.headstart.server.security;

import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Who logged in, for pages, whose event streams and pictures cannot carry a key in a header. A
 * session is a token of 256 random bits in a cookie, and stands for the key that it was opened
 * with: it may do what that key may, and is over when the key is removed, its time has passed, or
 * the process ends. Tokens are remembered by their SHA-256 and in memory only. Safe for several
 * threads; never blocks.
 */
@Singleton
public final class Sessions {
  /** The cookie's name. */
  public static final String COOKIE = "headstart-session";

  /** More than a device has operators; an old one makes room. */
  private static final int MOST = 1_000;

  private final Duration lasts;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, Session> open = new LinkedHashMap<>();

  /**
   * @param key SHA-256 of the key, lower-case hexadecimal
   * @param end by {@link System#nanoTime}, which no change of the clock moves
   */
  private record Session(String key, long end) {}

  Sessions(SessionSettings settings) {
    this.lasts = settings.lasts();
  }

  /** How long a session lasts. */
  public Duration lasts() {
    return lasts;
  }

  /**
   * Opens a session.
   *
   * @param key SHA-256 of its key, lower-case hexadecimal
   * @return the token
   */
  synchronized String open(String key) {
    byte[] bits = new byte[32];
    random.nextBytes(bits);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
    long now = System.nanoTime();
    open.values().removeIf(session -> session.end() - now <= 0);
    if (open.size() == MOST) {
      // The oldest of its own key, so that who logs in over and over logs nobody else out.
      String oldest = open.keySet().iterator().next();
      open.remove(
          open.entrySet().stream()
              .filter(one -> one.getValue().key().equals(key))
              .map(Map.Entry::getKey)
              .findFirst()
              .orElse(oldest));
    }
    open.put(digest(token), new Session(key, now + lasts.toNanos()));
    return token;
  }

  /** SHA-256 of the key that a session was opened with; empty if it is over. */
  synchronized Optional<String> key(String token) {
    String digest = digest(token);
    Session session = open.get(digest);
    if (session != null && session.end() - System.nanoTime() <= 0) {
      open.remove(digest);
      return Optional.empty();
    }
    return Optional.ofNullable(session).map(Session::key);
  }

  /** Ends a session; nothing happens if it is over. */
  public synchronized void end(String token) {
    open.remove(digest(token));
  }

  private static String digest(String token) {
    return HexFormat.of().formatHex(ApiKeys.digest(token));
  }
}
