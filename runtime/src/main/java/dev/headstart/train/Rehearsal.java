package dev.headstart.train;

import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a toy head beside the reading of the base model, once a process, so that classes are
 * loaded and code is compiled by the time the real head trains: in a process that teaches one small
 * head those cost more than its training. Nothing waits for it and nothing depends on it.
 */
final class Rehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
  private static final AtomicBoolean HELD = new AtomicBoolean();

  private final Thread thread = new Thread(Rehearsal::hold, "headstart-rehearsal");

  /** Starts it, unless this process has rehearsed already. */
  Rehearsal() {
    if (HELD.compareAndSet(false, true)) {
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** Waits for its end, so that what it opened is closed. */
  void end() {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void hold() {
    try {
      train();
    } catch (RuntimeException | IOException | LinkageError e) {
      LOG.debug("the rehearsal failed; the training will say whether that matters", e);
    }
  }

  private static void train() throws IOException {
    FeatureTable features = new FeatureTable(4);
    int[] labels = IntStream.range(0, 40).map(row -> row % 2).toArray();
    for (int label : labels) {
      features.add(new float[] {label, 1 - label, 0, 1});
    }
    RecipeOptions smallBatches = RecipeOptions.DEFAULTS.with(RecipeOptions.Passes.of(null, 8));
    Recipe recipe = smallBatches.resolve(Task.SINGLE, features.width());
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
