package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Sample;
import dev.headstart.sample.VectorSample;
import java.util.Map;
import java.util.function.Function;

/**
 * A vector goes into the model as it is.
 *
 * @param input the model's input, float32 [batch, length]
 * @param length numbers a sample; null for any
 */
public record TensorPreprocessing(String input, Integer length) implements Preprocessing {

  private static final int CODE = 1;

  /**
   * @throws BadInputException if the input is missing or the length is not positive
   */
  public TensorPreprocessing {
    Checks.require(input != null, "preprocessing.input is missing");
    Checks.require(
        length == null || length > 0, "preprocessing.length is " + length + "; expected over 0");
  }

  /** Takes vectors of any length. */
  public TensorPreprocessing(String input) {
    this(input, null);
  }

  @Override
  public Preprocessor open(Function<String, byte[]> files) {
    return new Preprocessor() {
      @Override
      public Map<String, Tensor> apply(Sample sample) {
        VectorSample vector = Checks.as(VectorSample.class, sample);
        float[] values = vector.values();
        if (length != null && values.length != length) {
          throw new BadInputException(
              sample.name() + ": has " + values.length + " numbers; the model takes " + length);
        }
        return Map.of(input, Tensor.of(values, 1, values.length));
      }

      @Override
      public String fingerprint() {
        return "tensor-" + CODE + " " + TensorPreprocessing.this;
      }

      @Override
      public void close() {
        // Nothing native is held.
      }
    };
  }
}
