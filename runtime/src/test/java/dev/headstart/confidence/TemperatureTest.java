package dev.headstart.confidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Temperatures against those that logits were made with, and calibration errors by hand. */
class TemperatureTest {
  private static final long SEED = Long.getLong("seed", 7);

  /** Labels drawn from softmax(logits), then logits made too sharp by a factor. */
  private static float[] drawn(Random random, int[] labels, int classes, double factor) {
    float[] logits = new float[labels.length * classes];
    for (int n = 0; n < labels.length; n++) {
      double[] p = new double[classes];
      double sum = 0;
      for (int c = 0; c < classes; c++) {
        double z = 2 * random.nextGaussian();
        logits[n * classes + c] = (float) (factor * z);
        p[c] = Math.exp(z);
        sum += p[c];
      }
      double at = random.nextDouble() * sum;
      while (at > p[labels[n]] && labels[n] < classes - 1) {
        at -= p[labels[n]++];
      }
    }
    return logits;
  }

  @Test
  void findsHowMuchTooSharpLogitsAre() {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    for (double factor : new double[] {0.3, 1, 4}) {
      int[] labels = new int[4000];
      float[] logits = drawn(random, labels, 4, factor);
      float temperature = Temperature.ofClasses(logits, labels);
      assertEquals(factor, temperature, 0.1 * factor);
      Calibration found = Calibration.ofClasses(logits, labels);
      assertTrue(found.after() < 0.03, found::toString);
      assertTrue(factor == 1 || found.before() > 2 * found.after(), found::toString);
    }
  }

  @Test
  void isTheLeastCrossEntropyOfAGrid() {
    Random random = new Random(SEED);
    int[] labels = new int[50];
    float[] logits = drawn(random, labels, 3, 2.5);
    double best = Double.POSITIVE_INFINITY;
    double at = 0;
    double doubt = 1.0 / 52;
    for (double t = 0.05; t < 20; t *= 1.005) {
      float[] scores = Temperature.softmax(logits, 3, (float) t);
      double sum = Math.log1p(100 * Math.log(t) * Math.log(t));
      for (int n = 0; n < labels.length; n++) {
        double second = 0;
        for (int c = 0; c < 3; c++) {
          second = c == labels[n] ? second : Math.max(second, scores[n * 3 + c]);
        }
        sum -= (1 - doubt) * Math.log(scores[n * 3 + labels[n]]) + doubt * Math.log(second);
      }
      at = sum < best ? t : at;
      best = Math.min(best, sum);
    }
    assertEquals(at, Temperature.ofClasses(logits, labels), 0.01 * at);
  }

  @Test
  void samplesWithoutAnErrorDoNotGiveCertainty() {
    for (int n : new int[] {10, 100}) {
      float[] logits = new float[2 * n];
      int[] labels = new int[n];
      for (int i = 0; i < n; i++) {
        labels[i] = i % 2;
        logits[2 * i + labels[i]] = 50;
      }
      float[] scores = Temperature.softmax(logits, 2, Temperature.ofClasses(logits, labels));
      assertEquals((n + 1.0) / (n + 2), Math.max(scores[0], scores[1]), 0.05);
      float[] truths = new float[2 * n];
      float[] several = new float[2 * n];
      for (int i = 0; i < 2 * n; i++) {
        truths[i] = i % 3 == 0 ? 1 : 0;
        several[i] = i % 3 == 0 ? 9 : -9;
      }
      float[] sure = Temperature.sigmoid(several, Temperature.ofIndicators(several, truths));
      assertEquals((2 * n + 1.0) / (2 * n + 2), sure[0], 0.05);
    }
  }

  /** A few samples do not undo what training found; many do. */
  @Test
  void aSmallDifferenceFromOneNeedsManySamples() {
    Random random = new Random(SEED);
    int near = 0;
    for (int draw = 0; draw < 50; draw++) {
      int[] few = new int[60];
      float temperature = Temperature.ofClasses(drawn(random, few, 4, 1.1), few);
      near += Math.abs(temperature - 1) < 0.08 ? 1 : 0;
    }
    assertTrue(near > 25, near + " of 50 temperatures of 60 samples each are near 1");
    int[] many = new int[20_000];
    assertEquals(1.15, Temperature.ofClasses(drawn(random, many, 4, 1.15), many), 0.03);
  }

  @Test
  void labelsThatAreWrongAtEveryScoreGiveNoScore() {
    int[] labels = new int[40];
    float[] logits = new float[80];
    for (int i = 0; i < 40; i++) {
      labels[i] = i % 2;
      logits[2 * i + (i / 2) % 2] = 5;
    }
    float[] scores = Temperature.softmax(logits, 2, Temperature.ofClasses(logits, labels));
    assertTrue(Math.max(scores[0], scores[1]) < 0.6);
    assertEquals(Temperature.NONE, Temperature.ofClasses(new float[0], new int[0]));
    assertEquals(Temperature.NONE, Temperature.ofIndicators(new float[0], new float[0]));
  }

  @Test
  void calibrationErrorByHand() {
    // Two answers of 0.9, one of them right; two of 0.6, both right.
    float[] scores = {0.9f, 0.1f, 0.9f, 0.1f, 0.4f, 0.6f, 0.6f, 0.4f};
    double expected = 0.5 * Math.abs(0.5 - 0.9) + 0.5 * Math.abs(1 - 0.6);
    assertEquals(expected, CalibrationError.ofClasses(scores, new int[] {0, 1, 1, 0}), 1e-6);
    assertEquals(
        0.25 * 0.1 + 0.25 * 0.2 + 0.5 * 0.95,
        CalibrationError.ofIndicators(
            new float[] {0.9f, 0.2f, 0.95f, 0.95f}, new float[] {1, 0, 0, 0}),
        1e-6);
    assertEquals(0, CalibrationError.ofClasses(new float[0], new int[0]));
    assertEquals(0, CalibrationError.ofClasses(new float[] {1, 0}, new int[] {0}));
  }

  @Test
  void sigmoidsOfSeveralLabels() {
    Random random = new Random(SEED);
    float[] logits = new float[6000];
    float[] truths = new float[6000];
    for (int i = 0; i < logits.length; i++) {
      double z = 2 * random.nextGaussian();
      logits[i] = (float) (3 * z);
      truths[i] = random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    }
    Calibration found = Calibration.ofIndicators(logits, truths, 2000);
    assertEquals(3, found.temperature(), 0.2);
    assertTrue(found.after() < 0.03 && found.before() > 0.08, found::toString);
    assertEquals(2000, found.samples());
  }
}
