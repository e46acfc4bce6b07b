package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.predict.Evaluation;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.VectorSample;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scores of heads that were taught on real samples, on samples that nobody saw. {@code
 * -Dcalibration.heads=10} teaches as many heads, each of which sets other samples aside.
 */
@Timeout(300)
class CalibrationTest {
  private static final int HEADS = Integer.getInteger("calibration.heads", 1);

  @TempDir Path folder;

  private void honest(String data, String train, String test, HeadKind... kinds) {
    try (Headstart headstart = Headstart.open(folder.resolve(data))) {
      for (HeadKind kind : kinds) {
        double sum = 0;
        double most = 0;
        for (int n = 0; n < HEADS; n++) {
          String head = data + "-" + kind.text().replace(':', '-') + n;
          TeachResult result =
              headstart.teach(
                  new TeachRequest(
                      head,
                      Shared.path("data/" + data + "/" + train),
                      null,
                      "auto",
                      RecipeOptions.of(kind),
                      TeachRequest.Promotion.ALWAYS),
                  TrainingListener.NONE);
          Evaluation found =
              headstart.evaluate(
                  head, null, Shared.path("data/" + data + "/" + test), TrainingListener.NONE);
          System.out.printf(
              "%s %s: %s; on the test part %.3f, accuracy %.3f%n",
              data,
              kind.text(),
              result.calibration(),
              found.calibrationError(),
              found.metrics().accuracy());
          sum += found.calibrationError();
          most = Math.max(most, found.calibrationError());
        }
        System.out.printf("%s %s: mean %.3f, most %.3f%n", data, kind.text(), sum / HEADS, most);
        assertTrue(sum / HEADS <= 0.05, data + " " + kind.text() + ": " + sum / HEADS);
      }
    }
  }

  @Test
  void mailsAreScoredHonestly() {
    honest(
        "mail",
        "train.jsonl",
        "test.jsonl",
        new HeadKind.Linear(),
        new HeadKind.Mlp(32),
        new HeadKind.Prototype());
  }

  @Test
  void picturesOfClothesAreScoredHonestly() {
    honest("fashion", "train", "test", new HeadKind.Linear());
  }

  /**
   * The temperature is in the served model, and nowhere in the weights that training goes on from.
   */
  @Test
  void theTemperatureChangesScoresAndNoAnswer() throws IOException {
    Path csv = folder.resolve("points.csv");
    Random random = new Random(4);
    StringBuilder rows = new StringBuilder("x,y,label\n");
    for (int n = 0; n < 200; n++) {
      double shift = n % 2 == 0 ? 0.7 : -0.7;
      rows.append(random.nextGaussian() + shift).append(',').append(random.nextGaussian());
      rows.append(n % 2 == 0 ? ",in\n" : ",out\n");
    }
    Files.writeString(csv, rows);
    try (Headstart headstart = Headstart.open(folder.resolve("points"))) {
      TeachResult result =
          headstart.teach(
              new TeachRequest(
                  "points",
                  csv,
                  null,
                  "auto",
                  RecipeOptions.DEFAULTS,
                  TeachRequest.Promotion.ALWAYS),
              TrainingListener.NONE);
      HeadStore.Stored stored = headstart.heads().loadLive("points");
      Map<String, Tensor> served = OnnxModel.read(stored.model()).initializers();
      float temperature = served.get("logits.temperature").floats()[0];
      assertEquals(result.calibration().temperature(), temperature);
      assertEquals(
          temperature, stored.manifest().result().calibration().get("temperature").floatValue());
      assertTrue(
          !OnnxModel.read(stored.folder().resolve(HeadStore.JUDGED))
              .initializers()
              .containsKey("logits.temperature"));
      float[] w = served.get("output.weight").floats();
      float[] b = served.get("output.bias").floats();
      float[] mean = served.get("scaling.mean").floats();
      float[] scale = served.get("scaling.scale").floats();
      try (Predictor predictor = headstart.predictor("points", null)) {
        float[] x = {0.9f, -0.3f};
        double[] logits = new double[2];
        for (int c = 0; c < 2; c++) {
          logits[c] = b[c];
          for (int i = 0; i < 2; i++) {
            logits[c] += w[2 * c + i] * (x[i] - mean[i]) * scale[Math.min(i, scale.length - 1)];
          }
        }
        double first = 1 / (1 + Math.exp((logits[1] - logits[0]) / temperature));
        var prediction = predictor.predict(new VectorSample("x", x));
        float[] scores = {prediction.scores().get("in"), prediction.scores().get("out")};
        assertArrayEquals(new float[] {(float) first, (float) (1 - first)}, scores, 1e-5f);
        assertTrue(prediction.novelty() < 1, () -> "novelty " + prediction.novelty());
        var stranger = predictor.predict(new VectorSample("far", new float[] {80, -80}));
        assertTrue(stranger.novelty() > 5, () -> "novelty " + stranger.novelty());
        double limit = predictor.novelty().orElseThrow().limit(0.01);
        assertEquals("unknown", stranger.unknownAbove(limit).label());
        assertEquals(stranger.scores(), stranger.unknownAbove(limit).scores());
        assertEquals(prediction, prediction.unknownAbove(limit));
      }
    }
  }
}
