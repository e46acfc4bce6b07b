package dev.headstart.server.security;

import io.micronaut.core.annotation.AnnotationMetadata;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.order.Ordered;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.server.cors.CorsFilter;
import io.micronaut.web.router.RouteAttributes;
import io.micronaut.web.router.RouteInfo;
import java.util.Optional;

/**
 * Where keys are asked for, asks whether a request's key allows its route. Runs behind the headers
 * of CORS, so that an allowed origin's page can read the refusal, and asks first without its key as
 * browsers do. Runs on the event loop and never blocks.
 */
@ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
final class KeyFilter implements Ordered {
  private final Authentication authentication;
  private final Hosts hosts;

  KeyFilter(Authentication authentication, Hosts hosts) {
    this.authentication = authentication;
    this.hosts = hosts;
  }

  @Override
  public int getOrder() {
    return CorsFilter.CORS_FILTER_ORDER + 1;
  }

  /**
   * @return the refusal; null to go on
   */
  @RequestFilter
  @Nullable
  HttpResponse<?> check(HttpRequest<?> request) {
    if (!authentication.asked()) {
      return null;
    }
    Optional<RouteInfo<?>> route = RouteAttributes.getRouteInfo(request);
    // What matches no route is answered with 404, to those who have a key.
    AnnotationMetadata at =
        route.map(RouteInfo::getAnnotationMetadata).orElse(AnnotationMetadata.EMPTY_METADATA);
    if (at.hasAnnotation(RequiresRole.Open.class)) {
      return null;
    }
    Credentials credentials = Credentials.of(request);
    if (credentials.byCookie() && !hosts.ownPage(request)) {
      return AccessFilter.refuse(
          HttpResponse.status(HttpStatus.FORBIDDEN),
          "only the server's own pages may change something by a session's cookie; send a key in"
              + " the header instead");
    }
    Role needed = route.isEmpty() ? Role.PREDICT : needed(at);
    Authentication.Verdict verdict =
        authentication.judge(
            credentials,
            needed,
            request.getRemoteAddress(),
            request.getMethodName() + " " + request.getPath());
    return switch (verdict) {
      case ALLOWED -> null;
      case UNKNOWN ->
          AccessFilter.refuse(
              HttpResponse.status(HttpStatus.UNAUTHORIZED)
                  .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"headstart\""),
              authentication.advice(verdict, needed));
      case FORBIDDEN ->
          AccessFilter.refuse(
              HttpResponse.status(HttpStatus.FORBIDDEN), authentication.advice(verdict, needed));
    };
  }

  /** The role that a route needs. */
  static Role needed(AnnotationMetadata route) {
    return route.enumValue(RequiresRole.class, Role.class).orElse(Role.ADMIN);
  }
}
