package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.server.http.Answers;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.util.List;
import java.util.Map;

/** Versions: looked at, compared, made live. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1/heads/{head}", produces = MediaType.ALL, consumes = MediaType.ALL)
@ExecuteOn(TaskExecutors.BLOCKING)
final class VersionController {
  private final Teaching teaching;

  VersionController(Teaching teaching) {
    this.teaching = teaching;
  }

  @Get("/versions")
  HttpResponse<byte[]> all(@PathVariable String head) {
    teaching.head(head);
    List<Map<String, Object>> versions =
        teaching.versions().list(head).stream().map(Views::version).toList();
    return Answers.json(Map.of("versions", versions));
  }

  @Get("/versions/{version}")
  HttpResponse<byte[]> one(@PathVariable String head, @PathVariable String version) {
    return Answers.json(Views.version(teaching.versions().get(head, Names.version(version))));
  }

  @Get("/versions/{version}/evaluation")
  HttpResponse<byte[]> evaluation(
      @PathVariable String head,
      @PathVariable String version,
      @QueryValue @Nullable String samples) {
    if (samples != null && !samples.equals("all") && !samples.equals("validation")) {
      throw new BadInputException(
          "'samples' must be all or validation, not '" + Names.shown(samples) + "'");
    }
    boolean unseen = samples != null && samples.equals("validation");
    return Answers.json(
        Views.evaluation(teaching.versions().evaluate(head, Names.version(version), unseen), true));
  }

  @Get("/compare")
  HttpResponse<byte[]> compare(
      @PathVariable String head, @QueryValue @Nullable String a, @QueryValue @Nullable String b) {
    int first = named("a", a);
    int second = named("b", b);
    teaching.head(head);
    return Answers.json(Views.comparison(teaching.versions().compare(head, first, second)));
  }

  private static int named(String name, String version) {
    if (version == null || version.isEmpty()) {
      throw new BadInputException("'" + name + "' is missing: expected ?a=1&b=2, two versions");
    }
    return Names.version(version);
  }

  @RequiresRole(Role.TEACH)
  @Post("/versions/{version}/promote")
  HttpResponse<byte[]> promote(@PathVariable String head, @PathVariable String version) {
    return live(teaching.versions().promote(head, Names.version(version)));
  }

  @RequiresRole(Role.TEACH)
  @Post("/rollback")
  HttpResponse<byte[]> rollback(@PathVariable String head) {
    return live(teaching.versions().rollback(head));
  }

  private static HttpResponse<byte[]> live(int version) {
    return Answers.json(Map.of("version", version));
  }

  @RequiresRole(Role.TEACH)
  @Delete("/versions/{version}")
  HttpResponse<?> remove(@PathVariable String head, @PathVariable String version) {
    teaching.versions().remove(head, Names.version(version));
    return HttpResponse.noContent();
  }
}
