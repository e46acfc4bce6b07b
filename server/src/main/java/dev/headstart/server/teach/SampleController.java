package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadNames;
import dev.headstart.sample.Modality;
import dev.headstart.server.http.Answers;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Teaching;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.annotation.Nullable;
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
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.server.types.files.SystemFile;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

/** Samples of heads: adding, looking, correcting, forgetting. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1/heads/{head}/samples", produces = MediaType.ALL, consumes = MediaType.ALL)
final class SampleController {
  private static final int LARGEST_PAGE = 1_000;

  /** What browsers show as a picture and never run. */
  private static final Set<String> SHOWN =
      Set.of("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp");

  private final Teaching teaching;
  private final SampleBodies reader;
  private final References references;
  private final Limits limits;
  private final Exchange exchange;

  SampleController(
      Teaching teaching,
      SampleBodies reader,
      References references,
      Limits limits,
      Exchange exchange) {
    this.teaching = teaching;
    this.reader = reader;
    this.references = references;
    this.limits = limits;
    this.exchange = exchange;
  }

  @RequiresRole(Role.TEACH)
  @Post
  CompletionStage<HttpResponse<?>> add(@PathVariable String head, HttpRequest<?> request) {
    HeadNames.check(head);
    MediaType type = request.getContentType().orElse(null);
    List<String> labels = request.getParameters().getAll("label");
    return exchange.bytes(request, body -> add(head, reader.read(body, type, labels)));
  }

  private HttpResponse<?> add(String head, GivenSamples given) {
    HeadSettings settings = Heads.find(teaching, head);
    Labelled labelled =
        new Labelled(
                settings == null ? null : settings.modality(),
                settings == null ? null : settings.task(),
                settings == null ? 0 : width(settings),
                references,
                limits)
            .add(given);
    if (labelled.samples().isEmpty()) {
      throw nothingUsable(labelled.refused());
    }
    return Answers.json(
        HttpStatus.CREATED,
        Views.added(
            teaching.add(
                head,
                HeadBodies.draft(head, labelled.modality(), labelled.task()),
                labelled.samples()),
            labelled.refused()));
  }

  /** How many numbers a head's feature vectors have; 0 if it has none yet. */
  private int width(HeadSettings head) {
    return head.modality() == Modality.VECTOR
        ? teaching.store().page(head.head(), null, null, Long.MAX_VALUE, 1).stream()
            .mapToInt(sample -> (int) (sample.bytes() / Float.BYTES))
            .findFirst()
            .orElse(0)
        : 0;
  }

  private static BadInputException nothingUsable(List<Refused> refused) {
    Refused first = refused.get(0);
    return new BadInputException(
        (refused.size() == 1
                ? "the sample cannot be used: "
                : "none of the " + refused.size() + " samples can be used; the first: ")
            + Names.shown(first.name())
            + ": "
            + first.error());
  }

  @Get
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> page(
      @PathVariable String head,
      @QueryValue @Nullable String label,
      @QueryValue @Nullable String state,
      @QueryValue @Nullable String limit,
      @QueryValue @Nullable String after) {
    Heads.require(teaching, head);
    StoredSample.State wanted = state(state);
    int most = limit == null ? 100 : (int) number("limit", limit, LARGEST_PAGE);
    long before = after == null ? Long.MAX_VALUE : number("after", after, Long.MAX_VALUE);
    List<StoredSample> page = teaching.store().page(head, label, wanted, before, most + 1);
    boolean more = page.size() > most;
    List<StoredSample> shown = more ? page.subList(0, most) : page;
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("samples", shown.stream().map(Views::sample).toList());
    json.put("total", teaching.store().count(head, label, wanted));
    json.put("next", more ? String.valueOf(shown.get(most - 1).sequence()) : null);
    return Answers.json(json);
  }

  private static StoredSample.State state(String name) {
    if (name == null || name.isEmpty()) {
      return null;
    }
    return Arrays.stream(StoredSample.State.values())
        .filter(state -> state.id().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new BadInputException(
                    "'state' must be one of "
                        + Arrays.stream(StoredSample.State.values())
                            .map(StoredSample.State::id)
                            .collect(Collectors.joining(", "))
                        + ", not '"
                        + Names.shown(name)
                        + "'"));
  }

  private static long number(String name, String value, long most) {
    try {
      long number = Long.parseLong(value);
      if (number >= 1 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new BadInputException(
        "'"
            + name
            + "' must be a whole number from 1"
            + (most == Long.MAX_VALUE ? "" : " to " + most)
            + ", not '"
            + Names.shown(value)
            + "'");
  }

  @Get("/{id}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> one(@PathVariable String head, @PathVariable String id) {
    return Answers.json(Views.sample(require(head, id)));
  }

  private StoredSample require(String head, String id) {
    Heads.require(teaching, head);
    return teaching
        .store()
        .find(head, id)
        .orElseThrow(
            () ->
                new NotFoundException(
                    "the head '" + head + "' has no sample '" + Names.shown(id) + "'"));
  }

  @Get("/{id}/original")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> original(
      @PathVariable String head, @PathVariable String id, HttpRequest<?> request) {
    StoredSample sample = require(head, id);
    Path file = teaching.store().original(sample);
    boolean picture = SHOWN.contains(sample.type());
    return file(
        request,
        id,
        file,
        picture ? sample.type() : MediaType.APPLICATION_OCTET_STREAM,
        (picture ? "inline" : "attachment") + "; filename=\"" + id.substring(0, 16) + "\"");
  }

  @Get("/{id}/thumbnail")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> thumbnail(
      @PathVariable String head, @PathVariable String id, HttpRequest<?> request) {
    StoredSample sample = require(head, id);
    Path file =
        teaching
            .thumbnail(head, sample)
            .orElseThrow(
                () ->
                    new NotFoundException("the sample '" + id + "' has no thumbnail, or not yet"));
    return file(request, id, file, MediaType.IMAGE_JPEG, "inline");
  }

  /** The bytes of a sample never change, but whether it is there is to be asked each time. */
  private static HttpResponse<?> file(
      HttpRequest<?> request, String id, Path file, String type, String disposition) {
    String tag = '"' + id + '"';
    String known = request.getHeaders().get(HttpHeaders.IF_NONE_MATCH);
    boolean same =
        known != null
            && Arrays.stream(known.split(","))
                .map(String::strip)
                .anyMatch(given -> given.equals("*") || given.replaceFirst("^W/", "").equals(tag));
    return (same
            ? HttpResponse.notModified()
            : HttpResponse.ok(new SystemFile(file.toFile(), MediaType.of(type)))
                .header(HttpHeaders.CONTENT_DISPOSITION, disposition)
                // Should it be opened by itself after all, it is shown and nothing else.
                .header("Content-Security-Policy", "sandbox; default-src 'none'"))
        .header(HttpHeaders.ETAG, tag)
        .header(HttpHeaders.CACHE_CONTROL, "private, no-cache");
  }

  @RequiresRole(Role.TEACH)
  @Patch("/{id}")
  CompletionStage<HttpResponse<?>> relabel(
      @PathVariable String head, @PathVariable String id, HttpRequest<?> request) {
    return exchange.json(
        request,
        fields -> {
          var label = Labels.required(fields);
          fields.end();
          HeadSettings settings = Heads.require(teaching, head);
          require(head, id);
          return Answers.json(
              Views.sample(teaching.relabel(head, id, label.under(settings.task()))));
        });
  }

  @RequiresRole(Role.TEACH)
  @Delete("/{id}")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> forget(@PathVariable String head, @PathVariable String id) {
    require(head, id);
    teaching.delete(head, List.of(id));
    return HttpResponse.noContent();
  }

  @RequiresRole(Role.TEACH)
  @Delete
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> forget(
      @PathVariable String head,
      @QueryValue @Nullable String id,
      @QueryValue @Nullable String label) {
    Heads.require(teaching, head);
    if ((id == null || id.isBlank()) == (label == null || label.isBlank())) {
      throw new BadInputException("expected which samples: either ?id=A,B or ?label=L");
    }
    Set<String> ids = new LinkedHashSet<>();
    if (label == null || label.isBlank()) {
      Arrays.stream(id.split(","))
          .map(one -> one.strip().toLowerCase(Locale.ROOT))
          .forEach(ids::add);
    } else {
      teaching.store().samples(head).stream()
          .filter(sample -> sample.label().names().contains(label))
          .map(StoredSample::id)
          .forEach(ids::add);
    }
    return Answers.json(Map.of("deleted", teaching.delete(head, ids)));
  }
}
