package dev.headstart.artifact;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Shared;
import dev.headstart.artifact.Optimizer.AdamW;
import dev.headstart.artifact.Optimizer.AdamW.Mode;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * A golden case: a folder of src/test/resources/golden, whose README says what it holds, or a
 * larger one beside the project.
 */
record GoldenCase(Path folder, JsonNode json) {
  static final List<String> NAMES =
      List.of(
          "linear-ce-adamw",
          "mlp-ce-sgd",
          "linear-bce-adamw",
          "mlp-mse-adamw",
          "conv-tail-ce-adamw",
          "attention-tail-ce-adamw",
          "mlp-gelu-layernorm-ce-adamw",
          "efficientnet-lite0-last-block");

  static GoldenCase of(String name) {
    try {
      URL bundled = GoldenCase.class.getResource("/golden/" + name);
      Path folder = bundled == null ? Shared.path("golden/" + name) : Path.of(bundled.toURI());
      return new GoldenCase(
          folder, new ObjectMapper().readTree(folder.resolve("case.json").toFile()));
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  OnnxModel forward() {
    return OnnxModel.read(folder.resolve("forward.onnx"));
  }

  Loss loss() {
    return Loss.valueOf(json.get("loss").asText().toUpperCase(java.util.Locale.ROOT));
  }

  /** Of one formula; the rest as Microsoft's generator writes it. */
  Optimizer optimizer(Mode mode) {
    return json.get("optimizer").asText().equals("sgd")
        ? new Optimizer.Sgd()
        : new AdamW(0.9f, 0.999f, 1e-6f, 0, mode, true, null);
  }

  /** The names of the parameters that train. */
  List<String> trainable() {
    return json.get("trainable").findValuesAsText("name");
  }

  /** Whether the case has this: PyTorch was not asked everywhere, the generator failed at some. */
  boolean has(String key) {
    return !json.get(key).isNull();
  }

  private int batches() {
    return json.get("features").get("shape").get(0).asInt() / batchSize();
  }

  float learningRate() {
    return (float) json.get("learningRate").asDouble();
  }

  int batchSize() {
    return json.get("batchSize").asInt();
  }

  /** The model's one input. */
  String input() {
    return forward().inputs().get(0).name();
  }

  /** Features, and labels or target, of the batch of a step, under the names of the inputs. */
  Map<String, Tensor> batch(int step) {
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put(input(), part(tensor(json.get("features")), step % batches()));
    batch.put(loss().input(), part(tensor(json.get("labels")), step % batches()));
    return batch;
  }

  private Tensor part(Tensor all, int index) {
    long[] shape = all.shape().clone();
    shape[0] = batchSize();
    int bytes = (int) Tensor.elements(shape) * all.type().bytes();
    return new Tensor(all.type(), shape, all.data().slice(index * bytes, bytes));
  }

  Tensor outputOfFirstBatch() {
    return tensor(json.get("outputOfFirstBatch"));
  }

  Map<String, Tensor> gradientsOfFirstStep() {
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    for (JsonNode parameter : json.get("trainable")) {
      if (parameter.get("gradientOfFirstStep").isNull()) {
        continue;
      }
      gradients.put(
          parameter.get("name").asText(),
          tensor(parameter.get("gradientOfFirstStep").asText(), parameter.get("shape")));
    }
    return gradients;
  }

  double[] losses(String by) {
    return StreamSupport.stream(json.get(by).spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  private Tensor tensor(JsonNode entry) {
    return tensor(entry.get("file").asText(), entry.get("shape"));
  }

  private Tensor tensor(String file, JsonNode dims) {
    try {
      byte[] bytes = Files.readAllBytes(folder.resolve(file));
      long[] shape =
          StreamSupport.stream(dims.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
      return new Tensor(
          file.endsWith(".i64") ? ElementType.INT64 : ElementType.FLOAT,
          shape,
          Tensor.allocate(bytes.length).put(bytes).flip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
