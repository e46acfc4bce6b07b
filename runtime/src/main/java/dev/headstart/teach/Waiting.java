package dev.headstart.teach;

import dev.headstart.error.FailureException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** Waits for what another thread does. */
final class Waiting {
  private Waiting() {}

  /** What comes of a stage, or its failure itself. */
  static <T> T join(CompletionStage<T> stage) throws InterruptedException {
    try {
      return stage.toCompletableFuture().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new FailureException("features could not be computed: " + e.getCause(), e);
    }
  }
}
