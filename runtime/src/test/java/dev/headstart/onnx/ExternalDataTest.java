package dev.headstart.onnx;

import static dev.headstart.onnx.HostileModels.small;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Model files on disk, with their weights inside or beside them. */
class ExternalDataTest {
  @TempDir Path folder;

  @Test
  void writesAndReadsOneFile() throws IOException {
    OnnxModel model = Runs.bundled(Runs.EFFICIENTNET);
    Path file = folder.resolve("copy.onnx");
    model.write(file);
    assertEquals(model.proto(), OnnxModel.read(file).proto());
    model.write(file);
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  /** ONNX Runtime itself reads what was written beside, and so do we. */
  @Test
  void writesAndReadsWeightsBeside() throws Exception {
    OnnxModel model = Runs.bundled(Runs.EFFICIENTNET);
    Path file = folder.resolve("model.onnx");
    model.writeExternal(file, 1024);
    assertTrue(Files.size(file) < 200_000, "the model file alone");
    assertTrue(Files.size(folder.resolve("model.onnx.data")) > 18_000_000);
    OnnxModel read = OnnxModel.read(file);
    assertEquals(model.initializers(), read.initializers());
    var feeds = Runs.inputs(model, 1, 0, 1);
    assertEquals(Runs.run(model, feeds), Runs.run(read, feeds));
    try (var session =
        ai.onnxruntime.OrtEnvironment.getEnvironment().createSession(file.toString())) {
      assertEquals(List.of("logits"), List.copyOf(session.getOutputNames()));
    }
  }

  @Test
  void typedWeightsGoBesideToo() {
    ModelProto.Builder model = small();
    TensorProto.Builder typed = TensorProto.newBuilder().setName("w").setDataType(1).addDims(300);
    for (int i = 0; i < 300; i++) {
      typed.addFloatData(i);
    }
    model.getGraphBuilder().addInitializer(typed);
    Path file = folder.resolve("m.onnx");
    OnnxModel.read(model.build().toByteArray(), "m").writeExternal(file, 1);
    assertTrue(Files.exists(folder.resolve("m.onnx.data")));
    float[] read = OnnxModel.read(file).initializers().get("w").floats();
    assertEquals(300, read.length);
    assertEquals(299, read[299]);
  }

  @Test
  void readsAPartOfAFile() throws IOException {
    Files.createDirectories(folder.resolve("sub"));
    Files.write(folder.resolve("sub/w.bin"), new byte[] {9, 9, 9, 9, 0, 0, -128, 63});
    Path file = write(Map.of("location", "sub/w.bin", "offset", "4", "length", "4"), 1);
    assertArrayEquals(new float[] {1}, OnnxModel.read(file).initializers().get("w").floats());
    // Without a length it is what the dimensions ask for.
    file = write(Map.of("location", "sub/w.bin", "offset", "4"), 1);
    assertArrayEquals(new float[] {1}, OnnxModel.read(file).initializers().get("w").floats());
  }

  @Test
  void refusesWhatLiesElsewhere() throws IOException {
    Path inner = Files.createDirectories(folder.resolve("inner"));
    Files.write(folder.resolve("secret"), new byte[64]);
    Files.createSymbolicLink(inner.resolve("link"), folder.resolve("secret"));
    Files.createSymbolicLink(inner.resolve("here"), folder);
    String inside = "expected a file inside the model's own folder";
    for (String location :
        List.of(
            "../secret",
            "a/../../secret",
            "..\\secret",
            folder.resolve("secret").toString(),
            "link",
            "here/secret",
            "",
            "nul\0byte")) {
      Path file = write(inner, Map.of("location", location), 1);
      String message =
          assertThrows(BadInputException.class, () -> OnnxModel.read(file)).getMessage();
      assertTrue(message.contains(inside) && message.contains("'w'"), message);
    }
  }

  @Test
  void refusesDataThatIsNotThere() throws IOException {
    Files.write(folder.resolve("w.bin"), new byte[16]);
    refused(Map.of("location", "none.bin"), 1, "which is not beside the model");
    refused(Map.of("location", "."), 1, "which is not a file");
    refused(Map.of("location", "w.bin"), 5, "length 20 of 'w.bin', which has only 16 bytes");
    refused(Map.of("location", "w.bin", "offset", "13"), 1, "offset 13");
    refused(Map.of("location", "w.bin", "offset", "9223372036854775807"), 1, "at offset");
    refused(Map.of("location", "w.bin", "offset", "-4"), 1, "offset '-4', expected a number");
    refused(Map.of("location", "w.bin", "length", "many"), 1, "length 'many', expected a number");
    refused(Map.of("location", "w.bin", "length", "8"), 1, "needs 4 bytes, but its external data");
    refused(Map.of("location", "w.bin"), 1L << 50, "is over 2 GB");
    refused(Map.of("location", "w.bin"), -3, "the negative dimension -3");
    Path file = write(Map.of("location", "w.bin"), 1);
    byte[] bytes = Files.readAllBytes(file);
    String message =
        assertThrows(BadInputException.class, () -> OnnxModel.read(bytes, "upload")).getMessage();
    assertTrue(message.contains("only the model's own bytes were given"), message);
  }

  @Test
  void refusesFilesThatCannotBeRead() throws IOException {
    assertThrows(NotFoundException.class, () -> OnnxModel.read(folder.resolve("none.onnx")));
    assertThrows(BadInputException.class, () -> OnnxModel.read(folder));
    assertThrows(BadInputException.class, () -> OnnxModel.read(Path.of("/dev/zero")));
    Path missing = folder.resolve("no/such/folder.onnx");
    OnnxModel model = OnnxModel.of(small().build());
    assertThrows(NotFoundException.class, () -> model.write(missing));
    assertFalse(Files.exists(missing.getParent()));
  }

  private void refused(Map<String, String> entries, long dim, String message) throws IOException {
    Path file = write(entries, dim);
    String actual = assertThrows(BadInputException.class, () -> OnnxModel.read(file)).getMessage();
    assertTrue(actual.contains(message), actual);
  }

  private Path write(Map<String, String> entries, long dim) throws IOException {
    return write(folder, entries, dim);
  }

  private static Path write(Path folder, Map<String, String> entries, long dim) throws IOException {
    ModelProto.Builder model = small();
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(1)
            .addDims(dim)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    entries.forEach(
        (key, value) ->
            tensor.addExternalData(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    model.getGraphBuilder().addInitializer(tensor);
    return Files.write(folder.resolve("m.onnx"), model.build().toByteArray());
  }
}
