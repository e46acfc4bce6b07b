package dev.headstart.server.teach;

import dev.headstart.server.http.Answers;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.sse.Event;
import java.util.LinkedHashMap;
import java.util.Map;
import org.reactivestreams.Publisher;

/** Tells pages of everything that changes. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller("/v1/events")
final class EventController {
  private final Teaching teaching;
  private final EventStreams streams;

  EventController(Teaching teaching, EventStreams streams) {
    this.teaching = teaching;
    this.streams = streams;
  }

  @Get(produces = MediaType.TEXT_EVENT_STREAM)
  HttpResponse<Publisher<Event<String>>> events(HttpRequest<?> request) {
    return streams.open(
        request,
        stream ->
            teaching
                .events()
                .subscribe(
                    event -> {
                      Map<String, Object> json = new LinkedHashMap<>();
                      json.put("head", event.head());
                      json.putAll(event.data());
                      stream.offer(null, event.type(), Answers.line(json));
                    }));
  }
}
