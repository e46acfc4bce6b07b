package dev.headstart.train;

import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Task;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Scores of a network under training, for any weights: one inference session takes the weights as
 * inputs. For one thread; the caller closes it.
 */
final class Scorer implements AutoCloseable {
  private static final int ROWS = 512;

  private final InferenceSession session;
  private final FeatureTable features;
  private final Task task;
  private final int outputs;
  private final Scaling target;
  private final ByteBuffer buffer;

  /**
   * @param target for regression, how targets were scaled; else null
   */
  Scorer(HeadNetwork network, FeatureTable features, Task task, Scaling target) {
    this.session = InferenceSession.open(network.openNetwork(), SessionSettings.cpu(1));
    this.features = features;
    this.task = task;
    this.outputs = network.outputs();
    this.target = target;
    this.buffer = Tensor.allocate(4L * ROWS * features.width());
  }

  /** Scores of rows, [rows.length, outputs] row-major, as the head's model gives them. */
  float[] scores(Map<String, Tensor> weights, int[] rows) {
    float[] scores = new float[rows.length * outputs];
    for (int from = 0; from < rows.length; from += ROWS) {
      int count = Math.min(ROWS, rows.length - from);
      features.gather(rows, from, count, buffer.asFloatBuffer());
      Map<String, Tensor> feed = new LinkedHashMap<>(weights);
      feed.put(
          HeadNetwork.FEATURES,
          new Tensor(
              ElementType.FLOAT,
              new long[] {count, features.width()},
              buffer.slice(0, 4 * count * features.width())));
      Tensor logits = session.run(feed).get(HeadNetwork.LOGITS);
      logits.floatBuffer().get(scores, from * outputs, count * outputs);
    }
    activate(scores);
    return scores;
  }

  /** What {@link HeadNetwork#model} does to logits. */
  private void activate(float[] logits) {
    switch (task) {
      case SINGLE -> {
        for (int row = 0; row < logits.length; row += outputs) {
          double max = logits[row + Metrics.best(logits, row, outputs)];
          double sum = 0;
          for (int k = row; k < row + outputs; k++) {
            sum += Math.exp(logits[k] - max);
          }
          for (int k = row; k < row + outputs; k++) {
            logits[k] = (float) (Math.exp(logits[k] - max) / sum);
          }
        }
      }
      case MULTI -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = (float) (1 / (1 + Math.exp(-logits[i])));
        }
      }
      case REGRESSION -> {
        for (int i = 0; i < logits.length; i++) {
          logits[i] = logits[i] * target.scale()[0] + target.mean()[0];
        }
      }
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
