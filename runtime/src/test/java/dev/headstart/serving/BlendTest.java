package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.sample.Task;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Scores under an overlay, against the formula written down naively. */
class BlendTest {
  private static final long SEED = Long.getLong("seed", 23);
  private static final int WIDTH = 7;
  private final Random random = new Random(SEED);

  private float[] unit() {
    float[] values = new float[WIDTH];
    double squares = 0;
    for (int i = 0; i < WIDTH; i++) {
      values[i] = (float) random.nextGaussian();
      squares += values[i] * values[i];
    }
    for (int i = 0; i < WIDTH; i++) {
      values[i] /= (float) Math.sqrt(squares);
    }
    return values;
  }

  private float[] distribution(int n) {
    float[] values = new float[n];
    float sum = 0;
    for (int i = 0; i < n; i++) {
      sum += values[i] = (float) Math.exp(3 * random.nextGaussian());
    }
    for (int i = 0; i < n; i++) {
      values[i] /= sum;
    }
    return values;
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double x = 0;
    double y = 0;
    for (int i = 0; i < a.length; i++) {
      dot += a[i] * b[i];
      x += a[i] * a[i];
      y += b[i] * b[i];
    }
    return dot / Math.sqrt(x * y);
  }

  @Test
  void unknownClassesScoreByTheirMeansAndTheOthersShareTheRest() {
    System.out.println("seed " + SEED);
    for (int round = 0; round < 200; round++) {
      float[] p = distribution(3);
      float[][] means = {unit(), unit(), unit(), unit(), unit()};
      int[] origin = {0, 1, 2, -1, -1};
      float[] features = unit();
      Blend blend =
          new Blend(
              new Overlay(List.of("a", "b", "c", "x", "y"), origin, means, 9), Task.SINGLE, 3);
      float[] scores = new float[7];
      blend.scores(p, 0, features, scores, 1);
      double all = 0;
      for (float[] mean : means) {
        all += Math.exp(9 * cosine(features, mean));
      }
      double x = Math.exp(9 * cosine(features, means[3])) / all;
      double y = Math.exp(9 * cosine(features, means[4])) / all;
      double rest = 1 - x - y;
      assertEquals(rest * p[0], scores[1], 1e-5);
      assertEquals(rest * p[1], scores[2], 1e-5);
      assertEquals(rest * p[2], scores[3], 1e-5);
      assertEquals(x, scores[4], 1e-5);
      assertEquals(y, scores[5], 1e-5);
      for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
          assertTrue(
              p[a] <= p[b] == scores[1 + a] <= scores[1 + b], "their order is the version's");
        }
      }
    }
  }

  @Test
  void aNewNameChangesNoBitOfAScore() {
    float[] p = distribution(4);
    Overlay overlay =
        new Overlay(List.of("b", "a", "c", "d"), new int[] {1, 0, 2, 3}, new float[4][], 20);
    Blend blend = new Blend(overlay, Task.SINGLE, 4);
    float[] scores = new float[4];
    blend.scores(p, 0, null, scores, 0);
    assertArrayEquals(new float[] {p[1], p[0], p[2], p[3]}, scores, 0f);
  }

  @Test
  void whatWasRemovedScoresForNobody() {
    float[] p = {0.5f, 0.2f, 0.3f};
    Overlay overlay = new Overlay(List.of("b", "c"), new int[] {1, 2}, new float[2][], 20);
    float[] scores = new float[2];
    new Blend(overlay, Task.SINGLE, 3).scores(p, 0, null, scores, 0);
    assertArrayEquals(new float[] {0.4f, 0.6f}, scores, 1e-6f);
    new Blend(overlay, Task.MULTI, 3).scores(p, 0, null, scores, 0);
    assertArrayEquals(new float[] {0.2f, 0.3f}, scores, 0f);
    new Blend(overlay, Task.SINGLE, 3).scores(new float[] {1, 0, 0}, 0, null, scores, 0);
    assertArrayEquals(new float[] {0.5f, 0.5f}, scores, 0f);
  }

  @Test
  void oneClassAloneIsSure() {
    Overlay overlay = new Overlay(List.of("x"), new int[] {-1}, new float[][] {unit()}, 20);
    float[] scores = new float[1];
    new Blend(overlay, Task.SINGLE, 0).scores(null, 0, new float[WIDTH], scores, 0);
    assertEquals(1f, scores[0]);
  }

  /** Means far apart and as sharp as can be: nothing overflows, and the sum stays 1. */
  @Test
  void extremesStayScores() {
    float[][] means = {{1, 0}, {-1, 0}};
    Overlay overlay = new Overlay(List.of("a", "x"), new int[] {0, -1}, means, 1000);
    Blend blend = new Blend(overlay, Task.SINGLE, 1);
    float[] scores = new float[2];
    blend.scores(new float[] {1}, 0, new float[] {-1e30f, 0}, scores, 0);
    assertArrayEquals(new float[] {0, 1}, scores, 0f);
    blend.scores(new float[] {1}, 0, new float[] {1e-30f, 0}, scores, 0);
    assertArrayEquals(new float[] {1, 0}, scores, 0f);
  }
}
