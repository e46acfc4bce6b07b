package dev.headstart.server.security;

import io.micronaut.core.annotation.AnnotationMetadata;
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
import io.micronaut.web.router.RouteAttributes;
import io.micronaut.web.router.RouteInfo;
import java.util.Map;
import java.util.Optional;

/**
 * What every HTTP request passes: is it meant for this server, may the page that sends it, and,
 * where keys are asked for, does its key allow the route. Runs on the event loop and never blocks.
 */
@ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
final class AccessFilter implements Ordered {
  private static final int MISDIRECTED = 421;

  private final Hosts hosts;
  private final Authentication authentication;

  AccessFilter(Hosts hosts, Authentication authentication) {
    this.hosts = hosts;
    this.authentication = authentication;
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
    if (origin != null && !hosts.mayAsk(origin, host)) {
      return refuse(
          HttpResponse.status(HttpStatus.FORBIDDEN),
          "pages of this origin may not ask; if they should, add it to"
              + " headstart.allowed-origins");
    }
    return authentication.asked() ? checkKey(request) : null;
  }

  @Nullable
  private HttpResponse<?> checkKey(HttpRequest<?> request) {
    Optional<RouteInfo<?>> route = RouteAttributes.getRouteInfo(request);
    // What matches no route is answered with 404, to those who have a key.
    AnnotationMetadata at =
        route.map(RouteInfo::getAnnotationMetadata).orElse(AnnotationMetadata.EMPTY_METADATA);
    if (at.hasAnnotation(RequiresRole.Open.class)) {
      return null;
    }
    Role needed = route.isEmpty() ? Role.PREDICT : needed(at);
    Authentication.Verdict verdict =
        authentication.judge(
            request.getHeaders().get(HttpHeaders.AUTHORIZATION),
            request.getHeaders().get("X-API-Key"),
            needed,
            request.getRemoteAddress(),
            request.getMethodName() + " " + request.getPath());
    return switch (verdict) {
      case ALLOWED -> null;
      case UNKNOWN ->
          refuse(
              HttpResponse.status(HttpStatus.UNAUTHORIZED)
                  .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"headstart\""),
              authentication.advice(verdict, needed));
      case FORBIDDEN ->
          refuse(HttpResponse.status(HttpStatus.FORBIDDEN), authentication.advice(verdict, needed));
    };
  }

  /** The role that a route needs. */
  static Role needed(AnnotationMetadata route) {
    return route.enumValue(RequiresRole.class, Role.class).orElse(Role.ADMIN);
  }

  private static HttpResponse<?> refuse(MutableHttpResponse<?> response, String error) {
    return response.contentType(MediaType.APPLICATION_JSON_TYPE).body(Map.of("error", error));
  }
}
