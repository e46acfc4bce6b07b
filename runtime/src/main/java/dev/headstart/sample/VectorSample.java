package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;

/** A vector of numbers: features made elsewhere, or a row of measurements. */
public final class VectorSample implements Sample {

  private final String name;
  private final float[] values; // null where they are read from the file
  private final Path file;
  private final Digest digest;

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
    this.file = null;
    this.digest = new Digest();
  }

  private VectorSample(String name, Path file, String sha256) {
    this.name = name;
    this.values = null;
    this.file = file;
    this.digest = new Digest(sha256);
  }

  /**
   * The vector in a file that was written from {@link #bytes()}; it is read anew whenever it is
   * asked for.
   *
   * @param sha256 of the file
   */
  public static VectorSample of(String name, Path file, String sha256) {
    return new VectorSample(name, file, sha256);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Modality modality() {
    return Modality.VECTOR;
  }

  /**
   * The numbers; not a copy, unless they are read from a file.
   *
   * @throws BadInputException if the file cannot be read
   */
  public float[] values() {
    if (values != null) {
      return values;
    }
    FloatBuffer read = ByteBuffer.wrap(bytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] copy = new float[read.remaining()];
    read.get(copy);
    return copy;
  }

  @Override
  public byte[] bytes() {
    if (values == null) {
      return ImageSample.read(file, ImageSample.MAX_BYTES);
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  @Override
  public String sha256() {
    return digest.of(this::bytes);
  }
}
