package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.train.RunStore;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MembershipsTest {
  @TempDir Path root;
  private Workspace workspace;
  private RunStore runs;

  @BeforeEach
  void open() {
    workspace = Workspace.open(root);
    runs = workspace.runs();
  }

  @AfterEach
  void close() {
    workspace.close();
  }

  @Test
  void whatJudgedOnceIsKnownForAllVersions() {
    runs.record("a", 1, Map.of("01", true, "02", false));
    runs.record("a", 2, Map.of("01", true, "03", true, "04", false));
    runs.record("b", 1, Map.of("05", true));
    workspace.close();
    open();
    assertEquals(Set.of("01", "03"), runs.judgedBy("a"));
    assertEquals(Set.of("02"), runs.trainedOn("a", 1));
    assertEquals(Set.of("04"), runs.trainedOn("a", 2));
    assertEquals(Set.of(), runs.trainedOn("a", 3));
    assertEquals(Set.of("05"), runs.judgedBy("b"));
    assertEquals(Set.of(), runs.judgedBy("c"));
  }

  @Test
  void recordingAgainReplaces() {
    runs.record("a", 1, Map.of("01", true, "02", false));
    runs.record("a", 1, Map.of("02", true));
    assertEquals(Set.of("02"), runs.judgedBy("a"));
    assertEquals(Set.of(), runs.trainedOn("a", 1));
    runs.record("a", 1, Map.of());
    assertEquals(Set.of(), runs.judgedBy("a"));
  }

  @Test
  void whatJudgedStaysKnownUntilTheHeadIsForgotten() {
    runs.record("a", 1, Map.of("01", true, "02", false));
    runs.record("a", 2, Map.of("03", true, "04", false));
    runs.record("b", 1, Map.of("05", true, "06", false));
    runs.forget("a", List.of(1, 7));
    assertEquals(Set.of("01", "03"), runs.judgedBy("a"));
    assertEquals(Set.of(), runs.trainedOn("a", 1));
    assertEquals(Set.of("04"), runs.trainedOn("a", 2));
    runs.forget("a");
    assertEquals(Set.of(), runs.judgedBy("a"));
    assertEquals(Set.of(), runs.trainedOn("a", 2));
    assertEquals(Set.of("05"), runs.judgedBy("b"));
    runs.forget("nobody");
  }

  @Test
  void aRunThatCannotBeRecordedLeavesTheOldOne() {
    runs.record("a", 1, Map.of("01", true));
    assertThrows(
        IllegalArgumentException.class, () -> runs.record("a", 1, Map.of("02", true, "zz", true)));
    assertEquals(Set.of("01"), runs.judgedBy("a"));
    runs.record("a", 2, Map.of("03", true));
    assertEquals(Set.of("01", "03"), runs.judgedBy("a"), "the connection is still good");
  }

  @Test
  void aLargeRunIsRecordedWhole() {
    long seed = Long.getLong("seed", 3);
    System.out.println("MembershipsTest seed " + seed);
    Random random = new Random(seed);
    Map<String, Boolean> run = new HashMap<>();
    Set<String> judged = new HashSet<>();
    for (int i = 0; i < 50_000; i++) {
      String sample = String.format("%016x%048x", random.nextLong(), i);
      boolean validation = random.nextInt(5) == 0;
      run.put(sample, validation);
      if (validation) {
        judged.add(sample);
      }
    }
    long start = System.nanoTime();
    runs.record("a", 1, run);
    System.out.printf(
        "50,000 samples recorded in %d ms%n", (System.nanoTime() - start) / 1_000_000);
    assertEquals(judged, runs.judgedBy("a"));
    assertEquals(50_000 - judged.size(), runs.trainedOn("a", 1).size());
  }
}
