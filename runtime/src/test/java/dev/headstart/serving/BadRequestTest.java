package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Task;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests that are not what a model takes: each has an answer that says why, and nothing dies. */
@Timeout(300)
class BadRequestTest {
  private static final long SEED = Long.getLong("seed", 17);
  private static final String VECTORS = "vectors";

  @TempDir static Path folder;
  private static Headstart headstart;
  private static ModelRepository repository;

  @BeforeAll
  static void open() throws Exception {
    headstart = Headstart.open(folder.resolve("workspace"));
    Heads heads = new Heads(headstart.heads(), headstart.models());
    heads.vectors(VECTORS, Task.SINGLE, 3, List.of("a", "b"), SEED);
    heads.onBase("texts", "minilm", Task.SINGLE, List.of("a", "b"), SEED);
    heads.onBase("tokens", "minilm", "layer1", new long[] {-1, 384}, Task.MULTI, List.of("a"), 1);
    heads.onBase("pictures", "efficientnet-lite0", Task.SINGLE, List.of("a", "b"), SEED);
    repository = headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
    while (!repository.ready()) {
      Thread.sleep(10);
    }
  }

  @AfterAll
  static void close() {
    repository.close();
    headstart.close();
  }

  @AfterEach
  void goodRequestsAreStillAnswered() throws Exception {
    infer(VECTORS, Map.of("features", Tensor.of(new float[] {1, 2, 3}, 1, 3)));
    infer("texts", Map.of("text", Tensor.strings(List.of(new byte[0]), 1)));
  }

  private static InferenceResult infer(String model, Map<String, Tensor> inputs, String... outputs)
      throws Exception {
    return repository
        .infer(new InferenceRequest(model, null, inputs, List.of(outputs), 0, null))
        .toCompletableFuture()
        .get(30, TimeUnit.SECONDS);
  }

  private static void refused(
      String part, String model, Map<String, Tensor> inputs, String... outputs) {
    var failure = assertThrows(ExecutionException.class, () -> infer(model, inputs, outputs));
    String message = failure.getCause().getMessage();
    assertEquals(BadInputException.class, failure.getCause().getClass(), message);
    assertTrue(message.contains(part), () -> "'" + message + "' should contain '" + part + "'");
  }

  private static Tensor floats(long... shape) {
    return Tensor.zeros(ElementType.FLOAT, shape);
  }

  private static Tensor longs(long value, long... shape) {
    long[] values = new long[(int) Tensor.elements(shape)];
    java.util.Arrays.fill(values, value);
    return Tensor.of(values, shape);
  }

