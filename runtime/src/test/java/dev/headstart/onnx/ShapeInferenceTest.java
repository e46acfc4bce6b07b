package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShapeInferenceTest {

  /** What the exporter wrote is an independent account of every tensor. */
  @ParameterizedTest
  @CsvSource({Runs.EFFICIENTNET + ",187", Runs.MINILM + ",636"})
  void agreesWithWhatTheModelsCarry(String resource, int entries) {
    OnnxModel model = Runs.bundled(resource);
    List<ValueInfoProto> carried = model.proto().getGraph().getValueInfoList();
    assertEquals(entries, carried.size());
    Map<String, TensorInfo> inferred = ShapeInference.infer(bare(model));
    for (ValueInfoProto value : carried) {
      TensorInfo expected = OnnxModel.info(value);
      TensorInfo actual = inferred.get(value.getName());
      if (actual == null) {
        continue; // of a node that an optimizer took out and left the entry of
      }
      assertEquals(expected.type(), actual.type(), value.getName());
      if (expected.shape() != null) {
        assertCompatible(expected.shape(), actual);
      }
    }
  }

  /** The shapes that ONNX Runtime really makes, for two batches, of every tensor of the models. */
  @ParameterizedTest
  @CsvSource({Runs.EFFICIENTNET + ",1,0", Runs.MINILM + ",3,7", Runs.MINILM + ",1,12"})
  void agreesWithWhatRuns(String resource, int batch, int length) {
    OnnxModel model = Runs.bundled(resource);
    Map<String, TensorInfo> inferred = ShapeInference.infer(bare(model));
    List<String> all =
        model.proto().getGraph().getNodeList().stream()
            .flatMap(n -> n.getOutputList().stream())
            .filter(o -> !o.isEmpty())
            .toList();
    ModelProto.Builder shown = model.proto().toBuilder();
    shown.getGraphBuilder().clearOutput().clearValueInfo();
    all.forEach(o -> shown.getGraphBuilder().addOutputBuilder().setName(o));
    Map<String, Tensor> run =
        Runs.run(OnnxModel.of(shown.build()), Runs.inputs(model, batch, length, 1), all);
    assertEquals(all.size(), run.size());
    run.forEach(
        (name, tensor) -> {
          TensorInfo info = inferred.get(name);
          assertEquals(tensor.type(), info.type(), name);
          assertNotNull(info.shape(), name);
          assertCompatible(tensor.shape(), info);
        });
  }

  /** Beyond agreeing where it knows: it knows all that there is to know of these. */
  @Test
  void knowsTheShapesOfTheBundledModels() {
    Map<String, TensorInfo> images = ShapeInference.infer(bare(Runs.bundled(Runs.EFFICIENTNET)));
    images.values().forEach(i -> assertTrue(open(i) <= 1, i.toString()));
    assertArrayEquals(new long[] {-1, 1280}, images.get("pooled").shape());
    assertArrayEquals(new long[] {-1, 1000}, images.get("logits").shape());
    Map<String, TensorInfo> texts = ShapeInference.infer(bare(Runs.bundled(Runs.MINILM)));
    texts.values().forEach(i -> assertNotNull(i.shape(), i.toString()));
    assertArrayEquals(new long[] {-1, -1, 384}, texts.get("last_hidden_state").shape());
    assertArrayEquals(
        new long[] {-1, 12, -1, 32},
        texts.get("/encoder/layer.3/attention/self/Transpose_output_0").shape());
  }

  private static int open(TensorInfo info) {
    return (int) Arrays.stream(info.shape()).filter(d -> d < 0).count();
  }

  private static OnnxModel bare(OnnxModel model) {
    ModelProto.Builder bare = model.proto().toBuilder();
    bare.getGraphBuilder().clearValueInfo();
    bare.getGraphBuilder().getOutputBuilderList().forEach(o -> o.clearType());
    return OnnxModel.of(bare.build());
  }

  private static void assertCompatible(long[] expected, TensorInfo actual) {
    long[] shape = actual.shape();
    assertEquals(expected.length, shape.length, actual + " but " + Arrays.toString(expected));
    for (int i = 0; i < shape.length; i++) {
      assertTrue(
          shape[i] < 0 || expected[i] < 0 || shape[i] == expected[i],
          actual + " but " + Arrays.toString(expected));
    }
  }
}
