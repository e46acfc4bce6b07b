package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.confidence.Drift;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.Tensor;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.VectorSample;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TrainingListener;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Novelty of what a served head is asked, and its drift. */
@Timeout(120)
class ServedNoveltyTest {
  @TempDir Path folder;

  private static InferenceResult ask(ModelRepository models, float[] rows, String... outputs)
      throws Exception {
    return models
        .infer(
            new InferenceRequest(
                "points",
                null,
                Map.of("features", Tensor.of(rows, rows.length / 2, 2)),
                List.of(outputs),
                0,
                null))
        .toCompletableFuture()
        .get(30, TimeUnit.SECONDS);
  }

  private void teach(Headstart headstart, int seed) throws Exception {
    Random random = new Random(seed);
    StringBuilder rows = new StringBuilder("x,y,label\n");
    for (int n = 0; n < 120; n++) {
      rows.append(random.nextGaussian() + (n % 2 == 0 ? 2 : -2)).append(',');
      rows.append(random.nextGaussian()).append(n % 2 == 0 ? ",in\n" : ",out\n");
    }
    Path csv = folder.resolve("points.csv");
    Files.writeString(csv, rows);
    headstart.teach(
        new TeachRequest(
            "points", csv, null, "auto", RecipeOptions.DEFAULTS, TeachRequest.Promotion.ALWAYS),
        TrainingListener.NONE);
  }

  @Test
  void isGivenOnRequestAndWatched() throws Exception {
    ConcurrentLinkedQueue<Float> heard = new ConcurrentLinkedQueue<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void predicted(String head, float novelty, float score) {
            assertTrue(score >= 0.5 && score <= 1, () -> "score " + score);
            heard.add(novelty);
          }
        };
    try (Headstart headstart = Headstart.open(folder.resolve("workspace"))) {
      teach(headstart, 1);
      try (ModelRepository models = headstart.repository(ServingSettings.defaults(), listener)) {
        while (!models.ready()) {
          Thread.sleep(10);
        }
        float[] rows = {2.1f, 0.3f, -1.8f, -0.4f, 60, -60};
        InferenceResult result = ask(models, rows, "scores", "novelty");
        float[] novelty = result.outputs().get("novelty").floats();
        assertArrayEquals(new long[] {3}, result.outputs().get("novelty").shape());
        assertArrayEquals(novelty, result.novelty().values());
        try (Predictor predictor = headstart.predictor("points", null)) {
          for (int n = 0; n < 3; n++) {
            float[] row = {rows[2 * n], rows[2 * n + 1]};
            double expected = predictor.predict(new VectorSample("x", row)).novelty();
            assertEquals(expected, novelty[n], 1e-4 * expected);
          }
        }
        assertTrue(novelty[0] < 1 && novelty[1] < 1 && novelty[2] > 3);
        assertEquals(List.of("scores", "label"), List.copyOf(ask(models, rows).outputs().keySet()));
        assertEquals(6, heard.size());

        assertEquals(Drift.Word.LEARNING, models.drift().get("points").word());
        Random random = new Random(2);
        for (int n = 0; n < 100; n++) {
          float side = n % 2 == 0 ? 2 : -2;
          ask(models, new float[] {side + (float) random.nextGaussian() / 2, 0}, "label");
        }
        assertEquals(Drift.Word.OK, models.drift().get("points").word());
        for (int n = 0; n < 100; n++) {
          ask(models, new float[] {30 + n, 20}, "label");
        }
        Drift.State state = models.drift().get("points");
        assertEquals(Drift.Word.ALERT, state.word(), state::toString);

        teach(headstart, 3);
        models.refresh("points");
        assertEquals(0, models.drift().get("points").samples(), "another version begins anew");
      }
    }
  }

  /** As versions of an older Headstart are. */
  @Test
  void aVersionWithoutNoveltyServesAsBefore() throws Exception {
    try (Headstart headstart = Headstart.open(folder.resolve("workspace"))) {
      teach(headstart, 1);
      HeadStore heads = headstart.heads();
      HeadStore.Stored stored = heads.loadLive("points");
      Path staged = heads.stage("points");
      Files.copy(stored.model(), staged.resolve(HeadStore.MODEL));
      heads.promote("points", heads.publish(staged, stored.manifest()));
      try (ModelRepository models =
          headstart.repository(ServingSettings.defaults(), ServingListener.NONE)) {
        while (!models.ready()) {
          Thread.sleep(10);
        }
        InferenceResult result = ask(models, new float[] {60, -60});
        assertEquals(2, result.version());
        assertNull(result.novelty());
        assertTrue(models.drift().isEmpty());
      }
      try (Predictor predictor = headstart.predictor("points", null)) {
        assertNull(predictor.predict(new VectorSample("x", new float[] {1, 2})).novelty());
      }
    }
  }
}
