package dev.headstart.train;

import dev.headstart.onnx.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What a network is trained on, a row a sample, outside the Java heap. Rows of one form have one
 * shape, so that they can be stacked to a batch.
 */
public sealed interface Examples permits FeatureTable, LiveFeatures {

  /** How many samples there are. */
  int rows();

  /** The number of forms. */
  int forms();

  /** The form of a row, from 0. */
  int form(int row);

  /**
   * What the network takes, in a fixed order.
   *
   * @return names, types and the shapes of one sample of that form, with a leading 1 for the batch
   */
  List<TensorInfo> inputs(int form);

  /**
   * Writes rows of one form one below the other.
   *
   * @param rows their indices
   * @param count how many of them, from the first
   * @param targets a buffer for every input, in order; their positions do not matter
   */
  void gather(int[] rows, int count, List<ByteBuffer> targets);
}
