package dev.headstart.server.studio;

import static dev.headstart.server.studio.Operator.said;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that do not simply end: cancelled, begun anew, broken off; and a server that goes away. */
class StudioRunsTest {
  private static final String CANCEL = "//section[contains(@class,'teach')]//button[.='Cancel']";

  private static Browser browser;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    browser = Browser.start();
    browser.screen(1280, 800, false);
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
  }

  @Test
  void runsAreCancelledBegunAnewAndTakenUpAgain() throws Exception {
    Path workspace = folder.resolve("workspace");
    Server server = Operator.server(workspace, Map.of());
    int port = server.port();
    try {
      Operator operator = new Operator(browser, server);
      String last = samples(operator);
      operator.open("line", "teach");

      long first = begin(operator);
      browser.look("run");
      browser.click(CANCEL);
      browser.see(said("was cancelled"));
      assertEquals("cancelled", state(operator, first));

      long second = begin(operator);
      operator.ask("DELETE", "/v1/heads/line/samples/" + last, null);
      String anew = browser.see("//*[@role='status' and contains(.,'began anew')]").getText();
      assertTrue(anew.contains("deleted"), anew);
      browser.look("run-anew");

      server.close();
      browser.see(".banner");
      assertTrue(browser.see(".banner").getText().contains("does not answer"));
      Path late = Files.writeString(folder.resolve("late.jsonl"), "{\"features\": [0.2, 0.9]}\n");
      browser.upload("input[aria-label='JSONL files for low']", List.of(late));
      browser.see("//*[@role='alert' and contains(.,'1 sample not sent yet')]");
      browser.look("server-away");
      interrupt(workspace, second);
      server = Operator.server(workspace, Map.of("headstart.port", port));
      browser.await("no banner", () -> browser.all(".banner").isEmpty());
      browser.press("Try again");
      operator.counted("low", 21);
      browser.see(said("was interrupted"));
      browser.look("run-interrupted");
      browser.press("Go on");
      browser.see(CANCEL);
      browser.await("it runs", () -> state(operator, second).equals("running"));
      browser.click(CANCEL);
      browser.see(said("was cancelled"));
      browser.complaints(); // of the server's absence
      browser.open("about:blank");
    } finally {
      server.close();
    }
  }

  /** Many more epochs than this machine does while a test looks. */
  private static long begin(Operator operator) throws Exception {
    long run =
        operator
            .ask(
                "POST",
                "/v1/heads/line/runs",
                Map.of("epochs", 100_000, "patience", 100_000, "rate", 1e-6))
            .get("id")
            .asLong();
    browser.see(CANCEL);
    browser.see("//section[contains(@class,'teach')]//*[contains(.,'epoch ')]");
    return run;
  }

  private static String state(Operator operator, long run) {
    try {
      return operator.ask("GET", "/v1/heads/line/runs/" + run, null).get("state").asText();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** A head of vectors, whose training is quick; the last sample's id. */
  private static String samples(Operator operator) throws Exception {
    operator.ask("POST", "/v1/heads", Map.of("head", "line", "modality", "tensor"));
    String last = null;
    for (String label : List.of("low", "high")) {
      List<Map<String, Object>> samples = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        samples.add(Map.of("features", List.of(label.equals("low") ? 0.1f : 0.9f, i * 0.01f)));
      }
      last =
          operator
              .ask("POST", "/v1/heads/line/samples", Map.of("label", label, "samples", samples))
              .at("/samples/19/id")
              .asText();
    }
    return last;
  }

  /** As a run is left that could not go on by itself. */
  private static void interrupt(Path workspace, long run) throws Exception {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + workspace.resolve("headstart.db"));
        Statement statement = connection.createStatement()) {
      assertEquals(
          1,
          statement.executeUpdate(
              "UPDATE run SET state = 'interrupted', reason = 'a test did it' WHERE id = " + run));
    }
  }
}
