package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.Training;
import dev.headstart.artifact.Checkpoint.OptimizerState;
import dev.headstart.artifact.Checkpoint.Properties;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.TrainingSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final long SEED = Long.getLong("headstart.seed", 20261101);

  @TempDir Path folder;

  private static Checkpoint full() {
    Map<String, Tensor> trainable = new LinkedHashMap<>();
    trainable.put("w", Tensor.of(new float[] {1, 2, 3, 4, 5, -6.5f}, 2, 3));
    trainable.put("größe/β", Tensor.of(new float[] {Float.NaN}, 1));
    trainable.put("scalar", Tensor.scalar(4));
    Map<String, Tensor> frozen = new LinkedHashMap<>();
    frozen.put("indices", Tensor.vector(7, -8));
    frozen.put("empty", Tensor.zeros(ElementType.FLOAT, 0, 3));
    return new Checkpoint(
        trainable,
        frozen,
        new OptimizerState(
            41,
            0.25f,
            Map.of(
                "w",
                List.of(
                    Tensor.of(new float[] {6, 5, 4, 3, 2, 1}, 2, 3),
                    Tensor.zeros(ElementType.FLOAT, 2, 3)))),
        new Properties(
            Map.of("epoch", 1L << 40), Map.of("best", 0.5f), Map.of("note", "früh", "none", "")));
  }

  @Test
  void readsWhatItWrote() {
    Checkpoint written = full();
    assertEquals(written, Checkpoint.read(written.toBytes()));
    Checkpoint small = new Checkpoint(Map.of(), Map.of());
    Checkpoint read = Checkpoint.read(small.toBytes());
    assertEquals(small, read);
    assertNull(read.optimizer());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "linear-ce-adamw",
        "mlp-ce-sgd",
        "linear-bce-adamw",
        "mlp-mse-adamw",
      })
  void readsMicrosoftsFiles(String name) {
    GoldenCase golden = GoldenCase.of(name);
    Checkpoint checkpoint = Checkpoint.read(golden.folder().resolve("checkpoint"));
    Map<String, Tensor> weights = golden.forward().initializers();
    assertEquals(weights, new LinkedHashMap<>(checkpoint.trainable()));
    assertTrue(checkpoint.frozen().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"conv-tail-ce-adamw", "efficientnet-lite0-last-block"})
  void readsMicrosoftsLargerFiles(String name) {
    Checkpoint checkpoint = Checkpoint.read(Shared.path("golden/" + name + "/checkpoint"));
    assertTrue(checkpoint.trainable().size() > 4, checkpoint.trainable().keySet().toString());
  }

  @Test
  void onnxRuntimeReadsWhatWasWrittenHere() {
    Training.require();
    GoldenCase golden = GoldenCase.of("linear-ce-adamw");
    Artifacts artifacts =
        Artifacts.generate(
            golden.forward(),
            ArtifactOptions.of(golden.loss(), golden.optimizer(Optimizer.AdamW.Mode.MICROSOFT)));
    artifacts.writeTo(folder);
    Path fresh = folder.resolve("fresh");
    Path moved = folder.resolve("moved");
    float afterwards;
    try (TrainingSession session = TrainingSession.open(folder, 1)) {
      session.save(fresh, false);
      try (var batch = session.bind(golden.batch(0))) {
        session.step(batch);
        session.step(batch);
        session.save(moved, true);
        afterwards = session.step(batch);
      }
    }
    assertEquals(artifacts.checkpoint(), sorted(Checkpoint.read(fresh), artifacts.checkpoint()));
    Checkpoint read = Checkpoint.read(moved);
    assertEquals(2, read.optimizer().step());
    assertEquals(
        artifacts.checkpoint().trainable().keySet(), read.optimizer().momentums().keySet());
    assertEquals(2, read.optimizer().momentums().get("0.weight").size());

    // Moments written here are moments to ONNX Runtime: training goes on as if it had not stopped.
    read.write(folder.resolve("checkpoint"));
    try (TrainingSession session = TrainingSession.open(folder, 1);
        var batch = session.bind(golden.batch(0))) {
      assertEquals(afterwards, session.step(batch));
      session.save(fresh, true);
    }
    assertEquals(3, Checkpoint.read(fresh).optimizer().step());
  }

  /** ONNX Runtime saves in an order of its own. */
  private static Checkpoint sorted(Checkpoint checkpoint, Checkpoint like) {
    Map<String, Tensor> trainable = new LinkedHashMap<>();
    like.trainable().keySet().forEach(n -> trainable.put(n, checkpoint.trainable().get(n)));
    assertEquals(trainable.size(), checkpoint.trainable().size());
    return new Checkpoint(
        trainable, checkpoint.frozen(), checkpoint.optimizer(), checkpoint.properties());
  }

  private static void refused(String expected, byte[] bytes) {
    String message =
        assertThrows(BadInputException.class, () -> Checkpoint.read(bytes)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void refusesWhatIsNoCheckpoint() throws IOException {
    refused("ODTC", new byte[0]);
    refused("ODTC", "a text file".getBytes());
    byte[] bytes = full().toBytes();
    byte[] other = bytes.clone();
    other[6] = 'X';
    refused("ODTC", other);
    assertThrows(BadInputException.class, () -> Checkpoint.read(folder.resolve("none")));
    assertThrows(BadInputException.class, () -> Checkpoint.read(folder));
    Path file = Files.write(folder.resolve("short"), Arrays.copyOf(bytes, 100));
    String message =
        assertThrows(BadInputException.class, () -> Checkpoint.read(file)).getMessage();
    assertTrue(message.contains("short"), message);
  }

  @Test
  void refusesMomentsThatDoNotFit() {
    Map<String, Tensor> weights = Map.of("w", Tensor.of(new float[] {1, 2}, 2));
    for (var moments :
        List.of(
            Map.of("v", List.of(Tensor.of(new float[] {1, 2}, 2))),
            Map.of("w", List.of(Tensor.of(new float[] {1, 2}, 1, 2))),
            Map.of("w", List.of(Tensor.vector(1, 2))))) {
      refused(
          "moments",
          new Checkpoint(weights, Map.of(), new OptimizerState(1, 1, moments), Properties.NONE)
              .toBytes());
    }
  }

  /** Finds a table's field in bytes that this test wrote. */
  private static int field(byte[] bytes, int table, int slot) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return table + buffer.getShort(table - buffer.getInt(table) + 4 + 2 * slot);
  }

  private static int follow(byte[] bytes, int field) {
    return field + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(field);
  }

  @Test
  void refusesWhatItCannotUse() {
    byte[] bytes = new Checkpoint(Map.of("w", Tensor.vector(1, 2)), Map.of()).toBytes();
    int root = follow(bytes, 0);
    byte[] version = bytes.clone();
    version[field(bytes, root, 0)] = 3;
    refused("version 3", version);

    int module = follow(bytes, field(bytes, root, 1));
    int tensor = follow(bytes, follow(bytes, field(bytes, module, 0)) + 4);
    byte[] type = bytes.clone();
    type[field(bytes, tensor, 3)] = 99;
    refused("99", type);
    byte[] string = bytes.clone();
    string[field(bytes, tensor, 3)] = 8;
    refused("strings", string);
    byte[] shape = bytes.clone();
    shape[follow(bytes, field(bytes, tensor, 2)) + 4] = 3;
    refused("24 bytes", shape);
    shape[follow(bytes, field(bytes, tensor, 2)) + 11] = (byte) 0x80;
    refused("shape", shape);
    byte[] name = bytes.clone();
    name[follow(bytes, field(bytes, tensor, 0)) + 4] = (byte) 0xff;
    refused("UTF-8", name);
  }

  @Test
  void truncatedFilesAreRefused() {
    byte[] bytes = full().toBytes();
    // The last bytes are a string's end and padding, which say nothing.
    for (int length = 0; length < bytes.length - 4; length++) {
      byte[] shorter = Arrays.copyOf(bytes, length);
      assertThrows(BadInputException.class, () -> readAll(shorter), "cut at " + length);
    }
  }

  @Test
  void damagedFilesGiveTheOneError() {
    System.out.println("CheckpointTest: headstart.seed=" + SEED);
    Random random = new Random(SEED);
    byte[] good = full().toBytes();
    int refused = 0;
    for (int round = 0; round < 50_000; round++) {
      byte[] bytes = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = random.nextInt(bytes.length);
        switch (random.nextInt(4)) {
          case 0 -> bytes[at] = (byte) random.nextInt();
          case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
          case 2 -> bytes[at] = (byte) (random.nextBoolean() ? 0 : 0xff);
          default -> {
            int aligned = Math.min(at & ~3, bytes.length - 4);
            ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(aligned, random.nextInt(64) - 32);
          }
        }
      }
      try {
        readAll(bytes);
      } catch (BadInputException expected) {
        assertNotNull(expected.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 10_000, "only " + refused + " of the damaged files were refused");
  }

  /** Reads the tensors' data too. */
  private static void readAll(byte[] bytes) {
    Checkpoint checkpoint = Checkpoint.read(bytes);
    checkpoint.parameters().values().forEach(t -> assertTrue(t.data().remaining() >= 0));
    checkpoint.toBytes();
  }

  @Test
  void weightsKeepTheirBits() {
    float[] values = {Float.MIN_VALUE, -0f, Float.NEGATIVE_INFINITY, 1e-40f};
    Checkpoint read =
        Checkpoint.read(new Checkpoint(Map.of("w", Tensor.of(values, 4)), Map.of()).toBytes());
    assertArrayEquals(values, read.trainable().get("w").floats());
  }
}
