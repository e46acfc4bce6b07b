package dev.headstart.ort;

import dev.headstart.onnx.Tensor;
import java.nio.ByteBuffer;

/**
 * Direct memory for what a run is fed from the heap, one a thread. A fresh direct buffer for every
 * request would be freed only by a garbage collection, which a small heap seldom sees.
 */
final class Scratch {
  /** More than a picture of 224 × 224; larger inputs get a buffer of their own. */
  private static final int MOST = 1 << 20;

  /** A cache line, so that kernels load as fast as from any other buffer. */
  private static final int ALIGNMENT = 64;

  private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

  private ByteBuffer memory = Tensor.allocate(1 << 12);

  private Scratch() {}

  /** This thread's, empty: what was copied into it before is overwritten. */
  static Scratch begin() {
    Scratch scratch = OF_THREAD.get();
    scratch.memory.clear();
    return scratch;
  }

  /** A direct copy, good until the thread begins anew. */
  ByteBuffer copy(ByteBuffer heap) {
    int bytes = heap.remaining();
    if (bytes > MOST) {
      return Tensor.allocate(bytes).put(heap).flip();
    }
    if (bytes > memory.remaining()) {
      // Copies made so far keep the old memory alive.
      memory = Tensor.allocate(Math.min(MOST, Math.max(2L * memory.capacity(), 2L * bytes)));
    }
    ByteBuffer copy = memory.slice(memory.position(), bytes).put(heap).flip();
    int end = memory.position() + bytes;
    memory.position(Math.min(memory.capacity(), (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT));
    return copy;
  }
}
