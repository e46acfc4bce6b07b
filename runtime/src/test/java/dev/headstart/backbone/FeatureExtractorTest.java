package dev.headstart.backbone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Features of pictures: order, cache, neighbours, and pictures that are none. */
class FeatureExtractorTest {
  private static final long SEED = Long.getLong("seed", 3);

  private int handles;
  private Backbone backbone;

  @BeforeEach
  void open() {
    handles = OrtRuntime.openHandles();
    BaseModel base = new BaseModels(java.nio.file.Path.of("none")).get("efficientnet-lite0");
    backbone = Backbone.open(base, base.cut("auto"), List.of(Provider.CPU));
  }

  @AfterEach
  void everyHandleIsClosed() {
    backbone.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static final class MemoryStore implements FeatureStore {
    final Map<String, Features> known = new HashMap<>();

    @Override
    public Map<String, Features> get(String space, Collection<String> samples) {
      Map<String, Features> found = new HashMap<>(known);
      found.keySet().retainAll(samples);
      return found;
    }

    @Override
    public void put(String space, Map<String, Features> features) {
      known.putAll(features);
    }
  }

  private static final class Collected implements FeatureExtractor.Sink {
    final List<Integer> order = new ArrayList<>();
    final Map<Integer, float[]> features = new HashMap<>();
    final Map<Integer, String> reasons = new HashMap<>();

    @Override
    public void features(int index, Features found) {
      order.add(index);
      features.put(index, found.first().floats());
    }

    @Override
    public void unreadable(int index, String reason) {
      order.add(index);
      reasons.put(index, reason);
    }
  }

  /** Seeded pictures of coloured rectangles, all of different size. */
  private static List<Sample> pictures(int count) throws IOException {
    Random random = new Random(SEED);
    List<Sample> pictures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      BufferedImage image = new BufferedImage(60 + 7 * i, 90, BufferedImage.TYPE_INT_RGB);
      Graphics2D graphics = image.createGraphics();
      for (int shape = 0; shape < 12; shape++) {
        graphics.setColor(new Color(random.nextInt(1 << 24)));
        graphics.fillRect(random.nextInt(60), random.nextInt(80), 40, 25);
      }
      graphics.dispose();
      ByteArrayOutputStream png = new ByteArrayOutputStream();
      ImageIO.write(image, "png", png);
      pictures.add(ImageSample.of("picture " + i, png.toByteArray()));
    }
    return pictures;
  }

  @Test
  void featuresDoNotDependOnNeighbours() throws IOException {
    System.out.println("seed " + SEED);
    List<Sample> pictures = pictures(9);
    Collected together = new Collected();
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, FeatureStore.NONE)) {
      extractor.extract(pictures, together);
    }
    assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8), together.order);
    for (int i = 0; i < 9; i++) {
      float[] alone = backbone.run(backbone.preprocess(pictures.get(i))).first().floats();
      assertArrayEquals(alone, together.features.get(i), "picture " + i);
      assertEquals(1280, alone.length);
    }
  }

  @Test
  void whatIsKnownIsNotComputedAgain() throws IOException {
    MemoryStore store = new MemoryStore();
    List<Sample> pictures = pictures(5);
    Collected first = new Collected();
    Collected second = new Collected();
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, store)) {
      extractor.extract(pictures.subList(0, 3), first);
      assertEquals(3, backbone.runs());
      extractor.extract(pictures, second);
    }
    assertEquals(5, backbone.runs());
    assertEquals(5, store.known.size());
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(first.features.get(i), second.features.get(i));
    }
  }

  @Test
  void aPictureThatIsNoneLeavesTheOthers() throws IOException {
    List<Sample> samples = new ArrayList<>(pictures(2));
    samples.add(1, ImageSample.of("cat.jpg", "no picture".getBytes(StandardCharsets.UTF_8)));
    MemoryStore store = new MemoryStore();
    Collected collected = new Collected();
    try (FeatureExtractor extractor = new FeatureExtractor(backbone, store)) {
      extractor.extract(samples, collected);
    }
    assertEquals(List.of(0, 1, 2), collected.order);
    assertNotNull(collected.features.get(0));
    assertNotNull(collected.features.get(2));
    assertFalse(collected.reasons.get(1).startsWith("cat.jpg"), "the reason is without the name");
    assertTrue(collected.reasons.get(1).contains("picture"), collected.reasons.get(1));
    assertEquals(2, store.known.size());
  }
}
