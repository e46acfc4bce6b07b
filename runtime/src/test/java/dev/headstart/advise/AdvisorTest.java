package dev.headstart.advise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Shared;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.sample.Task;
import dev.headstart.train.TrainingListener;
import dev.headstart.workspace.Workspace;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The four cases of the textbook, and samples that are no textbook's. */
class AdvisorTest {
  private static final long SEED = Long.getLong("seed", 11);
  private static final List<Provider> CPU = List.of(Provider.CPU);
  private static final int CORES = Runtime.getRuntime().availableProcessors();

  @TempDir private Path folder;
  private Workspace workspace;
  private BaseModels models;

  @BeforeEach
  void open() {
    System.out.println("seed " + SEED);
    workspace = Workspace.open(folder.resolve("workspace"));
    models = new BaseModels(workspace.models());
  }

  @AfterEach
  void close() {
    workspace.close();
  }

  private Advisor advisor(FeatureStore store) {
    return new Advisor(models, workspace.heads(), store, CPU, CORES);
  }

  private Study study(Path data) {
    return advisor(workspace.features())
        .study(new AdviceRequest(DataSource.at(data), null, "auto", null), TrainingListener.NONE);
  }

  private Advice advise(Path data) {
    return study(data).advice();
  }

  @Test
  void fewAndLikeGetTheDeepestTapFrozen() throws IOException {
    Path animals = Shared.path("data/animals");
    Advice advice = advise(animals);
    assertEquals("efficientnet-lite0", advice.base());
    assertEquals("pooled", advice.cut());
    assertEquals("linear", advice.kind());
    assertEquals("head", advice.unfreeze());
    assertEquals(1.0, advice.expected().accuracy());
    assertEquals(1.0, advice.expected().high());
    assertTrue(advice.expected().low() > 0.8 && advice.expected().low() < 0.97, "80 samples");
    assertTrue(advice.fit() > DomainFit.LIKE, "fit " + advice.fit());
    assertEquals(80, advice.samples());
    assertEquals(80, advice.computed());
    Advice again = advise(animals);
    assertEquals(0, again.computed(), "features are remembered");
    assertEquals(advice.taps(), again.taps());
    json(advice);
  }

  /** What others rely on. */
  private static void json(Advice advice) throws IOException {
    JsonNode json = new ObjectMapper().readTree(new ObjectMapper().writeValueAsString(advice));
    Set<String> keys = new TreeSet<>();
    json.fieldNames().forEachRemaining(keys::add);
    assertTrue(
        keys.containsAll(
            List.of(
                "base",
                "cut",
                "kind",
                "unfreeze",
                "rate",
                "fit",
                "expected",
                "taps",
                "reasons",
                "augment",
                "seconds",
                "samples",
                "classes")),
        keys.toString());
    assertTrue(json.get("expected").get("low").isNumber());
    assertTrue(json.get("expected").get("high").isNumber());
    assertEquals("linear", json.get("kind").textValue());
    assertEquals(8, json.get("taps").size());
    JsonNode tap = json.get("taps").get(0);
    assertEquals("pooled", tap.get("cut").textValue());
    assertTrue(tap.get("accuracy").isNumber() && tap.get("score").isNumber());
    assertTrue(json.get("reasons").get(0).isTextual());
  }

  /** Stripes whose width alone tells classes apart, in any colours and direction. */
  @Test
  void fewAndUnlikeGetALowerTapAndGain() throws IOException {
    Path data = folder.resolve("stripes");
    Random random = new Random(SEED);
    double[] widths = {5, 6.5, 8.5, 11, 14.3, 18.6};
    for (int c = 0; c < widths.length; c++) {
      Path classFolder = Files.createDirectories(data.resolve("width" + c));
      for (int i = 0; i < 40; i++) {
        BufferedImage stripes = stripes(widths[c], random);
        ImageIO.write(
            stripes,
            "png",
            classFolder.resolve(String.format(Locale.ROOT, "%02d.png", i)).toFile());
      }
    }
    Study study = study(data);
    // Only a part is advised on; the others judge.
    List<Integer> train =
        IntStream.range(0, study.labels().size()).filter(i -> i % 40 < 15).boxed().toList();
    Resampling part = new Resampling(new Resampling.Judges(study), train);
    System.out.println(part);
    assertTrue(study.advice().fit() < DomainFit.UNLIKE, "fit " + study.advice().fit());
    assertNotEquals("pooled", part.chosen());
    assertEquals("linear", study.advice().kind());
    assertTrue(part.accuracy(part.chosen()) >= part.accuracy("pooled") + 0.02, part.toString());
    assertTrue(part.accuracy(part.chosen()) >= part.best() - 0.02, part.toString());
  }

