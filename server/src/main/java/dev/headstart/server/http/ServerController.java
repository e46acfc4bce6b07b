package dev.headstart.server.http;

import dev.headstart.server.Draining;
import dev.headstart.server.protocol.ServerMetadata;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelRepository;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the server is, and whether it answers. */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v2", produces = MediaType.ALL)
final class ServerController {
  private final ModelRepository models;
  private final Draining draining;

  ServerController(ModelRepository models, Draining draining) {
    this.models = models;
    this.draining = draining;
  }

  @Get
  HttpResponse<byte[]> metadata() {
    ServerMetadata server = ServerMetadata.current();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", server.name());
    json.put("version", server.version());
    json.put("extensions", server.extensions());
    return Answers.json(json);
  }

  @RequiresRole.Open
  @Get("/health/live")
  HttpResponse<byte[]> live() {
    return Answers.json(Map.of("live", true));
  }

  @RequiresRole.Open
  @Get("/health/ready")
  HttpResponse<byte[]> ready() {
    if (draining.begun()) {
      return ModelController.notReady(null, "the server is about to stop");
    }
    if (models.ready()) {
      return Answers.json(Map.of("ready", true));
    }
    return ModelController.notReady(null, "models are being loaded");
  }
}
