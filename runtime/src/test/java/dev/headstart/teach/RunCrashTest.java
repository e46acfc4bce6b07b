package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.Training;
import dev.headstart.serving.ModelRepository;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that trains is killed; the next one goes on, to the same weights. */
@Timeout(180)
class RunCrashTest {
  private static final long SEED = Long.getLong("seed", 31);

  @TempDir Path folder;

  private static void until(BooleanSupplier holds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (!holds.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "waited too long");
      Thread.sleep(5);
    }
  }

  private static Map<String, String> finish(Path workspace, boolean begin) throws Exception {
    try (Headstart headstart = Headstart.open(workspace);
        ModelRepository repository = RunChild.repository(headstart);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      if (begin) {
        RunChild.begin(teaching, SEED);
      }
      until(
          () ->
              teaching.runs().list(RunChild.HEAD, 1).stream()
                  .anyMatch(run -> run.run().state().ended()));
      Run run = teaching.runs().list(RunChild.HEAD, 1).get(0).run();
      assertEquals(Run.State.DONE, run.state(), run.reason());
      assertEquals(1, run.version());
      assertEquals(50, run.samples());
      assertEquals(List.of(1), headstart.heads().versions(RunChild.HEAD));
      assertEquals(
          800,
          teaching.runs().get(RunChild.HEAD, run.id()).epochs().stream()
              .filter(epoch -> epoch.stage().equals("train"))
              .count());
      return headstart.heads().loadLive(RunChild.HEAD).manifest().files();
    }
  }

  @Test
  void theWeightsAreThoseOfAnUnbrokenRun() throws Exception {
    Training.require();
    System.out.println("seed " + SEED);
    Path broken = folder.resolve("broken");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx192m",
                "-Dheadstart.training.save=20",
                "-Dorg.sqlite.tmpdir=" + folder,
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                RunChild.class.getName(),
                broken.toString(),
                String.valueOf(SEED))
            .redirectOutput(folder.resolve("stdout").toFile())
            .redirectError(folder.resolve("stderr").toFile())
            .start();
    Path state = broken.resolve("heads").resolve(RunChild.HEAD).resolve(".run");
    try {
      until(() -> Files.exists(state) || !child.isAlive());
      Thread.sleep(new Random(SEED).nextInt(300));
    } finally {
      child.destroyForcibly().waitFor();
    }
    assertTrue(Files.exists(state), Files.readString(folder.resolve("stderr")));
    assertEquals(finish(folder.resolve("whole"), true), finish(broken, false));
  }
}
