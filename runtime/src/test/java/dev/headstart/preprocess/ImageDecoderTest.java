package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Small pictures of every kind, against what Pillow sees in them. */
class ImageDecoderTest {

  private static final JsonNode PICTURES = Fixtures.json("pictures.json").get("pictures");

  /** TwelveMonkeys enlarges the halved colour planes of WebP in its own way. */
  private static final Map<String, Integer> MORE_TOLERANCE = Map.of();

  @TestFactory
  Stream<DynamicTest> decodesAsPillowDoes() {
    Iterable<Map.Entry<String, JsonNode>> pictures = () -> PICTURES.properties().iterator();
    return StreamSupport.stream(pictures.spliterator(), false)
        .map(p -> DynamicTest.dynamicTest(p.getKey(), () -> decodes(p.getKey(), p.getValue())));
  }

  private static void decodes(String name, JsonNode expected) {
    Pixels pixels = ImageDecoder.decode(Fixtures.bytes(name));
    assertEquals(expected.get("width").asInt(), pixels.width());
    assertEquals(expected.get("height").asInt(), pixels.height());
    assertEquals(3, pixels.channels());
    int difference = Fixtures.difference(Fixtures.base64(expected.get("rgb")), pixels.data());
    int tolerance = MORE_TOLERANCE.getOrDefault(name, expected.get("tolerance").asInt());
    assertTrue(difference <= tolerance, "differs by " + difference);
  }
}
