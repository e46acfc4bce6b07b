package dev.headstart.server.http;

import dev.headstart.onnx.TensorInfo;
import dev.headstart.server.protocol.ModelConfiguration;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.TensorSpec;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelMetadata;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatistics;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What models are, whether they answer, and what they have done. What may read the disk runs off
 * the event loop.
 */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v2/models", produces = MediaType.ALL)
final class ModelController {
  private static final ModelStatistics.Total NONE = new ModelStatistics.Total(0, 0);

  private final ModelRepository models;

  ModelController(ModelRepository models) {
    this.models = models;
  }

  @Get(uris = {"/{model}", "/{model}/versions/{version}"})
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> metadata(
      @PathVariable String model, @PathVariable @Nullable String version) {
    ModelMetadata metadata = models.metadata(model, Names.version(version));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", metadata.name());
    json.put("versions", metadata.versions().stream().map(String::valueOf).toList());
    json.put("platform", ModelConfiguration.PLATFORM);
    json.put("inputs", tensors(metadata.forms().get(0).inputs()));
    json.put("outputs", tensors(metadata.outputs()));
    return Answers.json(json);
  }

  @Get(uris = {"/{model}/ready", "/{model}/versions/{version}/ready"})
  HttpResponse<byte[]> ready(@PathVariable String model, @PathVariable @Nullable String version) {
    if (!models.ready(model, Names.version(version))) {
      return notReady(model, "model '" + Names.shown(model) + "' is not ready");
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", model);
    json.put("ready", true);
    return Answers.json(json);
  }

  @Get(uris = {"/{model}/config", "/{model}/versions/{version}/config"})
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> config(@PathVariable String model, @PathVariable @Nullable String version) {
    ModelConfiguration config =
        ModelConfiguration.of(models.metadata(model, Names.version(version)));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", config.name());
    json.put("platform", config.platform());
    json.put("backend", config.backend());
    json.put("version_policy", Map.of("all", Map.of()));
    json.put("max_batch_size", config.maxBatchSize());
    json.put("input", values(config.input()));
    json.put("output", values(config.output()));
    if (config.maxBatchSize() > 0) {
      json.put(
          "dynamic_batching",
          Map.of("preferred_batch_size", List.of(), "max_queue_delay_microseconds", 0));
    }
    json.put(
        "instance_group",
        List.of(Map.of("name", config.name() + "_0", "kind", config.instanceKind(), "count", 1)));
    Map<String, Object> parameters = new LinkedHashMap<>();
    config
        .parameters()
        .forEach((name, value) -> parameters.put(name, Map.of("string_value", value)));
    json.put("parameters", parameters);
    return Answers.json(json);
  }

  @Get(uris = {"/stats", "/{model}/stats", "/{model}/versions/{version}/stats"})
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> statistics(
      @PathVariable @Nullable String model, @PathVariable @Nullable String version) {
    return Answers.json(
        Map.of(
            "model_stats",
            models.statistics(model, Names.version(version)).stream()
                .map(ModelController::statistics)
                .toList()));
  }

  /**
   * 503, in words for those who read the error and for those who read {@code ready}.
   *
   * @param model null for the server
   */
  static HttpResponse<byte[]> notReady(String model, String reason) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (model != null) {
      json.put("name", model);
    }
    json.put("ready", false);
    json.put("error", reason);
    return Answers.json(HttpStatus.SERVICE_UNAVAILABLE, json).header(HttpHeaders.RETRY_AFTER, "1");
  }

  private static List<Map<String, Object>> tensors(List<TensorInfo> infos) {
    return infos.stream()
        .map(TensorSpec::of)
        .map(
            tensor -> {
              Map<String, Object> json = new LinkedHashMap<>();
              json.put("name", tensor.name());
              json.put("datatype", tensor.datatype().name());
              json.put("shape", tensor.shape());
              return json;
            })
        .toList();
  }

  private static List<Map<String, Object>> values(List<ModelConfiguration.Value> values) {
    return values.stream()
        .map(
            value -> {
              Map<String, Object> json = new LinkedHashMap<>();
              json.put("name", value.name());
              json.put("data_type", value.dataType());
              json.put("dims", value.dims());
              return json;
            })
        .toList();
  }

  private static Map<String, Object> statistics(ModelStatistics model) {
    Map<String, Object> durations = new LinkedHashMap<>();
    durations.put("success", total(model.success()));
    durations.put("fail", total(model.fail()));
    durations.put("queue", total(model.queue()));
    durations.put("compute_input", total(model.computeInput()));
    durations.put("compute_infer", total(model.computeInfer()));
    durations.put("compute_output", total(model.computeOutput()));
    durations.put("cache_hit", total(NONE));
    durations.put("cache_miss", total(NONE));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", model.name());
    json.put("version", String.valueOf(model.version()));
    json.put("last_inference", model.lastInference());
    json.put("inference_count", model.inferences());
    json.put("execution_count", model.executions());
    json.put("inference_stats", durations);
    json.put("batch_stats", model.batches().stream().map(ModelController::batches).toList());
    return json;
  }

  private static Map<String, Object> batches(ModelStatistics.Batches batches) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("batch_size", batches.size());
    json.put("compute_input", total(batches.computeInput()));
    json.put("compute_infer", total(batches.computeInfer()));
    json.put("compute_output", total(batches.computeOutput()));
    return json;
  }

  private static Map<String, Object> total(ModelStatistics.Total total) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("count", total.count());
    json.put("ns", total.nanos());
    return json;
  }
}