  private static BufferedImage stripes(double width, Random random) {
    BufferedImage image = new BufferedImage(224, 224, BufferedImage.TYPE_INT_RGB);
    double angle = random.nextDouble() * Math.PI;
    double phase = random.nextDouble() * 100;
    double[] dark = {random.nextInt(200), random.nextInt(200), random.nextInt(200)};
    for (int y = 0; y < 224; y++) {
      for (int x = 0; x < 224; x++) {
        double along = x * Math.cos(angle) + y * Math.sin(angle) + phase;
        double light = 25 * Math.sin(2 * Math.PI * along / width) + 25 + random.nextGaussian() * 12;
        int rgb = 0;
        for (double channel : dark) {
          rgb = rgb << 8 | (int) Math.max(0, Math.min(255, channel + light));
        }
        image.setRGB(x, y, rgb);
      }
    }
    return image;
  }

  /** Remembers made-up features of every sample, so that many cost nothing. */
  private static FeatureStore madeUp(int classes, boolean like, BaseModels models) {
    int[] widths = {1280, 1280, 320, 192, 112, 80, 40, 24};
    List<Float> mean = models.get("efficientnet-lite0").manifest().domain().mean();
    return new FeatureStore() {
      @Override
      public Map<String, Features> get(String space, Collection<String> samples) {
        Map<String, Features> all = new HashMap<>();
        for (String digest : samples) {
          Random random = new Random(digest.hashCode());
          int label = Math.floorMod(digest.hashCode(), classes);
          List<Tensor> tensors = new ArrayList<>();
          for (int width : widths) {
            float[] row = new float[width];
            for (int k = 0; k < width; k++) {
              row[k] = (float) (random.nextGaussian() * 0.02);
              row[k] += width == 1280 && like ? mean.get(k) * 0.3f : 0;
            }
            row[label] += 0.1f;
            tensors.add(Tensor.of(row, 1, width));
          }
          float[] logits = new float[1000];
          logits[label] = like ? 9 : 1;
          tensors.add(Tensor.of(logits, 1, 1000));
          all.put(digest, new Features(tensors));
        }
        return all;
      }

      @Override
      public void put(String space, Map<String, Features> features) {
        throw new AssertionError("nothing is to be computed");
      }
    };
  }

  private Advice many(int samples, boolean like) {
    int classes = 3;
    List<LabeledSample> all = new ArrayList<>();
    for (int i = 0; i < samples; i++) {
      byte[] bytes = ("picture " + i).getBytes(StandardCharsets.UTF_8);
      ImageSample sample = ImageSample.of("picture" + i, bytes);
      int label = Math.floorMod(sample.sha256().hashCode(), classes);
      all.add(new LabeledSample(sample, new ClassLabel("class" + label)));
    }
    StoredDataSet data = new StoredDataSet("made up", Modality.IMAGE, Task.SINGLE, all);
    return advisor(madeUp(classes, like, models))
        .advise(new AdviceRequest(data, null, "auto", null), TrainingListener.NONE);
  }

  @Test
  void manyAndLikeUnfreezeTheLastBlocks() {
    Advice advice = many(1500, true);
    assertTrue(advice.fit() > DomainFit.LIKE, "fit " + advice.fit());
    assertEquals("tail", advice.kind());
    assertEquals("2", advice.unfreeze());
    assertEquals("/_blocks.14/Add_output_0", advice.cut());
    assertTrue(advice.seconds() > 1 && advice.seconds() < Unfreezing.PATIENCE);
    assertEquals(0.001, advice.rate());
    assertTrue(advice.reasons().get(0).contains("1500 samples"), advice.reasons().toString());
    assertTrue(
        advice.reasons().stream().anyMatch(r -> r.contains("found on")),
        advice.reasons().toString());
  }

  @Test
  void manyAndUnlikeUnfreezeMore() {
    Advice advice = many(1500, false);
    assertTrue(advice.fit() < DomainFit.UNLIKE, "fit " + advice.fit());
    assertEquals("tail", advice.kind());
    assertTrue(Integer.parseInt(advice.unfreeze()) > 2, advice.unfreeze());
    assertTrue(advice.seconds() < Unfreezing.PATIENCE, "seconds " + advice.seconds());
  }

