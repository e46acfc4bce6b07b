package dev.headstart.server.security;

import dev.headstart.error.HeadstartException;
import dev.headstart.server.FileStamp;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.Watch;
import jakarta.inject.Singleton;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells who may do what, for both transports: reads the key that came with a request, and knows the
 * workspace's keys as they were half a second ago at most. Safe for several threads; never blocks.
 */
@Singleton
public final class Authentication {
  private static final Logger LOG = LoggerFactory.getLogger(Authentication.class);
  private static final String SCHEME = "bearer ";

  private final boolean asked;
  private final ApiKeys file;
  private final Sessions sessions;
  private final Rarely refusals = new Rarely();
  private volatile List<Known> known = List.of();
  private FileStamp stamp;

  private record Known(byte[] sha256, Role role, String name) {

    String digest() {
      return HexFormat.of().formatHex(sha256);
    }
  }

  /** What becomes of a request. */
  public enum Verdict {
    ALLOWED,
    /** No key came, or one that is not known. */
    UNKNOWN,
    /** A key that does not allow this. */
    FORBIDDEN
  }

  Authentication(ServerSettings settings, Watch watch, Sessions sessions) {
    this.sessions = sessions;
    this.asked = settings.keysAsked();
    this.file = new ApiKeys(settings.workspace().toAbsolutePath());
    if (asked) {
      refresh();
      watch.repeat(this::refresh);
    }
  }

  /** Whether keys are asked for at all. */
  public boolean asked() {
    return asked;
  }

  /** Whether there is a key. */
  public boolean any() {
    return !known.isEmpty();
  }

  private void refresh() {
    FileStamp now = FileStamp.of(file.file());
    if (now.equals(stamp)) {
      return;
    }
    stamp = now;
    try {
      known =
          file.list().stream()
              .map(key -> new Known(HexFormat.of().parseHex(key.sha256()), key.role(), key.name()))
              .toList();
    } catch (HeadstartException | IllegalArgumentException e) {
      LOG.error("{}. The keys known so far stay", e.getMessage());
    }
  }

  /**
   * Judges a request.
   *
   * @param credentials what it brought
   * @param needed the least role
   * @param from whose request it is, for the log
   * @param what it asks for, for the log
   */
  public Verdict judge(Credentials credentials, Role needed, SocketAddress from, String what) {
    Known owner = owner(credentials);
    if (owner == null) {
      refused(credentials.none() ? "no key" : "an unknown key", from, what);
      return Verdict.UNKNOWN;
    }
    if (!owner.role().covers(needed)) {
      refused("key '" + owner.name() + "', which may only " + owner.role(), from, what);
      return Verdict.FORBIDDEN;
    }
    return Verdict.ALLOWED;
  }

  /** What who brings this may do; empty for nothing. */
  public Optional<Role> role(Credentials credentials) {
    return Optional.ofNullable(owner(credentials)).map(Known::role);
  }

  /**
   * Opens a session for a key's owner.
   *
   * @param from whose request it is, for the log
   * @return its token; empty if the key is not known, which is logged as everywhere
   */
  public Optional<String> login(String key, SocketAddress from) {
    Known owner = owner(key);
    if (owner == null) {
      refused("an unknown key", from, "a login");
      return Optional.empty();
    }
    return Optional.of(sessions.open(owner.digest()));
  }

  private Known owner(Credentials credentials) {
    if (credentials.apiKey() != null) {
      return owner(credentials.apiKey());
    }
    String authorization = credentials.authorization();
    if (authorization != null) {
      return authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
          ? owner(authorization.substring(SCHEME.length()).strip())
          : null;
    }
    return credentials.session() == null ? null : sessionOwner(credentials.session());
  }

  private Known owner(String key) {
    byte[] given = ApiKeys.digest(key);
    Known found = null;
    for (Known candidate : known) { // all of them, so that the time tells nothing
      if (MessageDigest.isEqual(candidate.sha256(), given)) {
        found = candidate;
      }
    }
    return found;
  }

  /** A session's key may have been removed since, or have another role. */
  private Known sessionOwner(String token) {
    String digest = sessions.key(token).orElse(null);
    return known.stream().filter(key -> key.digest().equals(digest)).findFirst().orElse(null);
  }

  private void refused(String with, SocketAddress from, String what) {
    long unsaid = refusals.now();
    if (unsaid >= 0) {
      String address =
          from instanceof InetSocketAddress inet && inet.getAddress() != null
              ? inet.getAddress().getHostAddress()
              : String.valueOf(from);
      LOG.warn(
          "refused {} from {} with {}{}",
          what,
          address,
          with,
          unsaid == 0 ? "" : " (and " + unsaid + " others since the last such line)");
    }
  }

  /** What a refused client is told. */
  public String advice(Verdict verdict, Role needed) {
    if (verdict == Verdict.FORBIDDEN) {
      return "this key does not allow it: the role " + needed + " is needed";
    }
    return any()
        ? "a key is needed: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
        : "a key is needed, and none has been made yet: on the server, run headstart keys add NAME"
            + " --role "
            + needed.toString().toLowerCase(Locale.ROOT);
  }
}
