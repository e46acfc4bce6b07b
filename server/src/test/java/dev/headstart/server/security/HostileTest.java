package dev.headstart.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.FlowerServer;
import io.micronaut.web.router.Router;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages of other sites, names that lead elsewhere, clients that dawdle. */
class HostileTest {
  @TempDir static Path folder;
  private static FlowerServer server;

  @BeforeAll
  static void start() throws Exception {
    server =
        FlowerServer.start(
            folder.resolve("workspace"),
            Map.of(
                "headstart.connections.request",
                "1s",
                "headstart.connections.max",
                8,
                "headstart.allowed-hosts",
                List.of("edge.example.com", "*.svc.cluster.local"),
                "headstart.allowed-origins",
                List.of("https://app.example.com")));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static int status(String request) throws Exception {
    String answer = server.raw(request);
    assertTrue(answer.startsWith("HTTP/1."), () -> "no answer to " + request + ": " + answer);
    return Integer.parseInt(answer.substring(9, 12));
  }

  @ParameterizedTest
  @CsvSource({
    "localhost, 200",
    "localhost:8080, 200",
    "LOCALHOST, 200",
    "127.0.0.1, 200",
    "192.168.7.7:80, 200",
    "[::1]:8080, 200",
    "edge.example.com, 200",
    "a.svc.cluster.local, 200",
    "evil.example.com, 421",
    "evil.example.com:8080, 421",
    "localhost.evil.com, 421",
    "127.0.0.1.evil.com, 421",
    "evilsvc.cluster.local, 421",
    "[, 421",
    "localhost:x@evil.example.com, 421",
    "evil.example.com@localhost, 421",
    "[evil.example.com], 421",
    "[::1].evil.example.com, 421",
    "localhost:80:80, 421"
  })
  void aReboundNameIsNotAnswered(String host, int expected) throws Exception {
    assertEquals(
        expected, status("GET /v2 HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
  }

  @Test
  void theFirstLinesAddresseeCountsAndNotTheHeader() throws Exception {
    String end = "/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assertEquals(421, status("GET http://evil.example.com" + end));
    assertEquals(200, status("GET http://localhost:7" + end));
  }

  /** Two servers could see a second request in these, where the other sees a body, or none. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: localhost|Transfer-Encoding: xchunked||",
        "Host: localhost|Transfer-Encoding: chunked, identity||0||",
        "Host: localhost|Transfer-Encoding: chunked|Transfer-Encoding: identity||0||",
        "Host: localhost|Transfer-Encoding: chunked|Content-Length: 5||0||",
        "Host: localhost|Content-Length: 2|Content-Length: 7||{}",
        "Host: localhost|Transfer-Encoding: chunked||5|hello|zz|",
        "Host: localhost|Transfer-Encoding: chunked||5|hello0||",
        "Host: localhost|Transfer-Encoding: chunked||-1||",
        "Host: localhost|Transfer-Encoding: chunked||ffffffffffffffff||",
        "Host: localhost|Host: evil.example.com|Content-Length: 0||",
        "Content-Length: 0||",
        "Host: localhost|Origin: http://localhost|Origin: http://evil.com|Content-Length: 0||",
      })
  void requestsWhoseEndIsInDoubtAreRefusedAndTheirConnectionsClosed(String lines) throws Exception {
    String answer =
        server.raw(
            "POST /v1/heads/flowers/predict HTTP/1.1\r\n"
                + lines.replace("|", "\r\n")
                + "GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 400"), answer);
    assertEquals(1, answer.split("HTTP/1[.]1", -1).length - 1, answer);
  }

  @ParameterizedTest
  @CsvSource({
    "http://localhost:8080, 200",
    "https://app.example.com, 200",
    "https://evil.example.com, 403",
    "http://localhost:9999, 403",
    "null, 403"
  })
  void pagesOfOtherSitesMayNotAsk(String origin, int expected) throws Exception {
    assertEquals(
        expected,
        status(
            "GET /v2 HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: "
                + origin
                + "\r\nConnection: close\r\n\r\n"));
  }

  @Test
  void anAllowedPageIsToldThatItIs() throws Exception {
    String preflight =
        server.raw(
            "OPTIONS /v2/models/flowers/infer HTTP/1.1\r\nHost: localhost\r\n"
                + "Origin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n"
                + "Connection: close\r\n\r\n");
    assertTrue(preflight.startsWith("HTTP/1.1 200"), preflight);
    assertTrue(
        preflight.toLowerCase().contains("access-control-allow-origin: https://app.example.com"),
        preflight);
  }

  @Test
  void everyAnswerHasAnIdAndForbidsGuessingItsType() throws Exception {
    var answer = server.get("/v2", "X-Request-Id", "order-7");
    assertEquals("order-7", answer.headers().firstValue("X-Request-Id").orElseThrow());
    assertEquals("nosniff", answer.headers().firstValue("X-Content-Type-Options").orElseThrow());
    String made =
        server
            .get("/nowhere", "X-Request-Id", "a b<script>")
            .headers()
            .firstValue("X-Request-Id")
            .orElseThrow();
    assertTrue(made.matches("[0-9a-f]{16}"), made);
  }

  /** Every route with a name in it, and names that would lead out of the workspace. */
  @Test
  void namesStayInTheWorkspace() throws Exception {
    Path outside = Files.createDirectories(folder.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "x");
    Set<Path> before = tree();
    Set<String> routes = new TreeSet<>();
    server
        .server()
        .bean(Router.class)
        .uriRoutes()
        .filter(route -> route.getUriMatchTemplate().toString().contains("{"))
        .forEach(
            route -> routes.add(route.getHttpMethodName() + " " + route.getUriMatchTemplate()));
    assertTrue(routes.size() > 5, routes.toString());
    for (String route : routes) {
      String method = route.substring(0, route.indexOf(' '));
      String template = route.substring(route.indexOf(' ') + 1).replaceAll("\\{\\?.*\\}", "");
      for (String name :
          List.of(
              "..%2f..%2foutside",
              "%2e%2e%2foutside",
              "..",
              "..%5c..%5coutside",
              "%2fetc%2fpasswd",
              "a%00b",
              "a".repeat(3_000),
              "%c0%ae%c0%ae")) {
        String path = template.replaceAll("\\{[^}]*\\}", name);
        String answer =
            server.raw(
                method
                    + " "
                    + path
                    + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        int status = Integer.parseInt(answer.substring(9, 12));
        assertTrue(status >= 400 && status < 500, () -> route + " " + name + ": " + answer);
        assertFalse(answer.contains(folder.toString()), () -> "shows a path: " + answer);
      }
    }
    assertEquals(before, tree());
  }

  private static Set<Path> tree() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.collect(Collectors.toSet());
    }
  }

  @Test
  void aClientThatSendsAByteAtATimeIsLeft() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(10_000);
      byte[] request = "GET /v2 HTTP/1.1\r\nX-Slow: ".getBytes(StandardCharsets.US_ASCII);
      boolean left = false;
      for (int i = 0; i < 600 && !left; i++) {
        try {
          socket.getOutputStream().write(request[Math.min(i, request.length - 1)]);
          socket.getOutputStream().flush();
        } catch (IOException e) {
          left = true; // reset
        }
        Thread.sleep(20);
      }
      assertTrue(left, "still connected after twelve times what is allowed");
    }
  }

  @Test
  void connectionsMoreThanAllowedAreClosed() throws Exception {
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 12; i++) {
        sockets.add(new Socket("127.0.0.1", server.port()));
      }
      boolean closed = false;
      for (Socket socket : sockets) {
        socket.setSoTimeout(20);
        try {
          closed |= socket.getInputStream().read() < 0;
        } catch (IOException e) {
          closed |= e.getMessage().contains("reset"); // else it is still open
        }
      }
      assertTrue(closed);
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
