package dev.headstart.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.FlowerServer;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A cookie in a key's place. */
class SessionsTest {
  private static final String INFER = "/v2/models/flowers/infer";

  @TempDir static Path workspace;
  private static FlowerServer server;
  private static String predict;

  @BeforeAll
  static void start() throws Exception {
    predict = new ApiKeys(workspace).add("camera", Role.PREDICT);
    server =
        FlowerServer.start(
            workspace,
            Map.of(
                "headstart.auth",
                "keys",
                "headstart.allowed-origins",
                List.of("https://app.example.com")));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static HttpResponse<String> login(String key) throws Exception {
    return server.post("/v1/session", "{\"key\": \"" + key + "\"}");
  }

  /** The cookie as a browser sends it back. */
  private static String cookie(HttpResponse<String> login) {
    assertEquals(204, login.statusCode(), login.body());
    String set = login.headers().firstValue("Set-Cookie").orElseThrow();
    return set.substring(0, set.indexOf(';'));
  }

  /** Who logs in without end pushes only its own sessions out. */
  @Test
  void manySessionsOfAKeyLeaveThoseOfOthers() {
    Sessions sessions = new Sessions(new SessionSettings(Duration.ofHours(1)));
    String first = sessions.open("operator");
    String own = sessions.open("camera");
    for (int i = 0; i < 1_500; i++) {
      sessions.open("camera");
    }
    assertEquals(Optional.of("operator"), sessions.key(first));
    assertEquals(Optional.empty(), sessions.key(own));
    String late = sessions.open("another");
    assertEquals(Optional.of("another"), sessions.key(late));
  }

  @Test
  void aLoginSetsACookieThatDoesForTheKey() throws Exception {
    HttpResponse<String> login = login(predict);
    String set = login.headers().firstValue("Set-Cookie").orElseThrow();
    for (String part : List.of("HTTPOnly", "SameSite=Strict", "Path=/", "Max-Age=43200")) {
      assertTrue(set.toLowerCase().contains(part.toLowerCase()), set);
    }
    assertFalse(set.contains("Secure"), set);
    assertFalse(set.contains(predict), set);
    String cookie = cookie(login);
    assertEquals(200, server.get("/v2", "Cookie", cookie).statusCode());
    assertEquals(
        "{\"asked\":true,\"role\":\"predict\"}",
        server.get("/v1/session", "Cookie", "other=1; " + cookie).body());
    assertEquals(403, server.post(unload(), "{}", "Cookie", cookie).statusCode());
    assertNotEquals(cookie, cookie(login(predict)));
  }

  private static String unload() {
    return "/v2/repository/models/flowers/unload";
  }

  @Test
  void withoutALoginNothingMayBeDone() throws Exception {
    assertEquals("{\"asked\":true,\"role\":null}", server.get("/v1/session").body());
    assertEquals(401, server.get("/v2", "Cookie", Sessions.COOKIE + "=x").statusCode());
    HttpResponse<String> wrong = login("hs_wrong");
    assertEquals(401, wrong.statusCode());
    assertEquals(Optional.empty(), wrong.headers().firstValue("Set-Cookie"));
    assertEquals(400, server.post("/v1/session", "{}").statusCode());
    assertEquals(400, server.post("/v1/session", "{\"key\": \"k\", \"name\": \"n\"}").statusCode());
    assertEquals(400, server.post("/v1/session", "[]").statusCode());
    assertEquals(413, login("k".repeat(5_000)).statusCode());
  }

  /** A key in a header counts, be the cookie as good as it may. */
  @Test
  void aHeaderCountsBeforeTheCookie() throws Exception {
    String cookie = cookie(login(predict));
    assertEquals(401, server.get("/v2", "Cookie", cookie, "X-API-Key", "hs_wrong").statusCode());
    assertEquals(
        200,
        server.get("/v2", "Cookie", Sessions.COOKIE + "=x", "X-API-Key", predict).statusCode());
  }

  @Test
  void aLogoutEndsIt() throws Exception {
    String cookie = cookie(login(predict));
    String end =
        server.raw(
            "DELETE /v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: "
                + cookie
                + "\r\n\r\n");
    assertTrue(end.startsWith("HTTP/1.1 204"), end);
    assertTrue(end.toLowerCase().contains("max-age=0"), end);
    assertEquals(401, server.get("/v2", "Cookie", cookie).statusCode());
  }

  @Test
  void itEndsWithItsKey() throws Exception {
    String late = new ApiKeys(workspace).add("operator", Role.TEACH);
    HttpResponse<String> login = login(late);
    for (int i = 0; i < 200 && login.statusCode() == 401; i++) { // the file is looked at
      Thread.sleep(50);
      login = login(late);
    }
    String cookie = cookie(login);
    assertEquals(200, server.get("/v2", "Cookie", cookie).statusCode());
    new ApiKeys(workspace).remove("operator");
    int status = 200;
    for (int i = 0; i < 200 && status == 200; i++) {
      Thread.sleep(50);
      status = server.get("/v2", "Cookie", cookie).statusCode();
    }
    assertEquals(401, status);
    assertEquals(
        "{\"asked\":true,\"role\":null}", server.get("/v1/session", "Cookie", cookie).body());
  }

  @Test
  void itEndsWithItsTime() throws Exception {
    Sessions sessions = new Sessions(new SessionSettings(Duration.ofMillis(200)));
    String token = sessions.open("ab");
    assertEquals(Optional.of("ab"), sessions.key(token));
    Thread.sleep(250);
    assertEquals(Optional.empty(), sessions.key(token));
  }

  @Test
  void thereAreNotMoreThanFitIntoMemory() {
    Sessions sessions = new Sessions(new SessionSettings(Duration.ofHours(1)));
    String first = sessions.open("0");
    for (int i = 1; i <= 1_000; i++) {
      sessions.open("" + i);
    }
    assertEquals(Optional.empty(), sessions.key(first));
    String last = sessions.open("last");
    assertEquals(Optional.of("last"), sessions.key(last));
  }

  /** What browsers say of where a request comes from, and what becomes of it. */
  @ParameterizedTest
  @CsvSource({
    "same-origin, http://localhost:PORT, 200",
    "same-origin, -, 200",
    "none, -, 200",
    "-, http://localhost:PORT, 200",
    "-, -, 200",
    "cross-site, -, 403",
    "same-site, -, 403",
    "same-site, http://localhost:1, 403",
    "cross-site, https://evil.example, 403",
    "-, https://evil.example, 403",
    "-, null, 403",
    // An allowed origin's page may ask with a key, not with the operator's cookie.
    "cross-site, https://app.example.com, 403",
  })
  void anotherSitesPageChangesNothing(String site, String origin, int status) throws Exception {
    String cookie = cookie(login(predict));
    String host = "localhost:" + server.port();
    String asked =
        server.raw(
            "POST "
                + INFER
                + " HTTP/1.1\r\nHost: "
                + host
                + "\r\nConnection: close\r\nContent-Type: application/json\r\nCookie: "
                + cookie
                + (site.equals("-") ? "" : "\r\nSec-Fetch-Site: " + site)
                + (origin.equals("-")
                    ? ""
                    : "\r\nOrigin: " + origin.replace("PORT", "" + server.port()))
                + "\r\nContent-Length: "
                + FlowerServer.ASK.length()
                + "\r\n\r\n"
                + FlowerServer.ASK);
    assertTrue(asked.startsWith("HTTP/1.1 " + status), asked);
  }

  /** No key is asked for, and still a page of another site is not heard. */
  @Test
  void withoutKeysAnotherSitesPageChangesNothingEither(@TempDir Path open) throws Exception {
    try (FlowerServer loopback = FlowerServer.start(open, Map.of())) {
      assertEquals("{\"asked\":false,\"role\":\"admin\"}", loopback.get("/v1/session").body());
      assertEquals(204, loopback.post("/v1/session", "{\"key\": \"any\"}").statusCode());
      String form =
          loopback.raw(
              "POST "
                  + unload()
                  + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  + "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n");
      assertTrue(form.startsWith("HTTP/1.1 403"), form);
    }
  }
}
