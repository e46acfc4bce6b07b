package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Shared;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.TextSample;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bundled image model's own preprocessing, up to the model's scores; then all the options. */
class ImagePreprocessorTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  static byte[] resource(String name) throws Exception {
    try (InputStream in = ImagePreprocessorTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }

  static Preprocessing bundled(String base) throws Exception {
    JsonNode manifest = JSON.readTree(resource("/dev/headstart/models/" + base + "/manifest.json"));
    return JSON.treeToValue(manifest.get("preprocessing"), Preprocessing.class);
  }

  private static Preprocessing parse(String json) throws Exception {
    return JSON.readValue(json.replace('\'', '"'), Preprocessing.class);
  }

  /**
   * golden/efficientnet-lite0-photos.json holds what the same network says after Pillow and
   * torchvision prepared the photos.
   */
  @Test
  void predictsAsTheReferencePipelineDoes() throws Exception {
    JsonNode golden =
        JSON.readTree(Files.readAllBytes(Shared.path("golden/efficientnet-lite0-photos.json")));
    Path photos = Shared.path("data/animals");
    byte[] model = resource("/dev/headstart/models/efficientnet-lite0/model.onnx");
    int same = 0;
    double difference = 0;
    double worst = 0;
    int n = 0;
    try (Preprocessor preprocessor = bundled("efficientnet-lite0").open(name -> null);
        InferenceSession session =
            InferenceSession.open(model, "efficientnet-lite0", SessionSettings.cpu(2))) {
      for (JsonNode photo : golden.get("photos")) {
        ImageSample sample = ImageSample.of(photos.resolve(photo.get("file").asText()));
        Tensor logits = session.run(preprocessor.apply(sample)).get("logits");
        double[] scores = softmax(logits.floats());
        int best =
            IntStream.range(0, scores.length)
                .boxed()
                .max((a, b) -> Double.compare(scores[a], scores[b]))
                .orElseThrow();
        int expected = photo.get("class").asInt();
        same += best == expected ? 1 : 0;
        double d = Math.abs(scores[expected] - photo.get("probability").asDouble());
        difference += d;
        worst = Math.max(worst, d);
        n++;
      }
    }
    System.out.printf(
        "%d of %d photos in the same class; probability differs by %.6f on average, %.6f at most%n",
        same, n, difference / n, worst);
    assertEquals(80, n);
    assertTrue(same >= 78, same + " of 80");
    assertTrue(difference / n < 0.01);
  }

  private static double[] softmax(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    double[] scores = new double[logits.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Math.exp(logits[i] - max);
      sum += scores[i];
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= sum;
    }
    return scores;
  }

  @Test
  void tensorsHaveBatchOneAndDirectBuffers() throws Exception {
    try (Preprocessor preprocessor = bundled("efficientnet-lite0").open(name -> null)) {
      Map<String, Tensor> inputs =
          preprocessor.apply(ImageSample.of("a", Fixtures.bytes("rgb.png")));
      assertEquals(List.of("pixels"), List.copyOf(inputs.keySet()));
      Tensor pixels = inputs.get("pixels");
      assertEquals(ElementType.FLOAT, pixels.type());
      assertArrayEquals(new long[] {1, 3, 224, 224}, pixels.shape());
      assertTrue(pixels.data().isDirect());
    }
  }

