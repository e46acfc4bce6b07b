package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Against Pillow's own output, byte for byte. */
class ResamplerTest {

  @TestFactory
  Stream<DynamicTest> resizesAsPillowDoes() {
    return StreamSupport.stream(Fixtures.json("resample.json").get("cases").spliterator(), false)
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.get("filter").asText()
                        + " "
                        + c.get("width")
                        + "x"
                        + c.get("height")
                        + "x"
                        + c.get("channels")
                        + " to "
                        + c.get("newWidth")
                        + "x"
                        + c.get("newHeight"),
                    () -> resizesAsPillowDoes(c)));
  }

  private static void resizesAsPillowDoes(JsonNode c) {
    Pixels picture =
        new Pixels(
            c.get("width").asInt(),
            c.get("height").asInt(),
            c.get("channels").asInt(),
            Fixtures.base64(c.get("pixels")));
    int width = c.get("newWidth").asInt();
    int height = c.get("newHeight").asInt();
    Filter filter = Filter.valueOf(c.get("filter").asText().toUpperCase(Locale.ROOT));
    Pixels resized = Resampler.resize(picture, filter, true, width, height, 0, 0, width, height);
    assertEquals(0, Fixtures.difference(Fixtures.base64(c.get("expected")), resized.data()));
  }

  /** A window of the result is computed on its own; it must be the same as cut from the whole. */
  @Test
  void windowIsAPartOfTheWhole() {
    long seed = Long.getLong("seed", 11);
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      int channels = random.nextBoolean() ? 1 : 3;
      Pixels picture = Pixels.blank(1 + random.nextInt(40), 1 + random.nextInt(40), channels);
      random.nextBytes(picture.data());
      int newWidth = 1 + random.nextInt(60);
      int newHeight = 1 + random.nextInt(60);
      int left = random.nextInt(newWidth);
      int top = random.nextInt(newHeight);
      int width = 1 + random.nextInt(newWidth - left);
      int height = 1 + random.nextInt(newHeight - top);
      Filter filter = Filter.values()[random.nextInt(4)];
      boolean antialias = random.nextBoolean();
      Pixels whole =
          Resampler.resize(
              picture, filter, antialias, newWidth, newHeight, 0, 0, newWidth, newHeight);
      Pixels window =
          Resampler.resize(
              picture, filter, antialias, newWidth, newHeight, left, top, width, height);
      byte[] cut = new byte[width * height * channels];
      for (int y = 0; y < height; y++) {
        System.arraycopy(
            whole.data(),
            ((top + y) * newWidth + left) * channels,
            cut,
            y * width * channels,
            width * channels);
      }
      assertArrayEquals(
          cut, window.data(), filter + " " + picture.width() + "x" + picture.height());
    }
  }

  /** Without antialiasing, bilinear mixes the two nearest old pixels only. */
  @Test
  void withoutAntialiasingTheKernelKeepsItsSize() {
    byte[] line = {0, 0, 0, (byte) 200, 100, 0, 0, 0};
    Pixels picture = new Pixels(8, 1, 1, line);
    Pixels resized = Resampler.resize(picture, Filter.BILINEAR, false, 2, 1, 0, 0, 2, 1);
    // New centres lie at 2 and 6: between old pixels 1|2 and 5|6.
    assertArrayEquals(new byte[] {0, 0}, resized.data());
    Pixels smooth = Resampler.resize(picture, Filter.BILINEAR, true, 2, 1, 0, 0, 2, 1);
    assertEquals(38, smooth.data()[0], 12);
  }

  /** A line of 65,535 pixels would be 16 million long at full height; only the window is made. */
  @Test
  void longThinPicturesCostNoMoreThanTheirWindow() {
    Pixels thin = Pixels.blank(65_535, 1, 3);
    long longer = 256L * 65_535;
    Pixels window =
        Resampler.resize(thin, Filter.BICUBIC, true, longer, 256, longer / 2, 16, 224, 224);
    assertEquals(224 * 224 * 3, window.data().length);
  }
}
