package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.RawLabel;
import dev.headstart.sample.Sample;
import dev.headstart.server.http.Answers;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.Added;
import dev.headstart.teach.Feedback;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Post;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Makes samples of what was asked, by those who know better. */
@RequiresRole(Role.TEACH)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1/feedback", produces = MediaType.ALL, consumes = MediaType.ALL)
final class FeedbackController {
  private final Teaching teaching;
  private final TeachSettings settings;
  private final Exchange exchange;

  FeedbackController(Teaching teaching, TeachSettings settings, Exchange exchange) {
    this.teaching = teaching;
    this.settings = settings;
    this.exchange = exchange;
  }

  @Post
  CompletionStage<HttpResponse<?>> add(HttpRequest<?> request) {
    return exchange.bytes(request, body -> add(said(exchange.tree(body))));
  }

  /**
   * What one element says.
   *
   * @param id of the prediction
   */
  private record Said(String id, RawLabel label) {}

  private List<Said> said(JsonNode body) {
    List<Said> all = new ArrayList<>();
    for (JsonNode element : body instanceof ArrayNode list ? list : List.of(body)) {
      if (!(element instanceof ObjectNode object)) {
        throw new BadInputException("expected {\"id\": …, \"label\": …}, or a list of these");
      }
      Fields fields = new Fields(object);
      all.add(new Said(fields.required("id"), Labels.required(fields)));
      fields.end();
    }
    if (all.isEmpty() || all.size() > settings.samples()) {
      throw new BadInputException(
          all.isEmpty()
              ? "the list is empty"
              : "a request may say so of " + settings.samples() + " predictions at most");
    }
    return all;
  }

  /** All of it is looked at before anything is stored. */
  private HttpResponse<?> add(List<Said> all) {
    Map<String, List<NewSample>> byHead = new LinkedHashMap<>();
    Map<String, HeadSettings> heads = new LinkedHashMap<>();
    for (Said one : all) {
      Feedback.Prediction prediction = teaching.feedback().get(one.id());
      HeadSettings head =
          heads.computeIfAbsent(prediction.head(), name -> teaching.head(name).settings());
      Sample sample = prediction.sample("feedback");
      byHead
          .computeIfAbsent(prediction.head(), name -> new ArrayList<>())
          .add(
              new NewSample(
                  sample,
                  one.label().under(head.task()),
                  Labelled.type(sample),
                  StoredSample.Source.FEEDBACK));
    }
    List<Added> added = new ArrayList<>();
    byHead.forEach(
        (head, samples) ->
            added.addAll(
                teaching.add(
                    head,
                    HeadBodies.draft(head, heads.get(head).modality(), heads.get(head).task()),
                    samples)));
    return Answers.json(HttpStatus.CREATED, Views.added(added, List.of()));
  }
}
