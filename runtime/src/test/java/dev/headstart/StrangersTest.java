package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.advise.AdviceRequest;
import dev.headstart.advise.Advisor;
import dev.headstart.advise.Study;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.confidence.Novelty;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Pooling;
import dev.headstart.head.Prototypes;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.train.TrainingListener;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * How well strangers are found: held-out samples of a head's own kind against quite other ones, by
 * novelty and by the methods that it was chosen over. Prints the table of docs/confidence.md.
 */
@Timeout(300)
class StrangersTest {
  private static final long SEED = Long.getLong("seed", 1);

  @TempDir Path folder;

  /** Pooled features, and what they are labelled with. */
  private record Set(float[][] features, int[] labels) {
    Set where(IntStream rows) {
      int[] chosen = rows.toArray();
      return new Set(
          Arrays.stream(chosen).mapToObj(i -> features[i]).toArray(float[][]::new),
          Arrays.stream(chosen).map(i -> labels[i]).toArray());
    }
  }

  private static float[][] features(Backbone backbone, List<Sample> samples) {
    return samples.stream()
        .map(sample -> Pooling.pool(backbone.run(backbone.preprocess(sample)).first()))
        .toArray(float[][]::new);
  }

  private static List<LabeledSample> labelled(Path data, int every) {
    List<LabeledSample> some = new ArrayList<>();
    try (Items items = DataSet.open(data, Task.SINGLE).items()) {
      for (int n = 0; items.hasNext(); n++) {
        Item item = items.next();
        if (n % every == 0 && item instanceof LabeledSample labelled) {
          some.add(labelled);
        }
      }
    }
    return some;
  }

  private static Set read(Backbone backbone, Path data, int every) {
    List<LabeledSample> all = labelled(data, every);
    List<String> names =
        all.stream().map(labelled -> labelled.label().names().iterator().next()).toList();
    List<String> classes = names.stream().distinct().sorted().toList();
    return new Set(
        features(backbone, all.stream().map(LabeledSample::sample).toList()),
        names.stream().mapToInt(classes::indexOf).toArray());
  }

  private static Sample picture(BufferedImage image) {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", png);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return ImageSample.of("made", png.toByteArray());
  }

  private static List<Sample> noise(Random random) {
    List<Sample> samples = new ArrayList<>();
    for (int n = 0; n < 20; n++) {
      BufferedImage image = new BufferedImage(224, 224, BufferedImage.TYPE_INT_RGB);
      int grain = 1 << n % 4;
      for (int y = 0; y < 224; y += grain) {
        for (int x = 0; x < 224; x += grain) {
          int colour = random.nextInt(1 << 24);
          for (int i = 0; i < grain * grain; i++) {
            image.setRGB(x + i % grain, y + i / grain, colour);
          }
        }
      }
      samples.add(picture(image));
    }
    return samples;
  }

  private static List<Sample> blank(Random random) {
    List<Sample> samples = new ArrayList<>();
    for (int n = 0; n < 20; n++) {
      BufferedImage image = new BufferedImage(96, 64, BufferedImage.TYPE_INT_RGB);
      int grey = n * 255 / 19;
      int colour = n % 2 == 0 ? grey << 16 | grey << 8 | grey : random.nextInt(1 << 24);
      for (int i = 0; i < 96 * 64; i++) {
        image.setRGB(i % 96, i / 96, colour);
      }
      samples.add(picture(image));
    }
    return samples;
  }

  /** Every method, fitted to samples: higher is stranger. */
  private static Map<String, ToDoubleFunction<float[]>> methods(Set train) {
    int classes = Arrays.stream(train.labels).max().orElseThrow() + 1;
    Map<String, ToDoubleFunction<float[]>> methods = new LinkedHashMap<>();
    Novelty novelty = novelty(train, classes, true);
    methods.put("Mahalanobis, length 1 (novelty)", novelty::of);
    methods.put("Mahalanobis, by column", novelty(train, classes, false)::of);
    methods.put("nearest neighbour, cosine", x -> nearest(x, train));
    Prototypes prototypes = new Prototypes(classes, train.features[0].length);
    for (int n = 0; n < train.labels.length; n++) {
      prototypes.add(train.labels[n], train.features[n]);
    }
    Map<String, dev.headstart.onnx.Tensor> weights =
        prototypes.head(List.of(train.features), train.labels).weights();
    float[] w = weights.get("output.weight").floats();
    methods.put("energy (of a prototype head)", x -> -logSum(logits(w, x, classes)));
    methods.put("highest score (of the same)", x -> -highest(logits(w, x, classes)));
    return methods;
  }

  private static Novelty novelty(Set train, int classes, boolean normalised) {
    return Novelty.fit(
            train.labels.length, n -> train.features[n], train.labels, classes, normalised)
        .orElseThrow();
  }

  private static double cosine(float[] a, float[] b) {
    double product = 0;
    double first = 0;
    double second = 0;
    for (int i = 0; i < a.length; i++) {
      product += (double) a[i] * b[i];
      first += (double) a[i] * a[i];
      second += (double) b[i] * b[i];
    }
    return product / Math.sqrt(first * second);
  }

  private static double nearest(float[] x, Set train) {
    return 1 - Arrays.stream(train.features).mapToDouble(f -> cosine(x, f)).max().orElseThrow();
  }

  private static double[] logits(float[] weight, float[] x, int classes) {
    double[] logits = new double[classes];
    for (int c = 0; c < classes; c++) {
      float[] row = Arrays.copyOfRange(weight, c * x.length, (c + 1) * x.length);
      double norm = 0;
      for (float value : row) {
        norm += (double) value * value;
      }
      logits[c] = cosine(x, row) * Math.sqrt(norm);
    }
    return logits;
  }

