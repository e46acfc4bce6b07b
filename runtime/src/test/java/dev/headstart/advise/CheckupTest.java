package dev.headstart.advise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.Shared;
import dev.headstart.SharedFeatures;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureExtractor;
import dev.headstart.backbone.Features;
import dev.headstart.head.Pooling;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Items;
import dev.headstart.sample.Label;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.Unreadable;
import dev.headstart.train.Epoch;
import dev.headstart.train.FeatureTable;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TaughtSamples;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found in samples that were made sick, and what is not found in sound ones. */
class CheckupTest {
  private static final long SEED = Long.getLong("seed", 1);

  @TempDir Path models;

  private record Read(List<Sample> samples, List<Label> labels, FeatureTable features) {

    TaughtSamples checked() {
      return of(Task.SINGLE, labels, features, samples);
    }
  }

  private static TaughtSamples of(
      Task task, List<Label> labels, FeatureTable features, List<Sample> originals) {
    List<String> ids = IntStream.range(0, labels.size()).mapToObj(i -> "id" + i).toList();
    List<String> names = originals.isEmpty() ? ids : originals.stream().map(Sample::name).toList();
    return new TaughtSamples(
        task, ids, names, labels, features::row, true, originals, null, List.of(), 0);
  }

  private Read read(String base, List<LabeledSample> items) {
    BaseModel model = new BaseModels(models).get(base);
    List<Sample> samples = items.stream().map(LabeledSample::sample).toList();
    try (Backbone backbone = Backbone.open(model, model.cut("pooled"), List.of(Provider.CPU));
        FeatureExtractor extractor = new FeatureExtractor(backbone, SharedFeatures.STORE)) {
      FeatureTable table = new FeatureTable(Pooling.width(backbone.shape()));
      extractor.extract(
          samples,
          new FeatureExtractor.Sink() {
            @Override
            public void features(int index, Features features) {
              table.add(Pooling.pool(features.first()));
            }

            @Override
            public void unreadable(int index, String reason) {
              throw new AssertionError(reason);
            }
          });
      return new Read(samples, items.stream().map(LabeledSample::label).toList(), table);
    }
  }

  private static List<LabeledSample> items(String data) {
    List<LabeledSample> found = new ArrayList<>();
    try (Items items = DataSet.open(Shared.path(data)).items()) {
      while (items.hasNext()) {
        found.add((LabeledSample) items.next());
      }
    }
    return found;
  }

  /** Another class for a share of the samples. */
  private static Set<Integer> flip(List<Label> labels, double share, Random random) {
    List<Label> classes = labels.stream().distinct().toList();
    Set<Integer> flipped = new HashSet<>();
    while (flipped.size() < Math.round(share * labels.size())) {
      int i = random.nextInt(labels.size());
      if (flipped.add(i)) {
        int old = classes.indexOf(labels.get(i));
        labels.set(i, classes.get((old + 1 + random.nextInt(classes.size() - 1)) % classes.size()));
      }
    }
    return flipped;
  }

  private static double found(Checkup report, Set<Integer> flipped, int samples) {
    long found =
        report.suspects().worst().stream()
            .limit(samples / 10)
            .filter(s -> flipped.contains(Integer.parseInt(s.id().substring(2))))
            .count();
    return (double) found / flipped.size();
  }

  @Test
  void labelsOfMailThatWereFlippedAreTheWorst() {
    Read mail = read("minilm", items("data/mail/train.jsonl"));
    List<String> shares = new ArrayList<>();
    for (long seed = SEED; seed < SEED + 5; seed++) {
      List<Label> labels = new ArrayList<>(mail.labels);
      Set<Integer> flipped = flip(labels, 0.05, new Random(seed));
      long start = System.nanoTime();
      Checkup report = Checkup.of(of(Task.SINGLE, labels, mail.features, List.of()));
      double share = found(report, flipped, labels.size());
      shares.add(
          String.format(
              "seed %d: %.2f, %d likely, %d ms",
              seed, share, report.suspects().total(), (System.nanoTime() - start) / 1_000_000));
      assertTrue(share >= 0.5, "seed " + seed + ": only " + share);
      assertTrue(report.lines().stream().anyMatch(line -> line.contains("likely wrong")));
    }
    System.out.println("flipped mail among the worst tenth: " + shares);
    Checkup sound = Checkup.of(mail.checked());
    assertTrue(sound.suspects().total() <= 9, "of 300: " + sound.suspects().total());
    assertTrue(
        sound.duplicates().worst().stream().noneMatch(p -> p.across() == Checkup.Across.LABELS));
    // The same advertisement under another subject is there several times.
    assertTrue(sound.duplicates().total() >= 5, "" + sound.duplicates().total());
  }

