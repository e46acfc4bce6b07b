package dev.headstart.server.teach;

import dev.headstart.confidence.Drift;
import dev.headstart.server.http.Answers;
import dev.headstart.server.operation.Drifts;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelRepository;
import dev.headstart.teach.HeadDraft;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Patch;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Heads and their classes. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1/heads", produces = MediaType.ALL, consumes = MediaType.ALL)
final class HeadController {
  private final Teaching teaching;
  private final Exchange exchange;
  private final ModelRepository models;

  HeadController(Teaching teaching, Exchange exchange, ModelRepository models) {
    this.models = models;
    this.teaching = teaching;
    this.exchange = exchange;
  }

  @RequiresRole(Role.TEACH)
  @Post
  CompletionStage<HttpResponse<?>> create(HttpRequest<?> request) {
    return exchange.json(
        request,
        fields -> {
          HeadDraft draft = HeadBodies.draft(fields);
          teaching.create(draft);
          return Answers.json(HttpStatus.CREATED, view(draft.head()))
              .header(HttpHeaders.LOCATION, "/v1/heads/" + draft.head());
        });
  }

  @Get("/{head}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> one(@PathVariable String head) {
    return Answers.json(view(head));
  }

  private Map<String, Object> view(String head) {
    Map<String, Object> json = new LinkedHashMap<>(Views.head(teaching.head(head)));
    Drift.State drift = models.drift().get(head);
    json.put("drift", drift == null ? null : Drifts.json(drift));
    return json;
  }

  @RequiresRole(Role.TEACH)
  @Patch("/{head}")
  CompletionStage<HttpResponse<?>> change(@PathVariable String head, HttpRequest<?> request) {
    return exchange.json(
        request,
        fields -> {
          HeadSettings now = Heads.require(teaching, head);
          teaching.change(head, HeadBodies.change(fields, now));
          return Answers.json(view(head));
        });
  }

  @RequiresRole(Role.TEACH)
  @Delete("/{head}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> remove(@PathVariable String head) {
    teaching.remove(head);
    return HttpResponse.noContent();
  }

  @RequiresRole(Role.TEACH)
  @Post("/{head}/classes")
  CompletionStage<HttpResponse<?>> addClass(@PathVariable String head, HttpRequest<?> request) {
    return exchange.json(
        request,
        fields -> {
          String name = name(fields);
          teaching.addClass(head, name);
          return Answers.json(HttpStatus.CREATED, Map.of("name", name));
        });
  }

  private static String name(Fields fields) {
    String name = Classes.check(fields.required("name"));
    fields.end();
    return name;
  }

  @RequiresRole(Role.TEACH)
  @Patch("/{head}/classes/{class}")
  CompletionStage<HttpResponse<?>> renameClass(
      @PathVariable String head, @PathVariable("class") String name, HttpRequest<?> request) {
    return exchange.json(
        request,
        fields -> {
          String to = name(fields);
          teaching.renameClass(head, name, to);
          return Answers.json(Map.of("name", to));
        });
  }

  @RequiresRole(Role.TEACH)
  @Delete("/{head}/classes/{class}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> removeClass(@PathVariable String head, @PathVariable("class") String name) {
    teaching.removeClass(head, name);
    return HttpResponse.noContent();
  }
}
