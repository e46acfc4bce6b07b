package dev.headstart.server.predict;

import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UnavailableException;
import dev.headstart.head.HeadManifest;
import dev.headstart.predict.Prediction;
import dev.headstart.sample.Task;
import dev.headstart.server.http.Answers;
import dev.headstart.server.http.Bodies;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.InputForm;
import dev.headstart.serving.ModelMetadata;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadView;
import dev.headstart.teach.Teaching;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Named;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;

/**
 * Asks heads about samples, one head or several; see {@link SampleReader} for what may be sent. A
 * single sample is answered by an object, a list by a list in its order.
 */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v1", produces = MediaType.ALL, consumes = MediaType.ALL)
final class PredictController {
  private static final String SCORES = "scores";

  private final ModelRepository models;
  private final Bodies bodies;
  private final SampleReader reader;
  private final Limits limits;
  private final ExecutorService workers;
  @Nullable private final Teaching teaching;

  PredictController(
      ModelRepository models,
      Bodies bodies,
      SampleReader reader,
      Limits limits,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers,
      @Nullable Teaching teaching) {
    this.models = models;
    this.bodies = bodies;
    this.reader = reader;
    this.limits = limits;
    this.workers = workers;
    this.teaching = teaching;
  }

  /** Those that answer, and those that are taught and do not answer yet. */
  @Get("/heads")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> heads() {
    List<Map<String, Object>> heads = new ArrayList<>();
    Set<String> seen = new LinkedHashSet<>();
    for (ModelStatus status : models.index()) {
      if (status.state() == ModelStatus.State.READY && seen.add(status.name())) {
        try {
          ModelMetadata metadata = models.metadata(status.name(), null);
          if (metadata.kind() == ModelMetadata.Kind.HEAD) {
            heads.add(described(metadata));
          }
        } catch (UnavailableException e) {
          // It was unloaded since the index was made, and is no longer one of those that answer.
        }
      }
    }
    if (teaching != null) {
      teaching.store().heads().stream()
          .map(HeadSettings::head)
          .filter(seen::add)
          .map(teaching::head)
          .map(PredictController::described)
          .forEach(heads::add);
    }
    return Answers.json(Map.of("heads", heads));
  }

  private static Map<String, Object> described(HeadView taught) {
    HeadSettings settings = taught.settings();
    return described(
        settings.head(),
        taught.version(),
        taught.versions(),
        settings.task(),
        taught.classes().stream().map(HeadView.ClassView::name).toList(),
        settings.base(),
        settings.cut(),
        taught.takes());
  }

  private static Map<String, Object> described(ModelMetadata metadata) {
    HeadManifest head = metadata.head();
    return described(
        metadata.name(),
        trained(metadata.version()),
        metadata.versions(),
        head.task(),
        head.classes(),
        head.base() == null ? null : head.base().id(),
        head.cut() == null ? null : head.cut().name(),
        metadata.forms().stream()
            .flatMap(form -> form.inputs().stream())
            .map(input -> input.name())
            .distinct()
            .toList());
  }