  @Test
  void copiesOfPhotosAreFoundAndPicturesOfOneSceneAreNot() {
    List<LabeledSample> photos = items("data/animals");
    List<LabeledSample> all = new ArrayList<>(photos);
    // Every sixth photo comes again, each in another way and some under another label.
    List<UnaryOperator<BufferedImage>> ways =
        List.of(
            image -> scaled(image, 0.5),
            image -> image,
            image -> cropped(image, 0.9),
            image -> scaled(cropped(image, 0.95), 0.8));
    for (int i = 0; i < photos.size(); i += 6) {
      byte[] copy = jpeg(ways.get(i / 6 % 4).apply(image(photos.get(i).sample())), 0.4f);
      Label label = i % 12 == 0 ? photos.get(i).label() : new ClassLabel("zebra");
      all.add(new LabeledSample(ImageSample.of("copy of " + i, copy), label));
    }
    int copies = all.size() - photos.size();
    Read read = read("efficientnet-lite0", all);
    Checkup report = Checkup.of(read.checked());
    Set<String> found = new HashSet<>();
    for (Checkup.Pair pair : report.duplicates().worst()) {
      int a = Integer.parseInt(pair.a().id().substring(2));
      int b = Integer.parseInt(pair.b().id().substring(2));
      assertTrue(b >= photos.size() && a == (b - photos.size()) * 6, pair + " are not the same");
      assertEquals(
          a % 12 == 0 ? Checkup.Across.NOTHING : Checkup.Across.LABELS, pair.across(), "" + pair);
      found.add(pair.b().id());
    }
    System.out.println(found.size() + " of " + copies + " copies found: " + report.lines());
    assertTrue(found.size() >= copies - 1, found.size() + " of " + copies + " copies");
    assertEquals(Checkup.Across.LABELS, report.duplicates().worst().get(0).across());
    assertTrue(report.lines().get(0).contains("under two labels"), report.lines().get(0));
    Checkup sound = Checkup.of(read("efficientnet-lite0", photos).checked());
    assertEquals(0, sound.duplicates().total(), sound.lines().toString());
    assertEquals(0, sound.suspects().total(), sound.lines().toString());
    assertTrue(sound.lines().isEmpty(), sound.lines().toString());
  }

  @Test
  void differentShirtsAreNoDuplicates() {
    Checkup report = Checkup.of(read("efficientnet-lite0", items("data/fashion/train")).checked());
    System.out.println("fashion: " + report.lines());
    assertTrue(report.duplicates().total() <= 2, "" + report.duplicates());
    assertTrue(report.blank().worst().isEmpty(), report.blank().toString());
  }

  /** Classes about random centres. */
  private static FeatureTable clusters(int[] labels, int width, double spread, Random random) {
    FeatureTable table = new FeatureTable(width);
    int classes = IntStream.of(labels).max().orElseThrow() + 1;
    float[][] centres = new float[classes][width];
    for (float[] centre : centres) {
      for (int k = 0; k < width; k++) {
        centre[k] = (float) random.nextGaussian();
      }
    }
    for (int label : labels) {
      float[] row = centres[label].clone();
      for (int k = 0; k < width; k++) {
        row[k] += (float) (spread * random.nextGaussian());
      }
      table.add(row);
    }
    return table;
  }

  @Test
  void aPairAcrossTrainingAndValidationIsNamed() {
    Random random = new Random(SEED);
    int[] classes = IntStream.range(0, 60).map(i -> i % 3).toArray();
    FeatureTable table = clusters(classes, 64, 1, random);
    float[] again = table.row(5);
    again[0] += 0.01f;
    table.add(again);
    List<Label> labels = new ArrayList<>();
    IntStream.of(classes).forEach(c -> labels.add(new ClassLabel("c" + c)));
    labels.add(labels.get(5));
    boolean[] judges = new boolean[61];
    judges[60] = true;
    TaughtSamples one = of(Task.SINGLE, labels, table, List.of());
    TaughtSamples split =
        new TaughtSamples(
            Task.SINGLE,
            one.ids(),
            one.names(),
            labels,
            table::row,
            true,
            List.of(),
            judges,
            List.of(new Unreadable("x.jpg", "cut off")),
            1);
    Checkup report = Checkup.of(split);
    assertEquals(1, report.duplicates().total());
    assertEquals(Checkup.Across.SPLIT, report.duplicates().worst().get(0).across());
    assertEquals(1, report.brief().size(), report.brief().toString());
    assertTrue(report.brief().get(0).contains("id5 and id60"), report.brief().toString());
    assertEquals(2, report.lines().size(), "and what could not be read: " + report.lines());
    assertTrue(Checkup.of(one).brief().isEmpty());
  }

