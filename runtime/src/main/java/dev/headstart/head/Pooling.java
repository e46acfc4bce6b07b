package dev.headstart.head;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * How a cut's tensor becomes the vector that a head takes: a vector stays, a sequence [tokens,
 * width] is averaged over its tokens, a map [channels, height, width] over its places. The same
 * twice: as operators in the head's model, and here in Java for training, which pools each sample
 * once.
 */
public final class Pooling {
  private Pooling() {}

  /**
   * Width of the pooled vector.
   *
   * @param cut shape of the cut's tensor for one sample, without the batch; -1 for a free dimension
   * @throws BadInputException if no vector of known width comes of that shape
   */
  public static int width(long[] cut) {
    int axis = cut.length == 2 ? 1 : 0;
    if (cut.length < 1 || cut.length > 4 || cut[axis] < 1) {
      throw new BadInputException(
          "a head cannot take the cut's tensor of shape "
              + Arrays.toString(cut)
              + " a sample: expected [width], [tokens, width] or [channels, height, width]");
    }
    return Math.toIntExact(cut[axis]);
  }

  /**
   * @param features the cut's tensor for one sample, float32, with a leading batch dimension of 1
   */
  public static float[] pool(Tensor features) {
    long[] shape = features.shape();
    long[] cut = Arrays.copyOfRange(shape, 1, shape.length);
    int width = width(cut);
    FloatBuffer data = features.floatBuffer();
    float[] pooled = new float[width];
    if (cut.length == 1) {
      data.get(pooled);
      return pooled;
    }
    int places = (int) (features.elements() / width);
    boolean tokens = cut.length == 2;
    for (int i = 0; i < width; i++) {
      double sum = 0;
      for (int p = 0; p < places; p++) {
        sum += data.get(tokens ? p * width + i : i * places + p);
      }
      pooled[i] = (float) (sum / places);
    }
    return pooled;
  }

  /** Appends the operators that pool {@code features} [batch, cut…] to [batch, width]. */
  public static Value append(GraphBuilder graph, Value features, long[] cut) {
    width(cut);
    if (cut.length == 1) {
      return features;
    }
    Value channelsFirst =
        cut.length == 2
            ? graph.node(
                Operator.TRANSPOSE, List.of(features), Attribute.of("perm", new long[] {0, 2, 1}))
            : features;
    Value pooled = graph.node(Operator.GLOBAL_AVERAGE_POOL, List.of(channelsFirst));
    return graph.node(Operator.FLATTEN, List.of(pooled), Attribute.axis(1));
  }
}
