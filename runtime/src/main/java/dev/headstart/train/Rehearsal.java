package dev.headstart.train;

import dev.headstart.error.FailureException;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Trains a toy head on a spare core while the base model is being read, once a process: classes are
 * loaded and code is compiled by the time the real head trains. On two cores this takes half of the
 * training stage of a first, small head away, and costs no time.
 */
final class Rehearsal {
  private static CompletableFuture<Void> once;

  private Rehearsal() {}

  /** Starts it, if this process has not rehearsed yet. */
  static synchronized CompletableFuture<Void> start() {
    if (once == null) {
      once = new CompletableFuture<>();
      Thread thread =
          new Thread(
              () -> {
                try {
                  train();
                  once.complete(null);
                } catch (RuntimeException | IOException e) {
                  once.completeExceptionally(e);
                }
              },
              "headstart-rehearsal");
      thread.setDaemon(true);
      thread.start();
    }
    return once;
  }

  /**
   * Waits for its end.
   *
   * @throws FailureException if it failed, as the real training would
   */
  static void await(CompletableFuture<Void> rehearsal) {
    try {
      rehearsal.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new FailureException(
          "the folder for temporary files cannot be used: " + e.getCause(), e.getCause());
    }
  }

  private static void train() throws IOException {
    FeatureTable features = new FeatureTable(4);
    int[] labels = IntStream.range(0, 40).map(row -> row % 2).toArray();
    for (int label : labels) {
      features.add(new float[] {label, 1 - label, 0, 1});
    }
    RecipeOptions options = RecipeOptions.DEFAULTS;
    Recipe recipe = options.resolve(Task.SINGLE, features.width());
    HeadNetwork network =
        HeadNetwork.fresh(recipe.kind(), new Scaling(new float[4], new float[] {1}), 2, 1);
    Path folder = Files.createTempDirectory("headstart-rehearsal");
    try {
      int[] rows = IntStream.range(0, 40).toArray();
      new Trainer(network, features, Targets.classes(2, labels), null, recipe)
          .train(folder, rows, rows, recipe.epochs(), TrainingListener.NONE);
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
