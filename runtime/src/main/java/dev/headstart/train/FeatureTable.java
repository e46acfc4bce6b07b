package dev.headstart.train;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Pooled features of all samples, a row each, outside the Java heap. Rows are added once and then
 * gathered into batches.
 */
public final class FeatureTable {
  private static final int CHUNK_BYTES = 8 << 20;

  private final int width;
  private final int rowsPerChunk;
  private final List<FloatBuffer> chunks = new ArrayList<>();
  private int rows;

  /** A table of rows of {@code width} floats. */
  public FeatureTable(int width) {
    this.width = width;
    this.rowsPerChunk = Math.max(1, CHUNK_BYTES / (4 * width));
  }

  /** Floats a row. */
  public int width() {
    return width;
  }

  /** Rows so far. */
  public int rows() {
    return rows;
  }

  /**
   * Adds a row.
   *
   * @return its index
   * @throws BadInputException if it is not as wide as the table
   */
  public int add(float[] row) {
    if (row.length != width) {
      throw new BadInputException("expected " + width + " features a sample, got " + row.length);
    }
    if (rows == chunks.size() * rowsPerChunk) {
      chunks.add(Tensor.allocate(4L * rowsPerChunk * width).asFloatBuffer());
    }
    chunks.get(rows / rowsPerChunk).put(rows % rowsPerChunk * width, row);
    return rows++;
  }

  /** A copy of one row. */
  public float[] row(int index) {
    float[] row = new float[width];
    chunks.get(index / rowsPerChunk).get(index % rowsPerChunk * width, row);
    return row;
  }

  /**
   * Writes rows one after the other, from the start of {@code target}.
   *
   * @param indices of rows
   * @param from first position in {@code indices}
   * @param count how many
   */
  public void gather(int[] indices, int from, int count, FloatBuffer target) {
    for (int i = 0; i < count; i++) {
      int index = indices[from + i];
      target.put(i * width, chunks.get(index / rowsPerChunk), index % rowsPerChunk * width, width);
    }
  }
}
