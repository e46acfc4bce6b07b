package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Value;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.preprocess.Variation;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.teach.StoredSample;
import dev.headstart.train.Epoch;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachRequest.Promotion;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import dev.headstart.workspace.Workspace;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Varied pictures, on a base whose features are the picture's own gray values. */
class AugmentationTest {
  private static final long SEED = Long.getLong("seed", 4);
  private static final int SIDE = 24;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Headstart headstart;
  private int handles;

  @BeforeEach
  void open() throws IOException {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
    GraphBuilder g = new GraphBuilder("gray", 17);
    Value x = g.input("pixels", ElementType.FLOAT, -1, 1, SIDE, SIDE);
    Value small =
        g.node(
            Operator.AVERAGE_POOL,
            List.of(x),
            Attribute.of("kernel_shape", new long[] {2, 2}),
            Attribute.of("strides", new long[] {2, 2}));
    Value features = g.named("features", Operator.FLATTEN, List.of(small), Attribute.axis(1));
    OnnxModel model = g.output(features, ElementType.FLOAT, -1, SIDE * SIDE / 4).build();
    Path file = folder.resolve("gray.onnx");
    model.write(file);
    Path manifest =
        Files.writeString(
            folder.resolve("manifest.json"),
            """
            {"id": "gray", "modality": "image", "model": "gray.onnx", "sha256": "%s",
             "inputs": [{"name": "pixels", "type": "float32", "shape": ["batch", 1, 24, 24]}],
             "outputs": [{"name": "features", "type": "float32", "shape": ["batch", 144]}],
             "taps": [{"name": "features", "tensor": "features", "shape": [144]}],
             "preprocessing": {"kind": "image", "input": "pixels",
               "resize": {"mode": "stretch", "size": [24, 24], "filter": "bilinear",
                 "antialias": true},
               "crop": [24, 24], "scale": 0.00392156862745098, "mean": [0], "std": [1],
               "layout": "NCHW", "colour": "GRAY", "type": "float32"},
             "batchInvariant": true, "licence": "none", "source": "test"}
            """
                .formatted(Sample.sha256(Files.readAllBytes(file))));
    headstart.models().add(file, "gray", manifest);
  }

