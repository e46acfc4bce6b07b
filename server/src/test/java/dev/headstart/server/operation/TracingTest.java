package dev.headstart.server.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.headstart.server.FlowerServer;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TracingTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @TempDir Path workspace;

  @Test
  void spansOfTheClientsTraceReachTheCollector() throws Exception {
    Queue<String> spans = new ConcurrentLinkedQueue<>();
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          boolean zipped = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
          InputStream in = new ByteArrayInputStream(body);
          spans.add(
              new String(
                  (zipped ? new GZIPInputStream(in) : in).readAllBytes(),
                  StandardCharsets.ISO_8859_1));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    String endpoint = "http://127.0.0.1:" + collector.getAddress().getPort();
    try {
      try (FlowerServer server =
          FlowerServer.start(workspace, Map.of("headstart.tracing.endpoint", endpoint))) {
        assertEquals(
            200,
            server
                .post(
                    "/v2/models/flowers/infer",
                    FlowerServer.ASK,
                    "traceparent",
                    "00-" + TRACE + "-b7ad6b7169203331-01")
                .statusCode());
      }
      String all = String.join("", spans);
      String id = new String(HexFormat.of().parseHex(TRACE), StandardCharsets.ISO_8859_1);
      assertTrue(all.contains(id), "no span of the client's trace");
      assertTrue(all.contains("headstart.model"), "no model's name");
      assertTrue(all.contains("flowers"), "no model's name");
    } finally {
      collector.stop(0);
    }
  }
}
