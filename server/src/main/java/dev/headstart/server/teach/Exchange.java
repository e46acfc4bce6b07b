package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.server.http.Bodies;
import dev.headstart.server.http.Json;
import dev.headstart.server.protocol.Limits;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;

/** Requests whose answer takes a disk: they are read as they come and answered by a worker. */
@Singleton
final class Exchange {
  /** Bytes of a request in JSON that holds no samples: names, settings, ids. */
  private static final int LONGEST = 1 << 20;

  private final Bodies bodies;
  private final ExecutorService workers;
  private final ObjectMapper json;

  Exchange(Bodies bodies, Limits limits, @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.bodies = bodies;
    this.workers = workers;
    this.json = new ObjectMapper(Json.factory(limits));
  }

  /** Reads a body of whatever kind. */
  CompletionStage<HttpResponse<?>> bytes(
      HttpRequest<?> request, Function<byte[], HttpResponse<?>> work) {
    return bodies.read(
        request, body -> CompletableFuture.supplyAsync(() -> work.apply(body), workers));
  }

  /** Reads a JSON object; no body is an empty one. Fields that are not asked for are refused. */
  CompletionStage<HttpResponse<?>> json(
      HttpRequest<?> request, Function<Fields, HttpResponse<?>> work) {
    return bytes(request, body -> work.apply(new Fields(object(body))));
  }

  /** Reads a JSON object, and answers when what it asks for is there. */
  CompletionStage<HttpResponse<?>> later(
      HttpRequest<?> request, Function<Fields, CompletionStage<HttpResponse<?>>> work) {
    return bodies.read(request, body -> work.apply(new Fields(object(body))));
  }

  /** A body that is small by its nature, as a tree. */
  JsonNode tree(byte[] body) {
    return Json.tree(json, body, LONGEST);
  }

  /** A JSON object; no body is an empty one. */
  ObjectNode object(byte[] body) {
    return body.length == 0 ? json.createObjectNode() : Json.object(json, body, LONGEST);
  }
}