  @Test
  void eachOfSeveralLabelsIsDoubtedByItself() {
    Random random = new Random(SEED);
    int n = 200;
    int[] first = random.ints(n, 0, 2).toArray();
    int[] second = random.ints(n, 0, 2).toArray();
    FeatureTable table = new FeatureTable(32);
    List<Label> labels = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      float[] row = new float[32];
      for (int k = 0; k < 32; k++) {
        row[k] = (float) (0.5 * random.nextGaussian() + (k < 16 ? first[i] : second[i]));
      }
      table.add(row);
      List<String> names = new ArrayList<>();
      if (first[i] == 1 != (i == 7)) {
        names.add("a");
      }
      if (second[i] == 1 != (i == 9)) {
        names.add("b");
      }
      labels.add(new ClassesLabel(names));
    }
    Checkup report = Checkup.of(of(Task.MULTI, labels, table, List.of()));
    List<Checkup.Suspect> worst = report.suspects().worst().subList(0, 2);
    assertEquals(
        Set.of("id7", "id9"),
        Set.of(worst.get(0).id(), worst.get(1).id()),
        report.suspects().toString());
    for (Checkup.Suspect suspect : worst) {
      int i = Integer.parseInt(suspect.id().substring(2));
      List<String> right =
          Stream.of(first[i] == 1 ? "a" : "", second[i] == 1 ? "b" : "")
              .filter(s -> !s.isEmpty())
              .toList();
      assertEquals(right, suspect.suggested());
    }
  }

  @Test
  void numbersThatAreFarOffAreNamed() {
    Random random = new Random(SEED);
    FeatureTable table = new FeatureTable(8);
    List<Label> labels = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      float[] row = new float[8];
      for (int k = 0; k < 8; k++) {
        row[k] = (float) random.nextGaussian();
      }
      table.add(row);
      double value = 3 * row[0] - row[3] + 0.1 * random.nextGaussian() + 100;
      labels.add(new NumberLabel(i == 42 ? value + 8 : value));
    }
    Checkup.Suspect worst =
        Checkup.of(of(Task.REGRESSION, labels, table, List.of())).suspects().worst().get(0);
    assertEquals("id42", worst.id());
    assertTrue(worst.likely());
    assertTrue(worst.doubt() > 10, "" + worst);
    assertEquals((double) worst.label() - 8, (double) worst.suggested(), 0.5);
  }

  @Test
  void blankPicturesAndEmptyTextsAreNamed() {
    Random random = new Random(SEED);
    List<Sample> samples = new ArrayList<>();
    List<Label> labels = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      BufferedImage image = new BufferedImage(160, 120, BufferedImage.TYPE_INT_RGB);
      Graphics2D graphics = image.createGraphics();
      graphics.setColor(new Color(90, 90, 40));
      graphics.fillRect(0, 0, 160, 120);
      for (int line = 0; line < 40 && i % 6 != 0; line++) {
        graphics.setColor(new Color(random.nextInt(1 << 24)));
        graphics.drawLine(
            random.nextInt(160), random.nextInt(120), random.nextInt(160), random.nextInt(120));
      }
      samples.add(ImageSample.of("p" + i, jpeg(image, 0.9f)));
      labels.add(new ClassLabel(i % 2 == 0 ? "a" : "b"));
    }
    samples.add(new TextSample("t", " … \n"));
    labels.add(new ClassLabel("a"));
    samples.add(ImageSample.of("no picture", new byte[100]));
    labels.add(new ClassLabel("b"));
    int[] classes = labels.stream().mapToInt(l -> l.equals(labels.get(0)) ? 0 : 1).toArray();
    Checkup report = Checkup.of(of(Task.SINGLE, labels, clusters(classes, 32, 1, random), samples));
    assertEquals(
        List.of("p0", "p6", "t"),
        report.blank().worst().stream().map(Checkup.Subject::name).toList());
    assertEquals(3, report.blank().total());
  }

  @Test
  void fewAndUnevenClassesAreSaid() {
    int[] classes = new int[40];
    classes[38] = 1;
    classes[39] = 2;
    List<Label> labels =
        IntStream.of(classes).mapToObj(c -> (Label) new ClassLabel("c" + c)).toList();
    Checkup report =
        Checkup.of(of(Task.SINGLE, labels, clusters(classes, 16, 1, new Random(SEED)), List.of()));
    assertEquals(Set.of("c1", "c2"), report.few().keySet());
    assertEquals(2, report.warnings().size(), report.warnings().toString());
    assertEquals(0, report.suspects().total(), "one sample is no class to doubt");
  }

  @Test
  void tinyAndSickInputsAreTaken() {
    FeatureTable table = new FeatureTable(4);
    assertTrue(Checkup.of(of(Task.SINGLE, List.of(), table, List.of())).lines().isEmpty());
    table.add(new float[4]);
    List<Label> one = List.of(new ClassLabel("a"));
    assertEquals(1, Checkup.of(of(Task.SINGLE, one, table, List.of())).samples());
    FeatureTable same = new FeatureTable(4);
    List<Label> labels = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      same.add(new float[] {1, 2, 3, 4});
      labels.add(new ClassLabel(i % 2 == 0 ? "a" : "b"));
    }
    Checkup report = Checkup.of(of(Task.SINGLE, labels, same, List.of()));
    assertTrue(report.suspects().worst().stream().allMatch(s -> Double.isFinite(s.doubt())));
  }

  @Test
  void teachingSaysWhatIsSickBeforeItTrains(@TempDir Path folder) throws IOException {
    Random random = new Random(SEED);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      int side = i % 2;
      lines.append("{\"features\": [");
      for (int k = 0; k < 8; k++) {
        lines.append(k == 0 ? "" : ", ").append(side + 0.2 * random.nextGaussian());
      }
      boolean flipped = i == 21;
      lines
          .append("], \"label\": \"")
          .append((side == 1) != flipped ? "on" : "off")
          .append("\"}\n");
    }
    Path data = Files.writeString(folder.resolve("data.jsonl"), lines);
    List<String> heard = new ArrayList<>();
    boolean[] trained = new boolean[1];
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void warning(String message) {
            if (!trained[0]) {
              heard.add(message);
            }
          }

          @Override
          public void epoch(Epoch epoch) {
            trained[0] = true;
          }
        };
    try (Headstart headstart = Headstart.open(folder.resolve("workspace"))) {
      TeachResult result =
          headstart.teach(
              new TeachRequest(
                  "switch",
                  DataSource.at(data),
                  null,
                  "auto",
                  RecipeOptions.DEFAULTS,
                  TeachRequest.Promotion.ALWAYS,
                  false),
              listener);
      assertEquals(1, heard.size(), heard.toString());
      assertTrue(heard.get(0).startsWith("1 label is likely wrong: "), heard.toString());
      assertTrue(heard.get(0).endsWith("data.jsonl:22 is off, rather on"), heard.toString());
      assertTrue(result.warnings().containsAll(heard), result.warnings().toString());
      Checkup report =
          headstart
              .advised(
                  new AdviceRequest(DataSource.at(data), null, "auto", null), TrainingListener.NONE)
              .report();
      assertEquals(1, report.suspects().total());
      assertEquals(6, report.suspects().worst().size(), "to a tenth of the samples");
      assertTrue(report.suspects().worst().get(0).name().endsWith("data.jsonl:22"));
    }
  }

  @Test
  void manySamplesTakeNoLongerThanSome() {
    Random random = new Random(SEED);
    int[] classes = IntStream.range(0, 20_000).map(i -> i % 4).toArray();
    List<Label> labels =
        IntStream.of(classes).mapToObj(c -> (Label) new ClassLabel("c" + c)).toList();
    TaughtSamples many = of(Task.SINGLE, labels, clusters(classes, 384, 1, random), List.of());
    long start = System.nanoTime();
    Checkup report = Checkup.of(many);
    System.out.println("20 000 samples: " + (System.nanoTime() - start) / 1_000_000 + " ms");
    assertEquals(Checkup.MOST, report.looked());
    assertTrue(report.lines().get(0).contains("20000"), report.lines().toString());
  }

  private static BufferedImage image(Sample sample) {
    try {
      BufferedImage read = ImageIO.read(new ByteArrayInputStream(sample.bytes()));
      return draw(read, 0, 0, read.getWidth(), read.getHeight(), 1);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static BufferedImage scaled(BufferedImage image, double by) {
    return draw(image, 0, 0, image.getWidth(), image.getHeight(), by);
  }

  private static BufferedImage cropped(BufferedImage image, double to) {
    int width = (int) (image.getWidth() * to);
    int height = (int) (image.getHeight() * to);
    return draw(
        image, (image.getWidth() - width) / 2, (image.getHeight() - height) / 2, width, height, 1);
  }

  private static BufferedImage draw(
      BufferedImage image, int x, int y, int width, int height, double by) {
    int toWidth = (int) Math.round(width * by);
    int toHeight = (int) Math.round(height * by);
    BufferedImage drawn = new BufferedImage(toWidth, toHeight, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = drawn.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    graphics.drawImage(image, 0, 0, toWidth, toHeight, x, y, x + width, y + height, null);
    graphics.dispose();
    return drawn;
  }

  private static byte[] jpeg(BufferedImage image, float quality) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ImageWriteParam param = writer.getDefaultWriteParam();
    param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
    param.setCompressionQuality(quality);
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }
}
