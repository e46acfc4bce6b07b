package dev.headstart.serving;

import dev.headstart.confidence.Drift;
import dev.headstart.confidence.Novelty;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.Tensor;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How unlike what an open head learned its samples are: by its version, and by the classes that
 * samples taught since. One version has one drift, whatever overlay it is under. Safe for several
 * threads.
 */
final class Familiarity {
  private final Novelty version;
  private final ToDoubleFunction<float[]> novelty;
  private final Drift drift;

  private Familiarity(Novelty version, ToDoubleFunction<float[]> novelty, Drift drift) {
    this.version = version;
    this.novelty = novelty;
    this.drift = drift;
  }

  /** Of a version as it was trained. */
  static Familiarity of(Novelty version) {
    return new Familiarity(version, version::of, new Drift(version.samples()));
  }

  /**
   * The same under an overlay: a class that the version does not know is as familiar as the others,
   * one that is answered no more is not.
   *
   * @return null where nothing can be said of new classes, as features have units of their own
   */
  Familiarity under(Overlay overlay) {
    int[] origin = overlay.origin();
    boolean perClass = version.offsets().length > 1;
    boolean[] known = new boolean[version.offsets().length];
    int grown = 0;
    for (int o : origin) {
      grown += o < 0 ? 1 : 0;
      if (o >= 0 && perClass) {
        known[o] = true;
      }
    }
    known[0] |= !perClass;
    int stayed = origin.length - grown;
    if (grown == 0 && (!perClass || stayed == known.length)) {
      return this;
    }
    if (!version.normalised()) {
      return grown > 0 ? null : this;
    }
    float[][] directions = new float[grown][];
    int n = 0;
    for (int c = 0; c < origin.length; c++) {
      if (origin[c] < 0) {
        directions[n++] = overlay.means()[c];
      }
    }
    return new Familiarity(version, version.grown(known, directions)::of, drift);
  }

  Novelty version() {
    return version;
  }

  Drift drift() {
    return drift;
  }

  /**
   * The novelty of samples.
   *
   * @param features the cut's tensor, one sample or several each
   * @param novelties takes them from {@code to} on
   */
  void novelties(List<Tensor> features, float[] novelties, int to) {
    int n = to;
    for (Tensor tensor : features) {
      for (int row = 0; row < tensor.shape()[0]; row++) {
        float[] pooled = Pooling.pool(Rows.slice(tensor, row, 1));
        novelties[n++] = (float) novelty.applyAsDouble(pooled);
      }
    }
  }
}
