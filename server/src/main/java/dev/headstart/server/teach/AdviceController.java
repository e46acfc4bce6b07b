package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.server.http.Answers;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.Advising;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/** Advice on a head's samples. Nobody waits for it on a thread. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1", produces = MediaType.ALL, consumes = MediaType.ALL)
final class AdviceController {
  /** Seconds that a request waits for advice. */
  private static final int PATIENCE = 20;

  private final Teaching teaching;
  private final Exchange exchange;
  private final ExecutorService workers;

  AdviceController(
      Teaching teaching,
      Exchange exchange,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.teaching = teaching;
    this.exchange = exchange;
    this.workers = workers;
  }

  @Get("/heads/{head}/advice")
  CompletionStage<HttpResponse<?>> ofHead(@PathVariable String head) {
    return advice(head);
  }

  @Get("/advice")
  CompletionStage<HttpResponse<?>> asked(@QueryValue @Nullable String head) {
    if (head == null || head.isBlank()) {
      throw new BadInputException("'head' is missing: expected ?head=NAME");
    }
    return advice(head);
  }

  @Post("/advice")
  CompletionStage<HttpResponse<?>> posted(HttpRequest<?> request) {
    return exchange.later(
        request,
        fields -> {
          String head = fields.required("head");
          fields.end();
          return advice(head);
        });
  }

  private CompletionStage<HttpResponse<?>> advice(String head) {
    return CompletableFuture.supplyAsync(() -> teaching.advice(head), workers)
        .thenCompose(asked -> answer(head, asked));
  }

  private static CompletionStage<HttpResponse<?>> answer(String head, Advising.Asked asked) {
    if (asked.advised() == null) {
      int pending = asked.pending();
      return CompletableFuture.completedFuture(
          waits(
              "features",
              pending,
              (pending == 1 ? "1 sample is" : pending + " samples are")
                  + " still being looked at: ask again in a moment"));
    }
    HttpResponse<?> working =
        waits("working", 0, "the samples are being looked at: ask again in a moment");
    // What ends by the clock is this answer; the advice goes on for who asks next.
    return asked
        .advised()
        .<HttpResponse<?>>thenApply(advised -> Answers.json(Views.advice(head, advised)))
        .completeOnTimeout(working, PATIENCE, TimeUnit.SECONDS)
        .exceptionallyCompose(
            e -> {
              boolean changed =
                  e instanceof CancellationException
                      || e instanceof CompletionException
                          && e.getCause() instanceof CancellationException;
              return changed
                  ? CompletableFuture.completedFuture(working)
                  : CompletableFuture.failedFuture(e);
            });
  }

  private static HttpResponse<?> waits(String state, int pending, String message) {
    return Answers.json(
        HttpStatus.ACCEPTED, Map.of("state", state, "pending", pending, "message", message));
  }
}
