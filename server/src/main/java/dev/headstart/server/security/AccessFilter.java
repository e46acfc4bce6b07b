package dev.headstart.server.security;

import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.order.Ordered;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.server.cors.CorsFilter;
import java.util.Map;

/**
 * What every HTTP request passes: is it meant for this server, and may the page that sends it. Runs
 * on the event loop and never blocks.
 */
@ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
final class AccessFilter implements Ordered {
  private static final int MISDIRECTED = 421;

  private final Hosts hosts;

  AccessFilter(Hosts hosts) {
    this.hosts = hosts;
  }

  @Override
  public int getOrder() {
    return CorsFilter.CORS_FILTER_ORDER - 1; // which refuses some of the same without a word
  }

  /**
   * @return the refusal; null to go on
   */
  @RequestFilter
  @Nullable
  HttpResponse<?> check(HttpRequest<?> request) {
    String host = request.getHeaders().get(HttpHeaders.HOST);
    if (!hosts.own(host)) {
      return refuse(
          HttpResponse.status(MISDIRECTED, "Misdirected Request"),
          "this server does not answer to the name in the Host header; if it should, add the name to"
              + " headstart.allowed-hosts");
    }
    String origin = request.getHeaders().get(HttpHeaders.ORIGIN);
    // What changes something and names no origin is told apart by Sec-Fetch-Site.
    boolean foreign = origin == null && !hosts.ownPage(request);
    if (foreign || !hosts.mayAsk(origin, host)) {
      return refuse(
          HttpResponse.status(HttpStatus.FORBIDDEN),
          "pages of this origin may not ask; if they should, add it to"
              + " headstart.allowed-origins");
    }
    return null;
  }

  static HttpResponse<?> refuse(MutableHttpResponse<?> response, String error) {
    return response.contentType(MediaType.APPLICATION_JSON_TYPE).body(Map.of("error", error));
  }
}