  @AfterEach
  void everyHandleIsClosed() {
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  /** Draws a shape around the origin, about 16 wide. */
  private interface Shape {
    Path2D path();
  }

  private static Path2D lines(double... points) {
    Path2D path = new Path2D.Double();
    for (int i = 0; i < points.length; i += 4) {
      path.moveTo(points[i], points[i + 1]);
      path.lineTo(points[i + 2], points[i + 3]);
    }
    return path;
  }

  private static final Shape RIGHT = () -> lines(-8, 0, 8, 0, 8, 0, 3, -5, 8, 0, 3, 5);
  private static final Shape LEFT = () -> lines(-8, 0, 8, 0, -8, 0, -3, -5, -8, 0, -3, 5);
  private static final Shape PLUS = () -> lines(-8, 0, 8, 0, 0, -8, 0, 8);
  private static final Shape TEE = () -> lines(-8, -7, 8, -7, 0, -7, 0, 8);
  private static final Shape ELL = () -> lines(-7, -8, -7, 7, -7, 7, 8, 7);

  /**
   * @param turn degrees that a shape is turned at most
   */
  private BufferedImage picture(Shape shape, double shift, double turn, double noise) {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_BYTE_GRAY);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setColor(Color.BLACK);
    g.fillRect(0, 0, SIDE, SIDE);
    g.translate(SIDE / 2.0 + shift * symmetric(), SIDE / 2.0 + shift * symmetric());
    g.rotate(Math.toRadians(turn * symmetric()));
    g.setStroke(new BasicStroke(2));
    g.setColor(Color.LIGHT_GRAY);
    g.draw(shape.path());
    g.dispose();
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double value = image.getRaster().getSample(x, y, 0) + noise * random.nextGaussian();
        image.getRaster().setSample(x, y, 0, (int) Math.max(0, Math.min(255, value)));
      }
    }
    return image;
  }

  private double symmetric() {
    return 2 * random.nextDouble() - 1;
  }

  private Path data(
      String name, Map<String, Shape> classes, int each, double shift, double turn, double noise)
      throws IOException {
    for (var one : classes.entrySet()) {
      Path of = Files.createDirectories(folder.resolve(name).resolve(one.getKey()));
      for (int i = 0; i < each; i++) {
        BufferedImage image = picture(one.getValue(), shift, turn, noise);
        ImageIO.write(image, "png", of.resolve(i + ".png").toFile());
      }
    }
    return folder.resolve(name);
  }

  private TeachResult teach(Path data, String kind, String augment) {
    return headstart.teach(
        new TeachRequest(
            "shapes",
            data,
            "gray",
            "auto",
            RecipeOptions.of(HeadKind.parse(kind)).augment(augment),
            Promotion.ALWAYS),
        TrainingListener.NONE);
  }

  private double accuracy(TeachResult taught, Path test) {
    return headstart
        .evaluate("shapes", taught.version(), test, TrainingListener.NONE)
        .metrics()
        .accuracy();
  }

  private static final Map<String, Shape> ARROWS = Map.of("left", LEFT, "right", RIGHT);
  private static final Map<String, Shape> LETTERS = Map.of("plus", PLUS, "tee", TEE, "ell", ELL);

  @Test
  void mirroringArrowsDoesHarmAndIsLeftOut() throws IOException {
    Path train = data("train", ARROWS, 30, 1, 5, 25);
    Path test = data("test", ARROWS, 60, 1, 5, 25);
    double plain = accuracy(teach(train, "linear", null), test);
    TeachResult flipped = teach(train, "linear", "flip");
    assertEquals("flip", flipped.augment().used());
    assertEquals(60, flipped.augment().rows());
    assertTrue(plain > 0.9, "plain " + plain);
    double harmed = accuracy(flipped, test);
    assertTrue(harmed < 0.75, "mirrored " + harmed);
    TeachResult chosen = teach(train, "linear", "auto");
    assertFalse(chosen.augment().used().contains("flip"), chosen.augment().toString());
    assertTrue(chosen.augment().reason().contains("flip does not suit"), chosen.augment().reason());
    assertTrue(accuracy(chosen, test) >= plain - 0.02, chosen.augment().toString());
  }

  @Test
  void turningShapesThatAreTurnedHelpsAndIsFound() throws IOException {
    Path train = data("train", LETTERS, 9, 1, 25, 110);
    Path test = data("test", LETTERS, 80, 1, 25, 110);
    TeachResult plain = teach(train, "linear", null);
    TeachResult chosen = teach(train, "linear", "auto");
    System.out.println(chosen.augment());
    assertTrue(chosen.augment().used().contains("rotate"), chosen.augment().toString());
    assertTrue(chosen.augment().loss()[1] < chosen.augment().loss()[0]);
    assertEquals(chosen.augment().used(), chosen.recipe().augment());
    double before = accuracy(plain, test);
    double after = accuracy(chosen, test);
    System.out.println("accuracy " + before + " without, " + after + " with");
    assertTrue(after > before, before + " without, " + after + " with");
    // Samples are counted as they are, and what judged did not train by its variants either.
    assertEquals(plain.samples(), chosen.samples());
    assertNull(plain.augment());
  }

  @Test
  void theSameSamplesGiveTheSameVersion() throws IOException {
    Path train = data("train", LETTERS, 6, 1, 20, 15);
    TeachResult one = teach(train, "mlp:8", "crop,rotate");
    TeachResult two = teach(train, "mlp:8", "rotate , crop");
    assertEquals("crop,rotate", two.recipe().augment());
    assertEquals(18 * 4, two.augment().rows());
    assertEquals(losses(one), losses(two));
    assertEquals(0, two.computed(), "from the cache");
    assertNotEquals(losses(one), losses(teach(train, "mlp:8", "crop")));
    assertTrue(teach(train, "prototype", "noise").augment().rows() == 18);
  }

  private static List<Double> losses(TeachResult taught) {
    return taught.history().stream().map(Epoch::trainLoss).toList();
  }

  /** Features of variants lie under their sample. */
  @Test
  void forgettingASampleForgetsItsVariants() throws IOException {
    Path train = data("train", LETTERS, 5, 1, 20, 15);
    teach(train, "linear", "flip,rotate");
    List<String> ids =
        headstart.samples().samples("shapes").stream().map(StoredSample::id).toList();
    assertEquals(15, ids.size());
    BaseModel base = headstart.models().get("gray");
    try (Workspace workspace = Workspace.open(folder.resolve("workspace"));
        Backbone backbone = Backbone.open(base, base.cut("features"), List.of(Provider.CPU))) {
      List<String> spaces = new ArrayList<>(List.of(backbone.space()));
      for (Variation variation : List.of(Variation.FLIP, Variation.ROTATE)) {
        variation.variants().forEach(variant -> spaces.add(backbone.space(variant)));
      }
      assertEquals(4, spaces.size());
      for (String space : spaces) {
        assertEquals(15, workspace.features().get(space, ids).size());
      }
      headstart.samples().delete("shapes", ids.subList(0, 6));
      for (String space : spaces) {
        assertEquals(Set.copyOf(ids.subList(6, 15)), workspace.features().get(space, ids).keySet());
      }
    }
  }

  @Test
  void whatCannotBeVariedIsRefused() throws IOException {
    Path texts =
        Files.writeString(
            folder.resolve("texts.jsonl"),
            "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\"}\n");
    RecipeOptions auto = RecipeOptions.DEFAULTS.augment("auto");
    var error =
        assertThrows(
            UsageException.class,
            () ->
                headstart.teach(
                    new TeachRequest("t", texts, null, "auto", auto, Promotion.ALWAYS),
                    TrainingListener.NONE));
    assertTrue(error.getMessage().contains("texts"), error.getMessage());
    error =
        assertThrows(
            UsageException.class,
            () -> RecipeOptions.DEFAULTS.augment("flip,upside").resolve(Task.SINGLE, 4));
    assertTrue(error.getMessage().contains("[upside]"), error.getMessage());
    RecipeOptions tail =
        RecipeOptions.DEFAULTS.with(RecipeOptions.FineTuning.unfreeze("1")).augment("flip");
    assertThrows(UsageException.class, () -> tail.resolve(Task.SINGLE, 4));
  }

  /** A mirrored picture is the picture mirrored; the others are what they say, and differ. */
  @Test
  void variantsAreWhatTheySay() throws IOException {
    BaseModel base = headstart.models().get("gray");
    Path file = folder.resolve("one.png");
    ImageIO.write(picture(ELL, 0, 0, 0), "png", file.toFile());
    ImageSample sample = ImageSample.of(file);
    try (Backbone backbone = Backbone.open(base, base.cut("features"), List.of(Provider.CPU))) {
      float[] plain = backbone.preprocess(sample).get("pixels").floats();
      float[] mirrored = new float[plain.length];
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          mirrored[y * SIDE + SIDE - 1 - x] = plain[y * SIDE + x];
        }
      }
      for (Variation variation : Variation.values()) {
        for (Variation.Variant variant : variation.variants()) {
          float[] varied = backbone.preprocess(sample, variant).get("pixels").floats();
          assertArrayEquals(
              varied, backbone.preprocess(ImageSample.of(file), variant).get("pixels").floats());
          assertNotEquals(backbone.space(), backbone.space(variant));
          double distance = distance(plain, varied);
          assertTrue(distance > 0.01, variant + " " + distance);
          if (variation == Variation.FLIP) {
            assertArrayEquals(mirrored, varied);
          }
          if (variation == Variation.NOISE) {
            assertTrue(distance < 0.1, variant + " " + distance);
          }
        }
      }
      float[] left = varied(backbone, sample, new Variation.Variant(Variation.ROTATE, 1));
      float[] right = varied(backbone, sample, new Variation.Variant(Variation.ROTATE, 2));
      assertTrue(distance(left, right) > distance(plain, left), "turned either way");
    }
  }

  private static float[] varied(Backbone backbone, Sample sample, Variation.Variant variant) {
    return backbone.preprocess(sample, variant).get("pixels").floats();
  }

  /** Root of the mean square. */
  private static double distance(float[] a, float[] b) {
    double squares = 0;
    for (int i = 0; i < a.length; i++) {
      squares += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(squares / a.length);
  }
}
