package dev.headstart.server.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.server.FlowerServer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTest {
  @TempDir Path workspace;

  @Test
  void aModelsMetersComeAndGoWithIt() {
    Metrics metrics = new Metrics();
    metrics.executed("a", 4, 1_000_000);
    metrics.succeeded("a", 2_000_000);
    metrics.failed("a", new BadInputException("no"), 1);
    metrics.live("a", 3);
    String there = metrics.scrape(Set.of("a"), model -> 7, Map.of());
    for (String line :
        new String[] {
          "headstart_requests_total{model=\"a\"} 1.0",
          "headstart_failures_total{model=\"a\",reason=\"bad_input\"} 1.0",
          "headstart_batch_size_sum{model=\"a\"} 4.0",
          "headstart_inference_seconds_bucket{model=\"a\",le=\"0.001\"} 1",
          "headstart_live_version{model=\"a\"} 3.0",
          "headstart_queue{model=\"a\"} 7.0",
          "process_resident_memory_bytes",
          "jvm_memory_used_bytes"
        }) {
      assertTrue(there.contains(line), line + " is not in " + there);
    }
    assertFalse(metrics.scrape(Set.of(), model -> 0, Map.of()).contains("\"a\""));
  }

  @Test
  void namesThatAnybodyMadeUpAreNotKept() {
    Metrics metrics = new Metrics();
    for (int i = 0; i < 100; i++) {
      metrics.failed("made-up-" + i, new NotFoundException("no"), 1);
    }
    String scraped = metrics.scrape(Set.of(), model -> 0, Map.of());
    assertFalse(scraped.contains("made-up"));
    assertTrue(scraped.contains("headstart_unknown_models_total 100.0"), scraped);
  }

  @Test
  void requestsAreCounted() throws Exception {
    try (FlowerServer server = FlowerServer.start(workspace, Map.of())) {
      for (int i = 0; i < 3; i++) {
        assertEquals(200, server.post("/v2/models/flowers/infer", FlowerServer.ASK).statusCode());
      }
      server.post("/v2/models/none/infer", FlowerServer.ASK);
      String scraped = server.get("/prometheus").body();
      assertTrue(scraped.contains("headstart_requests_total{model=\"flowers\"} 3.0"), scraped);
      assertTrue(scraped.contains("headstart_live_version{model=\"flowers\"} 1.0"), scraped);
      assertFalse(scraped.contains("\"none\""), scraped);
      assertTrue(scraped.contains("headstart_unknown_models_total 1.0"), scraped);
    }
  }
}
