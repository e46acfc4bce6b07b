package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server as a process of its own, killed in the middle of its work, again and again. What it has
 * said is done must be so for the next. The full number:
 *
 * <pre>
 * mvn -pl models,runtime,server test -Dtest=KillTest -Dsurefire.failIfNoSpecifiedTests=false -Drounds=200
 * </pre>
 */
class KillTest {
  private static final int ROUNDS = Integer.getInteger("rounds", 10);
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final int ADDERS = 3;
  private static final String HEAD = "/v1/heads/k";

  @TempDir Path workspace;

  /** What was acknowledged: by sample its label; null for one that was asked to be deleted. */
  private final Map<String, String> there = new ConcurrentHashMap<>();

  private final Set<String> deleted = ConcurrentHashMap.newKeySet();
  private final Map<String, Set<String>> asked = new ConcurrentHashMap<>();

  private List<String> java(String... args) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "dev.headstart.cli.Main"));
    command.addAll(List.of(args));
    command.addAll(List.of("--workspace", workspace.toString()));
    return command;
  }

  private Process serve() throws IOException {
    return new ProcessBuilder(
            java(
                "serve",
                "--json",
                "--port",
                "0",
                "--grpc-port",
                "-1",
                "--set",
                "headstart.log.level=error"))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static TeachClient client(Process server) throws IOException {
    BufferedReader out = server.inputReader(StandardCharsets.UTF_8);
    String line = out.readLine();
    assertTrue(line != null, "the server did not start");
    return new TeachClient(TeachClient.JSON.readTree(line).get("port").asInt());
  }

  @Test
  void whatWasSaidToBeDoneIsDone() throws Exception {
    System.out.println("seed " + SEED + ", rounds " + ROUNDS);
    Random random = new Random(SEED);
    int runs = 0;
    int resumed = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Process server = serve();
      ExecutorService clients = Executors.newFixedThreadPool(ADDERS + 2);
      try {
        TeachClient client = client(server);
        verify(client, round);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < ADDERS; i++) {
          long own = random.nextLong();
          all.add(clients.submit(() -> add(client, own)));
        }
        long deleter = random.nextLong();
        all.add(clients.submit(() -> delete(client, deleter)));
        Future<int[]> teaching = clients.submit(() -> teach(client));
        Thread.sleep(50 + random.nextInt(1_500));
        server.destroyForcibly().waitFor();
        for (Future<?> one : all) {
          one.get(60, TimeUnit.SECONDS);
        }
        runs += teaching.get(60, TimeUnit.SECONDS)[0];
      } finally {
        clients.shutdownNow();
        server.destroyForcibly().waitFor();
      }
      check();
    }
    Process server = serve();
    try {
      TeachClient client = client(server);
      verify(client, ROUNDS);
      client.awaitFeatures("k");
      for (JsonNode run : client.get(HEAD + "/runs").expect(200).path("runs")) {
        if (run.path("state").asText().equals("interrupted")) {
          client.post(HEAD + "/runs/" + run.path("id").asLong() + "/resume", null).expect(202);
          resumed++;
        }
        JsonNode over = client.awaitRun("k", run.path("id").asLong());
        assertTrue(
            Set.of("done", "failed", "cancelled").contains(over.path("state").asText()),
            over.toString());
      }
      System.out.println(
          there.size()
              + " samples, "
              + deleted.size()
              + " deleted, "
              + runs
              + " runs asked for, "
              + resumed
              + " resumed, live version "
              + client.head("k").path("version"));
    } finally {
      server.destroy();
      assertTrue(server.waitFor(60, TimeUnit.SECONDS));
    }
  }

  /** Adds samples until the server is gone; remembers which were acknowledged. */
  private Void add(TeachClient client, long seed) throws Exception {
    Clouds clouds = new Clouds(seed);
    Random random = new Random(seed);
    while (true) {
      int corner = random.nextInt(3);
      String label = "class" + corner;
      TeachClient.Answer answer;
      try {
        answer =
            client.post(HEAD + "/samples", clouds.samples(label, corner, 1 + random.nextInt(4)));
      } catch (IOException e) {
        return null; // killed
      }
      answer
          .expect(201)
          .path("samples")
          .forEach(sample -> there.put(sample.path("id").asText(), label));
    }
  }

  /** Deletes and moves acknowledged samples until the server is gone. */
  private Void delete(TeachClient client, long seed) throws Exception {
    Random random = new Random(seed);
    while (true) {
      List<String> some = new ArrayList<>(there.keySet());
      if (some.isEmpty()) {
        Thread.sleep(5);
        try {
          client.get("/health/liveness");
        } catch (IOException e) {
          return null;
        }
        continue;
      }
      String id = some.get(random.nextInt(some.size()));
      if (random.nextInt(3) > 0) {
        String label = "class" + random.nextInt(3);
        // Until it is answered, both labels are right.
        Set<String> both = asked.computeIfAbsent(id, one -> ConcurrentHashMap.newKeySet());
        both.add(there.get(id));
        both.add(label);
        try {
          client.patch(HEAD + "/samples/" + id, "{\"label\": \"" + label + "\"}").expect(200);
        } catch (IOException e) {
          return null;
        }
        there.put(id, label);
        asked.remove(id);
      } else {
        String label = there.remove(id);
        asked.put(id, new TreeSet<>(Set.of("", label)));
        try {
          assertEquals(204, client.delete(HEAD + "/samples/" + id).status());
        } catch (IOException e) {
          return null;
        }
        deleted.add(id);
        asked.remove(id);
      }
    }
  }

  /** Asks for one run after the other. */
  private int[] teach(TeachClient client) throws Exception {
    int asked = 0;
    try {
      while (true) {
        if (client.get(HEAD).status() == 200
            && client.head("k").path("classes").size() > 1
            && client.head("k").path("run").isNull()) {
          client.run("k", "{\"epochs\": 20, \"patience\": 0}");
          asked++;
        }
        Thread.sleep(20);
      }
    } catch (IOException e) {
      return new int[] {asked};
    }
  }

  /** What the next process finds. */
  private void verify(TeachClient client, int round) throws Exception {
    if (client.get(HEAD).status() == 404) {
      assertEquals(Map.of(), there);
      return;
    }
    Map<String, String> found = new LinkedHashMap<>();
    String next = "";
    while (next != null) {
      JsonNode page =
          client
              .get(HEAD + "/samples?limit=1000" + (next.isEmpty() ? "" : "&after=" + next))
              .expect(200);
      page.path("samples")
          .forEach(sample -> found.put(sample.path("id").asText(), sample.path("label").asText()));
      next = page.path("next").isNull() ? null : page.path("next").asText();
    }
    there.forEach(
        (id, label) -> {
          assertTrue(found.containsKey(id), "round " + round + ": lost " + id);
          assertTrue(
              found.get(id).equals(label)
                  || asked.getOrDefault(id, Set.of()).contains(found.get(id)),
              "round " + round + ": " + id + " is " + found.get(id) + ", not " + label);
        });
    deleted.forEach(id -> assertFalse(found.containsKey(id), "round " + round + ": back " + id));
    // What was asked for and not answered may be done or not; from now on it is as it is found.
    asked.clear();
    there.clear();
    there.putAll(found);
    JsonNode head = client.head("k");
    if (!head.path("version").isNull()) {
      JsonNode answer =
          TeachClient.await(
              () -> {
                TeachClient.Answer now =
                    client.post(HEAD + "/predict", new Clouds(round).question(0));
                return now.status() == 200 ? now.json() : TeachClient.JSON.createObjectNode();
              },
              now -> now.path("version").asInt() > 0,
              "the live version");
      assertTrue(answer.path("label").asText().startsWith("class"), answer.toString());
    }
  }

  /** The command that looks at all of it finds nothing. */
  private void check() throws Exception {
    Process check =
        new ProcessBuilder(java("workspace", "check", "--json")).redirectErrorStream(true).start();
    String said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, check.waitFor(), said);
  }
}