  private static Map<String, Object> described(
      String head,
      Integer version,
      List<Integer> versions,
      Task task,
      List<String> classes,
      String base,
      String cut,
      List<String> takes) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("head", head);
    json.put("version", version);
    json.put("versions", versions);
    json.put("task", task.id());
    json.put("classes", classes);
    json.put("base", base);
    json.put("cut", cut);
    json.put("takes", takes);
    return json;
  }

  /** A version's number; null for a head that answers by its samples alone. */
  private static Integer trained(int version) {
    return version == 0 ? null : version;
  }

  @Post("/heads/{head}/predict")
  CompletionStage<HttpResponse<byte[]>> predict(
      @PathVariable String head,
      @QueryValue @Nullable String version,
      @QueryValue @Nullable String unknown,
      HttpRequest<?> request) {
    Integer number = Names.version(version);
    Double rate = rate(unknown);
    return predict(
        request,
        named -> takes(head, number),
        samples ->
            models
                .infer(
                    new InferenceRequest(head, number, samples.inputs(), List.of(SCORES), 0, null))
                .thenApply(result -> answer(result, samples, rate)));
  }

  /**
   * Asks several heads about the same samples. They are named by the query, or by the body where it
   * is a form or JSON.
   */
  @Post("/predict")
  CompletionStage<HttpResponse<byte[]>> predictAll(
      @QueryValue @Nullable String heads,
      @QueryValue @Nullable String unknown,
      HttpRequest<?> request) {
    Double rate = rate(unknown);
    List<String> inQuery = heads == null ? List.of() : List.of(heads.split(","));
    return predict(
        request,
        named -> takes(first(inQuery.isEmpty() ? named : inQuery), null),
        samples ->
            models
                .inferAll(inQuery.isEmpty() ? samples.heads() : inQuery, samples.inputs(), 0, null)
                .thenApply(results -> answers(results, samples, rate)));
  }

  /** On a worker: reading pictures and asking what a head takes may take their time. */
  private <R> CompletionStage<HttpResponse<byte[]>> predict(
      HttpRequest<?> request,
      Function<List<String>, String> takes,
      Function<Samples, CompletionStage<R>> ask) {
    MediaType type = request.getContentType().orElse(null);
    return bodies.read(
        request,
        body ->
            CompletableFuture.supplyAsync(() -> reader.read(body, type, takes), workers)
                .thenCompose(ask)
                .thenApply(Answers::json));
  }

  private String first(List<String> heads) {
    requireNames(heads);
    return heads.get(0);
  }

  private void requireNames(List<String> heads) {
    if (heads.isEmpty()) {
      throw new BadInputException(
          "no heads are named: expected {\"heads\": [\"a\", \"b\"], …}, or ?heads=a,b");
    }
    limits.checkTensors(heads.size(), "heads");
    if (new LinkedHashSet<>(heads).size() < heads.size()) {
      throw new BadInputException("a head is named twice among " + heads.size());
    }
  }

  /** What a raw body is to a head. */
  private String takes(String head, Integer version) {
    ModelMetadata metadata = models.metadata(head, version);
    if (metadata.kind() != ModelMetadata.Kind.HEAD) {
      throw new BadInputException(
          "'" + Names.shown(head) + "' is no head; ask it at /v2/models/" + Names.shown(head));
    }
    InputForm first = metadata.forms().get(0);
    String input = first.inputs().get(0).name();
    return first.inputs().size() == 1
            && (input.equals(SampleReader.IMAGE) || input.equals(SampleReader.TEXT))
        ? input
        : SampleReader.FEATURES;
  }

  /**
   * The false alarms at which a sample is answered as unknown.
   *
   * @return null if it is not to be
   */
  private static Double rate(String unknown) {
    if (unknown == null || unknown.equals("false")) {
      return null;
    }
    return unknown.equals("true") ? Double.valueOf(Novelty.USUAL_RATE) : Prediction.rate(unknown);
  }

  private Map<String, Object> answers(List<InferenceResult> results, Samples samples, Double rate) {
    Map<String, Object> predictions = new LinkedHashMap<>();
    results.forEach(result -> predictions.put(result.model(), answer(result, samples, rate)));
    return Map.of("predictions", predictions);
  }

  private Object answer(InferenceResult result, Samples samples, Double rate) {
    InferenceResult.SampleNovelty novelty = result.novelty();
    float[] scores = result.outputs().get(SCORES).floats();
    int width = scores.length / samples.count();
    List<byte[]> asked = teaching == null ? List.of() : samples.bytes();
    List<Object> answers = new ArrayList<>(samples.count());
    for (int i = 0; i < samples.count(); i++) {
      float[] own = new float[width];
      System.arraycopy(scores, i * width, own, 0, width);
      Double its = novelty == null ? null : Double.valueOf(novelty.values()[i]);
      Prediction prediction = Prediction.of(null, result.head(), own, its);
      if (rate != null && its != null) {
        prediction = prediction.unknownAbove(novelty.known().limit(rate));
      }
      String id =
          teaching == null
              ? null
              : teaching
                  .feedback()
                  .remember(result.model(), result.version(), samples.modality(), asked.get(i));
      answers.add(json(id, prediction, result.version()));
    }
    return samples.list() ? answers : answers.get(0);
  }

  /**
   * @param id by which feedback names it; null where nothing is taught
   */
  private static Map<String, Object> json(String id, Prediction prediction, int version) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (id != null) {
      json.put("id", id);
    }
    if (prediction.label() != null) {
      json.put("label", prediction.label());
    }
    if (prediction.labels() != null) {
      json.put("labels", prediction.labels());
    }
    if (prediction.value() != null) {
      json.put("value", prediction.value().floatValue());
    }
    if (prediction.scores() != null) {
      json.put("scores", prediction.scores());
    }
    json.put("novelty", prediction.novelty());
    json.put("version", trained(version));
    return json;
  }
}
