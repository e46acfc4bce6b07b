package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Teaching from many feature vectors in a small heap, in a process of its own. The full size is run
 * by {@code -Drows=50000 -Dheap=512m}.
 */
class MemoryTest {
  private static final int ROWS = Integer.getInteger("rows", 10_000);
  private static final String HEAP = System.getProperty("heap", "128m");
  private static final int WIDTH = 1280;

  @Test
  void featureVectorsAreKeptOutsideTheHeap(@TempDir Path folder) throws Exception {
    Path data = vectors(folder.resolve("vectors.jsonl"));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + HEAP,
                "-cp",
                System.getProperty("java.class.path"),
                Teach.class.getName(),
                folder.resolve("workspace").toString(),
                data.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    assertTrue(output.contains("taught " + ROWS), output);
    System.out.println(ROWS + " vectors of " + WIDTH + " in a heap of " + HEAP + ": " + output);
  }

  private static Path vectors(Path file) throws IOException {
    Random random = new Random(1);
    try (Writer out = Files.newBufferedWriter(file)) {
      StringBuilder line = new StringBuilder();
      for (int row = 0; row < ROWS; row++) {
        line.setLength(0);
        line.append("{\"features\":[");
        for (int i = 0; i < WIDTH; i++) {
          int tenths = random.nextInt(10) + (i == row % 3 ? 9 : 0);
          line.append(i == 0 ? "" : ",").append(tenths / 10).append('.').append(tenths % 10);
        }
        out.append(line).append("],\"label\":\"c").append(String.valueOf(row % 3)).append("\"}\n");
      }
    }
    return file;
  }

  /** The process with the small heap. */
  public static final class Teach {
    private Teach() {}

    public static void main(String[] args) {
      RecipeOptions two = RecipeOptions.DEFAULTS.with(RecipeOptions.Passes.of(2, null));
      try (Headstart headstart = Headstart.open(Path.of(args[0]))) {
        TeachResult result =
            headstart.teach(
                new TeachRequest(
                    "vectors", Path.of(args[1]), null, "auto", two, TeachRequest.Promotion.ALWAYS),
                TrainingListener.NONE);
        System.out.println(
            "taught "
                + (result.samples().train() + result.samples().validation())
                + ", "
                + result.validation().headline(dev.headstart.sample.Task.SINGLE)
                + ", "
                + result.seconds());
      }
    }
  }
}
