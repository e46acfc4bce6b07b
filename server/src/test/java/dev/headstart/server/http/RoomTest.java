package dev.headstart.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.UnavailableException;
import dev.headstart.server.FlowerServer;
import dev.headstart.server.SharedServer;
import dev.headstart.server.protocol.Room;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Large bodies at the same time: one is read, others are told to come again. */
class RoomTest {
  private static final int LARGE = 2 << 20;
  private static final String INFER = "/v2/models/flowers/infer";

  @TempDir static Path workspace;
  private static FlowerServer server;
  private static Room room;

  @BeforeAll
  static void start() throws Exception {
    server = FlowerServer.start(workspace, Map.of("headstart.limits.in-flight", 1 << 20));
    room = server.server().bean(Room.class);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void isForAllTogetherAndForOneAloneEvenIfItIsTooLarge() {
    Room small = new Room(1000);
    try (Room.Lease first = small.lease();
        Room.Lease second = small.lease()) {
      first.take(Room.FREE);
      assertEquals(0, small.taken());
      first.take(5000);
      assertEquals(5000, small.taken());
      second.take(Room.FREE); // what is small goes through beside it
      assertThrows(UnavailableException.class, () -> second.take(1));
    }
    assertEquals(0, small.taken());
  }

  /** Begins to send a large body. */
  private static Socket begin(int sent) throws Exception {
    Socket socket = new Socket("127.0.0.1", server.port());
    socket.setSoTimeout(20_000);
    socket
        .getOutputStream()
        .write(
            ("POST "
                    + INFER
                    + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Length: "
                    + LARGE
                    + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    send(socket, sent);
    return socket;
  }

  private static void send(Socket socket, int bytes) throws Exception {
    socket.getOutputStream().write(" ".repeat(bytes).getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().flush();
  }

  private static void awaitTaken(boolean some) throws Exception {
    for (int i = 0; i < 1000 && room.taken() > LARGE / 2 != some; i++) {
      Thread.sleep(10);
    }
    assertEquals(some, room.taken() > LARGE / 2);
    if (!some) {
      assertEquals(0, room.taken());
    }
  }

  @Test
  void aSecondLargeBodyIsRefusedAndASmallOneAnswered() throws Exception {
    try (Socket first = begin(LARGE - 1)) {
      awaitTaken(true);
      assertRefused(" ".repeat(LARGE).getBytes(StandardCharsets.US_ASCII), "identity");
      assertRefused(SharedServer.gzip(new byte[LARGE]), "gzip");
      assertEquals(200, server.post(INFER, FlowerServer.ASK).statusCode());
      send(first, 1);
      try (InputStream in = first.getInputStream()) {
        String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(answer.startsWith("HTTP/1.1 400") && answer.contains("JSON"), answer);
      }
    }
    awaitTaken(false);
  }

  private static void assertRefused(byte[] body, String encoding) throws Exception {
    HttpResponse<String> refused =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + INFER))
                    .header("Content-Encoding", encoding)
                    .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertEquals(503, refused.statusCode(), refused.body());
    assertTrue(refused.headers().firstValue("Retry-After").isPresent());
    assertTrue(refused.body().contains("no memory left"), refused.body());
  }

  @Test
  void whoLeavesGivesItBack() throws Exception {
    Socket gone = begin(LARGE - 1);
    awaitTaken(true); // else the next one could find this one's memory still taken
    gone.close();
    awaitTaken(false);
    try (Socket socket = begin(LARGE - 1)) {
      awaitTaken(true);
      socket.setSoLinger(true, 0); // a reset
    }
    awaitTaken(false);
  }
}
