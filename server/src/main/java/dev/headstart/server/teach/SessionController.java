package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.server.http.Answers;
import dev.headstart.server.http.Bodies;
import dev.headstart.server.http.Json;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.security.Authentication;
import dev.headstart.server.security.Credentials;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.server.security.Sessions;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.cookie.Cookie;
import io.micronaut.http.cookie.SameSite;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Logging in and out, for pages. */
@RequiresRole.Open
@Controller(value = "/v1/session", produces = MediaType.ALL, consumes = MediaType.ALL)
final class SessionController {
  /** Bytes of a request: a key. */
  private static final int LONGEST = 4_096;

  private final Authentication authentication;
  private final Sessions sessions;
  private final Bodies bodies;
  private final ObjectMapper json;

  SessionController(
      Authentication authentication, Sessions sessions, Bodies bodies, Limits limits) {
    this.authentication = authentication;
    this.sessions = sessions;
    this.bodies = bodies;
    this.json = new ObjectMapper(Json.factory(limits));
  }

  @Get
  HttpResponse<byte[]> who(HttpRequest<?> request) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("asked", authentication.asked());
    answer.put(
        "role",
        authentication.asked()
            ? authentication.role(Credentials.of(request)).map(Role::toString).orElse(null)
            : Role.ADMIN.toString());
    return Answers.json(answer).header(HttpHeaders.CACHE_CONTROL, "no-store");
  }

  @Post
  CompletionStage<HttpResponse<?>> login(HttpRequest<?> request) {
    return bodies.read(request, body -> CompletableFuture.completedFuture(login(request, body)));
  }

  private HttpResponse<?> login(HttpRequest<?> request, byte[] body) {
    Fields fields = new Fields(Json.object(json, body, LONGEST));
    String key = fields.required("key");
    fields.end();
    if (!authentication.asked()) {
      return HttpResponse.noContent();
    }
    return authentication
        .login(key.strip(), request.getRemoteAddress())
        .<HttpResponse<?>>map(
            token -> HttpResponse.noContent().cookie(cookie(request, token, sessions.lasts())))
        .orElseGet(
            () ->
                Answers.error(
                    HttpStatus.UNAUTHORIZED,
                    authentication.any()
                        ? "this key is not known"
                        : authentication.advice(Authentication.Verdict.UNKNOWN, Role.TEACH)));
  }

  @Delete
  HttpResponse<?> logout(HttpRequest<?> request) {
    String token = Credentials.of(request).session();
    if (token != null) {
      sessions.end(token);
    }
    return HttpResponse.noContent().cookie(cookie(request, "", Duration.ZERO));
  }

  private static Cookie cookie(HttpRequest<?> request, String token, Duration lasts) {
    return Cookie.of(Sessions.COOKIE, token)
        .httpOnly(true)
        .sameSite(SameSite.Strict)
        .secure(request.isSecure())
        .path("/")
        .maxAge(lasts);
  }
}
