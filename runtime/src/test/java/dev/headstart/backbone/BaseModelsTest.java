package dev.headstart.backbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BaseModelsTest {
  @TempDir Path folder;

  private static OnnxModel identity(ElementType type, long... shape) {
    GraphBuilder graph = new GraphBuilder("identity", 17);
    var x = graph.input("x", type, shape);
    var y = graph.named("y", Operator.IDENTITY, List.of(x));
    return graph.output(y, type, shape).build();
  }

  private BaseModel added(OnnxModel model) {
    Path file = folder.resolve("given.onnx");
    model.write(file);
    return new BaseModels(folder.resolve("models")).add(file, "given", null);
  }

  private static void runs(BaseModel base, Tensor tensor) {
    try (var session = InferenceSession.open(base.model(), SessionSettings.cpu(1))) {
      assertEquals(tensor, session.run(Map.of("x", tensor)).get("y"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void modelsOfEveryElementTypeAreAdded(ElementType type) {
    BaseModel base = added(identity(type, -1, 2));
    runs(base, Tensor.zeros(type, 3, 2));
    assertEquals(List.of("batch", 2), base.manifest().inputs().get(0).shape());
    assertTrue(base.manifest().outputs().get(0).type().matches("[a-z]+[0-9]*"));
  }

  @Test
  void modelsOfUnknownShapeAreAdded() {
    BaseModel unknown = added(identity(ElementType.UINT64, (long[]) null));
    runs(unknown, Tensor.zeros(ElementType.UINT64, 1, 2, 3));
    assertEquals(List.of(), unknown.manifest().inputs().get(0).shape());
  }

  @Test
  void scalarsAreAdded() {
    runs(added(identity(ElementType.STRING)), Tensor.zeros(ElementType.STRING));
  }

  @ParameterizedTest
  @CsvSource({
    "'3, 32, 32', 32, true",
    "'3, -1, -1', 32, true",
    "'3, 32, 32', 64, false",
    "'32, 32, 3', 32, false",
    "'1, 32, 32', 32, false"
  })
  void preprocessingMustFitTheInput(String input, int side, boolean fits) throws IOException {
    long[] shape =
        LongStream.concat(
                LongStream.of(-1), Stream.of(input.split(", ")).mapToLong(Long::parseLong))
            .toArray();
    Path file = folder.resolve("picture.onnx");
    identity(ElementType.FLOAT, shape).write(file);
    Path manifest = folder.resolve("picture.json");
    Files.writeString(
        manifest,
        "{\"preprocessing\": {\"kind\": \"image\", \"input\": \"x\", \"resize\":"
            + " {\"mode\": \"stretch\", \"size\": ["
            + side
            + ", "
            + side
            + "]}}}");
    BaseModels models = new BaseModels(folder.resolve("models"));
    if (fits) {
      assertEquals("picture", models.add(file, null, manifest).id());
    } else {
      BadInputException e =
          assertThrows(BadInputException.class, () -> models.add(file, null, manifest));
      assertTrue(e.getMessage().contains("of shape [1, 3, " + side), e.getMessage());
    }
  }
}
