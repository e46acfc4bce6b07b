package dev.headstart.server.security;

import dev.headstart.server.ServerSettings;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpMethod;
import io.micronaut.http.HttpRequest;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which {@code Host} and {@code Origin} a request may carry. A page of another site may point its
 * own name at this machine (DNS rebinding) and then talks to the server as if it were its own; its
 * requests are known by that name. So a name must be one of the server's; an address cannot be
 * rebound and may be any, as behind a container's port.
 */
@Singleton
public final class Hosts {
  /** An address in brackets, or a name or an address; then a port. */
  private static final Pattern HOST =
      Pattern.compile("(\\[[0-9A-Fa-f:.]{2,45}]|[A-Za-z0-9._-]{1,255})(:[0-9]{0,5})?");

  private static final Set<HttpMethod> SAFE =
      EnumSet.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
  private static final String FETCH_SITE = "Sec-Fetch-Site";

  private final Set<String> names = new HashSet<>();
  private final List<String> allowed;
  private final List<String> origins;
  private volatile String lastGood = "";

  Hosts(ServerSettings settings) {
    allowed = settings.allowedHosts().stream().map(h -> h.toLowerCase(Locale.ROOT)).toList();
    origins = settings.allowedOrigins();
    names.add("localhost");
    names.add(settings.host().toLowerCase(Locale.ROOT));
    String machine = machine().toLowerCase(Locale.ROOT);
    names.add(machine);
    names.add(machine + ".local"); // as multicast DNS calls it
  }

  /** The machine's name. */
  public static String machine() {
    try {
      // Asking the resolver may take seconds where the network is down.
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unnamed) {
        return "localhost";
      }
    }
  }

  /**
   * Whether a request with this {@code Host} is meant for this server.
   *
   * @param host the header; null if there is none, as browsers never do
   */
  boolean own(String host) {
    if (host == null || host.equals(lastGood)) {
      return true;
    }
    String name = name(host);
    if (name == null
        || !(address(name)
            || names.contains(name)
            || name.endsWith(".localhost")
            || allowed.stream().anyMatch(pattern -> matches(pattern, name)))) {
      return false;
    }
    lastGood = host;
    return true;
  }

  /**
   * Whether a page of this origin may ask.
   *
   * @param origin the header; null if there is none
   * @param host the {@code Host} of the request, which is {@link #own}
   */
  boolean mayAsk(String origin, String host) {
    return origin == null
        || same(origin, host)
        || origins.contains(origin)
        || origins.contains("*");
  }

  private static boolean same(String origin, String host) {
    return host != null && (origin.equals("http://" + host) || origin.equals("https://" + host));
  }

  /**
   * Whether a request changes nothing, or comes from a page of this server, or from no page at all.
   * Browsers say so by {@code Sec-Fetch-Site}, older ones by {@code Origin}, and one of both comes
   * with whatever changes something.
   */
  boolean ownPage(HttpRequest<?> request) {
    if (SAFE.contains(request.getMethod())) {
      return true;
    }
    String site = request.getHeaders().get(FETCH_SITE);
    String origin = request.getHeaders().get(HttpHeaders.ORIGIN);
    return (site == null || site.equals("same-origin") || site.equals("none"))
        && (origin == null || same(origin, request.getHeaders().get(HttpHeaders.HOST)));
  }

  /** Without the port, in lower case; null if it is no host. */
  private static String name(String host) {
    Matcher parts = HOST.matcher(host);
    if (!parts.matches()) {
      return null;
    }
    String name = parts.group(1).toLowerCase(Locale.ROOT);
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }

  private static boolean address(String name) {
    return name.startsWith("[") || name.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
  }

  private static boolean matches(String pattern, String name) {
    return pattern.equals("*")
        || (pattern.startsWith("*.") ? name.endsWith(pattern.substring(1)) : name.equals(pattern));
  }
}