  /** 24x16, kept at its size: the tensor is the picture, arranged and scaled. */
  @Test
  void layoutsColoursAndScales() throws Exception {
    byte[] rgb = ImageDecoder.decode(Fixtures.bytes("rgb.png")).data();
    String resize = "'resize': {'mode': 'stretch', 'size': [24, 16]}";
    float[] nchw =
        floats(
            "{'kind': 'image', 'input': 'x', "
                + resize
                + ", 'scale': 0.5, 'mean': [1, 2, 3],"
                + " 'std': [1, 2, 4]}");
    float[] nhwc = floats("{'kind': 'image', 'input': 'x', " + resize + ", 'layout': 'NHWC'}");
    float[] bgr =
        floats(
            "{'kind': 'image', 'input': 'x', "
                + resize
                + ", 'colour': 'BGR', 'mean':"
                + " [1, 2, 3]}");
    float[] gray = floats("{'kind': 'image', 'input': 'x', " + resize + ", 'colour': 'GRAY'}");
    Tensor bytes =
        apply("{'kind': 'image', 'input': 'x', " + resize + ", 'layout': 'NHWC', 'type': 'uint8'}");
    assertEquals(ElementType.UINT8, bytes.type());
    assertArrayEquals(new long[] {1, 16, 24, 3}, bytes.shape());
    int plane = 24 * 16;
    for (int i = 0; i < plane; i++) {
      for (int c = 0; c < 3; c++) {
        int value = rgb[3 * i + c] & 0xFF;
        assertEquals((value * 0.5 - (c + 1)) / (1 << c), nchw[c * plane + i], 1e-5);
        assertEquals(value, nhwc[3 * i + c]);
        assertEquals(value - (3 - c), bgr[(2 - c) * plane + i]);
        assertEquals((byte) value, bytes.data().get(3 * i + c));
      }
      double luma =
          0.299 * (rgb[3 * i] & 0xFF)
              + 0.587 * (rgb[3 * i + 1] & 0xFF)
              + 0.114 * (rgb[3 * i + 2] & 0xFF);
      assertEquals(luma, gray[i], 0.51);
    }
  }

  private static Tensor apply(String spec) throws Exception {
    try (Preprocessor preprocessor = parse(spec).open(name -> null)) {
      return preprocessor.apply(ImageSample.of("a", Fixtures.bytes("rgb.png"))).get("x");
    }
  }

  private static float[] floats(String spec) throws Exception {
    return apply(spec).floats();
  }

  /** 24x16 into 12x12: 12x8 in the middle, two rows of padding above and below. */
  @Test
  void letterboxKeepsTheProportions() throws Exception {
    float[] boxed =
        floats(
            "{'kind': 'image', 'input': 'x', 'colour': 'GRAY', 'resize': {'mode': 'letterbox',"
                + " 'size': [12, 12], 'padding': 114, 'filter': 'bilinear'}}");
    float[] stretched =
        floats(
            "{'kind': 'image', 'input': 'x', 'colour': 'GRAY', 'resize': {'mode': 'stretch',"
                + " 'size': [12, 8], 'filter': 'bilinear'}}");
    float[] padding = new float[24];
    Arrays.fill(padding, 114);
    assertArrayEquals(padding, Arrays.copyOfRange(boxed, 0, 24));
    assertArrayEquals(stretched, Arrays.copyOfRange(boxed, 24, 24 + 96));
    assertArrayEquals(padding, Arrays.copyOfRange(boxed, 120, 144));
  }

