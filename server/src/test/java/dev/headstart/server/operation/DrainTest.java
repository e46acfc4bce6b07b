package dev.headstart.server.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.server.FlowerServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process of its own, told to stop under load. */
class DrainTest {
  private static final int CLIENTS = 8;

  @TempDir Path workspace;

  private Process start(String... more) throws IOException {
    FlowerServer.plant(workspace);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "dev.headstart.cli.Main",
                "serve",
                "--json",
                "--port",
                "0",
                "--grpc-port",
                "0",
                "--model",
                "flowers",
                "--workspace",
                workspace.toString()));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static int port(Process process) throws IOException {
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    JsonNode said = new ObjectMapper().readTree(out.readLine());
    assertTrue(said.get("grpcPort").asInt() > 0, said.toString());
    assertEquals("flowers", said.get("models").get(0).get("name").asText(), said.toString());
    return said.get("port").asInt();
  }

  @Test
  void noRequestThatWasSentIsLost() throws Exception {
    Process process = start("--set", "headstart.drain.delay=300ms");
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      int port = port(process);
      AtomicInteger answered = new AtomicInteger();
      List<Future<String>> all = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        all.add(clients.submit(() -> ask(port, answered)));
      }
      while (answered.get() < 200) {
        Thread.sleep(5);
      }
      process.destroy(); // SIGTERM
      for (Future<String> client : all) {
        assertEquals("", client.get(30, TimeUnit.SECONDS));
      }
      assertTrue(process.waitFor(30, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    } finally {
      clients.shutdownNow();
      process.destroyForcibly();
    }
  }

  /**
   * Asks over connections that are kept, as long as the server takes new ones.
   *
   * @return what went wrong; empty if nothing did
   */
  private static String ask(int port, AtomicInteger answered) throws Exception {
    byte[] request =
        ("POST /v2/models/flowers/infer HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/json\r\nContent-Length: "
                + FlowerServer.ASK.length()
                + "\r\n\r\n"
                + FlowerServer.ASK)
            .getBytes(StandardCharsets.US_ASCII);
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(20_000);
      InputStream in = socket.getInputStream();
      for (boolean close = false; !close; ) {
        socket.getOutputStream().write(request);
        String head = head(in);
        if (!head.startsWith("HTTP/1.1 200")) {
          return head;
        }
        in.readNBytes(
            Integer.parseInt(head.replaceAll("(?is).*content-length: *([0-9]+).*", "$1")));
        answered.incrementAndGet();
        close = head.toLowerCase().contains("connection: close");
      }
      return ""; // told to go away
    } catch (ConnectException e) {
      return ""; // the server takes no more: nothing was sent
    } catch (IOException e) {
      return "lost: " + e;
    }
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("closed after '" + head + "'");
      }
      head.append((char) next);
    }
    return head.toString();
  }
}
