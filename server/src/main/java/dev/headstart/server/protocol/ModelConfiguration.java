package dev.headstart.server.protocol;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.head.HeadManifest;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.Provider;
import dev.headstart.serving.InputForm;
import dev.headstart.serving.ModelMetadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a model is, in the terms of Triton's {@code ModelConfig}. What those have no word for is
 * among the parameters: {@code kind}, {@code base}, {@code cut}, {@code head}, {@code task}, {@code
 * execution_provider}, {@code inputs.FORM} for every way of asking, {@code classes.OUTPUT} (a JSON
 * array).
 *
 * @param name the model's
 * @param platform {@link #PLATFORM}
 * @param backend {@link #BACKEND}
 * @param maxBatchSize samples in a request; 0 where the model takes no batches
 * @param input of the first way of asking, without the batch's dimension
 * @param output those given without being asked for, then those on request
 * @param instanceKind {@code KIND_CPU} or {@code KIND_GPU}
 * @param parameters by name
 */
public record ModelConfiguration(
    String name,
    String platform,
    String backend,
    int maxBatchSize,
    List<Value> input,
    List<Value> output,
    String instanceKind,
    Map<String, String> parameters) {
  /** Triton's word for ONNX. */
  public static final String PLATFORM = "onnxruntime_onnx";

  public static final String BACKEND = "onnxruntime";

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * A tensor.
   *
   * @param name the tensor's
   * @param dataType as in {@link Datatype#configurationName}
   * @param dims -1 for one that is not fixed
   */
  public record Value(String name, String dataType, long[] dims) {}

  /** The configuration of a model. */
  public static ModelConfiguration of(ModelMetadata model) {
    List<TensorInfo> outputs = new ArrayList<>(model.outputs());
    outputs.addAll(model.onRequest());
    boolean batched = model.maxBatch() > 0;
    return new ModelConfiguration(
        model.name(),
        PLATFORM,
        BACKEND,
        model.maxBatch(),
        model.forms().get(0).inputs().stream().map(info -> value(info, batched)).toList(),
        outputs.stream().map(info -> value(info, batched)).toList(),
        model.provider() == Provider.CUDA || model.provider() == Provider.TENSORRT
            ? "KIND_GPU"
            : "KIND_CPU",
        parameters(model));
  }

  private static Value value(TensorInfo info, boolean batched) {
    TensorSpec spec = TensorSpec.of(info);
    long[] shape = spec.shape();
    return new Value(
        spec.name(),
        spec.datatype().configurationName(),
        batched && shape.length > 0 ? Arrays.copyOfRange(shape, 1, shape.length) : shape);
  }

  private static Map<String, String> parameters(ModelMetadata model) {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put(
        "kind",
        switch (model.kind()) {
          case BASE -> "base";
          case HEAD -> "head";
          case ALL_HEADS -> "all-heads";
        });
    if (model.provider() != null) {
      parameters.put("execution_provider", model.provider().toString());
    }
    HeadManifest head = model.head();
    if (head != null) {
      parameters.put("head", head.kind().toString());
      parameters.put("task", head.task().name().toLowerCase(Locale.ROOT));
      if (head.base() != null) {
        parameters.put("base", head.base().id());
        parameters.put("cut", head.cut().name());
      }
    }
    for (InputForm form : model.forms()) {
      parameters.put(
          "inputs." + form.name(),
          form.inputs().stream()
              .map(i -> TensorSpec.of(i).toString())
              .collect(Collectors.joining("; ")));
    }
    model.classes().forEach((output, names) -> parameters.put("classes." + output, json(names)));
    return parameters;
  }

  private static String json(List<String> names) {
    try {
      return JSON.writeValueAsString(names);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("strings can always be written", e);
    }
  }
}
