package dev.headstart.predict;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.CutModels;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.ModelJoiner;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.TensorInfo;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Backbone and head as one ONNX model that any ONNX Runtime runs. */
public final class FusedModel {
  private static final ObjectMapper JSON = new ObjectMapper();

  private FusedModel() {}

  /**
   * Joins a version with its base.
   *
   * @return inputs: the base's own (preprocessing stays outside), or {@code features} without a
   *     base; output {@code scores}, softmax inside. Metadata says the classes, the preprocessing
   *     and where the head comes from
   */
  public static OnnxModel of(HeadStore.Stored stored, BaseModels models) {
    HeadManifest manifest = stored.manifest();
    OnnxModel head = OnnxModel.read(stored.model());
    GraphBuilder fused;
    if (manifest.base() == null) {
      fused = new GraphBuilder(head);
    } else {
      BaseModel base = models.get(manifest.base().id(), manifest.base().sha256());
      CutModels cut = ModelCutter.cut(base.model(), manifest.cut().tensor());
      fused =
          new GraphBuilder(
              manifest.tail() == null
                  ? ModelJoiner.join(
                      cut.front(),
                      HeadNetwork.atOpset(head, cut.front().opset()),
                      Map.of(HeadNetwork.FEATURES, manifest.cut().tensor()))
                  : withTail(cut, head));
      fused.metadata("headstart.base", base.id());
      fused.metadata("headstart.base.sha256", manifest.base().sha256());
      fused.metadata("headstart.cut", manifest.cut().tensor());
      fused.metadata("headstart.batchInvariant", String.valueOf(base.manifest().batchInvariant()));
      fused.metadata("headstart.preprocessing", json(base.manifest().preprocessing()));
    }
    fused.metadata("headstart.head", manifest.head());
    fused.metadata("headstart.version", String.valueOf(manifest.version()));
    fused.metadata("headstart.task", manifest.task().id());
    fused.metadata("headstart.classes", json(manifest.classes()));
    return fused.build();
  }

  /**
   * The tail's inputs have the names of the live tensors; those that nothing computes stay inputs.
   */
  private static OnnxModel withTail(CutModels cut, OnnxModel tail) {
    Set<String> taken = tail.inputs().stream().map(TensorInfo::name).collect(Collectors.toSet());
    Set<String> given =
        cut.front().inputs().stream().map(TensorInfo::name).collect(Collectors.toSet());
    if (given.containsAll(taken)) {
      return tail; // cut at the base's own inputs
    }
    Map<String, String> feeds = new LinkedHashMap<>();
    cut.computed().stream()
        .map(TensorInfo::name)
        .filter(taken::contains)
        .forEach(name -> feeds.put(name, name));
    return ModelJoiner.join(cut.front(), tail, feeds);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
