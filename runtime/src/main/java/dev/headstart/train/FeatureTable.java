package dev.headstart.train;

import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadNetwork;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Pooled features of all samples, a row each, outside the Java heap. Rows are added once and then
 * gathered into batches.
 */
public final class FeatureTable implements Examples {
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

  @Override
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

  @Override
  public int forms() {
    return 1;
  }

  @Override
  public int form(int row) {
    return 0;
  }

  @Override
  public List<TensorInfo> inputs(int form) {
    return List.of(new TensorInfo(HeadNetwork.FEATURES, ElementType.FLOAT, new long[] {1, width}));
  }

  @Override
  public void gather(int[] indices, int count, List<ByteBuffer> targets) {
    FloatBuffer target = targets.get(0).asFloatBuffer();
    for (int i = 0; i < count; i++) {
      int index = indices[i];
      target.put(i * width, chunks.get(index / rowsPerChunk), index % rowsPerChunk * width, width);
    }
  }
}
