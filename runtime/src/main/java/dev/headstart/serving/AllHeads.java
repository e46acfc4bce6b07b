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

  List<TensorInfo> outputs() {
    List<TensorInfo> outputs = new ArrayList<>();
    heads.forEach(head -> outputs.addAll(head.outputs(prefix(head))));
    return outputs;
  }

  private static String prefix(HeadService head) {
    return head.manifest().head() + ".";
  }

  ModelMetadata metadata() {
    Map<String, List<String>> classes = new LinkedHashMap<>();
    for (HeadService head : heads) {
      if (!head.manifest().classes().isEmpty()) {
        classes.put(prefix(head) + HeadService.SCORES, head.manifest().classes());
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
      result.outputs().forEach((out, tensor) -> found.put(result.model() + "." + out, tensor));
    }
    Map<String, Tensor> answer = new LinkedHashMap<>();
    wanted.forEach(output -> answer.put(output, found.get(output)));
    return new InferenceResult(name, BaseService.VERSION, answer, null);
  }

  void release() {
    heads.forEach(Shared::release);
  }
}
