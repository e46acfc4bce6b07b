package dev.headstart.server.teach;

import dev.headstart.error.NotFoundException;
import dev.headstart.server.http.Answers;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.Run;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Header;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.sse.Event;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Named;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import org.reactivestreams.Publisher;

/** Runs: asked for, watched, stopped. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1", produces = MediaType.ALL, consumes = MediaType.ALL)
final class RunController {
  /** Runs of a list. */
  private static final int MOST = 1_000;

  private final Teaching teaching;
  private final Exchange exchange;
  private final EventStreams streams;
  private final ExecutorService workers;

  RunController(
      Teaching teaching,
      Exchange exchange,
      EventStreams streams,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.workers = workers;
    this.teaching = teaching;
    this.exchange = exchange;
    this.streams = streams;
  }

  @RequiresRole(Role.TEACH)
  @Post("/heads/{head}/runs")
  CompletionStage<HttpResponse<?>> start(@PathVariable String head, HttpRequest<?> request) {
    return exchange.bytes(
        request,
        body -> {
          teaching.head(head); // before what is wrong with its recipe
          Run run = teaching.runs().submit(head, exchange.object(body), Run.Cause.REQUEST);
          return accepted(head, run)
              .header(HttpHeaders.LOCATION, "/v1/heads/" + head + "/runs/" + run.id());
        });
  }

  private MutableHttpResponse<byte[]> accepted(String head, Run run) {
    return Answers.json(HttpStatus.ACCEPTED, Views.run(teaching.runs().get(head, run.id())));
  }

  @Get("/runs")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> all() {
    return list(null);
  }

  @Get("/heads/{head}/runs")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> ofHead(@PathVariable String head) {
    teaching.head(head);
    return list(head);
  }

  private HttpResponse<byte[]> list(@Nullable String head) {
    List<Map<String, Object>> runs =
        teaching.runs().list(head, MOST).stream().map(Views::run).toList();
    return Answers.json(Map.of("runs", runs));
  }

  @Get("/heads/{head}/runs/{run}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> one(@PathVariable String head, @PathVariable String run) {
    return Answers.json(Views.run(teaching.runs().get(head, number(head, run))));
  }

  private long number(String head, String run) {
    try {
      return Long.parseLong(run);
    } catch (NumberFormatException e) {
      throw new NotFoundException(
          "the head '" + Names.shown(head) + "' has no run '" + Names.shown(run) + "'");
    }
  }

  @Get(value = "/heads/{head}/runs/{run}/events", produces = MediaType.TEXT_EVENT_STREAM)
  CompletionStage<HttpResponse<Publisher<Event<String>>>> events(
      @PathVariable String head,
      @PathVariable String run,
      @Header("Last-Event-ID") @Nullable String last,
      HttpRequest<?> request) {
    long id = number(head, run);
    long after = after(last);
    return CompletableFuture.supplyAsync(() -> teaching.runs().get(head, id), workers)
        .thenApplyAsync(
            there -> streams.open(request, stream -> follow(head, id, after, stream)),
            EventStreams.loop(request));
  }

  private AutoCloseable follow(String head, long id, long after, EventStreams.Stream stream) {
    return teaching
        .runs()
        .follow(
            head,
            id,
            after,
            event ->
                stream.offer(String.valueOf(event.id()), event.type(), Answers.line(event.data())),
            stream::end);
  }

  /** The number of the last event that a client saw; what is none of ours is as none. */
  private static long after(String last) {
    try {
      return last == null ? -1 : Long.parseLong(last.strip());
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  @RequiresRole(Role.TEACH)
  @Post("/heads/{head}/runs/{run}/cancel")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> cancel(@PathVariable String head, @PathVariable String run) {
    return accepted(head, teaching.runs().cancel(head, number(head, run)));
  }

  @RequiresRole(Role.TEACH)
  @Post("/heads/{head}/runs/{run}/resume")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> resume(@PathVariable String head, @PathVariable String run) {
    return accepted(head, teaching.runs().resume(head, number(head, run)));
  }
}
