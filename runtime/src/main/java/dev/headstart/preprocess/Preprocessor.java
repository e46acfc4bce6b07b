package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Sample;
import java.util.Map;

/** Turns samples into a base model's inputs. Safe for several threads at once. */
public interface Preprocessor extends AutoCloseable {

  /**
   * One sample's tensors, by the base model's input names, in their order. Each has a leading batch
   * dimension of 1 and a direct buffer, which is the caller's.
   *
   * @throws dev.headstart.error.BadInputException if the sample cannot be used: "name: reason"
   */
  Map<String, Tensor> apply(Sample sample);

  /**
   * A variant of a sample's tensors; see {@link #apply}.
   *
   * @throws dev.headstart.error.BadInputException if the sample cannot be used, or is no picture
   */
  default Map<String, Tensor> apply(Sample sample, Variation.Variant variant) {
    throw new BadInputException(
        sample.name() + ": only pictures have variants such as '" + variant.variation() + "'");
  }

  /**
   * Changes whenever the tensors of some sample may: the description, what it refers to, and a
   * number for the code itself. For keys of caches.
   */
  String fingerprint();

  /** Frees what is held in native memory; idempotent. No {@code apply} after it. */
  @Override
  void close();
}