  private static Map<String, Tensor> tokens(long id, long... shape) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    inputs.put("input_ids", longs(id, shape));
    inputs.put("attention_mask", longs(1, shape));
    inputs.put("token_type_ids", longs(0, shape));
    return inputs;
  }

  private static Map<String, Tensor> with(Map<String, Tensor> inputs, String name, Tensor tensor) {
    Map<String, Tensor> changed = new LinkedHashMap<>(inputs);
    changed.put(name, tensor);
    return changed;
  }

  @Test
  void namesTypesAndShapes() {
    refused("no inputs came, expected features FP32 [-1, 3]", VECTORS, Map.of());
    refused("unknown input 'feature', expected features", VECTORS, Map.of("feature", floats(1, 3)));
    refused("FP32 [-1, 3], but came as INT64 [1, 3]", VECTORS, Map.of("features", longs(1, 1, 3)));
    refused("came with shape [1, 4]", VECTORS, Map.of("features", floats(1, 4)));
    refused("came with shape [3]", VECTORS, Map.of("features", floats(3)));
    refused("came with shape []", VECTORS, Map.of("features", Tensor.scalar(1)));
    refused("is empty", VECTORS, Map.of("features", floats(0, 3)));
    refused("holds 65 samples; at most 64", VECTORS, Map.of("features", floats(65, 3)));
    refused("unknown output 'score'", VECTORS, Map.of("features", floats(1, 3)), "score");
    refused("unknown output 'score'", "heads@minilm", tokens(1, 1, 4), "score");
    Map<String, Tensor> whole = tokens(101, 1, 4);
    Map<String, Tensor> less = new LinkedHashMap<>(whole);
    less.remove("attention_mask");
    refused("'attention_mask' is missing", "texts", less);
    refused(
        "do not go together", "texts", with(less, "text", Tensor.strings(List.of(new byte[1]), 1)));
    refused("holds 2 samples", "texts", with(whole, "attention_mask", longs(1, 2, 4)));
    refused("BYTES [-1], but came as FP32 [1]", "texts", Map.of("text", floats(1)));
    refused(
        "came with shape [1, 1]",
        "texts",
        Map.of("text", Tensor.strings(List.of(new byte[1]), 1, 1)));
    refused("expected image BYTES [-1], or pixels FP32", "pictures", Map.of("img", floats(1)));
  }

  @Test
  void valuesThatNoModelTakes() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      refused(
          "at element 1; expected finite",
          VECTORS,
          Map.of("features", Tensor.of(new float[] {0, value, 0}, 1, 3)));
    }
    for (long id : new long[] {30522, -30523, Long.MAX_VALUE, Long.MIN_VALUE}) {
      refused("'input_ids' holds " + id, "minilm", tokens(id, 1, 4));
      refused("'input_ids' holds " + id, "texts", tokens(id, 2, 4));
      refused("'input_ids' holds " + id, "heads@minilm", tokens(id, 1, 4));
    }
    // More tokens than the model has places for; masks that let nothing through.
    refused("cannot take this input", "minilm", tokens(101, 1, 600));
    refused("cannot take this input", "texts", tokens(101, 1, 600));
    refused("not finite", "texts", with(tokens(101, 1, 4), "attention_mask", longs(0, 1, 4)));
    refused(
        "'token_type_ids' holds 2",
        "minilm",
        with(tokens(101, 1, 4), "token_type_ids", longs(2, 1, 4)));
    refused(
        "cannot take this input",
        "minilm",
        with(tokens(101, 1, 4), "attention_mask", longs(1, 1, 5)));
    float[] pixels = new float[3 * 224 * 224];
    java.util.Arrays.fill(pixels, Float.NaN);
    refused("not finite", "pictures", Map.of("pixels", Tensor.of(pixels, 1, 3, 224, 224)));
  }

  @Test
  void picturesAndTexts() throws Exception {
    byte[] noise = new byte[2000];
    new Random(SEED).nextBytes(noise);
    byte[] good = png(8, 8);
    byte[] cut = java.util.Arrays.copyOf(good, good.length / 2);
    for (byte[] bad : List.of(noise, cut, new byte[0], "<svg/>".getBytes(StandardCharsets.UTF_8))) {
      refused(
          "element 1 of the input 'image'",
          "pictures",
          Map.of("image", Tensor.strings(List.of(good, bad), 2)));
    }
    refused(
        "too large: 60000x60000",
        "pictures",
        Map.of("image", Tensor.strings(List.of(png(60000, 60000)), 1)));
    refused(
        "not a text in UTF-8",
        "texts",
        Map.of("text", Tensor.strings(List.of(new byte[] {(byte) 0xC3, 0x28}), 1)));
    refused(
        "at most 262144", "texts", Map.of("text", Tensor.strings(List.of(new byte[300_000]), 1)));
    infer("texts", Map.of("text", Tensor.strings(List.of(new byte[200_000]), 1)));
    refused(
        "unlike shapes",
        "tokens",
        Map.of("text", Tensor.strings(List.of(new byte[0], "a b".getBytes()), 2)),
        "features");
  }

  @Test
  void modelsAndVersionsThatAreNotThere() {
    for (String model : List.of("", "nobody", "heads@", "heads@nobody", "../vectors")) {
      var failure = assertThrows(ExecutionException.class, () -> infer(model, Map.of()));
      assertEquals(NotFoundException.class, failure.getCause().getClass(), model);
    }
    for (int version : new int[] {0, -1, 2, Integer.MAX_VALUE}) {
      for (String model : List.of(VECTORS, "minilm", "heads@minilm")) {
        var failure =
            assertThrows(
                ExecutionException.class,
                () ->
                    repository
                        .infer(new InferenceRequest(model, version, Map.of(), List.of(), 0, null))
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS));
        assertEquals(NotFoundException.class, failure.getCause().getClass(), model + version);
      }
    }
    for (List<String> heads : List.of(List.of("texts", "nobody"), List.of("texts", "minilm"))) {
      assertThrows(
          ExecutionException.class,
          () ->
              repository
                  .inferAll(heads, tokens(101, 1, 3), 0, Duration.ofSeconds(5))
                  .toCompletableFuture()
                  .get());
    }
    var unlike =
        assertThrows(
            ExecutionException.class,
            () ->
                repository
                    .inferAll(
                        List.of("texts", "pictures"),
                        Map.of("text", Tensor.strings(List.of(new byte[1]), 1)),
                        0,
                        null)
                    .toCompletableFuture()
                    .get());
    assertTrue(
        unlike.getCause().getMessage().contains("the head 'pictures': unknown input 'text'"));
  }

  /** A PNG that says it has this size, with far less data. */
  private static byte[] png(int width, int height) throws Exception {
    if (width == 8) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      javax.imageio.ImageIO.write(
          new java.awt.image.BufferedImage(8, 8, java.awt.image.BufferedImage.TYPE_INT_RGB),
          "png",
          out);
      return out.toByteArray();
    }
    byte[] small = png(8, 8);
    var buffer = java.nio.ByteBuffer.wrap(small);
    buffer.putInt(16, width).putInt(20, height);
    CRC32 crc = new CRC32();
    crc.update(small, 12, 17);
    buffer.putInt(29, (int) crc.getValue());
    return small;
  }
}
