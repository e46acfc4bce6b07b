package dev.headstart.serving;

import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The model {@code heads@BASE}: every head of one base, whose outputs are named {@code
 * HEAD.output}.
 *
 * @param name the model's name
 * @param heads at least one, by name
 */
record AllHeads(String name, List<HeadService> heads) {
  private static final String PREFIX = "heads@";

  /** Whether a model's name is that of all heads of a base. */
  static boolean isNamedBy(String model) {
    return model.startsWith(PREFIX);
  }

  static String nameOf(String base) {
    return PREFIX + base;
  }

  /** The base that such a name holds. */
  static String base(String model) {
    return model.substring(PREFIX.length());
  }

  List<TensorInfo> outputs() {
    List<TensorInfo> outputs = new ArrayList<>();
    heads.forEach(head -> outputs.addAll(head.outputs(prefix(head.manifest().head()))));
    return outputs;
  }

  private static String prefix(String head) {
    return head + ".";
  }

  ModelMetadata metadata() {
    Map<String, List<String>> classes = new LinkedHashMap<>();
    for (HeadService head : heads) {
      if (!head.manifest().classes().isEmpty()) {
        classes.put(prefix(head.manifest().head()) + HeadService.SCORES, head.manifest().classes());
      }
    }
    HeadService first = heads.get(0);
    return new ModelMetadata(
        name,
        ModelMetadata.Kind.ALL_HEADS,
        BaseService.VERSION,
        List.of(BaseService.VERSION),
        first.forms().stream().filter(form -> !form.name().equals(Form.FEATURES)).toList(),
        outputs(),
        List.of(),
        classes,
        first.maxBatch(),
        first.backbone().backbone().provider(),
        null);
  }

  /** The heads' results as one, with the outputs that are wanted. */
  InferenceResult merged(List<InferenceResult> results, List<String> wanted) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    for (InferenceResult result : results) {
      result.outputs().forEach((out, tensor) -> found.put(prefix(result.model()) + out, tensor));
    }
    Map<String, Tensor> answer = new LinkedHashMap<>();
    wanted.forEach(output -> answer.put(output, found.get(output)));
    return new InferenceResult(name, BaseService.VERSION, answer, null);
  }

  void release() {
    heads.forEach(Shared::release);
  }
}
