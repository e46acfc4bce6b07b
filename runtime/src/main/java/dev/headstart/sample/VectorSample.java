package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A vector of numbers: features made elsewhere, or a row of measurements. */
public final class VectorSample implements Sample {

  private final String name;
  private final float[] values;
  private final Digest digest = new Digest();

  /**
   * @param values at least one, all finite; shared, not copied
   * @throws BadInputException for an empty vector, or naming the element that is not finite
   */
  public VectorSample(String name, float[] values) {
    if (values.length == 0) {
      throw new BadInputException(name + ": features is empty; expected at least one number");
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new BadInputException(
            name + ": features[" + i + "] is " + values[i] + "; expected a finite number");
      }
    }
    this.name = name;
    this.values = values;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Modality modality() {
    return Modality.VECTOR;
  }

  /** The numbers themselves, not a copy. */
  public float[] values() {
    return values;
  }

  @Override
  public byte[] bytes() {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  @Override
  public String sha256() {
    return digest.of(this::bytes);
  }
}
