package dev.headstart.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScratchTest {
  private static final long SEED = Long.getLong("seed", 3);

  /** Copies of one run never overlap, whatever their sizes and however the memory grows. */
  @Test
  void copiesOfOneRunStand() {
    System.out.println("ScratchTest: seed " + SEED);
    Random random = new Random(SEED);
    for (int run = 0; run < 30; run++) {
      Scratch scratch = Scratch.begin();
      List<ByteBuffer> heap = new ArrayList<>();
      List<ByteBuffer> copies = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        byte[] data = new byte[random.nextInt(1 << random.nextInt(22))];
        random.nextBytes(data);
        heap.add(ByteBuffer.wrap(data));
        copies.add(scratch.copy(ByteBuffer.wrap(data)));
      }
      assertEquals(heap, copies);
      assertTrue(copies.stream().allMatch(ByteBuffer::isDirect));
    }
  }

  @Test
  void everyThreadHasItsOwn() throws Exception {
    Scratch mine = Scratch.begin();
    Scratch[] theirs = new Scratch[1];
    Thread thread = new Thread(() -> theirs[0] = Scratch.begin());
    thread.start();
    thread.join();
    assertNotSame(mine, theirs[0]);
  }
}
