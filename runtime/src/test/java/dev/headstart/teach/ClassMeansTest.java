package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever came, went and moved: what is left says it all. */
class ClassMeansTest {
  private static final long SEED = Long.getLong("seed", 61);
  private static final int WIDTH = 33;
  private final Random random = new Random(SEED);

  private float[] row() {
    float scale = (float) Math.exp(20 * random.nextDouble() - 10);
    float[] row = new float[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      row[i] = scale * (float) random.nextGaussian();
    }
    return random.nextInt(50) == 0 ? new float[WIDTH] : row;
  }

  private static String id(int n) {
    return dev.headstart.sample.Sample.sha256(new byte[] {(byte) n, (byte) (n >> 8)});
  }

  private static ClassMeans of(
      Map<String, String> labels, Map<String, float[]> rows, Random order) {
    List<String> ids = new ArrayList<>(labels.keySet());
    Collections.shuffle(ids, order);
    ClassMeans means = new ClassMeans();
    ids.forEach(id -> means.add(id, labels.get(id), rows.get(id)));
    judge(means, rows);
    return means;
  }

  private static void judge(ClassMeans means, Map<String, float[]> rows) {
    Map<String, float[]> found = new LinkedHashMap<>();
    means.unknownJudges().forEach(id -> found.put(id, rows.get(id)));
    means.judge(found);
  }

  private static void assertSame(ClassMeans expected, ClassMeans actual) {
    Map<String, float[]> directions = expected.directions();
    assertEquals(directions.keySet(), actual.directions().keySet());
    directions.forEach(
        (name, direction) -> assertArrayEquals(direction, actual.directions().get(name), 0f, name));
    assertEquals(expected.sharpness(), actual.sharpness());
    assertEquals(expected.ids(), actual.ids());
  }

  @Test
  void whateverCameWentAndMovedItIsAsIfOnlyWhatIsLeftEverCame() {
    System.out.println("seed " + SEED);
    ClassMeans means = new ClassMeans();
    Map<String, String> labels = new LinkedHashMap<>();
    Map<String, float[]> rows = new LinkedHashMap<>();
    for (int step = 0; step < 4000; step++) {
      String id = id(random.nextInt(700));
      String name = "class " + random.nextInt(5);
      String there = labels.get(id);
      if (there == null) {
        rows.computeIfAbsent(id, key -> row());
        means.add(id, name, rows.get(id));
        labels.put(id, name);
      } else {
        means.remove(id, rows.get(id));
        labels.remove(id);
        if (random.nextBoolean()) {
          means.add(id, name, rows.get(id));
          labels.put(id, name);
        }
      }
      if (step % 997 == 0) {
        means.clear("class 3");
        labels.values().removeIf("class 3"::equals);
      }
      if (step % 500 == 0) {
        judge(means, rows);
        assertSame(of(labels, rows, random), means);
      }
    }
    means.rename("class 1", "another");
    labels.replaceAll((id, name) -> name.equals("class 1") ? "another" : name);
    judge(means, rows);
    assertSame(of(labels, rows, random), means);
    assertTrue(means.ids().size() > ClassMeans.JUDGES, "more samples than judges");
  }

  /** Against the definition: the sum of normalised rows, normalised. */
  @Test
  void aMeanIsTheDirectionOfTheSumOfNormalisedRows() {
    ClassMeans means = new ClassMeans();
    double[] sum = new double[WIDTH];
    for (int n = 0; n < 200; n++) {
      float[] row = row();
      means.add(id(n), "a", row);
      double squares = 0;
      for (float value : row) {
        squares += (double) value * value;
      }
      for (int i = 0; i < WIDTH; i++) {
        sum[i] += squares == 0 ? 0 : row[i] / Math.sqrt(squares);
      }
    }
    double squares = 0;
    for (double value : sum) {
      squares += value * value;
    }
    float[] direction = means.directions().get("a");
    for (int i = 0; i < WIDTH; i++) {
      assertEquals(sum[i] / Math.sqrt(squares), direction[i], 1e-7);
    }
  }

  @Test
  void judgingAThousandSamplesTakesFewOfThem() {
    ClassMeans means = new ClassMeans();
    for (int n = 0; n < 1000; n++) {
      float[] row = new float[1280];
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian() + (i % 5 == n % 5 ? 1 : 0);
      }
      means.add(id(n), "class " + n % 5, row);
    }
    long start = System.nanoTime();
    judge(means, Map.of());
    System.out.printf("judged in %.1f ms%n", (System.nanoTime() - start) / 1e6);
    assertTrue(means.judged());
    assertTrue(means.sharpness() > 1 && means.sharpness() < 1000, "" + means.sharpness());
  }
}
