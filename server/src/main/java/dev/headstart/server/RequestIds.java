package dev.headstart.server;

import io.micronaut.http.HttpRequest;

/** The id that a request goes by in answers and logs; kept in its attributes. */
public final class RequestIds {
  private static final String ATTRIBUTE = "headstart.request";

  private RequestIds() {}

  public static void set(HttpRequest<?> request, String id) {
    request.setAttribute(ATTRIBUTE, id);
  }

  /** The request's id; {@code -} if it has none, as what is not HTTP has none. */
  public static String of(HttpRequest<?> request) {
    return request.getAttribute(ATTRIBUTE, String.class).orElse("-");
  }
}