  /**
   * The shorter side is resized and the middle cut out, as when both are done one after another.
   * 24x16 at 15 is 22.5x15: 22 for both roundings (to the even one; cut). At 17 it is 25.5x17: 26
   * or 25. Offsets of a half: 15 - 10 = 5, 2.5 is 2 for both; 17 - 10 = 7, 3.5 is 3 (cut) or 4
   * (even).
   */
  @ParameterizedTest
  @CsvSource({
    "torchvision, 15, 22, 6, 2",
    "nearest, 15, 22, 6, 2",
    "torchvision, 17, 25, 8, 4",
    "nearest, 17, 26, 8, 3"
  })
  void cropIsTheMiddle(String rounding, int size, int width, int left, int top) throws Exception {
    Pixels picture = ImageDecoder.decode(Fixtures.bytes("rgb.png"));
    Pixels whole = Resampler.resize(picture, Filter.BICUBIC, true, width, size, 0, 0, width, size);
    float[] cropped =
        floats(
            "{'kind': 'image', 'input': 'x', 'layout': 'NHWC', 'resize': {'mode': 'shorter',"
                + " 'size': ["
                + size
                + "], 'rounding': '"
                + rounding
                + "'}, 'crop': [10, 10]}");
    for (int y = 0; y < 10; y++) {
      for (int x = 0; x < 10 * 3; x++) {
        assertEquals(
            whole.data()[((y + top) * width + left) * 3 + x] & 0xFF, cropped[y * 10 * 3 + x]);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'kind': 'image', 'resize': {'mode': 'stretch', 'size': [2, 2]}}",
        "{'kind': 'image', 'input': 'x'}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'shorter', 'size': [20]}}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'shorter', 'size': [20]}, 'crop': [30, 2]}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [2]}}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [0, 2]}}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [2, 2]}, 'std': [1, 0, 1]}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [2, 2]}, 'mean': [1]}",
        "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [2, 2]}, 'type':"
            + " 'uint8', 'scale': 0.5}",
        "{'kind': 'text', 'tokenizer': 't', 'maxTokens': 0, 'inputIds': 'i'}",
        "{'kind': 'text', 'maxTokens': 9, 'inputIds': 'i'}",
        "{'kind': 'tensor'}",
        "{'kind': 'tensor', 'input': 'x', 'length': 0}",
      })
  void refusesSpecificationsThatSayTooLittleOrTooMuch(String json) {
    Exception e = assertThrows(Exception.class, () -> parse(json));
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    assertTrue(cause instanceof BadInputException, e.toString());
    assertTrue(cause.getMessage().startsWith("preprocessing."), cause.getMessage());
  }

  @Test
  void writesWhatItReads() throws Exception {
    for (String base : List.of("efficientnet-lite0", "minilm")) {
      Preprocessing spec = bundled(base);
      assertEquals(spec, JSON.readValue(JSON.writeValueAsString(spec), Preprocessing.class));
    }
    Preprocessing tensor = parse("{'kind': 'tensor', 'input': 'x'}");
    assertEquals(tensor, JSON.readValue(JSON.writeValueAsString(tensor), Preprocessing.class));
  }

  @Test
  void fingerprintFollowsTheSpecification() throws Exception {
    String spec = "{'kind': 'image', 'input': 'x', 'resize': {'mode': 'stretch', 'size': [4, 4]}}";
    String first = parse(spec).open(n -> null).fingerprint();
    assertEquals(first, parse(spec).open(n -> null).fingerprint());
    assertNotEquals(first, parse(spec.replace("4, 4", "4, 5")).open(n -> null).fingerprint());
  }

  @Test
  void errorsNameTheSample() throws Exception {
    try (Preprocessor preprocessor = bundled("efficientnet-lite0").open(name -> null)) {
      String message =
          assertThrows(
                  BadInputException.class,
                  () -> preprocessor.apply(ImageSample.of("cat.jpg", "a note".getBytes())))
              .getMessage();
      assertTrue(message.startsWith("cat.jpg: not a picture"), message);
      String kind =
          assertThrows(
                  BadInputException.class, () -> preprocessor.apply(new TextSample("t", "hello")))
              .getMessage();
      assertTrue(kind.startsWith("t: the base model takes a picture"), kind);
    }
  }

  @Test
  void severalThreadsAtOnceGiveTheSame() throws Exception {
    List<String> names = new ArrayList<>();
    Fixtures.json("pictures.json").get("pictures").fieldNames().forEachRemaining(names::add);
    try (Preprocessor preprocessor = bundled("efficientnet-lite0").open(name -> null)) {
      List<Tensor> alone =
          names.stream().map(n -> preprocessor.apply(sample(n)).get("pixels")).toList();
      List<Tensor> together =
          names.parallelStream().map(n -> preprocessor.apply(sample(n)).get("pixels")).toList();
      assertEquals(alone, together);
    }
  }

  private static ImageSample sample(String name) {
    return ImageSample.of(name, Fixtures.bytes(name));
  }
}