  private static double logSum(double[] logits) {
    double most = Arrays.stream(logits).max().orElseThrow();
    return most + Math.log(Arrays.stream(logits).map(z -> Math.exp(z - most)).sum());
  }

  private static double highest(double[] logits) {
    return Math.exp(Arrays.stream(logits).max().orElseThrow() - logSum(logits));
  }

  private static double auroc(double[] familiar, double[] strange) {
    double won = 0;
    for (double s : strange) {
      for (double f : familiar) {
        won += s > f ? 1 : s == f ? 0.5 : 0;
      }
    }
    return won / familiar.length / strange.length;
  }

  private static double[] values(ToDoubleFunction<float[]> method, float[][] features) {
    return Arrays.stream(features).mapToDouble(method).toArray();
  }

  /**
   * Judges every method.
   *
   * @return of novelty, the AUROC by kind of stranger, and last the false alarms at 5 %
   */
  private static double[] judge(
      String what, Set train, Set held, Map<String, float[][]> strangers) {
    double[] found = new double[strangers.size() + 1];
    boolean first = true;
    for (Map.Entry<String, ToDoubleFunction<float[]>> method : methods(train).entrySet()) {
      double[] familiar = values(method.getValue(), held.features);
      StringBuilder line = new StringBuilder("| " + what + " | " + method.getKey());
      int n = 0;
      for (Map.Entry<String, float[][]> kind : strangers.entrySet()) {
        double area = auroc(familiar, values(method.getValue(), kind.getValue()));
        line.append(String.format(" | %s %.3f", kind.getKey(), area));
        if (first) {
          found[n++] = area;
        }
      }
      if (first) {
        found[n] = Arrays.stream(familiar).filter(v -> v > 1).count() / (double) familiar.length;
        line.append(String.format(" | false alarms %.3f", found[n]));
      }
      System.out.println(line + " |");
      first = false;
    }
    return found;
  }

  private Backbone open(Headstart headstart, String base, String cut) {
    BaseModel model = headstart.models().get(base);
    return Backbone.open(model, model.cut(cut), List.of(Provider.CPU));
  }

  @Test
  void picturesThatAreNoAnimals() {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    try (Headstart headstart = Headstart.open(folder);
        Backbone backbone = open(headstart, "efficientnet-lite0", "pooled")) {
      Set animals = read(backbone, Shared.path("data/animals"), 1);
      Map<String, float[][]> strangers = new LinkedHashMap<>();
      strangers.put("fashion", read(backbone, Shared.path("data/fashion/test"), 6).features());
      strangers.put("noise", features(backbone, noise(random)));
      strangers.put("blank", features(backbone, blank(random)));
      double alarms = 0;
      for (int half = 0; half < 2; half++) {
        int odd = half;
        int count = animals.labels.length;
        double[] found =
            judge(
                "animals, half " + half,
                animals.where(IntStream.range(0, count).filter(i -> i % 2 != odd)),
                animals.where(IntStream.range(0, count).filter(i -> i % 2 == odd)),
                strangers);
        for (int kind = 0; kind < 3; kind++) {
          assertTrue(found[kind] >= 0.97, Arrays.toString(found));
        }
        alarms += found[3] / 2;
      }
      assertTrue(alarms <= 0.1, "false alarms " + alarms);
    }
  }

  /** Features of all taps by one pass, which other tests may have made already. */
  private static Study study(BaseModels models, HeadStore heads, List<LabeledSample> mails) {
    return new Advisor(
            models,
            heads,
            SharedFeatures.STORE,
            List.of(Provider.CPU),
            Runtime.getRuntime().availableProcessors())
        .study(
            new AdviceRequest(
                new StoredDataSet("mails", Modality.TEXT, Task.SINGLE, mails), null, "auto", null),
            TrainingListener.NONE);
  }

  private static Set set(Study study, String cut) {
    return new Set(
        study.features().get(cut),
        study.labels().stream()
            .mapToInt(label -> study.classes().indexOf(label.names().iterator().next()))
            .toArray());
  }

  @Test
  void mailsInOtherLanguages() throws IOException {
    byte[] foreign = getClass().getResourceAsStream("foreign-mails.txt").readAllBytes();
    List<LabeledSample> strangers = new ArrayList<>();
    new String(foreign, StandardCharsets.UTF_8)
        .lines()
        .map(text -> new TextSample("foreign", text))
        .forEach(
            text ->
                strangers.add(
                    new LabeledSample(text, new ClassLabel("any " + strangers.size() % 2))));
    try (Headstart headstart = Headstart.open(folder)) {
      BaseModels models = headstart.models();
      Study train =
          study(models, headstart.heads(), labelled(Shared.path("data/mail/train.jsonl"), 1));
      Study held =
          study(models, headstart.heads(), labelled(Shared.path("data/mail/test.jsonl"), 2));
      Study other = study(models, headstart.heads(), strangers);
      for (String cut : List.of("layer3", "layer4", "pooled")) {
        double[] found =
            judge(
                "mails, " + cut,
                set(train, cut),
                set(held, cut),
                Map.of("other languages", other.features().get(cut)));
        assertTrue(cut.equals("pooled") || found[0] >= 0.97, Arrays.toString(found));
        assertTrue(found[1] > 0.01 && found[1] < 0.1, "false alarms " + found[1]);
      }
    }
  }
}
