package dev.headstart.server.security;

import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.cookie.Cookie;

/**
 * What a request brought to say who sends it. A key in a header counts before a session's cookie.
 *
 * @param authorization the header of this name, {@code Bearer KEY}; null if there is none
 * @param apiKey the header {@code X-API-Key}; null if there is none
 * @param session the cookie's token; null if there is none
 */
public record Credentials(String authorization, String apiKey, String session) {

  /** Of an HTTP request. */
  public static Credentials of(HttpRequest<?> request) {
    return new Credentials(
        request.getHeaders().get(HttpHeaders.AUTHORIZATION),
        request.getHeaders().get("X-API-Key"),
        request.getHeaders().contains(HttpHeaders.COOKIE)
            ? request.getCookies().findCookie(Sessions.COOKIE).map(Cookie::getValue).orElse(null)
            : null);
  }

  /** Whether a cookie alone says who it is, which browsers send by themselves. */
  boolean byCookie() {
    return session != null && authorization == null && apiKey == null;
  }

  /** Whether nothing came. */
  boolean none() {
    return session == null && authorization == null && apiKey == null;
  }
}
