package dev.headstart.server.operation;

import dev.headstart.server.Draining;
import dev.headstart.server.RequestIds;
import dev.headstart.server.security.Rarely;
import io.micronaut.context.propagation.slf4j.MdcPropagationContext;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.order.Ordered;
import io.micronaut.core.propagation.MutablePropagatedContext;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ResponseFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.filter.ServerFilterPhase;
import io.micronaut.web.router.RouteAttributes;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Gives every HTTP request an id, says which failed, and sets the headers that every response has.
 * The id is the client's {@code X-Request-Id} if that is one that can be logged.
 */
@ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
final class Requests implements Ordered {
  private static final Logger LOG = LoggerFactory.getLogger("request");
  private static final String HEADER = "X-Request-Id";
  private static final String STARTED = "headstart.started";
  private static final String MDC_KEY = "request";
  private static final int LONGEST = 128;
  private static final int FAILED = 500;
  private static final int NOT_IMPLEMENTED = 501;
  private static final int OVERLOADED = 503;
  private static final int UNSTORED = 507;

  /** Everything from here, nothing inline, in nobody's frame. */
  private static final String POLICY =
      "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
          + " form-action 'self'; frame-ancestors 'none'";

  private final boolean access;
  private final Draining draining;
  private final Rarely overload = new Rarely();
  private final Rarely full = new Rarely();

  Requests(LogSettings settings, Draining draining) {
    this.access = settings.access();
    this.draining = draining;
  }

  @Override
  public int getOrder() {
    return ServerFilterPhase.FIRST.order();
  }

  @RequestFilter
  void before(HttpRequest<?> request, MutablePropagatedContext context) {
    String id = request.getHeaders().get(HEADER);
    if (id == null || !sane(id)) {
      id = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    }
    RequestIds.set(request, id);
    request.setAttribute(STARTED, System.nanoTime());
    context.add(new MdcPropagationContext(Map.of(MDC_KEY, id)));
  }

  @ResponseFilter
  void after(HttpRequest<?> request, MutableHttpResponse<?> response) {
    String id = RequestIds.of(request);
    response.header(HEADER, id);
    response.header("X-Content-Type-Options", "nosniff");
    if (draining.begun()) {
      response.header(HttpHeaders.CONNECTION, "close");
    }
    if (page(response)) {
      response.header("Content-Security-Policy", POLICY);
      response.header("Referrer-Policy", "no-referrer");
      response.header("X-Frame-Options", "DENY");
    }
    int status = response.code();
    if (access || status >= FAILED && status != NOT_IMPLEMENTED && !probe(request, status)) {
      log(request, status, id, RouteAttributes.getException(response).orElse(null));
    }
  }

  /** Who asks whether the server is ready is told; that it is not yet is no failure. */
  private static boolean probe(HttpRequest<?> request, int status) {
    return status == OVERLOADED && request.getUri().getRawPath().contains("/health/");
  }

  private static boolean page(MutableHttpResponse<?> response) {
    String type = response.getHeaders().get(HttpHeaders.CONTENT_TYPE);
    return type != null && type.startsWith(MediaType.TEXT_HTML);
  }

  private void log(HttpRequest<?> request, int status, String id, @Nullable Throwable reason) {
    // The answer may come from another thread than the request.
    try (MDC.MDCCloseable logged = MDC.putCloseable(MDC_KEY, id)) {
      assert logged != null;
      if (status < FAILED || status == NOT_IMPLEMENTED) {
        LOG.info("{}", line(request, status));
      } else if (status == OVERLOADED || status == UNSTORED) {
        // As long as it lasts every request says so: once a second is enough, and no stack.
        long unsaid = (status == OVERLOADED ? overload : full).now();
        if (unsaid >= 0) {
          LOG.warn(
              "{}{}{}",
              line(request, status),
              status == UNSTORED && reason != null ? ": " + reason.getMessage() : "",
              unsaid == 0 ? "" : ", and " + unsaid + " others");
        }
      } else {
        LOG.error("{}", line(request, status), reason);
      }
    }
  }

  private static String line(HttpRequest<?> request, int status) {
    long started = request.getAttribute(STARTED, Long.class).orElseGet(System::nanoTime);
    return request.getMethodName()
        + " "
        + request.getUri().getRawPath()
        + " "
        + status
        + " "
        + (System.nanoTime() - started) / 1_000
        + " us";
  }

  /** Letters, digits and what ids are joined with; nothing that could end a line of a log. */
  private static boolean sane(String id) {
    if (id.isEmpty() || id.length() > LONGEST) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (!(c >= 'a' && c <= 'z'
          || c >= 'A' && c <= 'Z'
          || c >= '0' && c <= '9'
          || c == '-'
          || c == '_'
          || c == '.'
          || c == ':'
          || c == '/'
          || c == '+'
          || c == '=')) {
        return false;
      }
    }
    return true;
  }
}
