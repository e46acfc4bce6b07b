package dev.headstart.confidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Alerts where there is cause, and hardly ever else. */
class DriftTest {
  private static final long SEED = Long.getLong("seed", 3);

  @Test
  void saysNothingOfFewSamples() {
    Drift drift = new Drift(80);
    assertEquals(new Drift.State(Drift.Word.LEARNING, 0, 0.05, 0), drift.state());
    for (int n = 0; n < Drift.FEWEST - 1; n++) {
      drift.observe(5);
      assertEquals(Drift.Word.LEARNING, drift.state().word());
    }
    drift.observe(5);
    assertEquals(new Drift.State(Drift.Word.ALERT, 1, 0.05, Drift.FEWEST), drift.state());
  }

  /** Thresholds are drawn as samples give them, so that some are exceeded more than stated. */
  @Test
  void familiarSamplesAreNoDrift() {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    int alerts = 0;
    for (int head = 0; head < 400; head++) {
      double[] distances = new double[80];
      for (int i = 0; i < distances.length; i++) {
        distances[i] = random.nextDouble();
      }
      Arrays.sort(distances);
      double threshold = Quantile.exceededBy(distances, Novelty.USUAL_RATE);
      Drift drift = new Drift(distances.length);
      boolean alert = false;
      for (int n = 0; n < 1000; n++) {
        drift.observe(random.nextDouble() / threshold);
        alert |= drift.state().word() == Drift.Word.ALERT;
      }
      alerts += alert ? 1 : 0;
    }
    assertTrue(alerts <= 8, alerts + " of 400 heads had an alert in 1000 samples");
  }

  @Test
  void strangersAreAnAlertThatEndsWithThem() {
    Random random = new Random(SEED);
    Drift drift = new Drift(300);
    for (int n = 0; n < 500; n++) {
      drift.observe(random.nextDouble() < 0.05 ? 1.1 : 0.8);
    }
    assertEquals(Drift.Word.OK, drift.state().word());
    int until = 0;
    while (drift.state().word() == Drift.Word.OK) {
      drift.observe(random.nextDouble() < 0.4 ? 2 : 0.8);
      until++;
    }
    assertTrue(until < 150, "an alert after " + until + " samples, of which two in five are new");
    // At the border it neither comes nor goes with every sample.
    int changes = 0;
    Drift.Word before = drift.state().word();
    for (int n = 0; n < 2000; n++) {
      drift.observe(random.nextDouble() < 0.14 ? 2 : 0.8);
      changes += drift.state().word() == before ? 0 : 1;
      before = drift.state().word();
    }
    assertTrue(changes < 20, changes + " changes");
    for (int n = 0; n < Drift.WINDOW; n++) {
      drift.observe(0.5);
    }
    assertEquals(new Drift.State(Drift.Word.OK, 0, 0.05, Drift.WINDOW), drift.state());
  }
}
