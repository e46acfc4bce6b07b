package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.TextSample;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bundled text model's tokenizer; then texts that are none. */
class TextPreprocessorTest {

  private static Preprocessor preprocessor;

  @BeforeAll
  static void open() throws Exception {
    preprocessor = ImagePreprocessorTest.bundled("minilm").open(TextPreprocessorTest::file);
  }

  @AfterAll
  static void close() {
    preprocessor.close();
    preprocessor.close();
  }

  static byte[] file(String name) {
    try {
      return ImagePreprocessorTest.resource("/" + name.replace("classpath:", ""));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static long[] ids(String text) {
    return preprocessor.apply(new TextSample("t", text)).get("input_ids").longs();
  }

  /** tokens.json was made by Hugging Face's own Python library (make_tokens.py). */
  @TestFactory
  Stream<DynamicTest> tokenizesAsTheReferenceDoes() {
    return StreamSupport.stream(Fixtures.json("tokens.json").get("texts").spliterator(), false)
        .map(
            t ->
                DynamicTest.dynamicTest(
                    t.get("text").toString(),
                    () -> {
                      long[] expected =
                          StreamSupport.stream(t.get("ids").spliterator(), false)
                              .mapToLong(JsonNode::asLong)
                              .toArray();
                      assertArrayEquals(expected, ids(t.get("text").asText()));
                    }));
  }

  @Test
  void emptyAndBlankTextsAreTheTwoSpecialTokens() {
    assertArrayEquals(new long[] {101, 102}, ids(""));
    assertArrayEquals(new long[] {101, 102}, ids(" \n\t\u00a0 "));
  }

  @Test
  void aMegabyteIsCutTo256Tokens() {
    long[] ids = ids("pump ".repeat(200_000));
    assertEquals(256, ids.length);
    assertEquals(101, ids[0]);
    assertEquals(102, ids[255]);
    // A single word of a megabyte is one unknown token.
    assertArrayEquals(new long[] {101, 100, 102}, ids("x".repeat(1_000_000)));
  }

  /**
   * BERT's tokenizer drops control characters; half a surrogate pair becomes U+FFFD, dropped too.
   */
  @Test
  void charactersThatAreNone() {
    assertArrayEquals(ids("pump leaking"), ids("pump\0 leak\0ing"));
    assertArrayEquals(ids("pump leaking"), ids("pump \ud83d leaking\udc00"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\ud83d\ude00 \ud83d\udc68\u200d\ud83d\udc69",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u6d4b\u8bd5",
        "\u202eabc",
        "a\u0301\u0327",
        "[CLS] [SEP] [MASK]",
        "\ufeffbom",
        "\r\n"
      })
  void anyScriptGivesTokens(String text) {
    long[] ids = ids(text);
    assertEquals(101, ids[0]);
    assertEquals(102, ids[ids.length - 1]);
  }

  @Test
  void accentsAndCaseDoNotMatterToAnUncasedModel() {
    assertArrayEquals(ids("ou est la gare"), ids("O\u00d9 est LA gare"));
  }

  @Test
  void severalThreadsAtOnceGiveTheSame() {
    List<String> texts = IntStream.range(0, 300).mapToObj(i -> "pump " + i * 7919).toList();
    List<Tensor> alone = texts.stream().map(t -> Tensor.vector(ids(t))).toList();
    List<Tensor> together = texts.parallelStream().map(t -> Tensor.vector(ids(t))).toList();
    assertEquals(alone, together);
  }

  @Test
  void refusesWhatIsNoTokenizer() {
    TextPreprocessing spec = new TextPreprocessing("tokenizer.json", 256, "ids", null, null);
    for (String json : new String[] {"", "{}", "hello", "{\"model\": {\"type\": \"Nothing\"}}"}) {
      String message =
          assertThrows(
                  BadInputException.class,
                  () -> spec.open(name -> json.getBytes(StandardCharsets.UTF_8)))
              .getMessage();
      assertTrue(message.startsWith("tokenizer.json is not"), message);
    }
  }

  @Test
  void onlyTheInputsThatTheModelHas() throws Exception {
    TextPreprocessing spec =
        new TextPreprocessing("classpath:all-minilm-l6-v2-q-tokenizer.json", 4, "ids", null, null);
    try (Preprocessor four = spec.open(TextPreprocessorTest::file)) {
      Map<String, Tensor> inputs = four.apply(new TextSample("t", "one two three four five"));
      assertEquals(List.of("ids"), List.copyOf(inputs.keySet()));
      assertEquals(4, inputs.get("ids").elements());
      assertNotEquals(preprocessor.fingerprint(), four.fingerprint());
    }
  }

  @Test
  void otherKindsOfSamplesAreRefusedByName() {
    String message =
        assertThrows(
                BadInputException.class,
                () -> preprocessor.apply(ImageSample.of("cat.jpg", new byte[3])))
            .getMessage();
    assertTrue(message.startsWith("cat.jpg: the base model takes a text"), message);
  }
}