  @Test
  void oneClassIsRefused() throws IOException {
    Path data = jsonl("{\"text\":\"a b\",\"label\":\"x\"}", "{\"text\":\"c d\",\"label\":\"x\"}");
    BadInputException e = assertThrows(BadInputException.class, () -> advise(data));
    assertTrue(e.getMessage().contains("at least two classes"), e.getMessage());
    assertThrows(NotFoundException.class, () -> advise(folder.resolve("nowhere")));
  }

  @Test
  void ofOneSampleAClassNothingIsExpected() throws IOException {
    Advice advice =
        advise(
            jsonl(
                "{\"text\":\"the pump leaks\",\"label\":\"a\"}",
                "{\"text\":\"a new price list\",\"label\":\"b\"}",
                "{\"text\":\"lunch at noon\",\"label\":\"c\"}"));
    assertNull(advice.expected());
    assertEquals("minilm", advice.base());
    assertEquals("linear", advice.kind());
    assertNotNull(advice.cut());
  }

  @Test
  void numbersHaveNoAccuracy() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      String text = "very ".repeat(i % 6) + "good, case " + i;
      lines.add("{\"text\":\"" + text + "\",\"label\":" + (i % 6 + 0.5) + "}");
    }
    Advice advice = advise(jsonl(lines.toArray(String[]::new)));
    assertEquals(Task.REGRESSION, advice.task());
    assertNull(advice.expected().accuracy());
    assertTrue(advice.expected().r2() > 0.5, advice.expected().toString());
    assertTrue(advice.expected().low() <= advice.expected().r2());
    assertTrue(advice.expected().high() >= advice.expected().r2());
    assertNull(advice.taps().get(0).accuracy());
    assertEquals(List.of(), advice.classes());
  }

  @Test
  void severalLabelsAreJudgedTogether() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      String text = (i % 2 == 0 ? "money, banks " : "") + (i % 3 == 0 ? "football " : "") + i;
      String labels =
          (i % 2 == 0 ? "\"money\"" : "")
              + (i % 6 == 0 ? "," : "")
              + (i % 3 == 0 ? "\"sport\"" : "");
      lines.add("{\"text\":\"" + text + "\",\"label\":[" + labels + "]}");
    }
    Advice advice = advise(jsonl(lines.toArray(String[]::new)));
    assertEquals(Task.MULTI, advice.task());
    assertEquals(List.of("money", "sport"), advice.classes());
    assertTrue(advice.expected().accuracy() > 0.6, advice.expected().toString());
  }

  @Test
  void vectorsNeedNoBase() throws IOException {
    StringBuilder csv = new StringBuilder("a,b,label\n");
    Random random = new Random(SEED);
    for (int i = 0; i < 40; i++) {
      csv.append(random.nextGaussian() + i % 2 * 4).append(',').append(1000 * random.nextDouble());
      csv.append(i % 2 == 0 ? ",off\n" : ",on\n");
    }
    Path data = folder.resolve("pump.csv");
    Files.writeString(data, csv);
    Study study = study(data);
    Advice advice = study.advice();
    assertNull(advice.base());
    assertNull(advice.cut());
    assertNull(advice.fit());
    assertEquals("features", advice.taps().get(0).cut());
    assertTrue(advice.expected().accuracy() > 0.85, advice.expected().toString());
    assertEquals(40, study.names().size());
    assertArrayEquals(new int[] {20, 20}, advice.counts());
  }

  @Test
  void unreadableFilesAreNamed() throws IOException {
    Path data = folder.resolve("pictures");
    Random random = new Random(SEED);
    for (int c = 0; c < 2; c++) {
      Path classFolder = Files.createDirectories(data.resolve("c" + c));
      for (int i = 0; i < 6; i++) {
        ImageIO.write(stripes(4 + 8 * c, random), "png", classFolder.resolve(i + ".png").toFile());
      }
    }
    Files.writeString(data.resolve("c0/broken.png"), "no picture");
    Advice advice = advise(data);
    assertEquals(1, advice.skipped().size());
    assertTrue(advice.skipped().get(0).toString().contains("broken.png"));
    assertEquals(12, advice.taps().isEmpty() ? 0 : advice.computed());
  }

  private Path jsonl(String... lines) throws IOException {
    Path file = folder.resolve("data.jsonl");
    Files.write(file, List.of(lines));
    return file;
  }
}
